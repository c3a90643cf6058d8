"""What the codec learns from: random crops of the teachers' clips, and of clips with their codes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
import torch

from recipes.mini.clips import Clip, read_shard, shards_of, token_path
from recipes.mini.flite import RATE
from recipes.mini.hubert import HOP as TOKEN

HOP = 320  # samples of a frame; a semantic token has two
CROP = RATE  # samples of one training crop
WARP = 0.3  # octaves
ESPEAK_SHARE = 0.4  # of the crops
REFINED_SHARE = 0.75  # of the crops that the decoder learns from
LEVELS = (-12.0, 3.0)  # decibels on the clips' own level
NOISE = (-70.0, -35.0)  # dB of full scale, under what a listener hears


class Crops:
    """Endless random crops of both teachers' clips, for codes that serve any speaker.

    Each is played up to a fifth slower or faster, so that pitch and formants are those of many
    more speakers than there are, at a random level.
    """

    def __init__(
        self, first: list[Clip], second: list[Clip], generator: np.random.Generator
    ) -> None:
        """`second` may be empty: then all crops are of the first teacher."""
        self.sounds = [
            np.concatenate([clip.samples for clip in clips]) for clips in (first, second) if clips
        ]
        self.generator = generator

    def batches(self, count: int) -> Iterator[torch.Tensor]:
        """Endless batches."""
        while True:
            yield self.batch(count)

    def batch(self, count: int) -> torch.Tensor:
        """(count, CROP) float32."""
        return torch.from_numpy(np.stack([self._one() for _ in range(count)]))

    def _one(self) -> np.ndarray:
        dice = self.generator
        sound = self.sounds[int(dice.random() < ESPEAK_SHARE) % len(self.sounds)]
        factor = 2 ** dice.uniform(-WARP, WARP)
        length = int(CROP * factor) + 64
        start = int(dice.integers(len(sound) - length))
        part = sound[start : start + length].astype(np.float32) / 32_768
        part = soxr.resample(part, factor, 1.0, "MQ")[:CROP]
        gain = 10 ** (dice.uniform(*LEVELS) / 20)
        return np.asarray(np.pad(part, (0, CROP - len(part))) * gain, np.float32)


class StoredCrops:
    """Endless random crops of the clips with the codes that the coarse and fine stages learn from.

    `REFINED_SHARE` of them have codes that the fine stage has filled in, where there are any: all
    that is spoken later has such codes, only recordings that are cloned have true ones.
    """

    def __init__(self, work: Path, generator: np.random.Generator) -> None:
        found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"codes": [], "refined": []}
        for shard in shards_of(work):
            if not token_path(work, "codes", shard).exists():
                continue
            sound = np.concatenate(
                [
                    np.pad(each.samples, (0, -len(each.samples) % TOKEN))
                    for each in read_shard(shard)
                ]
            )
            for kind, members in found.items():
                path = token_path(work, kind, shard)
                if path.exists():
                    with np.load(path) as archive:
                        members.append((archive["values"], sound))
        self.streams = [
            (np.concatenate([c for c, _ in members], 1), np.concatenate([s for _, s in members]))
            for members in found.values()
            if members
        ]
        self.generator = generator

    def batches(self, count: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Endless batches."""
        while True:
            yield self.batch(count)

    def batch(self, count: int, frames: int = CROP // HOP) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes (count, codebooks, frames) and their sound (count, frames * HOP)."""
        rows, sounds = [], []
        for _ in range(count):
            refined = int(self.generator.random() < REFINED_SHARE)
            codes, sound = self.streams[refined % len(self.streams)]
            start = int(self.generator.integers(codes.shape[1] - frames))
            rows.append(codes[:, start : start + frames].astype(np.int64))
            sounds.append(sound[start * HOP : (start + frames) * HOP].astype(np.float32) / 32_768)
        return torch.from_numpy(np.stack(rows)), torch.from_numpy(np.stack(sounds))
