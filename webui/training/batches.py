"""Pairs of unequal length -> tensors: features side by side, and the token of every frame."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from webui.arrays import AnyTokens
from webui.synthesis.rendering import seed_of
from webui.training.plan import TrainingData

NO_TOKEN = -100  # torch's own number for a frame that does not count
SORTED_BATCHES = 8  # are cut from pairs sorted by length, so that little is filled up


@dataclass(frozen=True, eq=False)
class Batch:
    """Some pairs, the shorter ones filled up.

    `features` are (pairs, frames, width) in float32, `is_sound` (pairs, frames, 1), `labels`
    (pairs, frames) with `NO_TOKEN` where a frame has none.
    """

    features: torch.Tensor
    is_sound: torch.Tensor
    labels: torch.Tensor


def labels_of(tokens: AnyTokens, frames: int, shift: int, rates: tuple[float, float]) -> AnyTokens:
    """Give every frame of features its token.

    Both are counted from the start, by time: 50 frames and 49.9 tokens a second drift apart by a
    frame in ten seconds. With a shift, frames at one end have no token and tokens at the other end
    no frame; nothing is ever cut off one of the two only.

    Args:
        tokens: of the pair.
        frames: how many frames of features it has.
        shift: the features of frame n + shift belong to token n.
        rates: frames and tokens a second.
    """
    frame_rate, token_rate = rates
    places = np.floor((np.arange(frames) - shift + 0.5) * (token_rate / frame_rate)).astype(
        np.int64
    )
    is_there = (places >= 0) & (places < len(tokens))
    labels = np.full(frames, NO_TOKEN, dtype=np.int64)
    labels[is_there] = tokens[places[is_there]]
    return labels


def batch_of(
    data: TrainingData, chosen: Sequence[int], shift: int, device: torch.device | str = "cpu"
) -> Batch:
    """Put pairs side by side."""
    longest = max(len(data.features[place]) for place in chosen)
    width = data.features[chosen[0]].shape[1]
    features = np.zeros((len(chosen), longest, width), dtype=np.float32)
    is_sound = np.zeros((len(chosen), longest, 1), dtype=np.float32)
    labels = np.full((len(chosen), longest), NO_TOKEN, dtype=np.int64)
    for row, place in enumerate(chosen):
        frames = len(data.features[place])
        features[row, :frames] = data.features[place]
        is_sound[row, :frames] = 1.0
        labels[row, :frames] = labels_of(data.tokens[place], frames, shift, data.rates)
    return Batch(*(torch.from_numpy(each).to(device) for each in (features, is_sound, labels)))


def with_mixed_voices(batch: Batch, share: float) -> torch.Tensor:
    """Let some pairs sound as if another speaker of the batch had said them.

    What stays the same over a whole clip is who speaks and how it was recorded. So the mean and
    the spread of each feature over a clip become those between its own and another clip's
    (MixStyle: Zhou et al. 2021, "Domain generalization with MixStyle"), and what is learned of one
    voice holds for others. Random numbers are torch's own.

    Args:
        batch: the pairs.
        share: how many of the pairs are changed, 0 to 1.

    Returns:
        The features, (pairs, frames, width).
    """
    sound, count = batch.is_sound, batch.is_sound.sum(1, keepdim=True).clamp(min=1.0)
    mean = (batch.features * sound).sum(1, keepdim=True) / count
    apart = (batch.features - mean) * sound
    spread = (apart.square().sum(1, keepdim=True) / count + 1e-5).sqrt()
    pairs = len(sound)
    other = torch.randperm(pairs).to(sound.device)
    amount = torch.rand(pairs, 1, 1).to(sound.device)
    amount = amount * (torch.rand(pairs, 1, 1) < share).to(sound.device)
    mixed = [each + amount * (each[other] - each) for each in (mean, spread)]
    return (apart / spread * mixed[1] + mixed[0]) * sound


def batches_in_order(
    data: TrainingData, chosen: Sequence[int], size: int
) -> Iterator[tuple[int, ...]]:
    """All pairs once, those of like length together."""
    ordered = sorted(chosen, key=lambda place: len(data.features[place]))
    for first in range(0, len(ordered), size):
        yield tuple(ordered[first : first + size])


def shuffled_batch(
    data: TrainingData, chosen: Sequence[int], size: int, seed: int, step: int
) -> tuple[int, ...]:
    """Give the pairs of one step of training; every pair is in one batch of each epoch.

    The order follows from the seed and the step, so a training that was cut short goes on with the
    very pairs that were next.
    """
    epoch, number = divmod(step, batches_an_epoch(len(chosen), size))
    generator = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
    order = [chosen[place] for place in torch.randperm(len(chosen), generator=generator).tolist()]
    span = size * SORTED_BATCHES
    group = order[number // SORTED_BATCHES * span :][:span]
    group.sort(key=lambda place: len(data.features[place]))
    parts = math.ceil(len(group) / size)
    mixed = torch.randperm(parts, generator=generator).tolist()
    first = mixed[number % SORTED_BATCHES] * size
    return tuple(group[first : first + size])


def batches_an_epoch(pairs: int, size: int) -> int:
    """How many steps it takes to see every pair once."""
    return math.ceil(pairs / size)
