"""Speakers that no training of the small family ever heard, from two kinds of synthesiser."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from recipes.mini.espeak import HELD_OUT_ESPEAK

from recipes.mini.clips import Clip
from recipes.mini.flite import RATE, Segment
from recipes.mini.speakers import HELD_OUT_SPEAKERS
from recipes.mini.spelling import PHONES
from recipes.mini.tokens import nearest, true_features

SENTENCES = (
    "The wind was warm and the sea was calm.",
    "A long time ago there was a king with three sons.",
    "We sat by the door and talked about the old days.",
)
SECONDS = 8.0  # of a recording, about
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


def unseen_speakers(count: int, centroids: np.ndarray | None = None) -> list[UnseenSpeaker]:
    """The first half from flite, the second from espeak-ng.

    Args:
        count: how many.
        centroids: of the family's semantic tokens, to know which tokens are right.
    """
    kinds = (
        ("flite", HELD_OUT_SPEAKERS[: count - count // 2]),
        ("espeak", HELD_OUT_ESPEAK[: count // 2]),
    )
    return [
        _recorded(each.name, kind, each.say, centroids)
        for kind, speakers in kinds
        for each in speakers
    ]


def _recorded(
    name: str, kind: str, teacher_says: Teacher, centroids: np.ndarray | None
) -> UnseenSpeaker:
    def say(text: str) -> np.ndarray:
        return _levelled(teacher_says(text)[0])

    said, sounds, phones, ends = [], [], [], []
    length = 0
    for sentence in SENTENCES:
        if length > (SECONDS - 1.0) * RATE:
            break
        sound, segments = teacher_says(sentence)
        sounds += [_levelled(sound), np.zeros(int(PAUSE * RATE), np.float32)]
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


def _levelled(sound: np.ndarray) -> np.ndarray:
    return (sound * (0.6 / max(float(np.abs(sound).max()), 1e-3))).astype(np.float32)
