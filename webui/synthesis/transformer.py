"""Bark's transformers for inference: causal ones with a key-value cache, and the fine one without.

Pre-norm GPT-2 blocks with merged query, key and value, exact GELU and learned positions. Weights
come as a state dict with transformers' names. The residual stream is kept in float32 on the CPU.
The last block computes only the positions whose scores are wanted.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from webui.family import NetworkConfig
from webui.synthesis.dense import Dense

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
        self._memory = torch.empty(shape, device=device, dtype=dtype)
        self.length = 0  # positions filled

    def reset(self) -> None:
        """Forget all positions; the memory stays."""
        self.length = 0

    def slots(self, new: int) -> "list[Slot]":
        """Give each layer the place for `new` positions, and all that it then sees."""
        end = self.length + new
        fresh = self._memory[..., self.length : end, :].unbind(0)
        seen = self._memory[..., :end, :].flatten(0, 1).unbind(0)
        return list(zip(fresh, seen[0::2], seen[1::2], strict=True))

    def advance(self, positions: int) -> None:
        """Count the new positions, once all layers have them."""
        self.length += positions


class _Block(nn.Module):
    """One block: attention and a two-layer perceptron, each behind a LayerNorm."""

    def __init__(self, weights: StateDict, prefix: str, heads: int, precision: str) -> None:
        super().__init__()
        self.heads = heads

        def dense(name: str) -> Dense:
            return Dense(
                weights[f"{prefix}{name}.weight"], weights.get(f"{prefix}{name}.bias"), precision
            )

        self.norm_1 = _norm(weights, f"{prefix}layernorm_1", precision)
        self.norm_2 = _norm(weights, f"{prefix}layernorm_2", precision)
        self.att_proj, self.att_out = dense("attn.att_proj"), dense("attn.out_proj")
        self.mlp_in, self.mlp_out = dense("mlp.in_proj"), dense("mlp.out_proj")

    def forward(
        self,
        x: torch.Tensor,
        slot: Slot | None,
        is_causal: bool,
        first: int = 0,
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
        deeper: torch.Tensor = self.mlp_out(F.gelu(self.mlp_in(self.norm_2(x))))
        return x + deeper


class CausalTransformer(nn.Module):
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
        super().__init__()
        self.config = config
        self.tokens = _compact_table(weights["input_embeds_layer.weight"], precision)
        self.positions = _table(weights["position_embeds_layer.weight"], precision)
        self.blocks = nn.ModuleList(
            _Block(weights, f"layers.{layer}.", config.heads, precision)
            for layer in range(config.layers)
        )
        self.norm = _norm(weights, "layernorm_final", precision)
        head = weights["lm_head.weight"]
        self.heads = nn.ModuleList(
            Dense(head[rows.start : rows.stop], None, precision) for rows in emitted
        )

    @property
    def device(self) -> torch.device:
        """Where the stage computes."""
        return self.tokens.weight.device

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        return _nbytes(self)

    def new_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for `batch` rows."""
        return KeyValueCache(self.config, batch, self.device, self.positions.weight.dtype)

    @torch.inference_mode()
    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (batch, positions) -> (batch, positions, width), without positions."""
        embedded: torch.Tensor = self.tokens(tokens).to(self.positions.weight.dtype)
        return embedded

    @torch.inference_mode()
    def forward(self, embedded: torch.Tensor, cache: KeyValueCache, head: int = 0) -> torch.Tensor:
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
        x = embedded + self.positions.weight[cache.length : cache.length + new]
        last = self.config.layers - 1
        for layer, (block, slot) in enumerate(zip(self.blocks, cache.slots(new), strict=True)):
            is_last = layer == last
            x = block(x, slot, new > 1 and not is_last, first=new - 1 if is_last else 0)
        cache.advance(new)
        logits: torch.Tensor = self.heads[head](self.norm(x[:, -1]))
        return logits.float()


class FineTransformer(nn.Module):
    """The fine stage: every position sees all others; head i is the embedding of codebook i + 1."""

    def __init__(self, config: NetworkConfig, weights: StateDict, precision: str = "fp32") -> None:
        super().__init__()
        self.config = config
        self.codes: list[nn.Embedding] = [
            _table(weights[f"input_embeds_layers.{book}.weight"], precision)
            for book in range(config.codebooks)
        ]
        self.tables = nn.ModuleList(self.codes)
        self.positions = _table(weights["position_embeds_layer.weight"], precision)
        self.blocks = nn.ModuleList(
            _Block(weights, f"layers.{layer}.", config.heads, precision)
            for layer in range(config.layers)
        )
        self.norm = _norm(weights, "layernorm_final", precision)

    @property
    def device(self) -> torch.device:
        """Where the stage computes."""
        return self.positions.weight.device

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        return _nbytes(self)

    @torch.inference_mode()
    def forward(
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
        x = self.positions.weight[: codes.shape[1]]
        for book in range(codebook + 1):
            x = x + self.codes[book](codes[:, :, book])
        last = self.config.layers - 1
        for layer, block in enumerate(self.blocks):
            x = block(x, None, is_causal=False, first=first if layer == last else 0)
        table = self.codes[codebook].weight[:codebook_size]
        return F.linear(self.norm(x), table).float()


def _table(weight: torch.Tensor, precision: str) -> nn.Embedding:
    weight = weight.to(_stream_dtype(weight, precision))
    tokens, width = weight.shape
    return nn.Embedding(tokens, width, _weight=weight, _freeze=True)


def _compact_table(weight: torch.Tensor, precision: str) -> nn.Embedding:
    """A table that is only looked up: in 16 bits wherever the weights are small."""
    dtype = _stream_dtype(weight, precision)
    if dtype == torch.float32 and precision != "fp32":
        dtype = torch.float16
    tokens, width = weight.shape
    return nn.Embedding(tokens, width, _weight=weight.to(dtype), _freeze=True)


def _norm(weights: StateDict, name: str, precision: str) -> nn.LayerNorm:
    weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
    norm = nn.LayerNorm(len(weight), bias=bias is not None, device="meta")
    dtype = _stream_dtype(weight, precision)
    norm.weight = nn.Parameter(weight.to(dtype), requires_grad=False)
    if bias is not None:
        norm.bias = nn.Parameter(bias.to(dtype), requires_grad=False)
    return norm


def _stream_dtype(weight: torch.Tensor, precision: str) -> torch.dtype:
    """What is added up along the layers: float32 on the CPU, the weights' own dtype on a GPU."""
    if weight.device.type == "cpu" or precision in ("fp32", "int8"):
        return torch.float32
    return {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def _nbytes(module: nn.Module) -> int:
    dense = [part for part in module.modules() if isinstance(part, Dense)]
    owned = {id(tensor) for part in dense for tensor in part.buffers()}
    others = [*module.parameters(), *module.buffers()]
    return sum(part.nbytes for part in dense) + sum(
        tensor.nbytes for tensor in others if id(tensor) not in owned
    )
