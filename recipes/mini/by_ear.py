"""Step 7c: the fine stage and the decoder together, by what is heard of them.

    python -m recipes.mini.by_ear --work WORK --minutes 60

Until here the fine stage named codes that are near to the sound's, and the decoder made the best of them. What counts
is the sound: here the decoder says what the fine stage has named, as in speaking, and both learn from how that sounds
beside the true one. A name has no slope to learn by; it is given that of the codes' mean, each as likely as the stage
holds it. What the stage learnt before stays part of its task, and some sounds are made of their true codes, so that
recordings that are cloned keep theirs. Where there are codes as the stages make them (`recipes.mini.refined`), most
windows begin with those of the coarse stage. The codes themselves stay as they are: all made before are valid.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from recipes.mini import checkpoints, fine
from recipes.mini import layout as L
from recipes.mini.clearer import clearer
from recipes.mini.clips import VALIDATION_EVERY, read_shard, token_path
from recipes.mini.codec import CODEBOOK_SIZE, CODEBOOKS, load_parts
from recipes.mini.crops import CROP, HOP, REFINED_SHARE
from recipes.mini.decoder import LOSSES, DecoderTraining, weighted
from recipes.mini.devices import fed, half_where_fast, stage_parser, use_device
from recipes.mini.hearing import load_hearing
from recipes.mini.network import FineNetwork, Optimizers, schedule
from recipes.mini.refined import trained
from recipes.mini.speaker_namer import load_voices
from recipes.mini.streams import Pairs, Take, read_codes, takes_of_shards
from recipes.mini.training import Means, moments_of, set_rate, spent_before, spent_now

BATCH = 6
FRAMES = CROP // HOP  # heard of each window
TRUE_EVERY = 3  # of so many windows one is said with its true codes as well
NEARNESS_WEIGHT = 10.0  # of what the fine stage learnt before
FINE_RATE = 0.3  # of its usual rate of learning: it has settled
DECODER_RATE = 3e-4
SHOWN = (*LOSSES[:5], "nearness", "left")


class Window(NamedTuple):
    """Windows of the fine stage, and the sound of a part of what it fills in."""

    codes: torch.Tensor
    """(batch, FINE_WINDOW, codebooks); the first ones may be what the coarse stage says."""
    new: torch.Tensor
    """Which frames are filled in: (batch, FINE_WINDOW)."""
    start: torch.Tensor
    """Where what is heard begins, (batch,): `FRAMES` from there on."""
    true: torch.Tensor
    """The codes of these frames' sound: (batch, FRAMES, codebooks)."""
    sound: torch.Tensor
    """Of these frames: (batch, CROP)."""


class Heard(NamedTuple):
    """A clip, what the stages make of it, and how it sounds."""

    take: Take
    said: np.ndarray | None
    """Codes (codebooks, frames) of which the first are the coarse stage's; None where nobody asked it."""
    sound: np.ndarray
    """16-bit, `HOP` samples for every frame."""


class Windows:
    """Endless random windows of clips with their sound, each behind a voice of the same speaker.

    `REFINED_SHARE` of them are of clips that the coarse stage was asked about, where there are any.
    """

    def __init__(self, clips: list[Heard], dice: np.random.Generator) -> None:
        self.clips, self.dice = {id(clip.take): clip for clip in clips}, dice
        asked = [clip.take for clip in clips if clip.said is not None]
        everything = [clip.take for clip in clips]
        self.feeds = [
            iter(Pairs(takes, L.FINE_WINDOW, dice)) for takes in (everything, asked or everything)
        ]

    def batches(self, count: int) -> Iterator[Window]:
        """Endless batches."""
        while True:
            yield Window(
                *(torch.from_numpy(np.stack(each)) for each in zip(*self._some(count), strict=True))
            )

    def _some(self, count: int) -> list[tuple[np.ndarray, ...]]:
        found: list[tuple[np.ndarray, ...]] = []
        while len(found) < count:
            feed = self.feeds[int(self.dice.random() < REFINED_SHARE)]
            (_, voice), take = next(feed)
            if take.codes.shape[1] >= FRAMES:
                found.append(self._one(voice, self.clips[id(take)]))
        return found

    def _one(self, voice: np.ndarray, clip: Heard) -> tuple[np.ndarray, ...]:
        dice, true = self.dice, clip.take.codes
        said, frames = true if clip.said is None else clip.said, true.shape[1]
        cut = 0
        if dice.random() < fine.LATER:
            cut = int(dice.integers(frames - FRAMES + 1))
        before = np.concatenate([voice, true[:, :cut]], 1)
        if not cut and dice.random() < fine.NO_VOICE:
            before = before[:, :0]
        codes, begin = fine.window(before, said[:, cut:])
        new = codes[:, 0] != L.FINE_UNKNOWN
        new[:begin] = False
        ahead = int(dice.integers(new.sum() - FRAMES + 1))
        first = cut + ahead
        sound = clip.sound[HOP * first : HOP * first + CROP].astype(np.float32) / 32_768
        return codes, new, np.array(begin + ahead), true[:, first : first + FRAMES].T, sound


