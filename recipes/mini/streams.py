"""Semantic tokens and codes of clips of one speaker, joined: what the coarse and the fine stage learn from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.mini.clips import VALIDATION_EVERY, read_shard, shards_of, token_path


@dataclass(frozen=True)
class Take:
    """One clip: semantic tokens (tokens,) and codes (codebooks, frames), `TOKEN_FRAMES` for each token."""

    text: str
    speaker: tuple[str, int]  # of which teacher, and its number there
    semantic: np.ndarray
    codes: np.ndarray


def read_takes(work: Path) -> list[Take]:
    """All clips that have both semantic tokens and codes."""
    return [take for takes in takes_of_shards(work).values() for take in takes]


def takes_of_shards(work: Path) -> dict[Path, list[Take]]:
    """The clips of each shard that has both semantic tokens and codes, in order."""
    found = {}
    for shard in shards_of(work):
        path = token_path(work, "codes", shard)
        if not path.exists() or not token_path(work, "semantic", shard).exists():
            continue
        codes = read_codes(path)
        with np.load(token_path(work, "semantic", shard)) as archive:
            semantic = np.split(archive["values"], np.cumsum(archive["counts"])[:-1])
        found[shard] = [
            Take(clip.text, (shard.parent.name, clip.speaker), tokens, rows)
            for clip, tokens, rows in zip(read_shard(shard), semantic, codes, strict=True)
        ]
    return found


def read_codes(path: Path) -> list[np.ndarray]:
    """The codes of each clip of a file that `recipes.mini.tokens.write_tokens` wrote: (codebooks, frames)."""
    with np.load(path) as archive:
        return np.split(archive["values"].astype(np.int64), np.cumsum(archive["counts"])[:-1], 1)


class Pairs:
    """Endless random (voice, clip) pairs of one speaker; the voice is long enough for every window."""

    def __init__(
        self, takes: list[Take], voice_frames: int, generator: np.random.Generator
    ) -> None:
        self.takes, self.voice_frames, self.generator = takes, voice_frames, generator
        self.by_speaker: dict[tuple[str, int], list[Take]] = {}
        for take in takes:
            self.by_speaker.setdefault(take.speaker, []).append(take)

    def voice(self, speaker: tuple[str, int]) -> tuple[np.ndarray, np.ndarray]:
        """Semantic tokens and codes of at least `voice_frames` frames of this speaker."""
        semantic, codes, frames = [], [], 0
        while frames < self.voice_frames:
            take = self.by_speaker[speaker][
                int(self.generator.integers(len(self.by_speaker[speaker])))
            ]
            semantic.insert(0, take.semantic)
            codes.insert(0, take.codes)
            frames += take.codes.shape[1]
        return np.concatenate(semantic), np.concatenate(codes, 1)

    def __iter__(self) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], Take]]:
        while True:
            for index in self.generator.permutation(len(self.takes)):
                take = self.takes[index]
                yield self.voice(take.speaker), take


def split_takes(takes: list[Take]) -> tuple[list[Take], list[Take]]:
    """(training, validation), cut like the clips."""
    return [t for i, t in enumerate(takes) if i % VALIDATION_EVERY], takes[::VALIDATION_EVERY]
