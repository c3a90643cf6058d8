"""Alignment of tokens and features, the split, and batches that follow from seed and step."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.lessons import lessons, short_plan
from webui.errors import SettingsError
from webui.training.batches import (
    NO_TOKEN,
    batch_of,
    batches_an_epoch,
    batches_in_order,
    labels_of,
    shuffled_batch,
    with_mixed_voices,
)
from webui.training.plan import TrainingPlan, split_pairs

EVEN = (25.0, 25.0)
TOKENS = np.arange(10, 15)


@pytest.mark.parametrize(
    ("shift", "frames", "labels"),
    [
        (0, 5, [10, 11, 12, 13, 14]),
        (0, 6, [10, 11, 12, 13, 14, NO_TOKEN]),
        (0, 4, [10, 11, 12, 13]),
        (1, 5, [NO_TOKEN, 10, 11, 12, 13]),
        (-1, 5, [11, 12, 13, 14, NO_TOKEN]),
        (-1, 4, [11, 12, 13, 14]),
    ],
)
def test_a_shift_moves_the_tokens_and_cuts_nothing_else(shift, frames, labels):
    assert labels_of(TOKENS, frames, shift, EVEN).tolist() == labels


def test_over_ten_seconds_frames_and_tokens_are_aligned_by_time_not_by_number():
    tokens = np.arange(499)
    labels = labels_of(tokens, 500, 0, (50.0, 49.9))
    for frame in (0, 100, 250, 400, 498):
        middle = (frame + 0.5) / 50.0  # seconds
        assert labels[frame] / 49.9 <= middle <= (labels[frame] + 1) / 49.9
    assert labels[499] == 498  # by number it would have none


def test_shorter_pairs_are_filled_up_with_what_does_not_count():
    data = lessons(6)
    batch = batch_of(data, (0, 4), 0)
    assert batch.features.shape == (2, 30, 16)
    assert batch.is_sound[1].sum() == 26
    assert np.array_equal(batch.features[1, :26].numpy(), data.features[4].astype(np.float32))
    assert batch.labels[1, :26].tolist() == data.tokens[4].tolist()
    assert (batch.labels[1, 26:] == NO_TOKEN).all()


def test_every_pair_is_in_one_batch_of_each_epoch_and_the_order_changes():
    data, chosen = lessons(27), tuple(range(3, 27))
    steps = batches_an_epoch(len(chosen), 5)
    epochs = [
        [shuffled_batch(data, chosen, 5, 0, epoch * steps + step) for step in range(steps)]
        for epoch in range(2)
    ]
    for batches in epochs:
        assert sorted(place for batch in batches for place in batch) == list(chosen)
    assert epochs[0] != epochs[1]


def test_more_batches_than_are_sorted_together_lose_no_pair():
    data = lessons(70)
    steps = batches_an_epoch(70, 3)
    seen = [place for step in range(steps) for place in shuffled_batch(data, range(70), 3, 1, step)]
    assert sorted(seen) == list(range(70))


def test_pairs_in_order_come_once_and_by_length():
    data = lessons(10)
    batches = list(batches_in_order(data, range(10), 4))
    lengths = [len(data.features[place]) for batch in batches for place in batch]
    assert lengths == sorted(lengths)
    assert sorted(sum(batches, ())) == list(range(10))


def test_no_text_and_no_voice_is_on_both_sides():
    data, plan = lessons(200), short_plan()
    split = split_pairs(data, plan)
    texts = {data.texts[place] for place in split.training}
    voices = {data.voices[place] for place in split.training}
    assert not texts & {data.texts[place] for place in split.unseen_texts}
    assert not voices & {data.voices[place] for place in split.unseen_voices}
    assert len(split.held_out_voices) == 1
    assert split.held_out_voices != ("",)
    everything = [*split.training, *split.unseen_texts, *split.unseen_voices]
    assert sorted(everything) == list(range(200))


def test_a_text_that_was_learned_from_is_never_held_out_when_pairs_are_added():
    plan = short_plan()
    few, more = split_pairs(lessons(60), plan), split_pairs(lessons(200), plan)
    assert not {*few.training} & {*more.held_out}
    assert few.held_out_voices == more.held_out_voices


def test_voices_can_be_held_out_by_name():
    split = split_pairs(lessons(40), short_plan(held_out_voices=("bob", "cleo")))
    assert {*split.unseen_voices} == {n for n in range(40) if n % 5 in (2, 3)}


def test_few_voices_are_all_learned_from():
    data = replace(lessons(40), voices=("ada", "bob", "", "") * 10)
    assert split_pairs(data, short_plan()).held_out_voices == ()


def test_too_few_pairs_and_pairs_that_are_all_alike_are_refused():
    with pytest.raises(SettingsError, match="There are 4 pairs"):
        split_pairs(lessons(4), short_plan())
    alike = replace(lessons(10), texts=("same",) * 10, voices=("",) * 10)
    with pytest.raises(SettingsError, match="nothing is left to learn from"):
        split_pairs(alike, short_plan())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens": 1}, "number of tokens is 1"),
        ({"learning_rate": 1.0}, "learning rate is 1.0"),
        ({"held_out_share": 0.9}, "share of held-out pairs is 0.9"),
        ({"dropout": float("nan")}, "dropout is nan"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(changes, said):
    with pytest.raises(SettingsError, match=said):
        replace(TrainingPlan(tokens=500), **changes).validated()


def test_an_architecture_that_there_is_not_is_refused():
    plan = TrainingPlan(tokens=500)
    object.__setattr__(plan, "architecture", "version_9")  # as a request from outside may have it
    with pytest.raises(SettingsError, match='"version_9" is no architecture'):
        plan.validated()


def test_the_sizes_follow_the_encoder_and_the_published_versions_are_kept():
    big = TrainingPlan(tokens=10_000, architecture="version_1").config(768)
    assert (big.hidden, big.between, big.version) == (1_024, 4_096, 1)
    small = TrainingPlan(tokens=500, architecture="version_0").config(192)
    assert (small.hidden, small.between, small.version) == (256, None, 0)
    assert TrainingPlan(tokens=500).config(192).version == 2


def test_no_voice_is_mixed_without_a_share():
    batch = batch_of(lessons(6), range(6), 0)
    torch.testing.assert_close(with_mixed_voices(batch, 0.0), batch.features)


def test_mixed_voices_have_the_level_of_others_and_say_the_same():
    batch = batch_of(lessons(6), range(6), 0)
    torch.manual_seed(0)
    mixed = with_mixed_voices(batch, 1.0)
    is_sound = batch.is_sound[..., 0].bool()
    assert not mixed[~is_sound].any(), "what was filled up stays silent"
    changed = 0
    for before, after, there in zip(batch.features, mixed, is_sound, strict=True):
        one, two = before[there], after[there]
        scaled = [(each - each.mean(0)) / each.std(0) for each in (one, two)]
        torch.testing.assert_close(scaled[0], scaled[1], atol=2e-2, rtol=0)
        changed += not torch.allclose(one.mean(0), two.mean(0), atol=1e-3)
        lowest = torch.stack(
            [f[s].mean(0) for f, s in zip(batch.features, is_sound, strict=True)]
        ).amin(0)
        assert (two.mean(0) >= lowest - 1e-3).all(), "between its own mean and another's"
    assert changed >= 3
