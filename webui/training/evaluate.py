"""How well a quantizer hears: shares of right frames, edit distance, and which of two is better."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from webui.arrays import AnyTokens
from webui.cloning.quantizer import Quantizer, shift_of
from webui.training.batches import NO_TOKEN, batch_of, batches_in_order
from webui.training.plan import Split, TrainingData
from webui.training_results import (
    ARCHITECTURES,
    PHONE_CLASSES,
    QuantizerComparison,
    QuantizerReport,
)

TOP = 5
BATCH = 16  # pairs
DRAWS = 2_000  # of the pairs, to say how sure a difference is
SURE = 0.95


@dataclass(frozen=True, eq=False)
class Heard:
    """What a quantizer heard of one pair: a number for every frame that has a token."""

    place: int
    labels: AnyTokens  # the right tokens
    named: AnyTokens  # the likeliest ones
    is_near: AnyTokens  # 1 where the right one is among the likeliest few


def hear(
    model: Quantizer, data: TrainingData, chosen: Sequence[int], shift: int | None = None
) -> Iterator[Heard]:
    """Listen to pairs whose tokens are known; shorter ones first.

    Args:
        model: the quantizer.
        data: the pairs.
        chosen: which of them.
        shift: of the tokens against the features; None takes the quantizer's own.
    """
    shift = model.shift if shift is None else shift
    device = model.fc.weight.device
    top = min(TOP, model.config.tokens)
    for places in batches_in_order(data, chosen, BATCH):
        batch = batch_of(data, places, shift, device)
        with torch.inference_mode():
            likeliest = model(batch.features, batch.is_sound).topk(top, dim=-1).indices
        is_near = (likeliest == batch.labels.unsqueeze(-1)).any(-1).cpu().numpy()
        named, labels = likeliest[..., 0].cpu().numpy(), batch.labels.cpu().numpy()
        for row, place in enumerate(places):
            counts = labels[row] != NO_TOKEN
            near = is_near[row][counts].astype(np.int64)
            yield Heard(place, labels[row][counts], named[row][counts], near)


def accuracy_of(
    model: Quantizer, data: TrainingData, chosen: Sequence[int], shift: int | None = None
) -> tuple[float, float]:
    """The share of frames whose token is right, and is among the five likeliest."""
    frames = right = near = 0
    for heard in hear(model, data, chosen, shift):
        frames += len(heard.labels)
        right += int((heard.labels == heard.named).sum())
        near += int(heard.is_near.sum())
    return right / max(frames, 1), near / max(frames, 1)


def evaluate_quantizer(
    model: Quantizer,
    data: TrainingData,
    split: Split,
    classes: Mapping[int, str] | None = None,
) -> QuantizerReport:
    """Judge a quantizer by the pairs that were held out.

    Args:
        model: the quantizer.
        data: all pairs.
        split: as in the training.
        classes: the kind of sound of each token, where it is known.
    """
    heard = {each.place: each for each in hear(model, data, split.held_out)}
    voices: dict[str, list[Heard]] = defaultdict(list)
    for place, each in heard.items():
        voices[data.voices[place]].append(each)
    edits = [(edit_distance(once(each.labels), once(each.named)), each) for each in heard.values()]
    asked = sum(len(once(each.labels)) for _, each in edits)
    all_heard = list(heard.values())
    near = sum(int(each.is_near.sum()) for each in all_heard)
    frames = sum(len(each.labels) for each in all_heard)
    return QuantizerReport(
        accuracy=_share(all_heard) or 0.0,
        accuracy_top5=near / max(frames, 1),
        edit_distance=sum(count for count, _ in edits) / max(asked, 1),
        frames=frames,
        pairs=len(split.training),
        shift=shift_of(model.shift),
        architecture=ARCHITECTURES[model.config.version],
        parameters=sum(each.numel() for each in model.parameters()),
        by_voice={name: _share(some) or 0.0 for name, some in sorted(voices.items())},
        by_class=_by_class(all_heard, classes or {}),
        held_out_pairs=len(heard),
        held_out_voices=split.held_out_voices,
        unseen_voices_accuracy=_share([heard[place] for place in split.unseen_voices]),
        unseen_texts_accuracy=_share([heard[place] for place in split.unseen_texts]),
    )


def compare(
    first: Quantizer,
    second: Quantizer,
    data: TrainingData,
    second_data: TrainingData | None = None,
    seed: int = 0,
) -> QuantizerComparison:
    """Let two quantizers listen to the same pairs, and say whether one hears better.

    The pairs are drawn again and again; the difference is sure when it has the same sign in 95 of
    100 draws.

    Args:
        first: a quantizer.
        second: another one.
        data: pairs that neither was trained on.
        second_data: the same pairs as the second hears them, where it reads other features.
        seed: of the draws.
    """
    ours, theirs = (
        sorted(hear(each, heard, range(len(heard))), key=lambda found: found.place)
        for each, heard in ((first, data), (second, data if second_data is None else second_data))
    )
    right = np.array([[_right(a), _right(b)] for a, b in zip(ours, theirs, strict=True)], float)
    frames = np.array([[len(a.labels), len(b.labels)] for a, b in zip(ours, theirs, strict=True)])
    shares = right.sum(0) / np.maximum(frames.sum(0), 1)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(ours), (DRAWS, len(ours)), generator=generator).numpy()
    draws = right[drawn].sum(1) / np.maximum(frames[drawn].sum(1), 1)
    low, high = np.quantile(draws[:, 1] - draws[:, 0], [(1 - SURE) / 2, (1 + SURE) / 2])
    return QuantizerComparison(
        float(shares[0]),
        float(shares[1]),
        float(low),
        float(high),
        "second" if low > 0 else "first" if high < 0 else "alike",
    )


def once(tokens: AnyTokens) -> AnyTokens:
    """Take tokens that repeat for one: how long a sound lasts is another question."""
    if not len(tokens):
        return tokens
    changes = np.concatenate([[True], tokens[1:] != tokens[:-1]])
    return np.asarray(tokens[changes])


def edit_distance(first: AnyTokens, second: AnyTokens) -> int:
    """How few insertions, deletions and substitutions turn one row into the other."""
    steps = np.arange(len(second) + 1)
    row = steps.copy()
    for number, token in enumerate(first, start=1):
        best = np.empty_like(row)
        best[0] = number
        best[1:] = np.minimum(row[:-1] + (second != token), row[1:] + 1)
        # an insertion costs one a step: the least of all earlier ones, counted from here
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def _right(heard: Heard) -> int:
    return int((heard.labels == heard.named).sum())


def _share(some: Sequence[Heard]) -> float | None:
    frames = sum(len(each.labels) for each in some)
    return sum(map(_right, some)) / frames if frames else None


def _by_class(some: Sequence[Heard], classes: Mapping[int, str]) -> dict[str, float]:
    right: dict[str, int] = defaultdict(int)
    frames: dict[str, int] = defaultdict(int)
    for each in some:
        for label, named in zip(each.labels.tolist(), each.named.tolist(), strict=True):
            if label in classes:
                frames[classes[label]] += 1
                right[classes[label]] += label == named
    names = [*PHONE_CLASSES, *sorted(frames.keys() - set(PHONE_CLASSES))]
    return {name: right[name] / frames[name] for name in names if name in frames}
