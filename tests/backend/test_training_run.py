"""The work on a training: every text once, whatever happens in between."""

import dataclasses
import threading

import numpy as np
import pytest

from tests.backend.scripted_training import REPORT, STEPS, TrainingEngine, pair_of, weights_of
from tests.backend.test_cloning_desk import tiny_voice
from webui.backend import training_run
from webui.backend.requests import (
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    TrainingOrder,
    TrainRequest,
)
from webui.backend.training_data import FeatureKind, TrainingGround, training_data
from webui.backend.training_folder import TrainingFolder, plan_file
from webui.backend.training_run import TrainingRun
from webui.errors import CheckpointError, EngineError, JobCancelled, StorageError, TrainingError
from webui.events import CancelToken, Done, Failed, Progress
from webui.training.pairs import NumberedText
from webui.training_results import QuantizerReport, TrainingPoint

COUNT = 20
KINDS = (FeatureKind("plain-0"), FeatureKind("varied-0", is_varied=True))
RATES = (50.0, 25.0)
BROKEN = Failed("The process that computes ended.", "EngineError")


class Clock:
    """Seconds that pass when somebody looks."""

    def __init__(self, step: float = 0.1) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def folder(tmp_path):
    made = TrainingFolder(tmp_path / "german-1")
    voices = {"Ada": tiny_voice(1), "Bob": tiny_voice(2)}
    names = ("Ada", "Bob", "")
    texts = [
        NumberedText(each, f"text {each}", each, names[each % 3], voices.get(names[each % 3]))
        for each in range(COUNT)
    ]
    made.create(plan_file(TrainingOrder("German 1", texts=COUNT), "tiny"), texts, voices)
    return made


@pytest.fixture
def engine():
    return TrainingEngine()


def work(folder, engine, cancel=None, kinds=KINDS[:1], clock=None):
    again = TrainingFolder(folder.path)  # as after a restart
    ground = TrainingGround(kinds, RATES, 40)
    return TrainingRun(again, engine, ground, cancel, clock or Clock()).events()


def finish(folder, engine, **how):
    return list(work(folder, engine, **how))


def kinds_of(requests):
    return [type(each) for each in requests]


def test_a_training_speaks_listens_learns_and_judges(folder, engine):
    events = finish(folder, engine)
    assert isinstance(events[-1], Done)
    assert sorted(engine.spoken()) == list(range(COUNT))
    assert list(dict.fromkeys(kinds_of(engine.asked))) == [
        PairsRequest, FeaturesRequest, TrainRequest, EvaluateRequest,
    ]  # fmt: skip
    assert folder.report() == dataclasses.replace(REPORT, pairs=COUNT)
    assert folder.weights().step == STEPS
    assert [each.step for each in folder.curve()] == list(range(1, STEPS + 1))
    assert [each.step for each in events if isinstance(each, TrainingPoint)] == [
        each.step for each in folder.curve()
    ]
    assert isinstance(events[-2], QuantizerReport)


def test_the_progress_never_goes_back_and_tells_the_stage(folder, engine):
    told = [each for each in finish(folder, engine) if isinstance(each, Progress)]
    fractions = [each.fraction for each in told]
    assert fractions == sorted(fractions)
    assert list(dict.fromkeys(each.stage for each in told)) == [
        "pairs", "features", "train", "evaluate",
    ]  # fmt: skip
    assert told[0].message == "0 of 20 pairs"


def test_nothing_is_said_of_the_time_before_something_was_measured(folder, engine):
    events = finish(folder, engine, clock=Clock(step=1.0))
    told = [each for each in events if isinstance(each, Progress)]
    spoken = [each.seconds_left for each in told if each.stage == "pairs"]
    assert spoken[0] is None
    assert spoken[1] is None
    measured = [each for each in spoken if each is not None]
    assert len(measured) == 2
    assert 0 < measured[1] < measured[0]


