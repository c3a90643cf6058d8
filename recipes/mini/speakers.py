"""The speakers of the teacher: flite's base voices, moved in pitch, formants and pace."""

from dataclasses import dataclass

import numpy as np
import soxr

from recipes.mini.flite import RATE, Segment, synthesise


@dataclass(frozen=True)
class TeacherSpeaker:
    """One speaker: a base voice with formants times `formants`, its pitch, and its pace."""

    name: str
    base: str
    formants: float
    pitch_hz: float
    pitch_spread_hz: float
    stretch: float

    def say(self, text: str) -> tuple[np.ndarray, list[Segment]]:
        """Speak `text`: float32 samples at `RATE`, phones with their end times.

        Formants and pitch move together when the sound is resampled, so pitch and pace are set
        beforehand such that they come out as asked.
        """
        s = self.formants
        samples, segments = synthesise(
            text,
            self.base,
            stretch=self.stretch * s,
            pitch_hz=self.pitch_hz / s,
            pitch_spread_hz=self.pitch_spread_hz / s,
        )
        samples = soxr.resample(samples, RATE * s, RATE)
        moved = [Segment(p.phone, p.end_seconds / s, p.token) for p in segments]
        return samples, moved


def _speakers(
    base: str, formants: list[float], pitches: list[float], stretch: float, first: int = 0
) -> list[TeacherSpeaker]:
    made = []
    for index, s in enumerate(formants):
        pitch = pitches[index % len(pitches)]
        made.append(
            TeacherSpeaker(
                name=f"{base}{first + index:02d}",
                base=base,
                formants=s,
                pitch_hz=pitch,
                pitch_spread_hz=0.07 * pitch,
                stretch=stretch,
            )
        )
    return made


FORMANTS = [0.86, 0.90, 0.94, 0.98, 1.02, 1.06, 1.10, 1.14]

TRAINING_SPEAKERS: list[TeacherSpeaker] = [
    *_speakers("slt", FORMANTS, [165.0, 210.0, 185.0, 235.0, 150.0, 200.0, 260.0, 225.0], 1.25),
    *_speakers("slt", [0.92, 1.00, 1.08, 1.16], [240.0, 170.0, 155.0, 190.0], 1.25, 8),
    *_speakers("rms", FORMANTS, [80.0, 100.0, 120.0, 92.0, 135.0, 110.0, 85.0, 125.0], 1.05),
    *_speakers("rms", [0.92, 1.00, 1.08, 1.16], [130.0, 84.0, 150.0, 105.0], 1.05, 8),
    *_speakers("awb", [0.90, 0.96, 1.02, 1.08], [110.0, 95.0, 140.0, 160.0], 1.1),
]
"""28 speakers whose speech the family is trained on; the published voices are among them."""

HELD_OUT_SPEAKERS: list[TeacherSpeaker] = [
    *_speakers("slt", [0.88, 0.96, 1.04, 1.12], [195.0, 155.0, 245.0, 175.0], 1.25, 12),
    *_speakers("rms", [0.88, 0.96, 1.04, 1.12], [112.0, 88.0, 98.0, 140.0], 1.05, 12),
    *_speakers("awb", [0.93, 1.05], [125.0, 105.0], 1.1, 4),
]
"""Ten speakers that no training ever hears."""

WIDE_BASES = {
    "slt": ((145.0, 265.0), 1.25),
    "rms": ((74.0, 160.0), 1.05),
    "awb": ((84.0, 175.0), 1.1),
}
"""Where the pitch of further speakers lies, and the base voices' pace."""


def wide_speakers(count: int = 120) -> list[TeacherSpeaker]:
    """Draw further speakers, so that the coarse stage meets many; the same at every call.

    None is nearly one that is kept out.
    """
    dice = np.random.default_rng(3)
    made: list[TeacherSpeaker] = []
    bases = list(WIDE_BASES)
    while len(made) < count:
        base = bases[len(made) % len(bases)]
        (low, high), stretch = WIDE_BASES[base]
        pitch = float(low * (high / low) ** dice.random())
        drawn = TeacherSpeaker(
            name=f"{base}-wide{len(made):03d}",
            base=base,
            formants=round(float(dice.uniform(0.82, 1.22)), 3),
            pitch_hz=round(pitch, 1),
            pitch_spread_hz=round(pitch * float(dice.uniform(0.04, 0.12)), 1),
            stretch=round(stretch * float(dice.uniform(0.9, 1.15)), 3),
        )
        if not is_nearly_kept_out(drawn):
            made.append(drawn)
    return made


def is_nearly_kept_out(speaker: TeacherSpeaker) -> bool:
    """Whether a speaker could be taken for one that no training may hear."""
    return any(_is_nearly(speaker, each) for each in HELD_OUT_SPEAKERS)


def _is_nearly(one: TeacherSpeaker, other: TeacherSpeaker) -> bool:
    return (
        one.base == other.base
        and abs(one.formants / other.formants - 1) < 0.02
        and abs(one.pitch_hz / other.pitch_hz - 1) < 0.04
    )


WIDE_SPEAKERS = wide_speakers()
"""120 more speakers of the same base voices; the coarse and the fine stage and the decoder hear them."""

KNOWN_SPEAKERS = [*TRAINING_SPEAKERS, *WIDE_SPEAKERS]
"""All whom the stages know; the published voices are of these."""

OF_FOLDER = {
    "teacher": TRAINING_SPEAKERS, "wide": WIDE_SPEAKERS, "reading": TRAINING_SPEAKERS, "voices": KNOWN_SPEAKERS,
}  # fmt: skip
"""Whose numbers the clips of each of the teacher's folders have."""
