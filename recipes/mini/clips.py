"""Reads the teachers' shards: clips with their sound, phones, letters and speaker."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

VALIDATION_EVERY = 50  # every 50th clip is kept out of training
TEACHERS = ("teacher", "wide", "espeak")  # their folders; each counts its own speakers
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
    """The clips of one shard."""
    with np.load(path) as archive:
        shard = {key: archive[key] for key in archive.files}
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


def read_clips(work: Path, most_shards: int | None = None) -> list[Clip]:
    """All clips of the finished shards, in order."""
    paths = sorted((work / "teacher").glob("*.npz"))[:most_shards]
    return [clip for path in paths for clip in read_shard(path)]


def read_espeak_clips(work: Path) -> list[Clip]:
    """All clips of the second teacher, in order; `speaker` counts its own speakers."""
    return [clip for path in sorted((work / "espeak").glob("*.npz")) for clip in read_shard(path)]


def read_made_clips(work: Path) -> list[Clip]:
    """All clips that the family's own codec has said again, in order."""
    return [clip for path in sorted((work / "made").glob("*.npz")) for clip in read_shard(path)]


def token_path(work: Path, kind: str, shard: Path) -> Path:
    """Where the tokens of a shard lie; `kind` is semantic, codes or refined."""
    of = shard.parent.name
    return work / kind / (shard.name if of == TEACHERS[0] else f"{of}-{shard.name}")


def shards_of(work: Path, most: int | None = None) -> list[Path]:
    """The shards of all teachers in order, at most so many of each."""
    return [path for teacher in TEACHERS for path in sorted((work / teacher).glob("*.npz"))[:most]]


def training_clips(clips: list[Kept]) -> list[Kept]:
    """The clips that training may see."""
    return [clip for index, clip in enumerate(clips) if index % VALIDATION_EVERY]


def validation_clips(clips: list[Kept]) -> list[Kept]:
    """The clips that training never sees."""
    return clips[::VALIDATION_EVERY]