class EarTraining:
    """One step of the fine stage and the decoder."""

    def __init__(self, work: Path, rate: float = 1.0) -> None:
        self.parts = load_parts(work)
        self.vectors = self.parts["quantizer"].codes
        self.fine = trained(work, "fine", fine.network())
        for embedding in self.fine.input_embeds_layers:
            embedding.weight.requires_grad_(False)  # they say what the codes are
        self.decoder = DecoderTraining(
            self.parts, load_hearing(work), load_voices(work), rate * DECODER_RATE
        )
        self.optimizers, self.rate = Optimizers(self.fine), rate

    def step(self, given: Window) -> torch.Tensor:
        """Learn from windows; gives what is `SHOWN`."""
        loss, figures = self.losses(given)
        optimizer = self.decoder.optimizer
        optimizer.zero_grad()
        self.optimizers.step(loss)
        nn.utils.clip_grad_norm_(self.decoder.decoder.parameters(), 1.0)
        optimizer.step()
        return figures

    def set_rates(self, part: float, steps: int) -> None:
        """Warm up and come down; `part` of the time is over."""
        self.optimizers.set_rate(FINE_RATE * self.rate * schedule(part, steps))
        set_rate(self.decoder.optimizer, self.rate * DECODER_RATE, steps, part, 0.02)

    def losses(self, given: Window) -> tuple[torch.Tensor, torch.Tensor]:
        """What is to be made less, and what is `SHOWN`."""
        named, nearness, left = name(self.fine, self.vectors, given)
        true = _sum_of(self.vectors, given.true[::TRUE_EVERY])
        sound = torch.cat([given.sound, given.sound[::TRUE_EVERY]])
        made = self.parts["decoder"](torch.cat([named, true]).transpose(1, 2))[:, 0, :CROP]
        losses = self.decoder.losses(made, sound)
        loss = weighted(losses) + NEARNESS_WEIGHT * nearness
        return loss, torch.stack([*losses, nearness, left]).detach()


