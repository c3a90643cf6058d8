"""A sound said more clearly: what stands out of its spectrum stands out a little more.

Who learns a sound from codes learns the mean of all that it may have been, and a mean is flatter than any of them: the
peaks and valleys that tell vowels apart, and the beginnings and ends of sounds. The postfilters of speech coders make up
for that after the fact (Chen and Gersho 1995, "Adaptive postfiltering for quality enhancement of coded speech");
here the sound that the decoder is asked for is made so, and its own comes out right without a filter.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from recipes.mini.flite import RATE

WINDOW, HOP = 512, 128  # samples
FLOOR = 1e-5  # of the spectrum, under which nothing stands out
PEAK, AROUND = (
    90.0,
    600.0,
)  # Hz: standard deviations of what stands out, and of what it stands out of
MOMENT, WHILE = 0.014, 0.1  # seconds, likewise
DEEPEST, HIGHEST = -15.0, 10.0  # decibels of change


def clearer(sound: np.ndarray, share: float) -> np.ndarray:
    """The same sound with its peaks, in frequency and in time, higher by a share of what they are, in decibels.

    Args:
        sound: mono, -1..1, at `RATE`.
        share: 0 changes nothing.

    Returns:
        As many samples, float32, as loud as before.
    """
    frames = ShortTimeFFT(hann(WINDOW, sym=False), HOP, RATE, mfft=WINDOW)
    padded = np.pad(sound.astype(np.float64), (0, max(0, WINDOW - len(sound))))
    spectrum = frames.stft(padded)
    level = 20 * np.log10(np.abs(spectrum) / (WINDOW / 2) + FLOOR)
    bins = WINDOW / RATE  # a hertz
    moments = RATE / HOP  # a second
    narrow = gaussian_filter1d(level, PEAK * bins, axis=0)
    change = narrow - gaussian_filter1d(level, AROUND * bins, axis=0)
    change += gaussian_filter1d(narrow, MOMENT * moments, axis=1)
    change -= gaussian_filter1d(narrow, WHILE * moments, axis=1)
    gain = 10 ** (np.clip(share * change, DEEPEST, HIGHEST) / 20)
    made = frames.istft(spectrum * gain, k1=len(padded))[: len(sound)]
    loudness = np.sqrt(np.square(sound).mean() / max(np.square(made).mean(), 1e-12))
    return (made * loudness).astype(np.float32)
