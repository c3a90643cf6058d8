"""Bark's transformers for inference: causal ones with a key-value cache, and the fine one without.

Pre-norm GPT-2 blocks with merged query, key and value, exact GELU and learned positions. Weights
come as a state dict with transformers' names. The residual stream is kept in float32 on the CPU.
The last block computes only the positions whose scores are wanted.
"""

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional as F

from webui.family import NetworkConfig
from webui.synthesis.dense import Dense
from webui.synthesis.scripted import BlockStep, Steps, scripted

StateDict = Mapping[str, torch.Tensor]
Slot = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""A layer's new keys and values (2, batch, heads, new positions, head width), all keys, all values
(batch, heads, positions, head width): views of the cache."""


class KeyValueCache:
    """Keys and values of all layers, in memory taken once."""

    def __init__(
        self, config: NetworkConfig, batch: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        head = config.width // config.heads
        shape = (config.layers, 2, batch, config.heads, config.positions, head)
        self.memory = torch.empty(shape, device=device, dtype=dtype)
        self.length = 0  # positions filled

    def reset(self) -> None:
        """Forget all positions; the memory stays."""
        self.length = 0

    def slots(self, new: int) -> "list[Slot]":
        """Give each layer the place for `new` positions, and all that it then sees."""
        end = self.length + new
        fresh = self.memory[..., self.length : end, :].unbind(0)
        seen = self.memory[..., :end, :].flatten(0, 1).unbind(0)
        return list(zip(fresh, seen[0::2], seen[1::2], strict=True))

    def advance(self, positions: int) -> None:
        """Count the new positions, once all layers have them."""
        self.length += positions


class _Norm:
    """A LayerNorm."""

    def __init__(self, weights: StateDict, name: str, precision: str) -> None:
        weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
        dtype = _stream_dtype(weight, precision)
        self._weight = weight.to(dtype)
        self._bias = None if bias is None else bias.to(dtype)
        self._shape = weight.shape
        self.nbytes = self._weight.nbytes + (0 if self._bias is None else self._bias.nbytes)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., width) -> the same shape."""
        return torch.layer_norm(x, self._shape, self._weight, self._bias)

    @property
    def parts(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Weight and bias."""
        return self._weight, self._bias


class _Block:
    """One block: attention and a two-layer perceptron, each behind a LayerNorm."""

    def __init__(self, weights: StateDict, prefix: str, heads: int, precision: str) -> None:
        self.heads = heads

        def dense(name: str) -> Dense:
            return Dense(
                weights[f"{prefix}{name}.weight"], weights.get(f"{prefix}{name}.bias"), precision
            )

        self.norm_1 = _Norm(weights, f"{prefix}layernorm_1", precision)
        self.norm_2 = _Norm(weights, f"{prefix}layernorm_2", precision)
        self.att_proj, self.att_out = dense("attn.att_proj"), dense("attn.out_proj")
        self.mlp_in, self.mlp_out = dense("mlp.in_proj"), dense("mlp.out_proj")
        self.dense = (self.att_proj, self.att_out, self.mlp_in, self.mlp_out)
        self.nbytes = sum(part.nbytes for part in (*self.dense, self.norm_1, self.norm_2))

    def read(
        self, x: torch.Tensor, slot: Slot | None, is_causal: bool, first: int = 0
    ) -> torch.Tensor:
        """Mix the positions and compute those from `first` on.

        Args:
            x: (batch, new positions, width).
            slot: where the positions are kept, behind those that were read before.
            is_causal: whether a position sees only those before it.
            first: positions before it are seen, but not computed; with `is_causal` it is 0.

        Returns:
            (batch, new positions - first, width).
        """
        batch, new, width = x.shape
        merged = self.att_proj(self.norm_1(x)).view(batch, new, 3, self.heads, width // self.heads)
        merged = merged.permute(2, 0, 3, 1, 4)  # (3, batch, heads, new, head width)
        if slot is None:
            query, keys, values = merged
        else:
            fresh, keys, values = slot
            fresh.copy_(merged[1:])
            query = merged[0]
        if first:
            x, query, new = x[:, first:], query[:, :, first:], new - first
        mixed = F.scaled_dot_product_attention(query, keys, values, is_causal=is_causal)
        x = x + self.att_out(mixed.transpose(1, 2).reshape(batch, new, width))
        return x + self.mlp_out(F.gelu(self.mlp_in(self.norm_2(x))))

    def as_step(self) -> BlockStep:
        """The same block for one new position at a time, which shares its weights."""
        norms = tuple(norm.parts for norm in (self.norm_1, self.norm_2))
        return BlockStep(self.heads, norms, tuple(each.product for each in self.dense))


class CausalTransformer:
    """The text or the coarse stage.

    Only the logits that a stage may emit are computed: `emitted` are the ranges of the vocabulary
    that it chooses from, one head each.
    """

    def __init__(
        self,
        config: NetworkConfig,
        weights: StateDict,
        emitted: Sequence[range],
        precision: str = "fp32",
    ) -> None:
        self.config = config
        self.tokens = _compact_table(weights["input_embeds_layer.weight"], precision)
        self.positions = _table(weights["position_embeds_layer.weight"], precision)
        self.blocks = _blocks(config, weights, precision)
        self.norm = _Norm(weights, "layernorm_final", precision)
        steps = Steps([block.as_step() for block in self.blocks])
        # On a graphics card TorchScript would compile kernels of its own in the first steps.
        self._steps = scripted(steps) if self.device.type == "cpu" else steps
        head = weights["lm_head.weight"]
        self.heads = [Dense(head[rows.start : rows.stop], None, precision) for rows in emitted]

    @property
    def device(self) -> torch.device:
        """Where the stage computes."""
        return self.tokens.device

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        tables = self.tokens.nbytes + self.positions.nbytes + self.norm.nbytes
        heads = sum(head.nbytes for head in self.heads)
        return tables + heads + sum(block.nbytes for block in self.blocks)

    def new_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for `batch` rows."""
        return KeyValueCache(self.config, batch, self.device, self.positions.dtype)

    @torch.inference_mode()
    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (batch, positions) -> (batch, positions, width), without positions."""
        return F.embedding(tokens, self.tokens).to(self.positions.dtype)

    @torch.inference_mode()
    def __call__(self, embedded: torch.Tensor, cache: KeyValueCache, head: int = 0) -> torch.Tensor:
        """Read new positions behind those in the cache; the logits after the last one.

        Several positions may only be read into an empty cache.

        Args:
            embedded: (batch, new positions, width), without positions.
            cache: of this stage and batch; gets the new positions.
            head: which of the emitted ranges to score.

        Returns:
            (batch, tokens of the range), in float32.
        """
        new = embedded.shape[1]
        if new > 1 and cache.length:
            raise ValueError("several positions can only be read into an empty cache")
        x = embedded + self.positions[cache.length : cache.length + new]
        if new == 1:
            x = self._steps(x, cache.memory, cache.length)
        else:
            slots = cache.slots(new)
            for block, slot in zip(self.blocks[:-1], slots[:-1], strict=True):
                x = block.read(x, slot, is_causal=True)
            x = self.blocks[-1].read(x, slots[-1], is_causal=False, first=new - 1)
        cache.advance(new)
        return self.heads[head](self.norm(x))[:, 0].float()


class FineTransformer:
    """The fine stage: every position sees all others; head i is the embedding of codebook i + 1."""

    def __init__(self, config: NetworkConfig, weights: StateDict, precision: str = "fp32") -> None:
        self.config = config
        self.codes = [
            _table(weights[f"input_embeds_layers.{book}.weight"], precision)
            for book in range(config.codebooks)
        ]
        self.positions = _table(weights["position_embeds_layer.weight"], precision)
        self.blocks = _blocks(config, weights, precision)
        self.norm = _Norm(weights, "layernorm_final", precision)

    @property
    def device(self) -> torch.device:
        """Where the stage computes."""
        return self.positions.device

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        tables = sum(table.nbytes for table in (*self.codes, self.positions))
        return tables + self.norm.nbytes + sum(block.nbytes for block in self.blocks)

    @torch.inference_mode()
    def __call__(
        self, codes: torch.Tensor, codebook: int, first: int, codebook_size: int
    ) -> torch.Tensor:
        """Score one codebook, given itself where it is known and all codebooks before it.

        Args:
            codes: (batch, frames, codebooks).
            codebook: which one to score.
            first: frames before this one get no scores.
            codebook_size: how many codes get a score.

        Returns:
            (batch, frames - first, codebook_size), in float32.
        """
        x = self.positions[: codes.shape[1]]
        for book in range(codebook + 1):
            x = x + F.embedding(codes[:, :, book], self.codes[book])
        for block in self.blocks[:-1]:
            x = block.read(x, None, is_causal=False)
        x = self.blocks[-1].read(x, None, is_causal=False, first=first)
        return F.linear(self.norm(x), self.codes[codebook][:codebook_size]).float()


def _blocks(config: NetworkConfig, weights: StateDict, precision: str) -> list[_Block]:
    return [
        _Block(weights, f"layers.{layer}.", config.heads, precision)
        for layer in range(config.layers)
    ]


def _table(weight: torch.Tensor, precision: str) -> torch.Tensor:
    return weight.to(_stream_dtype(weight, precision))


def _compact_table(weight: torch.Tensor, precision: str) -> torch.Tensor:
    """A table that is only looked up: in 16 bits wherever the weights are small."""
    dtype = _stream_dtype(weight, precision)
    if dtype == torch.float32 and precision != "fp32":
        dtype = torch.float16
    return weight.to(dtype)


def _stream_dtype(weight: torch.Tensor, precision: str) -> torch.dtype:
    """What is added up along the layers: float32 on the CPU, the weights' own dtype on a GPU."""
    if weight.device.type == "cpu" or precision in ("fp32", "int8"):
        return torch.float32
    return {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
