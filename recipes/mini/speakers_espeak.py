"""The speakers of the second teacher: espeak-ng's variants, each with its pitch and pace.

Variants with an echo, a whisper or a robot's sound are left out. So are those that sound nearly like
a speaker kept out: belinda, steph2, steph3, klatt2, klatt5, klatt6, adam, benjamin, Gene, Henrique.
"""

from dataclasses import dataclass

import numpy as np
import soxr

from recipes.mini.espeak_library import synthesise
from recipes.mini.espeak_phones import AMERICAN, BRITISH, segments_of
from recipes.mini.flite import RATE, Segment


@dataclass(frozen=True)
class EspeakSpeaker:
    """One speaker: a language (`en-us` or `en`, which is British), a variant, pitch and pace."""

    language: str
    variant: str  # empty: the language's own voice
    pitch: int  # 50: the variant's own; 0 to 100
    pitch_range: int  # the same
    words_a_minute: int

    @property
    def voice(self) -> str:
        """The name that espeak-ng knows it by."""
        return f"{self.language}+{self.variant}" if self.variant else self.language

    def say(self, text: str) -> tuple[np.ndarray, list[Segment]]:
        """Speak `text`: float32 samples at `RATE`, phones with their end times."""
        sound, rate, phonemes = synthesise(
            text,
            self.voice,
            words_a_minute=self.words_a_minute,
            pitch=self.pitch,
            pitch_range=self.pitch_range,
        )
        table = BRITISH if self.language == "en" else AMERICAN
        segments = segments_of(phonemes, sound, rate, table)
        return soxr.resample(sound.astype(np.float32) / 32_768.0, rate, RATE), segments


TRAINING_ESPEAK: list[EspeakSpeaker] = [
    EspeakSpeaker("en-us", "", 35, 40, 150),
    EspeakSpeaker("en-us", "m1", 50, 50, 140),
    EspeakSpeaker("en-us", "m3", 60, 60, 165),
    EspeakSpeaker("en", "m4", 50, 40, 130),
    EspeakSpeaker("en-us", "m5", 40, 50, 155),
    EspeakSpeaker("en-us", "m7", 50, 50, 120),
    EspeakSpeaker("en-us", "m8", 55, 60, 145),
    EspeakSpeaker("en-us", "Alex", 90, 60, 160),
    EspeakSpeaker("en-us", "Mike", 50, 40, 125),
    EspeakSpeaker("en-us", "Mario", 65, 50, 175),
    EspeakSpeaker("en-us", "victor", 50, 60, 135),
    EspeakSpeaker("en", "Denis", 45, 50, 150),
    EspeakSpeaker("en-us", "iven3", 50, 50, 140),
    EspeakSpeaker("en-us", "paul", 70, 50, 155),
    EspeakSpeaker("en-us", "travis", 50, 60, 130),
    EspeakSpeaker("en-us", "max", 85, 50, 145),
    EspeakSpeaker("en-us", "klatt", 45, 50, 150),
    EspeakSpeaker("en-us", "klatt3", 80, 60, 135),
    EspeakSpeaker("en", "david", 60, 50, 140),
    EspeakSpeaker("en-us", "Annie", 45, 40, 145),
    EspeakSpeaker("en-us", "anika", 35, 30, 160),
    EspeakSpeaker("en", "aunty", 50, 50, 150),
    EspeakSpeaker("en-us", "shelby", 50, 50, 125),
    EspeakSpeaker("en-us", "zac", 15, 30, 140),
]
"""24 speakers whose speech the encoder is trained on."""

HELD_OUT_ESPEAK: list[EspeakSpeaker] = [
    EspeakSpeaker("en-us", "m6", 40, 50, 145),
    EspeakSpeaker("en-us", "f1", 50, 50, 145),
    EspeakSpeaker("en-us", "steph", 45, 50, 140),
    EspeakSpeaker("en-us", "linda", 50, 50, 150),
    EspeakSpeaker("en-us", "klatt4", 80, 50, 145),
    EspeakSpeaker("en-us", "edward", 30, 50, 140),
    EspeakSpeaker("en-us", "ed", 55, 50, 150),
    EspeakSpeaker("en-us", "Hugo", 50, 50, 140),
    EspeakSpeaker("en-us", "Nguyen", 50, 50, 145),
    EspeakSpeaker("en", "Gene2", 50, 50, 145),
]
"""Ten speakers that no training ever hears."""
