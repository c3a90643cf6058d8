"""Speakers that no training of the small family ever heard, from two kinds of synthesiser."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.recogniser import levelled
from recipes.mini.clips import Clip
from recipes.mini.flite import RATE, Segment
from recipes.mini.speakers import HELD_OUT_SPEAKERS, TeacherSpeaker
from recipes.mini.spelling import PHONES
from recipes.mini.tokens import nearest, true_features

SENTENCES = (
    "The wind was warm and the sea was calm.",
    "A long time ago there was a king with three sons.",
    "We sat by the door and talked about the old days.",
)
SECONDS = 8.0  # of a recording, about
FURTHER_SPEAKERS = [
    TeacherSpeaker(f"{base}-{number}", base, formants, pitch, 0.07 * pitch, pace)
    for base, pace, voices in (
        ("awb", 1.1, ((0.87, 90.0), (0.99, 150.0), (1.11, 120.0), (1.17, 135.0))),
        ("kal16", 1.1, ((0.88, 95.0), (0.96, 120.0), (1.04, 110.0), (1.12, 140.0))),
        ("slt", 1.25, ((0.84, 180.0),)),
        ("rms", 1.05, ((1.20, 118.0),)),
    )
    for number, (formants, pitch) in enumerate(voices)
]
"""Ten more; nothing was ever trained on kal16."""
PAUSE = 0.15  # seconds between its sentences
Teacher = Callable[[str], tuple[np.ndarray, list[Segment]]]


@dataclass(frozen=True, eq=False)
class UnseenSpeaker:
    """A recording of a speaker, what is said in it, and the means to hear more of them."""

    name: str
    kind: str  # flite or espeak
    sound: np.ndarray  # float32, at `RATE`
    transcript: str
    say: Callable[[str], np.ndarray]
    tokens: np.ndarray | None = None  # the family's own, where the teacher tells its phones


def unseen_speakers(kind: str, count: int, centroids: np.ndarray | None) -> list[UnseenSpeaker]:
    """Record some speakers of one kind of synthesiser.

    Args:
        kind: flite, the teacher's kind, or espeak, which speaks by other rules altogether.
        count: at most how many.
        centroids: of the family's semantic tokens, to know which tokens are right.
    """
    if kind == "flite":
        named = [(each.name, each.say) for each in (*HELD_OUT_SPEAKERS, *FURTHER_SPEAKERS)]
    else:
        from recipes.mini.speakers_espeak import HELD_OUT_ESPEAK

        named = [(each.voice, each.say) for each in HELD_OUT_ESPEAK]
    return [_recorded(name, kind, say, centroids) for name, say in named[:count]]


def _recorded(
    name: str, kind: str, teacher_says: Teacher, centroids: np.ndarray | None
) -> UnseenSpeaker:
    def say(text: str) -> np.ndarray:
        return levelled(teacher_says(text)[0])

    said, sounds, phones, ends = [], [], [], []
    length = 0
    for sentence in SENTENCES:
        if length > (SECONDS - 1.0) * RATE:
            break
        sound, segments = teacher_says(sentence)
        sounds += [levelled(sound), np.zeros(int(PAUSE * RATE), np.float32)]
        phones += [PHONES.index(each.phone) for each in segments] + [PHONES.index("pau")]
        ends += [length + round(each.end_seconds * RATE) for each in segments]
        length += len(sounds[-2]) + len(sounds[-1])
        ends.append(length)
        said.append(sentence)
    whole, transcript = np.concatenate(sounds), " ".join(said)
    tokens = None
    if centroids is not None:
        clip = Clip(transcript, 0, whole, np.array(phones), np.array(ends), np.zeros(0))
        tokens = nearest(true_features(clip), centroids)
    return UnseenSpeaker(name, kind, whole, transcript, say, tokens)
