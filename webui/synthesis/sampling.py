"""How a token is picked from scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from webui.errors import JobCancelled
from webui.events import CancelToken
from webui.synthesis.controls import StageControls


@dataclass(frozen=True)
class Drawing:
    """How one stage draws for all rows of a batch, and who may stop it.

    `generators` are one per row; `cancel` is looked at before every token.
    """

    controls: StageControls
    generators: Sequence[torch.Generator]
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is always taken."""
        return self.controls.temperature == 0.0

    def go_on(self) -> None:
        """Return, unless somebody pressed Stop.

        Raises:
            JobCancelled: somebody did.
        """
        if self.cancel.cancelled:
            raise JobCancelled

    def pick(self, logits: torch.Tensor) -> torch.Tensor:
        """Pick one token per row (and position) from logits (rows, [positions,] tokens)."""
        if self.is_greedy:
            return logits.argmax(-1)
        return draw(probabilities(logits, self.controls), self.generators)


def probabilities(logits: torch.Tensor, controls: StageControls) -> torch.Tensor:
    """What each token's chance is, after temperature, top-k and top-p.

    Args:
        logits: (..., tokens) in float32.
        controls: `temperature` 0 puts all chance on the likeliest token.
    """
    if controls.temperature == 0.0:
        best = logits.argmax(-1, keepdim=True)
        return torch.zeros_like(logits).scatter_(-1, best, 1.0)
    scores = logits / controls.temperature
    if 0 < controls.top_k < scores.shape[-1]:
        least = scores.topk(controls.top_k, dim=-1).values[..., -1:]
        scores = scores.masked_fill(scores < least, float("-inf"))
    chances = scores.softmax(-1)
    if controls.top_p < 1.0:
        ordered, order = chances.sort(dim=-1, descending=True)
        # a token stays while those before it have not yet reached top_p
        is_out = ordered.cumsum(-1) - ordered >= controls.top_p
        chances = chances.masked_fill(is_out.gather(-1, order.argsort(-1)), 0.0)
        chances = chances / chances.sum(-1, keepdim=True)
    return chances


def draw(chances: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """Pick one token per row, each row by its own generator, so that a batch changes nothing.

    Args:
        chances: (rows, tokens) or (rows, positions, tokens).
        generators: one per row.

    Returns:
        int64, (rows,) or (rows, positions).
    """
    picks = []
    for row, generator in zip(chances, generators, strict=True):
        dtype = torch.float32 if row.device.type == "mps" else torch.float64  # what is exact there
        sums = row.cumsum(-1, dtype=dtype)
        heights = torch.rand(row.shape[:-1], generator=generator, dtype=torch.float64)
        wanted = heights.to(row.device, dtype).unsqueeze(-1) * sums[..., -1:]
        # the first token whose sum is beyond the height; one without chance never is
        place = torch.searchsorted(sums, wanted, right=True).squeeze(-1)
        picks.append(place.clamp_(max=row.shape[-1] - 1))
    return torch.stack(picks)


def generators_of(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator per seed. They live on the CPU, so that all devices draw alike."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]
