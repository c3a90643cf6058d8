"""Spectra of sound and how far two are apart: what the codec learns from."""

import math

import torch
from torch import nn
from torch.nn import functional as F

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

    CONVERGENCE = {2_048: 2.0, 1_024: 3.0, 512: 2.0, 256: 1.0, 128: 1.0}  # long windows tell pitch

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
            converged = (a - b).norm() / b.norm()
            total = total + _log_distance(a, b) * 0.5 + self.CONVERGENCE[size] * converged
            if size in self.mels:
                mel = self.mels[size]
                total = total + _log_distance(a.transpose(1, 2) @ mel, b.transpose(1, 2) @ mel)
        return total / len(self.windows)


class EnvelopeLoss(nn.Module):
    """How far two sounds are apart in the envelopes by which speech is understood.

    What STOI measures (Taal et al. 2011, "An algorithm for intelligibility prediction of
    time-frequency weighted noisy speech"): the correlation of both sounds in fifteen bands of a
    third of an octave over 384 ms; but at 16 kHz, and with the pauses.
    """

    BANDS, LOWEST, SEGMENT = 15, 150.0, 30  # bands, Hz in the middle of the first, frames
    WINDOW, HOP = 410, 205  # samples: 25.6 and 12.8 ms
    BINS = 512
    CLIP = 10 ** (15 / 20)  # a band may be so many times too loud before it is cut, and 1 more

    def __init__(self) -> None:
        super().__init__()
        hertz = torch.linspace(0, RATE / 2, self.BINS // 2 + 1).unsqueeze(1)
        middle = self.LOWEST * 2 ** (torch.arange(self.BANDS) / 3)
        low, high = middle * 2 ** (-1 / 6), middle * 2 ** (1 / 6)
        self.register_buffer("bands", ((hertz >= low) & (hertz < high)).float(), persistent=False)
        window = F.pad(torch.hann_window(self.WINDOW), (51, 51))
        self.register_buffer("window", window, persistent=False)

    def forward(self, made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """One minus the mean correlation; (batch, samples). Segments without sound do not count."""
        x, y = self._segments(true), self._segments(made)
        size = x.norm(dim=-1, keepdim=True)
        y = y * (size / (y.norm(dim=-1, keepdim=True) + 1e-6))
        y = torch.minimum(y, x * (1 + self.CLIP))
        x, y = (each - each.mean(-1, keepdim=True) for each in (x, y))
        alike = (x * y).sum(-1) / (x.norm(dim=-1) * y.norm(dim=-1) + 1e-6)
        loud = (size[..., 0] > 0.02 * size.amax(dim=(1, 2, 3), keepdim=True)[..., 0]).float()
        return 1 - (alike * loud).sum() / loud.sum().clamp(min=1)

    def _segments(self, sound: torch.Tensor) -> torch.Tensor:
        """Envelopes (batch, bands, segments, frames of a segment)."""
        spectrum = torch.stft(
            sound, self.BINS, self.HOP, window=self.window, center=False, return_complex=True
        )
        power = torch.view_as_real(spectrum).square().sum(-1)
        envelopes = (power.transpose(1, 2) @ self.bands + 1e-8).sqrt()
        return envelopes.transpose(1, 2).unfold(2, self.SEGMENT, 3)


class CepstralLoss(nn.Module):
    """How far two sounds are apart in what a recogniser reads: mel cepstra, and how they move.

    The distance of each frame is that of mel-cepstral distortion (Kubichek 1993, "Mel-cepstral distance
    measure for objective speech quality assessment"), in nepers and with the level. Pauses count
    like speech: a hiss that is hardly heard misleads a recogniser.
    """

    WINDOW, HOP, BANDS, COEFFICIENTS = 512, 160, 40, 20  # 32 and 10 ms
    FLOOR = 1e-3  # of a band's power: white noise 60 dB below full scale
    STEP = 2  # frames over which movement is measured

    def __init__(self) -> None:
        super().__init__()
        mel = mel_matrix(self.WINDOW // 2 + 1, self.BANDS)
        place = (torch.arange(self.BANDS) + 0.5).unsqueeze(1) * torch.arange(self.COEFFICIENTS)
        cosines = (torch.pi / self.BANDS * place).cos() * (2 / self.BANDS) ** 0.5
        cosines[:, 0] *= 0.5**0.5
        self.register_buffer("mel", mel, persistent=False)
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("window", torch.hann_window(self.WINDOW), persistent=False)

    def forward(self, made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """Mean distance of the frames' cepstra, and of their movements; (batch, samples)."""
        apart = self.cepstra(made) - self.cepstra(true)
        moved = apart[:, self.STEP :] - apart[:, : -self.STEP]
        return sum(
            ((each.square().sum(-1) + 1e-4).sqrt().mean() for each in (apart, moved)),
            start=made.new_zeros(()),
        )

    def cepstra(self, sound: torch.Tensor) -> torch.Tensor:
        """(batch, samples) -> (batch, frames, COEFFICIENTS)."""
        spectrum = torch.stft(sound, self.WINDOW, self.HOP, window=self.window, return_complex=True)
        power = torch.view_as_real(spectrum).square().sum(-1)
        found: torch.Tensor = (power.transpose(1, 2) @ self.mel + self.FLOOR).log() @ self.cosines
        return found


def _magnitudes(sound: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    size = len(window)
    spectrum = torch.stft(sound, size, size // 4, window=window, return_complex=True)
    power = torch.view_as_real(spectrum).square().sum(-1)
    return (power + 1e-6).sqrt() / (size / 1_024) ** 0.5


def _log_distance(a: torch.Tensor, b: torch.Tensor, floor: float = 0.02) -> torch.Tensor:
    return ((a + floor).log() - (b + floor).log()).abs().mean()
