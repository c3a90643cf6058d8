"""What the codec learns from: random crops of the teachers' clips, and of clips with their codes."""

from pathlib import Path

import numpy as np
import soxr
import torch

from recipes.mini.clips import Clip, read_shard, shards_of, token_path
from recipes.mini.flite import RATE

HOP = 640  # samples of a frame
CROP = RATE  # samples of one training crop
WARP = 0.3  # octaves
ESPEAK_SHARE = 0.4  # of the crops
LEVELS = (-12.0, 3.0)  # decibels on the clips' own level


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

    Where a clip has codes that the fine stage has filled in, these stand for the true ones half the time.
    """

    def __init__(self, work: Path, generator: np.random.Generator) -> None:
        codes, sounds = [], []
        for shard in shards_of(work):
            path = token_path(work, "codes", shard)
            if not path.exists():
                continue
            sound = []
            for clip in read_shard(shard):
                frames = -(-len(clip.samples) // HOP)
                sound.append(np.pad(clip.samples, (0, frames * HOP - len(clip.samples))))
            for source in (path, token_path(work, "refined", shard)):
                if source.exists():
                    with np.load(source) as archive:
                        codes.append(archive["values"])
                    sounds.append(np.concatenate(sound))
        self.codes, self.sound = np.concatenate(codes, 1), np.concatenate(sounds)
        self.generator = generator

    def batch(self, count: int, frames: int = CROP // HOP) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes (count, codebooks, frames) and their sound (count, frames * HOP)."""
        starts = self.generator.integers(self.codes.shape[1] - frames, size=count)
        codes = np.stack([self.codes[:, s : s + frames] for s in starts]).astype(np.int64)
        sound = np.stack([self.sound[s * HOP : (s + frames) * HOP] for s in starts])
        return torch.from_numpy(codes), torch.from_numpy(sound.astype(np.float32) / 32_768)
