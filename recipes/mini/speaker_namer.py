"""Step 2, second half: who speaks, so that the decoder keeps voices apart.

    python -m recipes.mini.speaker_namer --work WORK --minutes 8

A small network (an x-vector: Snyder et al. 2018, "X-vectors: robust DNN embeddings for speaker
recognition") learns to name the teachers' speakers from a second of sound. What it makes of a sound
before it names somebody is what `recipes.mini.decoder` then keeps. It is not the encoder by which
`bench` measures voices.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from recipes.mini import checkpoints
from recipes.mini.clips import Clip, read_shard, shards_of, training_clips, validation_clips
from recipes.mini.crops import CROP, LEVELS, NOISE
from recipes.mini.devices import fed, moved, training_parser, use_device
from recipes.mini.spectra import mel_matrix
from recipes.mini.training import Means, moments_of, set_rate

BATCH = 32
RATE_OF_LEARNING = 2e-3
WINDOW, HOP, BANDS = 1_024, 256, 64  # samples, samples, mel bands
WIDTH, EMBEDDING = 128, 96
DILATIONS = (1, 1, 2, 3)
FILE = "speaker_namer.pt"


class SpeakerNamer(nn.Module):
    """Sound -> what its voice is like, and scores of every speaker."""

    def __init__(self, speakers: int) -> None:
        super().__init__()
        widths = [BANDS, *[WIDTH] * len(DILATIONS)]
        self.layers = nn.ModuleList(
            nn.Conv1d(before, after, 3, dilation=dilation, padding=dilation)
            for (before, after), dilation in zip(pairwise(widths), DILATIONS, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in DILATIONS)
        self.embedding = nn.Linear(2 * WIDTH, EMBEDDING)
        self.names = nn.Linear(EMBEDDING, speakers)
        self.register_buffer("mel", mel_matrix(WINDOW // 2 + 1, BANDS), persistent=False)
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)

    def embed(self, sound: torch.Tensor) -> torch.Tensor:
        """(batch, samples) -> (batch, EMBEDDING); how loud the sound is makes no difference."""
        spectrum = torch.stft(sound, WINDOW, HOP, window=self.window, return_complex=True)
        power = torch.view_as_real(spectrum).square().sum(-1)
        seen = (power.transpose(1, 2) @ self.mel + 1e-4).log().transpose(1, 2)
        seen = seen - seen.mean((1, 2), keepdim=True)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            seen = norm(F.relu(layer(seen)))
        spread = (seen.var(-1) + 1e-5).sqrt()
        embedded: torch.Tensor = self.embedding(torch.cat([seen.mean(-1), spread], 1))
        return embedded

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        """(batch, samples) -> scores (batch, speakers)."""
        scores: torch.Tensor = self.names(F.relu(self.embed(sound)))
        return scores


class VoiceLoss(nn.Module):
    """How far the voices of two sounds are apart, 0 to 2. Who names the speakers does not learn."""

    def __init__(self, namer: SpeakerNamer) -> None:
        super().__init__()
        self.namer = namer.eval().requires_grad_(False)

    def forward(self, made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """One minus the cosine of what both voices are like; (batch, samples)."""
        with torch.no_grad():
            asked = self.namer.embed(true)
        return 1 - F.cosine_similarity(self.namer.embed(made), asked).mean()


def load_voices(work: Path) -> VoiceLoss | None:
    """The trained network as a judge; None where it was not trained yet."""
    state = checkpoints.load(work / FILE)
    if state is None:
        return None
    namer = SpeakerNamer(len(state["model"]["names.bias"]))
    namer.load_state_dict(state["model"])
    return VoiceLoss(namer)


class SpeakerCrops:
    """Endless random crops of a second, with the number of who speaks."""

    def __init__(self, clips: list[tuple[int, Clip]], dice: np.random.Generator) -> None:
        self.clips, self.dice = clips, dice

    def batches(self, count: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Sounds (count, CROP) and speakers (count,)."""
        while True:
            chosen = [self.clips[int(self.dice.integers(len(self.clips)))] for _ in range(count)]
            sounds = np.stack([self._crop(clip.samples) for _, clip in chosen])
            numbers = np.array([number for number, _ in chosen])
            yield torch.from_numpy(sounds), torch.from_numpy(numbers)

    def _crop(self, samples: np.ndarray) -> np.ndarray:
        dice = self.dice
        start = int(dice.integers(max(1, len(samples) - CROP)))
        part = samples[start : start + CROP].astype(np.float32) / 32_768
        part = np.pad(part, (0, CROP - len(part))) * np.float32(10 ** (dice.uniform(*LEVELS) / 20))
        noise = dice.standard_normal(CROP, dtype=np.float32)
        return part + noise * np.float32(10 ** (dice.uniform(*NOISE) / 20))


def numbered_clips(work: Path) -> tuple[list[tuple[int, Clip]], int]:
    """All clips of all teachers with the number of their speaker, and how many speakers there are."""
    found: dict[tuple[str, int], int] = {}
    clips = []
    for path in shards_of(work):
        for clip in read_shard(path):
            speaker = path.parent.name, clip.speaker  # each teacher counts its own
            clips.append((found.setdefault(speaker, len(found)), clip))
    return clips, len(found)


@torch.no_grad()
def right_share(namer: SpeakerNamer, clips: list[tuple[int, Clip]]) -> float:
    """The share of crops whose speaker is named right."""
    namer.eval()
    feed = SpeakerCrops(clips, np.random.default_rng(0)).batches(BATCH)
    hits = [
        namer(sound).argmax(1) == number for sound, number in (moved(next(feed)) for _ in range(12))
    ]
    return float(torch.cat(hits).float().mean())


def train_namer(work: Path, minutes: float, batch: int = BATCH, feeders: int = 0) -> None:
    """Train from nothing until the time is up."""
    clips, speakers = numbered_clips(work)
    seen, kept_out = training_clips(clips), validation_clips(clips)
    namer = SpeakerNamer(speakers)
    optimizer = torch.optim.AdamW(namer.parameters(), RATE_OF_LEARNING, weight_decay=0.01)
    feed = fed(lambda dice: SpeakerCrops(seen, dice).batches(batch), 0, feeders)
    means, step = Means(), 0
    for step, part in moments_of(minutes, 0, means.told):
        set_rate(optimizer, RATE_OF_LEARNING, step, part, 0.02)
        sound, number = next(feed)
        loss = F.cross_entropy(namer(sound), number, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        means.add({"loss": loss})
    right = right_share(namer, kept_out)
    print(f"done: step {step + 1}, right of {speakers} speakers {right:.3f}", flush=True)
    figures = {"step": step + 1, "accuracy": right, "seconds": 60 * minutes}
    checkpoints.save(work / FILE, {"model": namer.state_dict(), **figures})


def main() -> None:
    """Train the network."""
    arguments = training_parser(__doc__, BATCH).parse_args()
    use_device(arguments.device)
    train_namer(arguments.work, arguments.minutes, arguments.batch, arguments.feeders)


if __name__ == "__main__":
    main()
