"""Takes steady noise out of a recording: a Wiener filter whose noise is heard in the pauses.

What is said must not be harmed more than the noise harms it: a clean recording, whose pauses are
nearly silent, comes back with an error 30 dB and more below the speech.
"""

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.cloning.listening import Heard, listen
from webui.cloning.speech_detection import FRAME_SECONDS

WINDOW_SECONDS = 0.032  # of the spectrum: two pitch periods of a low voice, no more
SEGMENT_SECONDS = 20.0  # filtered at once, each with the noise of its own pauses
LEAD_SECONDS = 0.5  # before a segment, in which the filter finds its state
LEAST_PAUSE_SECONDS = 0.4  # that make the noise of a segment; else all pauses do
# Ephraim and Malah's decision-directed estimate: how much of the last frame's speech is believed.
# Their 0.98 sounds smoothest and swallows onsets; 0.92 keeps them.
BELIEVED = 0.92
LOWEST_GAIN = 0.126  # -18 dB: a quiet rest of noise hides what tones the filter leaves in it
LOWEST_SNR = 10 ** (-2.5)
CLEAN_DB = 50.0  # pauses so far below the speech are left as they are
MOST_NOISE_WINDOWS = 2_000  # make an estimate; more say nothing new
MEDIAN_OF_POWER = float(np.log(2))  # of a noise's power in one bin, over its mean


def denoise(waveform: Waveform, rate: int) -> OtherWaveform:
    """Take the noise that is heard in the pauses out of the whole recording.

    Without pauses, or where these are silent, the recording stays as it is. Music stays too.

    Raises:
        CheckpointError: the speech detector's weights are missing.
    """
    sound = waveform.astype(np.float32)
    heard = listen(waveform, rate)
    if not heard.background.any() or (heard.spans and heard.noise_db >= CLEAN_DB):
        return sound
    window = 2 * max(1, round(WINDOW_SECONDS * rate / 2))
    hop = window // 2
    starts = _in_pauses(heard, np.arange(0, len(sound) - window + 1, hop), window, rate)
    whole = _noise(sound, starts, window)
    step = max(1, round(SEGMENT_SECONDS * rate / hop)) * hop
    lead = round(LEAD_SECONDS * rate / hop) * hop
    cleaned = np.empty_like(sound)
    for start in range(0, len(sound), step):
        first, end = max(0, start - lead), min(len(sound), start + step)
        last = min(len(sound), end + window)
        near = starts[(starts >= start) & (starts < end)]
        enough = len(near) * hop >= LEAST_PAUSE_SECONDS * rate
        piece = _filtered(sound[first:last], _noise(sound, near, window) if enough else whole)
        cleaned[start:end] = piece[start - first : end - first]
    return cleaned


def _in_pauses(heard: Heard, starts: np.ndarray, window: int, rate: int) -> np.ndarray:
    """Those of the windows whose first, middle and last moment are background."""
    if not starts.size:
        return starts
    quiet = np.ones(len(starts), bool)
    for part in (0.0, 0.5, 1.0):
        at = ((starts + part * (window - 1)) / rate / FRAME_SECONDS).astype(np.int64)
        quiet &= heard.background[np.minimum(at, len(heard.background) - 1)]
    return starts[quiet]


def _noise(sound: Waveform, starts: np.ndarray, window: int) -> np.ndarray:
    """The power of the noise in each bin, heard in windows that lie in pauses: (bins,).

    The median leaves out a breath and a closing door.
    """
    if not starts.size:
        return np.zeros(window // 2 + 1)
    starts = starts[:: -(-len(starts) // MOST_NOISE_WINDOWS)]
    views = np.lib.stride_tricks.sliding_window_view(sound, window)[starts]
    powers = np.square(np.abs(np.fft.rfft(views * _shape(window), axis=1)))  # (frames, bins)
    middle = np.median(powers, axis=0) / MEDIAN_OF_POWER
    wide = np.pad(middle, 2, mode="edge")  # neighbouring bins steady the estimate
    return np.asarray(np.convolve(wide, np.ones(5) / 5, mode="valid"))


def _filtered(sound: Waveform, noise: np.ndarray) -> np.ndarray:
    """A stretch of sound without its noise."""
    hop = len(noise) - 1
    window = 2 * hop
    count = -(-len(sound) // hop) + 1
    padded = np.zeros((count + 1) * hop, np.float32)
    padded[hop : hop + len(sound)] = sound
    shape = _shape(window)
    views = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    spectra = np.fft.rfft(views * shape, axis=1)  # (frames, bins)
    spectra *= _gains(np.square(np.abs(spectra)), noise)
    waves = np.fft.irfft(spectra, window, axis=1) * shape
    cleaned = np.zeros_like(padded)
    halves = waves.reshape(len(waves), 2, hop)
    cleaned[: len(waves) * hop] += halves[:, 0].ravel()
    cleaned[hop : hop + len(waves) * hop] += halves[:, 1].ravel()
    return cleaned[hop : hop + len(sound)]


def _gains(powers: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """What each bin of each frame is multiplied with: (frames, bins)."""
    gains = np.empty_like(powers)
    known = np.maximum(noise, 1e-12)
    before = np.zeros_like(known)  # the power of the speech in the last frame, over the noise
    for index, power in enumerate(powers):
        over = power / known
        snr = BELIEVED * before + (1 - BELIEVED) * np.maximum(over - 1, 0)
        snr = np.maximum(np.maximum(snr, LOWEST_SNR), 0)
        gain = snr / (1 + snr)
        gains[index] = np.maximum(gain, LOWEST_GAIN)
        before = gain**2 * over
    return gains


def _shape(window: int) -> np.ndarray:
    """The square root of a Hann window: twice applied, two neighbours add up to one."""
    return np.sin(np.pi * (np.arange(window) + 0.5) / window).astype(np.float32)
