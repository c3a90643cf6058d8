"""Tells music from noise in what is heard behind a voice: tones that last, and change."""

import numpy as np

from webui.arrays import Waveform
from webui.cloning.speech_detection import FRAME_SAMPLES
from webui.cloning.voice_detector import RATE

WINDOW_SAMPLES = 1_024  # 64 ms: neighbouring notes above 150 Hz stand apart
HOP_SAMPLES = 2 * FRAME_SAMPLES  # 20 ms
LOWEST_HZ, HIGHEST_HZ = 150.0, 5_000.0  # mains hum is below, hiss above
LASTING_FRAMES = 5  # of the spectrum, 0.1 s, over which a tone stands still and noise does not
ROUND_BINS = 12  # to either side, over which noise is flat
SKIPPED_BINS = 3  # the median around a bin is that around its neighbour
# White noise, averaged as here, exceeds ten times the median around it once in a million bins.
ABOVE_AROUND = 10.0
STEADY_SHARE = 0.8  # of the time: what sounds so long is a fan or a whine, no tune
STEADY_SECONDS = 1.5  # from the first to the last background, before that can be told


def music_frames(sound: Waveform, background: np.ndarray) -> np.ndarray:
    """Tell for each 10 ms of background which share (0..1) of its power is changing tones.

    Args:
        sound: at 16 kHz.
        background: which frames of 10 ms to look at; the others get 0.
    """
    found = np.zeros(len(background))
    starts = np.arange(0, max(0, len(sound) - WINDOW_SAMPLES + 1), HOP_SAMPLES)
    middles = (starts + WINDOW_SAMPLES // 2) // FRAME_SAMPLES
    chosen = background[np.minimum(middles, len(background) - 1)] if len(background) else middles
    runs = _runs(chosen.astype(bool), LASTING_FRAMES)
    if not runs:
        return found
    spectra = [_spectrum(sound, starts[first:end]) for first, end in runs]  # (frames, bins) each
    tones = [_tones(each) for each in spectra]  # which of the bins are tones
    heard = np.concatenate(tones)
    if (runs[-1][1] - runs[0][0]) * HOP_SAMPLES / RATE >= STEADY_SECONDS:
        steady = heard.mean(axis=0) > STEADY_SHARE
        tones = [each & ~steady for each in tones]
    for (first, end), spectrum, tone in zip(runs, spectra, tones, strict=True):
        total = np.maximum(spectrum.sum(axis=1), 1e-20)
        share = (spectrum * tone).sum(axis=1) / total  # (frames,)
        at = middles[first:end]
        found[at] = share
        found[np.minimum(at + 1, len(found) - 1)] = share
    return np.asarray(found * background)


def _spectrum(sound: Waveform, starts: np.ndarray) -> np.ndarray:
    """The power spectrum of the frames, averaged over `LASTING_FRAMES`: (frames, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW_SAMPLES)[starts]
    waves = np.fft.rfft(frames * np.hanning(WINDOW_SAMPLES).astype(np.float32), axis=1)
    hertz = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / RATE)
    powers = np.square(np.abs(waves[:, (hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ)]))
    return _means(powers, LASTING_FRAMES, axis=0)


def _tones(spectrum: np.ndarray) -> np.ndarray:
    """Mark the bins that stand out from those around them: (frames, bins)."""
    padded = np.pad(spectrum, ((0, 0), (ROUND_BINS, ROUND_BINS)), mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * ROUND_BINS + 1, axis=1)
    level = np.median(around[:, ::SKIPPED_BINS], axis=2)
    level = np.repeat(level, SKIPPED_BINS, axis=1)[:, : spectrum.shape[1]]
    return np.asarray(spectrum > ABOVE_AROUND * level)


def _means(values: np.ndarray, length: int, axis: int) -> np.ndarray:
    """The running mean along an axis, as long as what is given."""
    half = length // 2
    padded = np.pad(values, ((half, length - 1 - half), (0, 0)), mode="edge")
    seen = np.lib.stride_tricks.sliding_window_view(padded, length, axis=axis)
    return np.asarray(seen.mean(axis=-1))


def _runs(marked: np.ndarray, least: int) -> list[tuple[int, int]]:
    """Where at least `least` marks follow each other, as first and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return [(first, end) for first, end in edges.reshape(-1, 2).tolist() if end - first >= least]
