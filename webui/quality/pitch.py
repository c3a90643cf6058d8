"""Waveform -> pitch: how fast the voice swings, two hundred times a second.

P. Boersma's method ("Accurate short-term analysis of the fundamental frequency", 1993; the one in
Praat): the autocorrelation of a windowed frame divided by the window's own, a few candidates a
frame, and the path through them that jumps least. The costs are his.
"""

import numpy as np

from webui.arrays import Waveform
from webui.audio import resample

RATE = 12_000  # Hz, at which pitch is looked for
STEP_SECONDS = 0.005
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
WINDOW_SECONDS = 3 / LOWEST_HZ  # three periods of the lowest pitch
FFT = 810  # at least the window and the longest period together
LAGS_PER_SAMPLE = 3  # the autocorrelation is looked at between the samples too
CANDIDATES = 5  # a frame, beside "unvoiced"
BLOCK_FRAMES = 2_000  # are looked at together, which bounds the memory

VOICING_THRESHOLD = 0.45
SILENCE_THRESHOLD = 0.03  # of the loudest sample
OCTAVE_COST = 0.01
OCTAVE_JUMP_COST = 0.35 * 0.01 / STEP_SECONDS  # his are for steps of 0.01 s
VOICING_CHANGE_COST = 0.14 * 0.01 / STEP_SECONDS


def pitch_track(waveform: Waveform, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Follow the pitch of a voice.

    Args:
        waveform: mono sound of any length and level.
        rate: its samples per second.

    Returns:
        Times in seconds from the start, `STEP_SECONDS` apart and at least one, and the pitch in Hz
        at each of them, between `LOWEST_HZ` and `HIGHEST_HZ`; nan where the voice does not swing.
    """
    count = max(1, int(len(waveform) / rate / STEP_SECONDS))
    times = np.arange(count) * STEP_SECONDS
    sound = resample(waveform, rate, RATE) if len(waveform) else np.zeros(1, np.float32)
    step, window = round(STEP_SECONDS * RATE), round(WINDOW_SECONDS * RATE)
    padded = np.pad(sound - sound.mean(), (window // 2, window + step))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::step][:count]
    loudest = float(np.abs(sound - sound.mean()).max())
    blocks = [
        _candidates(frames[start : start + BLOCK_FRAMES], loudest)
        for start in range(0, count, BLOCK_FRAMES)
    ]
    pitches = np.concatenate([hz for hz, _ in blocks])
    strengths = np.concatenate([strength for _, strength in blocks])
    path = _smoothest_path(pitches, strengths)
    return times, pitches[np.arange(count), path]


def _candidates(frames: np.ndarray, loudest: float) -> tuple[np.ndarray, np.ndarray]:
    """Pitches that a frame may have and how strongly: (frames, 1 + CANDIDATES); nan is unvoiced."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    correlation = _normalised_autocorrelation(centred)  # (frames, lags)
    left, here, right = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    is_peak = (here > left) & (here >= right) & (here > VOICING_THRESHOLD / 2)
    first = _lags()[0] + 1
    octaves = np.log2(LAGS_PER_SAMPLE * RATE / LOWEST_HZ / np.arange(first, first + here.shape[1]))
    strength = np.where(is_peak, here + OCTAVE_COST * octaves.astype(np.float32), -np.inf)
    best = np.argpartition(-strength, CANDIDATES, axis=1)[:, :CANDIDATES]
    left, here, right, is_peak, strength = (
        np.take_along_axis(each, best, axis=1) for each in (left, here, right, is_peak, strength)
    )
    bend = np.where(is_peak, np.maximum(2 * here - left - right, 1e-9), 1.0)
    shift = ((right - left) / (2 * bend)).clip(-0.5, 0.5)  # of the parabola's top, in lags
    hz = LAGS_PER_SAMPLE * RATE / (best + first + shift)
    usable = is_peak & (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    strength = np.where(usable, strength + (right - left) * shift / 4, -np.inf)
    peak = np.abs(centred).max(axis=1) / max(loudest, 1e-9)
    quiet = np.maximum(0, 2 - peak * (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD)
    unvoiced = (VOICING_THRESHOLD + quiet)[:, None]
    nothing = np.full_like(unvoiced, np.nan)
    pitches = np.concatenate([nothing, np.where(usable, hz, np.nan)], axis=1)
    return pitches.astype(np.float64), np.concatenate([unvoiced, strength], axis=1)


def _lags() -> tuple[int, int]:
    """The periods of all pitches, as lags, and one lag more at each end."""
    shortest = int(LAGS_PER_SAMPLE * RATE / HIGHEST_HZ)
    longest = int(np.ceil(LAGS_PER_SAMPLE * RATE / LOWEST_HZ))
    return shortest - 1, longest + 1


def _normalised_autocorrelation(frames: np.ndarray) -> np.ndarray:
    """How alike each frame is to itself some lags later: 1 for what swings evenly."""
    first, last = _lags()
    window = np.hanning(frames.shape[1]).astype(np.float32)
    own, of_window = _autocorrelation(frames * window), _autocorrelation(window[None])
    energy = np.maximum(own[:, :1] / of_window[:, :1], 1e-12)
    return np.asarray(own[:, first : last + 1] / energy / of_window[:, first : last + 1])


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(frames, FFT)) ** 2
    correlation: np.ndarray = np.fft.irfft(power, LAGS_PER_SAMPLE * FFT)
    return correlation


def _smoothest_path(pitches: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """The column of each frame on the path of greatest strength and least jumping (Viterbi)."""
    frames, columns = pitches.shape
    voiced = np.isfinite(pitches)
    octaves = np.where(voiced, np.log2(np.where(voiced, pitches, 1.0)), 0.0)
    jump = OCTAVE_JUMP_COST * np.abs(octaves[1:, None, :] - octaves[:-1, :, None])
    both = voiced[1:, None, :] & voiced[:-1, :, None]
    change = VOICING_CHANGE_COST * (voiced[1:, None, :] != voiced[:-1, :, None])
    costs = np.where(both, jump, change)  # (frames - 1, before, after)
    total = strengths[0]
    came_from = np.zeros((frames, columns), np.int64)
    for frame in range(1, frames):
        ways = total[:, None] - costs[frame - 1]
        came_from[frame] = ways.argmax(axis=0)
        total = ways.max(axis=0) + strengths[frame]
    path = np.zeros(frames, np.int64)
    path[-1] = total.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
