"""Samples while a quantizer is trained: when there is time for one, and whatever goes wrong."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.backend.scripted_training import weights_of
from tests.backend.test_clone_jobs import CPU
from webui.backend.model_manager import ModelManager
from webui.backend.requests import SampleOrder
from webui.backend.sample_jobs import FIRST_SECONDS, SampleJobs, SamplePace, SampleTools
from webui.errors import FamilyNotFoundError, JobCancelled
from webui.events import CancelToken, Progress
from webui.training_results import QuantizerWeights, SampleHeard, SampleMissed, TrainingPoint

ORDER = SampleOrder("tiny", object())
TRAINED_SECONDS = 60.0  # between two sets of weights
FULL = torch.OutOfMemoryError("CUDA out of memory")


class OneFamily(ModelManager):
    """Has whatever family is asked for."""

    def __init__(self):
        self.device = CPU
        self.unloaded = []

    def models(self, family, cancel):
        yield Progress("load", 0.5)
        return SimpleNamespace(codec=SimpleNamespace(sample_rate=16_000), family=family)

    def unload(self, family=None):
        self.unloaded.append(family)


@dataclass
class Bench:
    """A training and its samples by a clock of their own; `takes` are the seconds of a sample."""

    takes: float = 2.0
    now: float = 0.0
    fault: BaseException | None = None
    heard: list[int] = field(default_factory=list)  # steps of the weights that listened

    def __post_init__(self):
        tools = SampleTools(lambda weights, device: weights, self.speak)
        self.manager = OneFamily()
        self.jobs = SampleJobs(self.manager, tools, lambda: self.now)

    def speak(self, models, weights, speech, cancel):
        assert models.family == ORDER.family
        assert speech is ORDER.speech
        self.heard.append(weights.step)
        for part in range(10):
            if cancel.cancelled:
                raise JobCancelled
            if self.fault is not None:
                raise self.fault
            self.now += self.takes / 10
            yield part / 10
        return np.zeros(8, np.float32)

    def training(self, times, better=True):
        for step in range(1, times + 1):
            self.now += TRAINED_SECONDS
            yield Progress("train", step / times, 9.0)
            yield weights_of(step if better else 1)
        yield weights_of(times, is_final=True)

    def events(self, times=5, better=True, order=ORDER, cancel=None):
        steps = self.training(times, better)
        return list(self.jobs.between(steps, order, cancel or CancelToken()))


def of(kind, events):
    return [each for each in events if isinstance(each, kind)]


def test_better_weights_are_heard_and_nothing_of_the_training_is_lost():
    bench = Bench()
    events = bench.events()
    samples = of(SampleHeard, events)
    assert [(each.step, each.accuracy) for each in samples] == [
        (each, each / 10) for each in (1, 2, 3, 4, 5)
    ]
    assert samples[0].sample_rate == 16_000
    assert len(of(QuantizerWeights, events)) == 6
    told = of(Progress, events)
    assert [each.fraction for each in told] == sorted(each.fraction for each in told)
    assert {each.stage for each in told} == {"train"}
    assert "what it hears after 1 steps" in told[1].message


def test_weights_that_are_no_better_are_not_heard_again():
    bench = Bench()
    bench.events(better=False)
    assert bench.heard == [1]
    bench.heard.clear()
    known = SampleOrder(ORDER.family, ORDER.speech, known=0.1)
    bench.events(better=False, order=known)
    assert bench.heard == []


def test_the_last_weights_are_left_to_the_judging():
    bench = Bench()
    list(bench.jobs.between(iter([weights_of(3, is_final=True)]), ORDER, CancelToken()))
    assert bench.heard == []


@pytest.mark.parametrize("takes", [0.5, 2.0, 7.0, 50.0, 400.0, 1e9])
def test_samples_never_take_more_than_their_share_of_the_time(takes):
    bench = Bench(takes=takes)
    trained = taken = 0.0
    begun = 0.0
    for event in bench.jobs.between(bench.training(200), ORDER, CancelToken()):
        if isinstance(event, QuantizerWeights):
            trained += TRAINED_SECONDS if not event.is_final else 0.0
            taken = bench.now - trained
            assert taken <= trained * ORDER.share + takes / 10  # it is looked at ten times
        begun = max(begun, taken)
    assert begun > 0  # there was time for something
    if takes <= 200:
        assert len(bench.heard) > 1


def test_one_that_took_too_long_is_begun_again_when_there_is_twice_the_time():
    now = [0.0]
    pace = SamplePace(0.05, lambda: now[0])
    now[0] = 20 * FIRST_SECONDS - 1
    assert pace.allowed() == 0
    now[0] = 60.0
    assert pace.allowed() == pytest.approx(3.0)
    pace.took(3.0, is_whole=False)
    now[0] += 3.0 + 119.0
    assert pace.allowed() == 0
    now[0] += 2.0
    assert pace.allowed() == pytest.approx(6.0, abs=0.1)


def test_a_stop_within_a_sample_ends_it_and_the_training_still_gives_its_weights():
    bench, cancel = Bench(takes=2.9), CancelToken()
    stream = bench.jobs.between(bench.training(1), ORDER, cancel)
    for event in stream:
        if isinstance(event, Progress) and event.message:
            cancel.cancel()
            break
    rest = list(stream)
    assert of(SampleHeard, rest) == []
    assert rest[-1].is_final
    assert bench.now == TRAINED_SECONDS


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (FULL, "memory is too full"),
        (MemoryError(), "memory is too full"),
        (FamilyNotFoundError("This family is gone."), "family is gone"),
        (RuntimeError("odd"), "could not be heard"),
    ],
)
def test_what_goes_wrong_is_said_once_and_the_training_goes_on(fault, words):
    bench = Bench(fault=fault)
    events = bench.events()
    (missed,) = of(SampleMissed, events)
    assert words in missed.words
    assert events[-1].is_final
    assert len(bench.heard) == 1
    assert bench.manager.unloaded == (["tiny"] if "memory" in words else [])


def test_a_lost_device_is_left_to_the_engine():
    bench = Bench(fault=RuntimeError("CUDA error: device-side assert triggered"))
    with pytest.raises(RuntimeError, match="CUDA error"):
        bench.events()


def test_points_of_the_curve_pass_as_they_come():
    point = TrainingPoint(1, 0.5, 1.0, 2.0)
    assert list(Bench().jobs.between(iter([point]), ORDER, CancelToken())) == [point]