def test_texts_of_one_voice_are_said_in_one_pass_and_carry_its_arrays(folder, engine):
    finish(folder, engine)
    for each in engine.asked:
        if isinstance(each, PairsRequest):
            assert len(each.texts) <= training_run.TEXTS_AT_ONCE
            for text in each.texts:
                assert (text.voice is None) == (text.voice_name == "")
    first = engine.asked[0].texts
    assert {each.voice_name for each in first} <= {"", "Ada"}
    ada = next(text for text in first if text.voice_name == "Ada")
    np.testing.assert_array_equal(ada.voice.fine, tiny_voice(1).fine)


def test_what_is_learned_from_is_what_was_spoken_and_heard(folder, engine):
    engine.drop = frozenset({3})
    finish(folder, engine, kinds=KINDS)
    data = next(each for each in engine.asked if isinstance(each, TrainRequest)).data
    assert len(data.tokens) == 2 * (COUNT - 1)
    for features, tokens, text, voice in zip(
        data.features, data.tokens, data.texts, data.voices, strict=True
    ):
        number = int(text.split()[1])
        assert number != 3
        np.testing.assert_array_equal(tokens, pair_of(number).semantic)
        assert voice == ("Ada", "Bob", "")[number % 3]
        assert set(np.unique(features)) <= {number, 2 * number}
    judged = next(each for each in engine.asked if isinstance(each, EvaluateRequest)).data
    assert len(judged.tokens) == COUNT - 1
    assert folder.pairs.dropped() == {"silent": 1}


@pytest.mark.parametrize("at", [1, 9, 24, 43, 47, 50])
def test_a_training_that_was_killed_anywhere_goes_on_without_doing_anything_twice(
    folder, engine, at
):
    class Killed(BaseException):
        pass

    def kill(count):
        if count == at:
            raise Killed

    engine.meanwhile = kill
    with pytest.raises(Killed):
        finish(folder, engine)
    kept = folder.pairs.done()
    again = TrainingEngine()
    assert isinstance(finish(folder, again)[-1], Done)
    assert sorted(again.spoken()) == sorted(set(range(COUNT)) - kept)
    numbers = [each.number for each in TrainingFolder(folder.path).pairs.facts()]
    assert numbers == list(range(COUNT))
    assert [each.step for each in folder.curve()] == list(range(1, STEPS + 1))
    assert folder.report() is not None


def test_a_killed_training_keeps_all_finished_parts_and_resumes_from_its_last_weights(
    folder, engine
):
    finish(folder, engine)
    folder.save_weights(weights_of(4))
    folder.forget_report()
    again = TrainingEngine()
    finish(folder, again)
    assert kinds_of(again.asked) == [TrainRequest, EvaluateRequest]
    assert again.asked[0].resume == b"step 4"
    assert [each.step for each in folder.curve()] == list(range(1, STEPS + 1))


def test_a_finished_training_has_nothing_left_to_do(folder, engine):
    finish(folder, engine)
    again = TrainingEngine()
    assert kinds_of(finish(folder, again)) == [Done]
    assert again.asked == []


def test_a_stop_keeps_what_the_part_had_made(folder, engine):
    cancel = CancelToken()
    engine.meanwhile = lambda count: cancel.cancel() if count == 5 else None
    with pytest.raises(JobCancelled):
        finish(folder, engine, cancel=cancel)
    assert len(folder.pairs.done()) == 3  # one of the five was progress, one came too late
    again = TrainingEngine()
    finish(folder, again)
    assert len(again.spoken()) == COUNT - 3


def test_a_stop_while_learning_keeps_the_best_weights(folder, engine):
    finish(folder, engine, cancel=None)
    (folder.path / "checkpoint.npz").unlink()
    (folder.path / "curve.jsonl").unlink()
    folder.forget_report()
    cancel = CancelToken()
    engine.count = 0
    engine.meanwhile = lambda count: cancel.cancel() if count == 7 else None
    with pytest.raises(JobCancelled):
        finish(folder, engine, cancel=cancel)
    assert folder.weights().step == 2
    assert folder.report() is None


