"""What the encoder hears in two sounds, and how far that is apart: what the decoder learns to be understood by."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from recipes.mini import checkpoints
from recipes.mini.crops import NOISE
from recipes.mini.hubert import MOMENTS, PhoneNamer, hubert_config, margins
from recipes.mini.spelling import PHONES


class HearingLoss(nn.Module):
    """How differently a trained encoder hears two sounds: the phones it names, and every layer.

    Both get the same noise at a random level, so that what is learned is no pattern that pleases
    this one encoder. The encoder itself does not learn.
    """

    def __init__(self, listener: PhoneNamer) -> None:
        super().__init__()
        self.listener = listener.eval().requires_grad_(False)
        self.margins = margins(hubert_config())

    def forward(self, made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """Divergence of the phones (nats a moment) and one minus the layers' cosine; (batch, samples)."""
        level = 10 ** (torch.empty(len(true), 1, device=true.device).uniform_(*NOISE) / 20)
        noise = level * torch.randn_like(true)
        with torch.no_grad():
            asked, layers = self._heard(true + noise)
        named, others = self._heard(made + noise)
        apart = F.kl_div(named, asked, reduction="none", log_target=True).sum(-1).mean()
        alike = [
            F.cosine_similarity(a, b, dim=-1).mean() for a, b in zip(layers, others, strict=True)
        ]
        return apart + 1 - torch.stack(alike).mean()

    @torch.no_grad()
    def phones(self, sound: torch.Tensor) -> torch.Tensor:
        """Logarithms of the phones' chances in sound (batch, samples): (batch, frames, MOMENTS, phones)."""
        return self._heard(sound)[0]

    def _heard(self, sound: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Log shares of the phones (batch, frames, MOMENTS, phones), and each layer without its mean."""
        found = self.listener.hubert(F.pad(sound, self.margins), output_hidden_states=True)
        scores = self.listener.heads(found.last_hidden_state)
        layers = [each - each.mean((0, 1)) for each in found.hidden_states]
        return scores.unflatten(-1, (MOMENTS, len(PHONES))).log_softmax(-1), layers


def load_hearing(work: Path) -> HearingLoss | None:
    """The encoder of step 3 as a judge; None where it was not trained yet."""
    state = checkpoints.load(work / "hubert.pt")
    if state is None:
        return None
    listener = PhoneNamer()
    listener.load_state_dict(state["model"])
    return HearingLoss(listener)