def heard_part(values: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """The `FRAMES` from `start` (batch,) on: (batch, positions, values) -> (batch, FRAMES, values)."""
    places = start.unsqueeze(1) + torch.arange(FRAMES, device=start.device)
    return values.gather(1, places.unsqueeze(-1).expand(-1, -1, values.shape[-1]))


def name(
    model: FineNetwork, vectors: torch.Tensor, given: Window
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Fill in the new frames as speaking does, so that what comes of it can be learnt from.

    Args:
        model: the fine stage.
        vectors: of the codes, (codebooks, codes, dimension).
        given: the windows.

    Returns:
        The sum of the codes' vectors in the part that is heard, (batch, FRAMES, dimension), with the slope of their
        means; how far the scores are from what `fine.losses` asks; the energy left out, as a share of what the coarse
        codes leave out.
    """
    codes = given.codes.clone()
    codes[..., L.COARSE_CODEBOOKS :].masked_fill_(given.new.unsqueeze(-1), L.FINE_UNKNOWN)
    first = heard_part(codes[..., : L.COARSE_CODEBOOKS], given.start)
    told = _sum_of(vectors, first)
    left = _sum_of(vectors, given.true) - told
    before, errors = left.square().sum(), []
    for book in range(L.COARSE_CODEBOOKS, CODEBOOKS):
        with half_where_fast():
            hidden = model.hidden(codes, book)
        with torch.no_grad():
            drawn = model.scores(hidden.float(), book)[..., :CODEBOOK_SIZE].argmax(-1)
        scores = model.scores(heard_part(hidden.float(), given.start), book)[..., :CODEBOOK_SIZE]
        table = vectors[book]
        picked = table[heard_part(drawn.unsqueeze(-1), given.start)[..., 0]]
        mean = scores.softmax(-1) @ table
        told = told + mean + (picked - mean).detach()
        errors.append(fine.error(scores, left, table))
        left = left - picked
        codes = codes.clone()  # what the scores came from is still needed to learn from them
        codes[..., book] = torch.where(given.new, drawn, codes[..., book])
    return told, torch.stack(errors).mean(), left.square().sum() / before


def _sum_of(vectors: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Of the vectors of the first codebooks' codes: (…, codebooks) -> (…, dimension)."""
    return torch.stack([vectors[book][codes[..., book]] for book in range(codes.shape[-1])]).sum(0)


def heard_clips(work: Path, clear: float = 0.0) -> list[Heard]:
    """Every clip that has codes, with its sound, `clearer` by a share; those kept out of training not."""
    found, index = [], 0
    for shard, takes in takes_of_shards(work).items():
        path = token_path(work, "refined", shard)
        said = read_codes(path) if path.exists() else [None] * len(takes)
        for take, codes, clip in zip(takes, said, read_shard(shard), strict=True):
            missing = HOP * take.codes.shape[1] - len(clip.samples)
            if index % VALIDATION_EVERY:
                sound = _clearer(clip.samples, clear) if clear else clip.samples
                found.append(Heard(take, codes, np.pad(sound, (0, missing))))
            index += 1
    return found


def _clearer(samples: np.ndarray, share: float) -> np.ndarray:
    sound = clearer(samples.astype(np.float32) / 32_768, share)
    return np.round(sound * 32_768).clip(-32_768, 32_767).astype(np.int16)


def train(
    work: Path,
    minutes: float,
    batch: int = BATCH,
    feeders: int = 0,
    rate: float = 1.0,
    clear: float = 0.0,
) -> None:
    """Train until the time is up; goes on from the checkpoints of both, which must exist.

    By `clear` what stands out of the true sound shall stand out more (`recipes.mini.clearer`).

    Raises:
        SystemExit: one of them is missing.
    """
    paths = work / "fine.pt", work / "codec_decoder.pt"
    states = [state for path in paths if (state := checkpoints.load(path)) is not None]
    if len(states) < len(paths):
        raise SystemExit("Train the fine stage and the codec's decoder first.")
    before = [(state["step"], spent_before(state)) for state in states]
    training, means, clips = EarTraining(work, rate), Means(), heard_clips(work, clear)
    feed = fed(lambda dice: Windows(clips, dice).batches(batch), before[0][0], feeders)
    next(feed)  # the feeders' beginning is not training
    print(f"{len(clips)} clips", flush=True)

    def save(steps: int, seconds: float) -> None:
        parts = {"model": training.fine.state_dict()}, {"parts": training.decoder.state()["parts"]}
        for path, kept, (step, spent) in zip(paths, parts, before, strict=True):
            checkpoints.save(path, {**kept, "step": step + steps, **spent_now(spent, seconds)})

    for moment in moments_of(minutes, 0, means.told, save):
        training.set_rates(moment.part, moment.step)
        figures = training.step(next(feed))
        means.add(dict(zip(SHOWN, figures, strict=True)))


def main() -> None:
    """Train both."""
    parser = stage_parser(__doc__, BATCH)
    parser.add_argument(
        "--clearer", type=float, default=0.0, metavar="SHARE",
        help="of what stands out of the true sound, by which it shall stand out more; 0: as it is",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=1, help="of the processor; default: 1")
    arguments = parser.parse_args()
    use_device(arguments.device)
    torch.set_num_threads(arguments.threads)
    given = arguments.work, arguments.minutes, arguments.batch, arguments.feeders, arguments.rate
    train(*given, arguments.clearer)


if __name__ == "__main__":
    main()
