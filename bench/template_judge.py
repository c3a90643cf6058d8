"""Which of some texts was said: the one whose recording is nearest, without any recogniser.

Each text is recorded by a few synthetic voices. A sound and a recording are laid over each other by
dynamic time warping of their cepstra, each relative to its own mean, so that pace and loudness do
not count and the voice counts little.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
from scipy.fft import dct

RATE = 16_000  # Hz
HOP, WINDOW, FFT = 200, 400, 512  # samples: 80 frames a second
BANDS, CEPSTRA = 26, 13
SLOPE = 0.25  # what a step costs that moves in one of the sounds only, of the distance


def cepstra(sound: np.ndarray) -> np.ndarray:
    """Mel cepstra and their slopes, (frames, 26), each column with mean 0 and deviation 1."""
    spoken = _without_edges(np.append(sound[0], sound[1:] - 0.97 * sound[:-1]))
    count = max(1, 1 + (len(spoken) - WINDOW) // HOP)
    places = np.arange(count)[:, None] * HOP + np.arange(WINDOW)
    frames = np.pad(spoken, (0, WINDOW))[places] * np.hanning(WINDOW)
    powers = np.abs(np.fft.rfft(frames, FFT)) ** 2
    bands = np.log(powers @ _filters().T + 1e-8)
    found = dct(bands, norm="ortho", axis=1)[:, 1 : CEPSTRA + 1]
    slopes = np.gradient(found, axis=0) if count > 1 else np.zeros_like(found)
    both = np.concatenate([found, slopes], axis=1)
    return (both - both.mean(axis=0)) / (both.std(axis=0) + 1e-6)


def warped_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The mean distance of two rows of frames along their best alignment."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    costs = np.sqrt(np.maximum(squares, 0))
    rows, columns = costs.shape
    sums = np.full((rows + 1, columns + 1), np.inf)
    sums[0, 0] = 0.0
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        here = costs[i - 1, j - 1]
        straight = sums[i - 1, j - 1] + 2 * here
        aside = np.minimum(sums[i - 1, j], sums[i, j - 1]) + (1 + SLOPE) * here
        sums[i, j] = np.minimum(straight, aside)
    return float(sums[rows, columns] / (rows + columns))


class TemplateJudge:
    """Compares a sound with recordings of texts, which are made when they are needed."""

    def __init__(self, voices: Sequence[Callable[[str], np.ndarray]]) -> None:
        """Take the voices that record: each says a text, at `RATE`."""
        self._voices = voices
        self._recorded: dict[tuple[int, str], np.ndarray] = {}

    def nearest(self, waveform: np.ndarray, texts: Sequence[str]) -> int:
        """Say whose recording is nearest to a sound at `RATE`: the index of a text."""
        heard, voices = cepstra(waveform), range(len(self._voices))
        return int(
            np.argmin([min(self._distance(heard, text, each) for each in voices) for text in texts])
        )

    def words_said(
        self, waveform: np.ndarray, text: str, rivals: Sequence[Sequence[str]]
    ) -> list[bool]:
        """Say of each word whether the text is nearer than with one of its rivals in its place.

        Args:
            waveform: a sound at `RATE`.
            text: what it should say.
            rivals: other words for each word of the text.
        """
        heard = cepstra(waveform)
        voice = min(range(len(self._voices)), key=lambda each: self._distance(heard, text, each))
        own = self._distance(heard, text, voice)
        words = text.split()
        said = []
        for place, others in enumerate(rivals):
            changed = [" ".join(_with(words, place, other)) for other in others]
            said.append(own < min(self._distance(heard, each, voice) for each in changed))
        return said

    def _distance(self, heard: np.ndarray, text: str, voice: int) -> float:
        key = voice, text
        if key not in self._recorded:
            self._recorded[key] = cepstra(self._voices[voice](text).astype(np.float64))
        return warped_distance(heard, self._recorded[key])


def _with(words: Sequence[str], place: int, other: str) -> list[str]:
    """The words with another one at a place, which keeps its marks."""
    return [*words[:place], re.sub(r"[\w']+", other, words[place], count=1), *words[place + 1 :]]


def _without_edges(sound: np.ndarray) -> np.ndarray:
    """Cut silence at both ends."""
    powers = np.square(sound[: len(sound) // 160 * 160].reshape(-1, 160)).mean(axis=1)
    loud = np.flatnonzero(powers > powers.max(initial=0.0) * 1e-3)
    return sound[loud[0] * 160 : (loud[-1] + 1) * 160] if loud.size else sound


def _filters() -> np.ndarray:
    """Triangles that are equally wide in mel, (bands, bins)."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8_000 / 700), BANDS + 2) / 2595) - 1)
    bins = np.arange(FFT // 2 + 1) * RATE / FFT
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))
