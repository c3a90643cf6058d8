"""Two synthetic people who say vowels: known pitch, known formants."""

from dataclasses import dataclass

import numpy as np

VOWELS = ((730, 1_090, 2_440), (270, 2_290, 3_010), (300, 870, 2_240), (530, 1_840, 2_480))  # Hz


@dataclass(frozen=True)
class Person:
    """How high someone speaks, and how many times higher than a man's their formants are."""

    hz: float
    stretch: float = 1.0
    tilt: float = 1.0  # exponent of how fast overtones fall
    wobble: float = 0.1  # of the pitch, up and down

    def say(self, vowels=(0, 1, 2, 3), rate=16_000, seconds=0.3, seed=0):
        """Vowels one after the other, each followed by a breath of noise and a short pause."""
        dice = np.random.default_rng(seed)
        parts = []
        for vowel in vowels:
            parts += [self._vowel(vowel, rate, seconds), 0.01 * dice.normal(size=rate // 10)]
            parts += [np.zeros(rate // 20)]
        sound = np.concatenate(parts)
        return (0.1 * sound / sound.std()).astype(np.float32)

    def _vowel(self, vowel, rate, seconds):
        times = np.arange(int(seconds * rate)) / rate
        hz = self.hz * (1 + self.wobble * np.sin(2 * np.pi * times / seconds))
        phase = 2 * np.pi * np.cumsum(hz) / rate
        sound = np.zeros(len(times))
        for harmonic in range(1, int(0.45 * rate / hz.max())):
            high = harmonic * self.hz
            peaks = [
                1 / (1 + ((high - self.stretch * formant) / (60 + 0.03 * formant)) ** 2)
                for formant in VOWELS[vowel]
            ]
            sound += (sum(peaks) + 0.003) * harmonic**-self.tilt * np.cos(harmonic * phase)
        return sound * np.minimum(1, np.minimum(times, seconds - times) / 0.02)


MAN = Person(110.0)
WOMAN = Person(210.0, stretch=1.17, tilt=1.3)
