"""Tells made sound from true sound, so that the codec's decoder learns to sound less buzzy.

EnCodec's multi-scale discriminator of complex spectra (Défossez et al. 2022, section 3.4), with
fewer channels: one small network of convolutions for each window length.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

WINDOWS = (1_024, 512, 256)
CHANNELS = 24
SLOPE = 0.2

Judged = list[tuple[torch.Tensor, list[torch.Tensor]]]  # of each window: scores, layers' outputs


class SpectrumJudge(nn.Module):
    """Judges the complex spectrum at one window length."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        widths = [(2, CHANNELS, 1), (CHANNELS, CHANNELS, 1), (CHANNELS, CHANNELS, 2)]
        self.layers = nn.ModuleList(
            weight_norm(
                nn.Conv2d(
                    before, after, (3, 9), stride=(1, 2), dilation=(apart, 1), padding=(apart, 4)
                )
            )
            for before, after, apart in widths
        )
        self.last = weight_norm(nn.Conv2d(CHANNELS, 1, 3, padding=1))

    def forward(self, sound: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Scores (batch, 1, frames, bands) of sound (batch, samples), and each layer's output."""
        spectrum = torch.stft(
            sound, self.size, self.size // 4, window=self.window, normalized=True,
            return_complex=True,
        )  # fmt: skip
        x = torch.view_as_real(spectrum).permute(0, 3, 2, 1)  # (batch, 2, frames, bins)
        seen = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            seen.append(x)
        return self.last(x), seen


class Discriminator(nn.Module):
    """All window lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(SpectrumJudge(size) for size in WINDOWS)

    def forward(self, sound: torch.Tensor) -> Judged:
        """What each judge says of sound (batch, samples)."""
        return [judge(sound) for judge in self.judges]


def judge_loss(of_true: Judged, of_made: Judged) -> torch.Tensor:
    """What the judges learn from: hinge loss, low when they tell both apart."""
    apart = [
        F.relu(1 - true).mean() + F.relu(1 + made).mean()
        for (true, _), (made, _) in zip(of_true, of_made, strict=True)
    ]
    return torch.stack(apart).mean()


def deceiving_losses(of_true: Judged, of_made: Judged) -> tuple[torch.Tensor, torch.Tensor]:
    """What the decoder learns from: how well it is told apart, and how far the layers' outputs are."""
    told = torch.stack([F.relu(1 - made).mean() for made, _ in of_made]).mean()
    far = [
        (b - a.detach()).abs().mean() / a.detach().abs().mean()
        for (_, true), (_, made) in zip(of_true, of_made, strict=True)
        for a, b in zip(true, made, strict=True)
    ]
    return told, torch.stack(far).mean()
