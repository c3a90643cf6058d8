"""Step 3: the encoder, HuBERT's architecture, trained to name the teachers' phones in every 40 ms.

    python -m recipes.mini.hubert --work WORK --minutes 20 [--espeak 0.33]

Every frame answers for four moments, 10 ms apart, so that its features know the order of what
happens inside the frame. Level, filtering and noise vary, so that the recording's sound does not
matter, and so do pace, pitch and formants, so that other speakers than the teacher's are understood.
A share of the batches comes from the second teacher, so that another kind of voice is understood too,
and a share from the family's own codec (`recipes.mini.made`), once that speaks, so that both are heard alike.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import nn
from torch.nn import functional as F
from transformers import HubertConfig, HubertModel

from recipes.mini import checkpoints
from recipes.mini.clips import (
    Clip,
    read_clips,
    training_clips,
    validation_clips,
)
from recipes.mini.devices import fed, here, training_parser, use_device
from recipes.mini.network import Muon
from recipes.mini.spelling import PHONES
from recipes.mini.training import Means, moments_of, set_rate, spent_before, spent_now

HOP = 640  # samples a frame: 25 frames a second
MOMENTS = 4  # answers a frame
BATCH = 16
RATE, MUON_RATE = 1e-3, 0.01  # of learning, at its highest
WARP = 0.2  # octaves
ESPEAK_SHARE = 0.33  # of the batches
MADE_SHARE = 0.4  # of the batches, when there are such clips
Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""Padded sound (batch, samples), phones (batch, frames, MOMENTS)."""


def hubert_config() -> HubertConfig:
    """25 frames a second, 4 layers of 192."""
    return HubertConfig(
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=768,
        conv_dim=(48, 64, 96, 128, 128, 160, 192),
        conv_stride=(5, 4, 2, 2, 2, 2, 2),
        conv_kernel=(10, 8, 4, 4, 3, 2, 2),
        num_feat_extract_layers=7,
        num_conv_pos_embeddings=15,
        num_conv_pos_embedding_groups=4,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=True,
        apply_spec_augment=False,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
        vocab_size=32,
    )


def receptive_field(config: HubertConfig) -> int:
    """How many samples one frame sees."""
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field


def margins(config: HubertConfig) -> tuple[int, int]:
    """How much silence before and after a sound of whole frames centres frame n on samples n*HOP .. (n+1)*HOP."""
    more = receptive_field(config) - HOP
    return more // 2, more - more // 2


def padded(samples: np.ndarray, config: HubertConfig) -> np.ndarray:
    """`samples` filled up to whole frames, with the silence on both sides that centres the frames."""
    before, after = margins(config)
    return np.pad(samples, (before, -len(samples) % HOP + after))