def test_a_failed_part_is_tried_again_and_what_it_had_made_is_kept(folder, engine):
    engine.faults = [None, None, None, BROKEN]
    finish(folder, engine)
    assert len(engine.spoken()) == COUNT + 6  # two of the first eight were there
    assert folder.pairs.done() == set(range(COUNT))


def test_parts_that_fail_again_and_again_end_the_work_in_their_words(folder, engine):
    engine.faults = [BROKEN] * 3
    with pytest.raises(EngineError, match="process that computes ended"):
        finish(folder, engine)
    assert len(engine.asked) == 3


def test_what_no_second_try_can_cure_ends_the_work_at_once(folder, engine):
    engine.faults = [Failed("The model file is damaged.", "CheckpointError")]
    with pytest.raises(CheckpointError, match="damaged"):
        finish(folder, engine)
    assert len(engine.asked) == 1


def test_when_everything_is_dropped_the_user_is_told(folder, engine):
    engine.drop = frozenset(range(COUNT))
    with pytest.raises(TrainingError, match="every pair was dropped"):
        finish(folder, engine)


def test_with_several_devices_as_many_parts_run_at_once(folder, engine):
    engine.at_once = 3
    together = threading.Barrier(3, timeout=30)
    engine.meanwhile = lambda count: together.wait() if count <= 3 else None
    finish(folder, engine)
    assert engine.most_running == 3
    assert sorted(engine.spoken()) == list(range(COUNT))
    assert folder.pairs.done() == set(range(COUNT))


def test_a_stop_keeps_what_all_parts_had_made(folder, engine):
    engine.at_once = 2
    cancel, together = CancelToken(), threading.Barrier(2, timeout=30)

    def meanwhile(count):
        if count <= 6:
            together.wait()
        if count == 7:
            cancel.cancel()

    engine.meanwhile = meanwhile
    with pytest.raises(JobCancelled):
        finish(folder, engine, cancel=cancel)
    assert len(folder.pairs.shards()) == 2
    assert 2 <= len(folder.pairs.done()) <= 6


def test_a_part_that_fails_beside_others_loses_nothing(folder, engine):
    engine.at_once = 2
    engine.faults = [None, BROKEN, None, None, BROKEN]
    finish(folder, engine)
    assert [each.number for each in TrainingFolder(folder.path).pairs.facts()] == list(range(COUNT))


def test_somebody_who_waits_gets_the_device_and_the_work_goes_on_behind(folder, engine):
    engine.waiting = 1
    clock = Clock(step=1.0)

    def served(count):
        engine.waiting = 0 if count > 40 else 1

    engine.meanwhile = served
    finish(folder, engine, clock=clock)
    pieces = [each for each in engine.asked if isinstance(each, PairsRequest)]
    assert len(pieces) > 3  # some were broken off
    assert folder.pairs.done() == set(range(COUNT))
    assert folder.report() is not None


def test_a_short_part_is_not_broken_off(folder, engine):
    engine.waiting = 1
    finish(folder, engine, clock=Clock(step=0.001))
    assert len([each for each in engine.asked if isinstance(each, PairsRequest)]) == 3


def test_damaged_pairs_are_spoken_again_and_damaged_features_heard_again(folder, engine):
    finish(folder, engine)
    store = TrainingFolder(folder.path).pairs
    first, second, *_ = store.shards()
    for path in (folder.path / "pairs" / f"{first}.npz",
                 folder.path / "features" / "plain-0" / f"{second}.npz"):  # fmt: skip
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    (folder.path / "checkpoint.npz").unlink()
    with pytest.raises(StorageError):
        training_data(TrainingFolder(folder.path).pairs, KINDS[:1], RATES)
    again = TrainingEngine()
    finish(folder, again)
    assert 0 < len(again.spoken()) <= training_run.TEXTS_AT_ONCE
    assert FeaturesRequest in kinds_of(again.asked)
    assert TrainingFolder(folder.path).pairs.done() == set(range(COUNT))
