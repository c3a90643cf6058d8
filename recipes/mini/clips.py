"""Reads the teachers' shards: clips with their sound, phones, letters and speaker."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

VALIDATION_EVERY = 50  # every 50th clip is kept out of training
TEACHERS = (
    "teacher",
    "wide",
    "espeak",
    "played",
    "voices",
)  # their folders; each counts its own speakers
READING = "reading"  # the folder of clips whose sound was not kept
Kept = TypeVar("Kept")  # a clip, or a clip and what is known of it


@dataclass(frozen=True)
class Clip:
    """One sentence of the teacher; `ends` counts samples, `letters` index `text` (-1 in a pause)."""

    text: str
    speaker: int
    samples: np.ndarray
    phones: np.ndarray
    ends: np.ndarray
    letters: np.ndarray


def read_shard(path: Path) -> list[Clip]:
    """The clips of one shard. Where the sound was not kept, it is silence of the same length."""
    with np.load(path) as archive:
        shard = {key: archive[key] for key in archive.files}
    if "samples" not in shard:
        shard["samples"] = np.broadcast_to(np.int16(0), shard["sample_counts"].sum())
    sample_cuts = np.cumsum(shard["sample_counts"])[:-1]
    phone_cuts = np.cumsum(shard["phone_counts"])[:-1]
    parts = zip(
        shard["texts"],
        shard["speakers"],
        np.split(shard["samples"], sample_cuts),
        np.split(shard["phones"], phone_cuts),
        np.split(shard["ends"], phone_cuts),
        np.split(shard["letters"], phone_cuts),
        strict=True,
    )
    return [Clip(str(t), int(s), x, p, e, a) for t, s, x, p, e, a in parts]


def read_clips(work: Path, of: str = TEACHERS[0]) -> list[Clip]:
    """All clips of a folder's finished shards, in order.

    Args:
        work: where the recipe works.
        of: one of `TEACHERS`, or `made`: what the family's own codec has said again.
    """
    return [clip for path in _shards(work, of) for clip in read_shard(path)]


def token_path(work: Path, kind: str, shard: Path) -> Path:
    """Where the tokens of a shard lie; `kind` is semantic, codes or refined."""
    of = shard.parent.name
    return work / kind / (shard.name if of == TEACHERS[0] else f"{of}-{shard.name}")


def shards_of(work: Path, most: int | None = None) -> list[Path]:
    """The shards of all teachers in order, at most so many of each."""
    return [path for teacher in TEACHERS for path in _shards(work, teacher)[:most]]


def reading_shards(work: Path) -> list[Path]:
    """The shards of clips whose sound was not kept, in order."""
    return _shards(work, READING)


def _shards(work: Path, of: str) -> list[Path]:
    return sorted((work / of).glob("*.npz"))


def training_clips(clips: list[Kept]) -> list[Kept]:
    """The clips that training may see."""
    return [clip for index, clip in enumerate(clips) if index % VALIDATION_EVERY]


def validation_clips(clips: list[Kept]) -> list[Kept]:
    """The clips that training never sees."""
    return clips[::VALIDATION_EVERY]
