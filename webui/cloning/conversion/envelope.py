"""The smooth spectral envelope of speech over time: what the mouth does, without the pitch.

The analysis is Morise's CheapTrick (2015): a window of three periods, a spectrum smoothed over two
thirds of the pitch, and a cepstrum from which the pitch's own ripple is taken out.
"""

from dataclasses import dataclass

import numpy as np

VOICELESS_HZ = 200.0  # what voiceless moments are looked at with: windows of 15 ms
LOWEST_HZ = 60.0
_DETAIL_SECONDS = 0.006  # the longest quefrency that is kept: ripples of 167 Hz
_FLOOR = 1e-10  # of power, relative to the loudest
_COMPENSATION = -0.15  # CheapTrick's q1


@dataclass(frozen=True, eq=False)
class Envelopes:
    """Envelopes at some moments, as cepstra: (moments, quefrencies) in float32."""

    cepstra: np.ndarray
    rate: int
    is_voiced: np.ndarray  # (moments,)
    level_db: np.ndarray  # (moments,), against the loudest moment

    def log_power(self, hz: np.ndarray) -> np.ndarray:
        """Natural logarithm of the power at some frequencies: (moments, frequencies)."""
        turns = np.arange(self.cepstra.shape[1])[:, None] * (2 * np.pi / self.rate) * hz[None, :]
        waves = 2 * np.cos(turns).astype(np.float32)
        waves[0] = 1.0
        found: np.ndarray = self.cepstra @ waves
        return found


def spectrum_length(rate: int) -> int:
    """Samples of a spectrum that holds three periods of the lowest pitch."""
    return 1 << int(np.ceil(np.log2(3 * rate / LOWEST_HZ)))


def envelopes(sound: np.ndarray, rate: int, seconds: np.ndarray, hz: np.ndarray) -> Envelopes:
    """Find the envelope at some moments.

    Args:
        sound: mono, float32.
        rate: samples per second.
        seconds: the moments.
        hz: the pitch there, NaN where voiceless.
    """
    length = spectrum_length(rate)
    is_voiced = np.isfinite(hz)
    pitch = np.where(is_voiced, hz, VOICELESS_HZ)[:, None].astype(np.float32)
    pitch = np.maximum(pitch, np.float32(LOWEST_HZ))
    power = _power(sound, rate, seconds, pitch)
    mean = power.mean(axis=1)
    loudest = max(float(power.max()), 1e-20)
    smooth = np.maximum(_smoothed(power, pitch * (2 / 3) * length / rate), _FLOOR * loudest)
    kept = int(_DETAIL_SECONDS * rate)
    cepstra = np.fft.irfft(np.log(smooth), length)[:, :kept]
    periods = np.arange(kept, dtype=np.float32) / rate * pitch
    ripple = 1 - 2 * _COMPENSATION + 2 * _COMPENSATION * np.cos(2 * np.pi * periods)
    cepstra = (cepstra * np.sinc(periods) * ripple).astype(np.float32)
    level = 10 * np.log10(np.maximum(mean / max(float(mean.max()), 1e-20), 1e-12))
    return Envelopes(cepstra, rate, is_voiced, level)


def _power(sound: np.ndarray, rate: int, seconds: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """The power spectrum through a Hann window of three periods, (moments, bins)."""
    length = spectrum_length(rate)
    half = length // 2
    padded = np.pad(sound, (half, length))
    starts = np.minimum(np.round(seconds * rate).astype(np.int64), len(sound))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[starts]
    periods = (np.arange(length, dtype=np.float32) - half) / rate * pitch  # from the middle
    window = 0.5 + 0.5 * np.cos(np.pi / 1.5 * np.clip(periods, -1.5, 1.5))
    window /= np.sqrt(np.sum(window**2, axis=1, keepdims=True))
    spectra = np.fft.rfft(frames * window)
    found: np.ndarray = spectra.real**2 + spectra.imag**2
    return found


def _smoothed(power: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The mean over `width` bins around each bin, mirrored at both ends."""
    most = int(np.ceil(width.max())) + 2
    padded = np.pad(power, ((0, 0), (most + 1, most)), mode="reflect").astype(np.float64)
    sums = np.cumsum(padded, axis=1)  # up to the upper edge of each bin
    middles = np.arange(power.shape[1]) + most + 0.5
    high = _between(sums, middles + width / 2)
    means: np.ndarray = (high - _between(sums, middles - width / 2)) / width
    return means


def _between(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Each row at fractional places."""
    whole = places.astype(np.int64)
    flat = whole + np.arange(len(rows))[:, None] * rows.shape[1]
    left, right = rows.ravel()[flat], rows.ravel()[flat + 1]
    found: np.ndarray = left + (places - whole) * (right - left)
    return found
