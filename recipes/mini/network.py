"""The transformers as they are trained: Bark's layout and parameter names, whole sequences at once."""

import torch
from torch import nn
from torch.nn import functional as F

from recipes.mini.devices import half_where_fast


class Block(nn.Module):
    """One pre-norm block, causal or not."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.layernorm_1 = nn.LayerNorm(width, bias=not causal)
        self.layernorm_2 = nn.LayerNorm(width, bias=not causal)
        self.attn = nn.ModuleDict(
            {
                "att_proj": nn.Linear(width, 3 * width, bias=False),
                "out_proj": nn.Linear(width, width, bias=False),
            }
        )
        self.mlp = nn.ModuleDict(
            {
                "in_proj": nn.Linear(width, 4 * width, bias=False),
                "out_proj": nn.Linear(4 * width, width, bias=False),
            }
        )

    def forward(
        self, x: torch.Tensor, watch: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """`x` (batch, positions, width); with `watch` also the scores of head 0 (batch, positions, positions)."""
        batch, positions, width = x.shape
        merged = self.attn["att_proj"](self.layernorm_1(x))
        q, k, v = (
            part.view(batch, positions, self.heads, -1).transpose(1, 2)
            for part in merged.split(width, dim=2)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.attn["out_proj"](mixed.transpose(1, 2).reshape(batch, positions, width))
        x = x + self.mlp["out_proj"](F.gelu(self.mlp["in_proj"](self.layernorm_2(x))))
        if not watch:
            return x, None
        scores = q[:, 0] @ k[:, 0].transpose(1, 2) * q.shape[-1] ** -0.5
        return x, scores.float()


def _start(module: nn.Module, layers: int) -> None:
    for name, parameter in module.named_parameters():
        if parameter.dim() == 2:
            scale = 0.02 / (2 * layers) ** 0.5 if "out_proj" in name else 0.02
            nn.init.normal_(parameter, std=scale)


class CausalNetwork(nn.Module):
    """The text or the coarse stage."""

    def __init__(
        self, inputs: int, outputs: int, positions: int, width: int, layers: int, heads: int
    ) -> None:
        super().__init__()
        self.input_embeds_layer = nn.Embedding(inputs, width)
        self.position_embeds_layer = nn.Embedding(positions, width)
        self.layers = nn.ModuleList(Block(width, heads, causal=True) for _ in range(layers))
        self.layernorm_final = nn.LayerNorm(width, bias=False)
        self.lm_head = nn.Linear(width, outputs, bias=False)
        _start(self, layers)

    def forward(
        self, embedded: torch.Tensor, watched: tuple[int, ...] = ()
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """From embeddings (batch, positions, width) to the final hidden state and the watched heads' scores."""
        x = embedded + self.position_embeds_layer.weight[: embedded.shape[1]]
        seen = []
        for index, block in enumerate(self.layers):
            x, scores = block(x, watch=index in watched)
            if scores is not None:
                seen.append(scores)
        return self.layernorm_final(x), seen


class FineNetwork(nn.Module):
    """The fine stage: all positions see all; head i is tied to embedding i + 1."""

    def __init__(
        self, codes: int, codebooks: int, positions: int, width: int, layers: int, heads: int
    ) -> None:
        super().__init__()
        self.input_embeds_layers = nn.ModuleList(
            nn.Embedding(codes, width) for _ in range(codebooks)
        )
        self.position_embeds_layer = nn.Embedding(positions, width)
        self.layers = nn.ModuleList(Block(width, heads, causal=False) for _ in range(layers))
        self.layernorm_final = nn.LayerNorm(width)
        _start(self, layers)

    def forward(self, codes: torch.Tensor, book: int) -> torch.Tensor:
        """Scores (batch, positions, codes) of codebook `book` from codes (batch, positions, codebooks)."""
        return self.scores(self.hidden(codes, book), book)

    def hidden(self, codes: torch.Tensor, book: int) -> torch.Tensor:
        """What the layers make of the codebooks up to `book`: (batch, positions, width)."""
        x = sum(self.input_embeds_layers[i](codes[:, :, i]) for i in range(book + 1))
        x = x + self.position_embeds_layer.weight[: codes.shape[1]]
        for block in self.layers:
            x, _ = block(x)
        normed: torch.Tensor = self.layernorm_final(x)
        return normed

    def scores(self, hidden: torch.Tensor, book: int) -> torch.Tensor:
        """Of the codes of codebook `book`, (…, codes), from what the layers made, (…, width)."""
        return F.linear(hidden, self.input_embeds_layers[book].weight)


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal (Keller Jordan's Muon), for the matrices of the blocks."""

    def __init__(self, parameters: list[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One update."""
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if "mean" not in state:
                    state["mean"] = torch.zeros_like(parameter)
                state["mean"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(state["mean"], group["momentum"])
                parts = (
                    update.split(update.shape[1])
                    if update.shape[0] == 3 * update.shape[1]
                    else [update]
                )
                for target, part in zip(
                    parameter.split([len(p) for p in parts]), parts, strict=True
                ):
                    scale = max(1.0, part.shape[0] / part.shape[1]) ** 0.5
                    target.add_(orthogonal(part), alpha=-group["lr"] * scale)


def orthogonal(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest matrix with singular values near one, by Newton-Schulz iteration."""
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        a = x @ x.T
        b = -4.7750 * a + 2.0315 * a @ a
        x = 3.4445 * x + b @ x
    return x.T if tall else x


class Optimizers:
    """Muon for the blocks' matrices, AdamW for everything else, one schedule for both."""

    def __init__(
        self, network: nn.Module, muon_rate: float = 0.02, adam_rate: float = 2e-3
    ) -> None:
        blocks = [
            p for n, p in network.named_parameters() if p.dim() == 2 and n.startswith("layers.")
        ]
        known = {id(p) for p in blocks}
        others = [p for p in network.parameters() if id(p) not in known]
        self.muon = Muon(blocks, muon_rate)
        self.adam = torch.optim.AdamW(others, adam_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.rates = (muon_rate, adam_rate)
        self.parameters = [*blocks, *others]

    def set_rate(self, factor: float) -> None:
        """Both rates times `factor` from here on."""
        for optimizer, rate in zip((self.muon, self.adam), self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    def step(self, loss: torch.Tensor) -> None:
        """One update."""
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        with half_where_fast():
            self.muon.step()
        self.adam.step()

    def state_dict(self) -> dict:
        """For a checkpoint."""
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        """From a checkpoint."""
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])


def schedule(part: float, step: int, warmup: int = 100) -> float:
    """The learning rate's factor: warm-up, then level, then down to nearly nothing in the last 45 %."""
    return min(1.0, (step + 1) / warmup) * min(1.0, max(0.02, (1 - part) / 0.45))
