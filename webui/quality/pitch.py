"""The pitch of speech over time: YIN's candidates, and the smoothest path through them."""

import numpy as np
from jaxtyping import Bool, Float

from webui.arrays import Waveform
from webui.audio import resample

LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
STEP_SECONDS = 0.005
_RATE = 12_000  # Hz; enough for the highest pitch, since its period is found between samples
_WINDOW = 300  # samples that are compared with those one period later: 25 ms
_LONGEST = int(_RATE / LOWEST_HZ) + 1  # samples
_SHORTEST = int(_RATE / HIGHEST_HZ)
_FFT = 512  # at least _WINDOW + _LONGEST
_CANDIDATES = 5
_VOICELESS = 0.32  # what a voiceless moment costs; YIN's dip is below it where there is a period
_CHANGE = 0.15  # what it costs to begin or end a voiced stretch
_LEAP = 2.0  # per octave between two moments
_LONG_PERIOD = 0.06  # per octave of period: of two equal dips the shorter period is meant
_QUIET = 10 ** (-45 / 20)  # against the loudest moment: nothing is voiced below


def pitch_track(
    waveform: Waveform, rate: int
) -> tuple[Float[np.ndarray, "moments"], Float[np.ndarray, "moments"]]:
    """Follow the pitch of one voice.

    De Cheveigné and Kawahara's YIN (2002) gives each moment a few possible periods with the share
    of energy that each leaves unexplained; dynamic programming chooses among them, and voiceless.

    Args:
        waveform: the sound, of any length.
        rate: samples per second.

    Returns:
        The moments in seconds, one each `STEP_SECONDS`, and their pitch in Hz: NaN where voiceless.
    """
    sound = resample(waveform, rate, _RATE).astype(np.float64)
    moments = np.arange(max(1, int(len(waveform) / rate / STEP_SECONDS))) * STEP_SECONDS
    frames, is_loud = _frames(sound, moments)
    periods, costs = _candidates(_differences(frames))
    costs[~is_loud] = np.inf
    chosen = _smoothest(periods, costs)
    hz = np.full(len(moments), np.nan)
    voiced = np.flatnonzero(chosen >= 0)
    hz[voiced] = _RATE / periods[voiced, chosen[voiced]]
    return moments, hz


def _frames(
    sound: Float[np.ndarray, "samples"], moments: Float[np.ndarray, "moments"]
) -> tuple[Float[np.ndarray, "moments width"], Bool[np.ndarray, "moments"]]:
    """The sound around each moment, and whether it is loud enough to be looked at."""
    width = _WINDOW + _LONGEST
    padded = np.pad(sound - sound.mean() if sound.size else sound, (width // 2, width))
    starts = np.round(moments * _RATE).astype(np.int64)
    views = np.lib.stride_tricks.sliding_window_view(padded, width)
    frames = views[np.minimum(starts, len(views) - 1)]
    loudness = np.sqrt(np.mean(frames**2, axis=1))
    return frames, loudness > max(_QUIET * float(loudness.max()), 1e-6)


def _differences(
    frames: Float[np.ndarray, "moments width"],
) -> Float[np.ndarray, "moments lags"]:
    """YIN's normalised difference for the lags 0.._LONGEST: 0 is a perfect repetition."""
    spectra = np.fft.rfft(frames, _FFT)
    firsts = np.fft.rfft(frames[:, :_WINDOW], _FFT)
    products = np.fft.irfft(spectra * firsts.conj(), _FFT)[:, : _LONGEST + 1]
    sums = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energies = sums[:, _WINDOW:] - sums[:, : _LONGEST + 1]  # of the window, moved by each lag
    unlike = np.maximum(energies[:, :1] + energies - 2 * products, 0.0)
    means = np.cumsum(unlike[:, 1:], axis=1) / np.arange(1, _LONGEST + 1)
    normal = np.ones_like(unlike)
    np.divide(unlike[:, 1:], means, out=normal[:, 1:], where=means > 1e-12)
    return normal


def _candidates(
    unlike: Float[np.ndarray, "moments lags"],
) -> tuple[Float[np.ndarray, "moments candidates"], Float[np.ndarray, "moments candidates"]]:
    """The deepest dips of each moment: their periods in samples and what they cost."""
    middle = unlike[:, 1:-1]
    left, right = unlike[:, :-2], unlike[:, 2:]
    is_dip = (middle <= left) & (middle < right)
    is_dip[:, : _SHORTEST - 2] = False
    lags = np.arange(1, unlike.shape[1] - 1)
    length = _LONG_PERIOD * np.log2(lags / _SHORTEST)
    costs = np.where(is_dip, middle + length, np.inf)
    best = np.argpartition(costs, _CANDIDATES, axis=1)[:, :_CANDIDATES]
    rows = np.arange(len(unlike))[:, None]
    low, mid, high = left[rows, best], middle[rows, best], right[rows, best]
    bend = low - 2 * mid + high
    shift = np.clip(0.5 * (low - high) / np.maximum(bend, 1e-12), -0.5, 0.5)
    return lags[best] + shift, costs[rows, best] - 0.25 * (low - high) * shift


def _smoothest(
    periods: Float[np.ndarray, "moments candidates"], costs: Float[np.ndarray, "moments candidates"]
) -> np.ndarray:
    """The cheapest path: the candidate of each moment, -1 where it is voiceless."""
    count = len(periods)
    octaves = np.log2(periods)
    states = _CANDIDATES + 1  # the last one is voiceless
    total = np.append(costs[0], _VOICELESS)
    came_from = np.zeros((count, states), np.int64)
    step = np.full((states, states), _CHANGE)
    step[-1, -1] = 0.0
    for moment in range(1, count):
        step[:-1, :-1] = _LEAP * np.abs(octaves[moment - 1][:, None] - octaves[moment][None, :])
        through = total[:, None] + step
        came_from[moment] = through.argmin(axis=0)
        total = through[came_from[moment], np.arange(states)]
        total[:-1] += costs[moment]
        total[-1] += _VOICELESS
    path = np.empty(count, np.int64)
    path[-1] = int(total.argmin())
    for moment in range(count - 1, 0, -1):
        path[moment - 1] = came_from[moment, path[moment]]
    return np.where(path == _CANDIDATES, -1, path)
