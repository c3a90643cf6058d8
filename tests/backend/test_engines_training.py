"""Samples of a quantizer in training by all engines: the same sound in whichever process."""

import numpy as np
import pytest

from tests.backend.small_cluster import RAY, ray_engine
from tests.tiny_family import SEMANTIC
from tests.training.lessons import lessons, short_plan
from webui.backend import sample_jobs
from webui.backend.inline_engine import InlineEngine
from webui.backend.local_engine import LocalEngine
from webui.backend.requests import EvaluateRequest, SampleOrder, TrainRequest
from webui.events import Cancelled, CancelToken, Done, Progress
from webui.settings import Settings
from webui.training.resynthesis import HeldOutSpeech
from webui.training_results import QuantizerReport, QuantizerWeights, SampleHeard, SampleMissed

KINDS = {"inline": InlineEngine, "local": LocalEngine, "ray": ray_engine}
DATA, PLAN = lessons(12), short_plan(tokens=SEMANTIC, epochs=1, least_steps=80)
SPEECH = HeldOutSpeech(DATA.features[0], DATA.rates, seed=5)
# A second of training earns more than a sample takes.
SAMPLE = SampleOrder("tiny", SPEECH, share=1_000 * sample_jobs.FIRST_SECONDS)


@pytest.fixture(scope="module", params=["inline", "local", RAY])
def engine(request, tiny_family):
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    settings = Settings(models_dir=tiny_family.parent, device="cpu", precision="fp32", threads=1)
    made = KINDS[request.param](settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def known() -> dict[str, list]:
    """What the first engine gave, to be compared."""
    return {}


def of(kind, events):
    return [each for each in events if isinstance(each, kind)]


def run(engine, request, cancel=None):
    return list(engine.run(request, cancel or CancelToken()))


def same(known, name, sounds):
    for first, second in zip(known.setdefault(name, sounds), sounds, strict=True):
        np.testing.assert_array_equal(first, second)


def final(events) -> QuantizerWeights:
    (last,) = [each for each in of(QuantizerWeights, events) if each.is_final]
    return last


def test_samples_come_while_it_learns_and_change_nothing_of_what_is_learned(engine, known):
    events = run(engine, TrainRequest(DATA, PLAN, sample=SAMPLE))
    assert isinstance(events[-1], Done), events[-1]
    samples = of(SampleHeard, events)
    assert samples
    assert of(SampleMissed, events) == []
    steps = [each.step for each in samples]
    assert steps == sorted(set(steps))
    assert {each.step for each in samples} <= {each.step for each in of(QuantizerWeights, events)}
    assert all(each.waveform.any() for each in samples)
    same(known, "first sample", [samples[0].waveform])
    plain = final(run(engine, TrainRequest(DATA, PLAN)))
    heard = final(events)
    assert plain.accuracy == heard.accuracy
    for name, array in plain.state.items():
        np.testing.assert_array_equal(heard.state[name], array)


def test_the_last_weights_are_heard_before_they_are_judged(engine, known):
    weights = final(run(engine, TrainRequest(DATA, PLAN)))
    events = run(engine, EvaluateRequest(DATA, PLAN, weights, "tiny", sample=SAMPLE))
    results = [each for each in events if not isinstance(each, Progress)]
    assert [type(each) for each in results] == [SampleHeard, QuantizerReport, Done]
    assert results[0].sample_rate == 16_000
    same(known, "last sample", [results[0].waveform])


def test_a_stop_within_a_sample_gives_the_weights_and_the_next_job_runs(engine):
    cancel, told = CancelToken(), []
    for event in engine.run(TrainRequest(DATA, PLAN, sample=SAMPLE), cancel):
        told.append(event)
        if isinstance(event, Progress) and "what it hears" in event.message:
            cancel.cancel()
    assert isinstance(told[-1], Cancelled)
    assert final(told).step < PLAN.least_steps
    assert len(of(SampleHeard, told)) <= 1, "at most the one that was just ready"
    assert isinstance(run(engine, TrainRequest(DATA, PLAN))[-1], Done)


def test_a_family_that_is_gone_costs_the_samples_and_not_the_training(engine):
    gone = SampleOrder("nobody", SPEECH, share=SAMPLE.share)
    events = run(engine, TrainRequest(DATA, PLAN, sample=gone))
    assert len(of(SampleMissed, events)) == 1
    assert isinstance(events[-1], Done)
    assert final(events).accuracy > 0.5
