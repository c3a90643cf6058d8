"""Samples of a training at work: always the same speech, the newest kept, nothing ends by them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.backend.scripted_training import STEPS, TOKENS, TrainingEngine, pair_of
from tests.backend.test_cloning_desk import tiny_voice
from tests.backend.test_training_run import COUNT, KINDS, RATES, finish, folder  # noqa: F401
from webui.audio import read_audio
from webui.backend.requests import EvaluateRequest, TrainingOrder, TrainRequest
from webui.backend.training_data import TrainingGround, training_data, training_plan
from webui.backend.training_folder import TrainingFolder, plan_file
from webui.backend.training_sample import GOOD_SECONDS, RunSamples
from webui.errors import JobCancelled
from webui.events import CancelToken, Done, Failed
from webui.training.pairs import NumberedText
from webui.training.plan import split_pairs
from webui.training_results import PairMade, SampleHeard, SampleKept, SampleMissed

GROUND = TrainingGround(KINDS, RATES, TOKENS)
ENDED = Failed("The process that computes ended.", "EngineError")


@pytest.fixture
def engine():
    return TrainingEngine(samples=True)


def kept(events):
    return [each for each in events if isinstance(each, SampleKept)]


def orders(engine, kind=TrainRequest):
    return [each.sample for each in engine.asked if isinstance(each, kind)]


def test_samples_are_kept_while_it_learns_and_once_more_at_the_end(folder, engine):  # noqa: F811
    events = finish(folder, engine)
    assert [each.step for each in kept(events)] == [2, 4, 6]
    newest = folder.sample.newest()
    assert newest.step == STEPS
    assert folder.report().sample_step == STEPS
    number = int(newest.text.split()[1])
    spoken, _ = read_audio(folder.path / "sample" / "spoken.flac")
    np.testing.assert_allclose(spoken, pair_of(number).waveform, atol=1e-4)
    assert newest.voice == ("Ada", "Bob", "")[number % 3]


def test_the_speech_is_held_out_and_carries_how_it_was_spoken(folder, engine):  # noqa: F811
    finish(folder, engine, kinds=KINDS)  # varied sounds as well
    (order,) = orders(engine)
    number = int(folder.sample.newest().text.split()[1])
    data = next(each.data for each in engine.asked if isinstance(each, TrainRequest))
    split = split_pairs(data, training_plan(TrainingOrder("x"), GROUND))
    assert number in split.held_out
    assert set(np.unique(order.speech.features)) == {number}  # as it was, without noise
    assert order.speech.seed == number
    assert (order.speech.voice is None) == (number % 3 == 2)
    assert order.family == "tiny"
    assert orders(engine, EvaluateRequest)[0].speech.seed == number


def test_of_several_voices_it_is_a_speech_of_one_that_is_not_learned_from(tmp_path):
    store = TrainingFolder(tmp_path / "many")
    names = ("Ada", "Bob", "Cleo", "Dora")
    voices = {name: tiny_voice(number) for number, name in enumerate(names)}
    texts = [NumberedText(n, f"text {n}", n, names[n % 4], voices[names[n % 4]]) for n in range(40)]
    store.create(plan_file(TrainingOrder("Many", texts=40), "tiny"), texts, voices)
    store.pairs.add([_lasting(0.1 * (1 + n // 4) * 4, text) for n, text in enumerate(texts)])
    engine = TrainingEngine(samples=True)
    finish(store, engine)
    data = training_data(store.pairs, KINDS[:1], RATES)
    split = split_pairs(data, training_plan(TrainingOrder("Many"), GROUND))
    newest, (unseen,) = store.sample.newest(), split.held_out_voices
    assert newest.voice == unseen
    number = int(newest.text.split()[1])
    assert GOOD_SECONDS[0] <= 0.1 * (1 + number // 4) * 4 <= GOOD_SECONDS[1]


def _lasting(seconds, text):
    made = pair_of(text.number, text.text, text.voice_name)
    sound = np.resize(made.waveform, round(seconds * made.sample_rate))
    return replace(made, waveform=sound)


def test_a_training_goes_on_with_the_sample_it_has(folder, engine):  # noqa: F811
    finish(folder, engine)
    folder.forget_report()
    again = TrainingEngine(samples=True)
    assert kept(finish(folder, again)) == []  # the same weights hear nothing new
    assert orders(again, EvaluateRequest)[0].known == STEPS / 10
    assert folder.report().sample_step == STEPS


def test_after_a_kill_samples_follow_the_newer_weights(folder, engine):  # noqa: F811
    class Killed(BaseException):
        pass

    def kill(count):
        if folder.sample.newest() is not None:
            raise Killed

    engine.meanwhile = kill
    with pytest.raises(Killed):
        finish(folder, engine)
    assert folder.sample.newest().step == 2
    again = TrainingEngine(samples=True)
    assert [each.step for each in kept(finish(folder, again))] == [4, 6]


def test_a_stop_keeps_the_sample_that_was_there(folder, engine):  # noqa: F811
    cancel = CancelToken()

    def stop(count):
        if folder.sample.newest() is not None:
            cancel.cancel()

    engine.meanwhile = stop
    with pytest.raises(JobCancelled):
        finish(folder, engine, cancel=cancel)
    assert folder.sample.newest().step == 2


class Fragile(TrainingEngine):
    """Its process ends when it is to make a sample for a request of this kind."""

    kind = TrainRequest

    def run(self, request, cancel=None):
        for event in super().run(request, cancel):
            if isinstance(event, SampleHeard) and isinstance(request, self.kind):
                yield ENDED
                return
            yield event


def test_a_process_that_ends_by_a_sample_costs_the_samples_only(folder):  # noqa: F811
    engine = Fragile(samples=True)
    events = finish(folder, engine)
    assert isinstance(events[-1], Done)
    assert [each is None for each in orders(engine)] == [False, True]
    (missed,) = [each for each in events if isinstance(each, SampleMissed)]
    assert missed.words == "It goes on without samples. The process that computes ended."
    assert [each.step for each in kept(events)] == [STEPS]  # while it is judged
    assert folder.sample.newest().missed == ""


def test_a_process_that_ends_by_the_last_sample_costs_no_report(folder):  # noqa: F811
    engine = Fragile(samples=True)
    engine.kind = EvaluateRequest
    events = finish(folder, engine)
    assert isinstance(events[-1], Done)
    assert [each is None for each in orders(engine, EvaluateRequest)] == [False, True]
    assert folder.report().sample_step == 4
    assert folder.sample.newest().missed.startswith("It goes on without samples.")


def test_pairs_of_others_are_heard_without_a_voice(tmp_path):
    store = TrainingFolder(tmp_path / "old")
    store.create(plan_file(TrainingOrder("Old", texts=0, voices=()), "tiny"), [], {})
    store.pairs.add([PairMade(n, f"key {n}", "", *_sound(n)) for n in range(COUNT)])
    engine = TrainingEngine(samples=True)
    finish(store, engine)
    speech = orders(engine)[0].speech
    assert (speech.voice, speech.seed) == (None, 0)
    assert store.sample.newest().text == ""


def _sound(number):
    made = pair_of(number)
    return made.semantic, made.waveform, made.sample_rate


def test_nothing_is_asked_for_while_pairs_are_made_again(folder, engine):  # noqa: F811
    finish(folder, engine)
    data = training_data(folder.pairs, KINDS[:1], RATES)
    plan = training_plan(TrainingOrder("x"), GROUND)
    samples = RunSamples(folder, GROUND)
    assert samples.order(data, plan) is not None
    folder.pairs.put_aside(folder.pairs.shards()[0])
    assert samples.order(data, plan) is None
