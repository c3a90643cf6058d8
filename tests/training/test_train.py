"""Training: it learns, finds the shift, stops early, goes on exactly, and keeps the best."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.lessons import TOKENS, WIDTH, lessons, short_plan
from webui.checkpoint import load_training
from webui.cloning.quantizer import quantizer_of
from webui.errors import CheckpointError, SettingsError
from webui.events import CancelToken, Progress
from webui.quantizer_file import pack_training
from webui.training.evaluate import accuracy_of
from webui.training.plan import split_pairs
from webui.training.train import rate_at, train_quantizer
from webui.training_results import QuantizerWeights, TrainingPoint


def events_of(data, plan, resume=None, cancel=None):
    return list(train_quantizer(data, plan, cancel or CancelToken(), resume))


def final(events):
    last = events[-1]
    assert isinstance(last, QuantizerWeights)
    assert last.is_final
    return last


def same(first, second):
    assert first.state.keys() == second.state.keys()
    return all(np.array_equal(first.state[key], second.state[key]) for key in first.state)


@pytest.mark.parametrize("architecture", ["version_0", "version_1", "version_2"])
def test_every_architecture_learns_to_name_the_tokens_of_speech_it_has_not_heard(architecture):
    data, plan = lessons(), short_plan(architecture=architecture)
    weights = final(events_of(data, plan))
    model = quantizer_of(weights)
    accuracy, top5 = accuracy_of(model, data, split_pairs(data, plan).held_out)
    assert weights.accuracy == pytest.approx(accuracy)
    assert accuracy > 0.9
    assert top5 >= accuracy
    assert weights.sizes.architecture == architecture
    assert (weights.sizes.inputs, weights.sizes.tokens) == (WIDTH, TOKENS)


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_the_shift_between_features_and_tokens_is_found_by_listening(shift):
    data = lessons(shift=shift)
    plan = short_plan(shift=None, architecture="version_0", least_steps=90, epochs=1)
    weights = final(events_of(data, plan))
    assert weights.shift == shift
    model = quantizer_of(weights)
    features, tokens = data.features[0].astype(np.float32), data.tokens[0]
    inside = slice(1, -1)
    assert (model.tokens_of(features)[inside] == tokens[inside]).mean() > 0.8


def test_the_curve_tells_steps_epochs_loss_and_the_best_so_far():
    events = events_of(lessons(), short_plan())
    points = [each for each in events if isinstance(each, TrainingPoint)]
    assert points[-1].step == max(point.step for point in points)
    assert points[-1].loss < points[0].loss
    heard = [point for point in points if point.accuracy is not None]
    assert len(heard) >= 2
    for number, point in enumerate(heard, start=1):
        assert point.best is not None
        assert point.best >= max(each.accuracy for each in heard[:number]) - 1e-3
    fractions = [each.fraction for each in events if isinstance(each, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_the_same_plan_gives_the_same_weights():
    data, plan = lessons(12), short_plan(least_steps=20, epochs=1, dropout=0.2)
    assert same(final(events_of(data, plan)), final(events_of(data, plan)))


def test_another_training_draws_nothing_from_everybody_elses_dice():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    events_of(lessons(12), short_plan(least_steps=10, epochs=1, dropout=0.2))
    assert torch.equal(before, torch.get_rng_state())


def test_a_training_that_was_cut_short_becomes_what_it_would_have_become():
    data, plan = lessons(24), short_plan(least_steps=100, epochs=1, dropout=0.2)
    events = events_of(data, plan)
    kept = next(each for each in events if isinstance(each, QuantizerWeights))
    assert not kept.is_final
    assert kept.step < 100
    gone_on = events_of(data, plan, kept.resume)
    assert same(final(gone_on), final(events))
    first = next(each for each in gone_on if isinstance(each, TrainingPoint))
    assert first.step > kept.step
    assert first.seconds > 0


def test_stopping_keeps_the_best_and_can_be_gone_on_from():
    data, plan, cancel = lessons(), short_plan(least_steps=200), CancelToken()
    events = []
    for each in train_quantizer(data, plan, cancel):
        events.append(each)
        if isinstance(each, TrainingPoint) and each.step >= 50:
            cancel.cancel()
    stopped = final(events)
    assert 50 <= stopped.step <= 61
    assert stopped.accuracy == max(
        each.accuracy for each in events if isinstance(each, TrainingPoint) and each.accuracy
    )
    assert final(events_of(data, plan, stopped.resume)).step == 200


@pytest.mark.parametrize("shift", [0, None])
def test_stopping_before_the_first_step_still_gives_weights(shift):
    cancel = CancelToken()
    cancel.cancel()
    weights = final(events_of(lessons(12), short_plan(shift=shift), cancel=cancel))
    assert weights.step == 0
    assert quantizer_of(weights).config.tokens == TOKENS


def test_it_stops_early_when_it_hears_no_better():
    random = lessons(24, noise=0.0)
    dice = np.random.default_rng(0)
    features = tuple(
        dice.standard_normal(each.shape).astype(np.float16) for each in random.features
    )
    plan = short_plan(least_steps=2_000, epochs=1, patience=2, hidden=8)
    points = events_of(replace(random, features=features), plan)
    assert final(points).step < 1_000


def test_the_last_weights_are_the_best_ones_and_not_the_newest():
    data = lessons(24, noise=1.5)
    plan = short_plan(learning_rate=5e-2, least_steps=120, epochs=1)
    events = events_of(data, plan)
    weights = final(events)
    accuracy, _ = accuracy_of(quantizer_of(weights), data, split_pairs(data, plan).held_out)
    best = max(each.accuracy or 0 for each in events if isinstance(each, TrainingPoint))
    assert accuracy == pytest.approx(best)


def test_what_a_training_goes_on_from_is_refused_when_it_is_damaged_or_of_another_plan():
    data, plan = lessons(12), short_plan(least_steps=10, epochs=1)
    kept = final(events_of(data, plan)).resume
    with pytest.raises(CheckpointError, match="is damaged"):
        events_of(data, plan, kept[:-50])
    with pytest.raises(CheckpointError, match="is damaged"):
        events_of(data, plan, b"nothing of ours")
    with pytest.raises(CheckpointError, match="another encoder, family or architecture"):
        events_of(data, replace(plan, hidden=24), kept)
    content = load_training(kept)
    for changes in ({"shift": 7}, {"optimizer": {}}, {"best": 3}, {"step": "x"}):
        with pytest.raises(CheckpointError, match="is damaged"):
            events_of(data, plan, pack_training({**content, **changes}))


def test_pairs_of_other_families_and_encoders_are_refused():
    data = lessons(12)
    with pytest.raises(SettingsError, match="this family has only 6"):
        events_of(data, short_plan(tokens=6))
    features = (data.features[0][:, :8], *data.features[1:])
    with pytest.raises(SettingsError, match="heard by different encoders"):
        events_of(replace(data, features=features), short_plan())


def test_the_learning_rate_rises_then_falls_to_nearly_nothing():
    plan = short_plan(warm_up_steps=10, learning_rate=1.0)
    rates = [rate_at(step, 100, plan) for step in range(100)]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert max(rates) == max(rates[8:12])
    assert rates[99] < 0.03
