"""Spectra of sound and how far two are apart: what the codec learns from."""

import math

import torch
from torch import nn

from recipes.mini.flite import RATE


def mel_matrix(bins: int, bands: int) -> torch.Tensor:
    """Triangular mel filters: (bins, bands)."""
    top = 2_595 * math.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, top, bands + 2) / 2_595) - 1)
    hertz = torch.linspace(0, RATE / 2, bins).unsqueeze(1)
    up = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return torch.minimum(up, down).clamp(min=0)


class SpectralLoss(nn.Module):
    """How far two sounds are apart in their spectra, at five window lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.windows = {size: torch.hann_window(size) for size in (2_048, 1_024, 512, 256, 128)}
        self.mels = {
            size: mel_matrix(size // 2 + 1, 80 if size >= 1_024 else 40)
            for size in (2_048, 1_024, 512)
        }

    def forward(self, made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """Mean over windows of log-magnitude, log-mel and spectral convergence; (batch, samples)."""
        total = made.new_zeros(())
        for size, window in self.windows.items():
            a, b = (_magnitudes(sound, window) for sound in (made, true))
            total = total + _log_distance(a, b) * 0.5 + (a - b).norm() / b.norm()
            if size in self.mels:
                mel = self.mels[size]
                total = total + _log_distance(a.transpose(1, 2) @ mel, b.transpose(1, 2) @ mel)
        return total / len(self.windows)


def _magnitudes(sound: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    size = len(window)
    spectrum = torch.stft(sound, size, size // 4, window=window, return_complex=True)
    power = torch.view_as_real(spectrum).square().sum(-1)
    return (power + 1e-6).sqrt() / (size / 1_024) ** 0.5


def _log_distance(a: torch.Tensor, b: torch.Tensor, floor: float = 0.02) -> torch.Tensor:
    return ((a + floor).log() - (b + floor).log()).abs().mean()