def moments(clip: Clip) -> np.ndarray:
    """The phone at each of the `MOMENTS` moments of each frame: (frames, MOMENTS)."""
    frames = -(-len(clip.samples) // HOP)
    at = (np.arange(frames * MOMENTS) + 0.5) * (HOP / MOMENTS)
    index = np.minimum(np.searchsorted(clip.ends, at, side="right"), len(clip.phones) - 1)
    return clip.phones[index].reshape(frames, MOMENTS).astype(np.int64)


class PhoneNamer(nn.Module):
    """The encoder and one classifier for each moment."""

    def __init__(self) -> None:
        super().__init__()
        self.hubert = HubertModel(hubert_config())
        self.heads = nn.Linear(192, MOMENTS * len(PHONES))

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        """Scores (batch, frames, MOMENTS, phones) of padded sound (batch, samples)."""
        hidden = self.hubert(sound).last_hidden_state
        return self.heads(hidden).unflatten(-1, (MOMENTS, len(PHONES)))


def varied(sound: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The sound at another level, with another tilt of its spectrum, and with noise."""
    tilt = generator.uniform(-0.5, 0.5)
    sound = sound + tilt * np.concatenate([[0.0], sound[:-1]])
    if generator.random() < 0.3:
        level = 10 ** (generator.uniform(-60, -32) / 20)
        sound = sound + level * generator.standard_normal(len(sound))
    return (sound * 10 ** (generator.uniform(-18, 3) / 20)).astype(np.float32)


def warped(clip: Clip, generator: np.random.Generator) -> Clip:
    """The clip played up to a seventh slower or faster: pace, pitch and formants move together."""
    factor = 2 ** generator.uniform(-WARP, WARP)
    samples = soxr.resample(clip.samples.astype(np.float32), factor, 1.0, "MQ")
    return replace(clip, samples=samples, ends=np.round(clip.ends / factor).astype(clip.ends.dtype))


def batches(clips: list[Clip], generator: np.random.Generator, count: int = BATCH) -> Batches:
    """Endless batches of clips of nearly the same length: padded sound and phones (-100 outside)."""
    config = hubert_config()
    order = np.argsort([len(clip.samples) for clip in clips], kind="stable")
    groups = [order[i : i + count] for i in range(0, len(order), count)]
    while True:
        for group in generator.permutation(len(groups)):
            members = [warped(clips[i], generator) for i in groups[group]]
            sounds = [padded(varied(c.samples / 32_768.0, generator), config) for c in members]
            longest = max(map(len, sounds))
            sound = np.stack([np.pad(s, (0, longest - len(s))) for s in sounds]).astype(np.float32)
            labels = [moments(c) for c in members]
            frames = max(map(len, labels))
            target = np.full((len(members), frames, MOMENTS), -100, dtype=np.int64)
            for row, label in enumerate(labels):
                target[row, : len(label)] = label
            yield torch.from_numpy(sound), torch.from_numpy(target)


def mixed(first: Batches, second: Batches, share: float, generator: np.random.Generator) -> Batches:
    """Endless batches of both; each is of the second with probability `share`."""
    while True:
        yield next(second if generator.random() < share else first)


def accuracy(model: PhoneNamer, clips: list[Clip]) -> float:
    """The share of moments whose phone is named right, on clips never trained on."""
    right = total = 0
    model.eval()
    with torch.no_grad():
        for clip in clips[:100]:
            sound = here(padded(clip.samples / 32_768.0, hubert_config()).astype(np.float32))
            named = model(sound.unsqueeze(0))[0].argmax(-1).cpu().numpy()
            right += int((named == moments(clip)).sum())
            total += named.size
    model.train()
    return right / total


def accuracies(model: PhoneNamer, kept_out: dict[str, list[Clip]]) -> dict[str, float]:
    """The share of moments named right, by teacher."""
    return {name: accuracy(model, clips) for name, clips in kept_out.items() if clips}


def shown(found: dict[str, float]) -> str:
    """The accuracies as one piece of a line."""
    return " ".join(f"{name} {share:.3f}" for name, share in found.items())


def feed_of(
    clips: dict[str, list[Clip]],
    share: float,
    generator: np.random.Generator,
    count: int = BATCH,
) -> Batches:
    """Training batches: `share` of the teachers' are the second's; some are the family's own, if any."""
    feed = batches(training_clips(clips["flite"]), generator, count)
    if share:
        assert clips["espeak"], (
            "make the second teacher's clips first: python -m recipes.mini.espeak"
        )
        feed = mixed(
            feed, batches(training_clips(clips["espeak"]), generator, count), share, generator
        )
    if clips["made"]:
        made = batches(training_clips(clips["made"]), generator, count)
        feed = mixed(feed, made, MADE_SHARE, generator)
    return feed


def train(
    work: Path, minutes: float, espeak_share: float, batch: int = BATCH, feeders: int = 0
) -> None:
    """Train until the time is up; goes on from the last checkpoint."""
    path = work / "hubert.pt"
    clips = {
        "flite": read_clips(work),
        "espeak": read_clips(work, "espeak"),
        "made": [],
    }
    unheard = {clip.text for each in clips.values() for clip in validation_clips(each)}
    clips["made"] = [clip for clip in read_clips(work, "made") if clip.text not in unheard]
    kept_out = {name: validation_clips(each) for name, each in clips.items()}
    model = PhoneNamer()
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and ".encoder.layers." in n]
    known = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in known]
    muon, adam = (
        Muon(matrices, MUON_RATE),
        torch.optim.AdamW(others, lr=RATE, betas=(0.9, 0.98), weight_decay=0.01),
    )
    state = checkpoints.load(path)
    step, spent = 0, spent_before({})
    if state is not None:
        model.load_state_dict(state["model"])
        step, spent = state["step"], spent_before(state)
    feed = fed(lambda dice: feed_of(clips, espeak_share, dice, batch), step, feeders)
    means = Means()

    def save(steps: int, seconds: float) -> None:
        right = accuracies(model, kept_out)
        print(f"step {steps} right {shown(right)}", flush=True)
        figures = {"step": steps, "accuracy": right["flite"], **spent_now(spent, seconds)}
        checkpoints.save(path, {"model": model.state_dict(), **figures})

    for moment in moments_of(minutes, step, means.told, save):
        set_rate(muon, MUON_RATE, moment.step - step, moment.part, 0.02)
        set_rate(adam, RATE, moment.step - step, moment.part, 0.02)
        sound, target = next(feed)
        scores = model(sound)[:, : target.shape[1]]
        loss = F.cross_entropy(
            scores.flatten(0, 2), target[:, : scores.shape[1]].flatten(), ignore_index=-100
        )
        muon.zero_grad()
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon.step()
        adam.step()
        means.add({"loss": loss})


def main() -> None:
    """Train the encoder."""
    parser = training_parser(__doc__, BATCH)
    parser.add_argument(
        "--espeak",
        type=float,
        default=ESPEAK_SHARE,
        help="share of the batches that the second teacher speaks; 0 for none",
    )
    arguments = parser.parse_args()
    use_device(arguments.device)
    train(arguments.work, arguments.minutes, arguments.espeak, arguments.batch, arguments.feeders)


if __name__ == "__main__":
    main()
