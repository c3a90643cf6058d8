"""Training in the worker: what is asked of the layers below, what comes back, how it ends."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.backend.scripted_cloning import RATE, ScriptedCloning, recording
from tests.backend.scripted_training import ALIKE, REPORT, pair_of, weights_of
from tests.backend.test_clone_jobs import CPU, LoaderWithACodec, folder  # noqa: F401  (a fixture)
from webui.backend import sample_jobs
from webui.backend.cloning_models import CloningModels
from webui.backend.cloning_parts import CloningParts
from webui.backend.family_folders import FamilyFolders
from webui.backend.model_manager import MemoryPlan, ModelManager
from webui.backend.requests import (
    CompareRequest,
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    SampleOrder,
    TrainRequest,
)
from webui.backend.sample_jobs import SampleTools
from webui.backend.training_jobs import TrainingJobs, TrainingTools
from webui.backend.worker import Worker
from webui.errors import JobCancelled, SettingsError, TextError
from webui.events import Cancelled, CancelToken, Done, Failed, Progress
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls
from webui.training.features import Augmentation
from webui.training.pairs import NumberedText
from webui.training_results import (
    FeaturesHeard,
    PairDropped,
    PairMade,
    SampleHeard,
    SampleMissed,
)

OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory")


class ScriptedTools:
    """Remembers what it was asked for; `faults` are raised one after the other."""

    def __init__(self, clones) -> None:
        self.asked: list[tuple] = []
        self.faults: list[BaseException] = []
        self.clones = clones

    def tools(self) -> TrainingTools:
        return TrainingTools(
            self._speak, self._features, self._train, self._evaluate, self._compare, self.clones,
            lambda encoder, quantizer, name: SimpleNamespace(encoder=encoder, quantizer=quantizer),
            SampleTools(lambda weights, device: weights, self._speak_heard),
        )  # fmt: skip

    def _note(self, *what):
        self.asked.append(what)
        if self.faults:
            raise self.faults.pop(0)

    def _speak(self, models, texts, controls, cancel):
        for each in texts:
            if cancel.cancelled:
                raise JobCancelled
            self._note("speak", models.family.id, each.text, controls)
            yield PairDropped(each.number, "silent") if each.number == 2 else pair_of(each.number)

    def _features(self, encoder, waveform, rate, augmentation, generator):
        drawn = float(torch.rand(1, generator=generator))
        self._note("features", encoder, len(waveform), rate, augmentation, drawn)
        return np.ones((3, 2), np.float32)

    def _speak_heard(self, models, quantizer, speech, cancel):
        for part in (0.5, 1.0):
            if cancel.cancelled:
                raise JobCancelled
            yield part
        self._note("sample", models.family.id, quantizer.step, speech)
        return np.ones(30, np.float32)

    def _train(self, data, plan, cancel, resume, device):
        self._note("train", data, plan, resume, device)
        yield Progress("train", 0.5)
        yield weights_of(2, is_final=True)

    def _evaluate(self, request, device):
        self._note("evaluate", request.weights.step, device)
        return SimpleNamespace(config=SimpleNamespace(tokens=40)), REPORT

    def _compare(self, request, device):
        self._note("compare", request.first.step, request.second.step, device)
        return ALIKE


@pytest.fixture
def cloning():
    return ScriptedCloning()


@pytest.fixture
def script(cloning):
    return ScriptedTools(cloning.tools())


@pytest.fixture
def worker(script, cloning, folder):  # noqa: F811
    root = folder.parent
    manager = ModelManager(FamilyFolders((root,)), CPU, MemoryPlan(), LoaderWithACodec())
    loaders = dataclasses.replace(cloning.loaders(), encoder=_encoder_name)
    models = CloningModels(CloningParts(root), manager, loaders)
    jobs = TrainingJobs(manager, models, script.tools())
    made = Worker(Settings(models_dir=root), manager, make_training=lambda *given: jobs)
    made._models = models
    return made


def _encoder_name(path, device, layer):
    return path.name if layer is None else f"{path.name} {layer}"


def run(worker, request, cancel=None):
    return list(worker.run(request, cancel or CancelToken()))


def texts(*numbers):
    return tuple(NumberedText(each, f"text {each}", each) for each in numbers)


def kinds(events):
    return [type(each) for each in events]


def test_texts_are_spoken_by_the_family_with_the_controls(worker, script):
    controls = SpeechControls(seed=3)
    events = run(worker, PairsRequest("ada", texts(1, 2), controls))
    assert kinds(events[-3:]) == [PairMade, PairDropped, Done]
    assert script.asked == [("speak", "ada", f"text {each}", controls) for each in (1, 2)]
    assert [each.id for each in worker.status().loaded] == ["ada"]


def test_a_stop_ends_speaking_between_two_tokens(worker):
    cancel = CancelToken()
    stream = worker.run(PairsRequest("ada", texts(1, 3), SpeechControls()), cancel)
    for event in stream:
        if isinstance(event, PairMade):
            cancel.cancel()
            break
    assert kinds(stream) == [Cancelled]


def test_when_memory_runs_out_before_the_first_pair_the_family_is_loaded_smaller(worker, script):
    worker._manager.device = dataclasses.replace(CPU, precision="fp32", name="cuda")
    script.faults = [OUT_OF_MEMORY]
    events = run(worker, PairsRequest("ada", texts(1), SpeechControls()))
    assert kinds(events[-2:]) == [PairMade, Done]
    assert len(script.asked) == 2
    assert worker.status().loaded[0].precision != "fp32"


def test_memory_that_runs_out_after_a_pair_ends_the_part_and_keeps_the_pair(worker, script):
    script.faults = [None, OUT_OF_MEMORY]
    script._note = _second_time_full(script)
    events = run(worker, PairsRequest("ada", texts(1, 3), SpeechControls()))
    assert [type(each) for each in events[-2:]] == [PairMade, Failed]
    assert events[-1].kind == "DeviceMemoryError"


def _second_time_full(script):
    def note(*what):
        script.asked.append(what)
        if len(script.asked) == 2:
            raise OUT_OF_MEMORY

    return note


def test_sounds_are_heard_with_the_familys_encoder_and_their_own_dice(worker, script):
    sounds = ((4, np.zeros(30, np.float32), RATE), (5, np.zeros(50, np.float32), RATE))
    augmentation = Augmentation()
    events = run(worker, FeaturesRequest("ada", sounds, augmentation, seed=1))
    heard = [each for each in events if isinstance(each, FeaturesHeard)]
    assert [each.number for each in heard] == [4, 5]
    assert heard[0].features.dtype == np.float16
    assert isinstance(events[-1], Done)
    first, second = script.asked
    assert first[:5] == ("features", "hubert", 30, RATE, augmentation)
    assert first[5] != second[5]
    alone = run(worker, FeaturesRequest("ada", sounds[1:], augmentation, seed=1))
    assert isinstance(alone[-1], Done)
    assert script.asked[2][5] == second[5]  # whatever it is heard beside


def test_sounds_are_heard_at_the_layer_that_is_asked_for(worker, script):
    sounds = ((4, np.zeros(30, np.float32), RATE),)
    for layer in (2, 3, None):
        run(worker, FeaturesRequest("ada", sounds, layer=layer))
    assert [each[1] for each in script.asked] == ["hubert 2", "hubert 3", "hubert"]


def test_a_training_is_given_its_data_and_ends_with_its_weights(worker, script):
    data, plan = object(), object()
    events = run(worker, TrainRequest(data, plan, b"resume"))
    assert kinds(events)[1:] == [type(weights_of(1)), Done]
    assert script.asked == [("train", data, plan, b"resume", "cpu")]


def test_a_stopped_training_still_gives_its_best_weights(worker):
    cancel = CancelToken()
    cancel.cancel()
    events = run(worker, TrainRequest(object(), object()), cancel)
    assert kinds(events)[1:] == [type(weights_of(1)), Cancelled]


def test_a_training_for_which_memory_is_too_full_sends_the_families_away_and_begins_again(
    worker, script
):
    run(worker, PairsRequest("ada", texts(1), SpeechControls()))
    script.faults = [OUT_OF_MEMORY]
    events = run(worker, TrainRequest(object(), object()))
    assert isinstance(events[-1], Done)
    assert worker.status().loaded == ()
    script.faults = [SettingsError("Too few pairs.")]
    (failed,) = run(worker, TrainRequest(object(), object()))
    assert (failed.kind, failed.message) == ("SettingsError", "Too few pairs.")


def evaluation(*clips):
    return EvaluateRequest(object(), object(), weights_of(4), "ada", "en", clips)


def test_a_quantizer_is_judged_by_what_was_held_out(worker, script, cloning):
    events = run(worker, evaluation())
    assert events[-2:-1] == [REPORT]
    assert script.asked == [("evaluate", 4, "cpu")]
    assert cloning.asked == []


SPEECH = object()
SAMPLE = SampleOrder("ada", SPEECH)


def judged_with_a_sample(**changes):
    return dataclasses.replace(evaluation(), sample=SampleOrder("ada", SPEECH, **changes))


def test_a_sample_is_heard_before_a_quantizer_is_judged(worker, script):
    events = run(worker, judged_with_a_sample())
    sample, report, done = (each for each in events if not isinstance(each, Progress))
    assert (sample.step, sample.accuracy, sample.sample_rate) == (4, 0.4, RATE)
    assert (report, type(done)) == (REPORT, Done)
    assert script.asked[0] == ("sample", "ada", 4, SPEECH)
    again = run(worker, judged_with_a_sample(known=0.4))
    assert kinds(again[1:]) == [type(REPORT), Done]


def test_a_sample_for_which_memory_is_too_full_costs_no_report(worker, script):
    script.faults = [OUT_OF_MEMORY]
    events = [
        each for each in run(worker, judged_with_a_sample()) if not isinstance(each, Progress)
    ]
    assert kinds(events) == [SampleMissed, type(REPORT), Done]
    assert "memory" in events[0].words
    assert worker.status().loaded == ()


def test_a_stop_within_the_last_sample_ends_the_judging(worker, script):
    cancel = CancelToken()
    stream = worker.run(judged_with_a_sample(), cancel)
    for event in stream:
        if isinstance(event, Progress) and "what it hears" in event.message:
            cancel.cancel()
    assert script.asked == []
    assert list(worker.run(judged_with_a_sample(), CancelToken()))[-2] == REPORT


def test_samples_of_a_training_come_between_its_events(worker, script, monkeypatch):
    monkeypatch.setattr(sample_jobs, "FIRST_SECONDS", 0.0)
    script._train = lambda *given, **how: iter([weights_of(2), weights_of(4, is_final=True)])
    jobs = TrainingJobs(worker._manager, worker._models, script.tools())
    request = TrainRequest(object(), object(), sample=dataclasses.replace(SAMPLE, share=1e9))
    events = [each for each in jobs.train(request, CancelToken()) if not isinstance(each, Progress)]
    assert kinds(events) == [type(weights_of(2)), SampleHeard, type(weights_of(4)), Done]
    assert events[1].step == 2


def test_clones_of_held_out_sounds_say_how_alike_they_are_and_what_was_understood(worker, cloning):
    cloning.scores = [0.9, 0.7]
    events = run(worker, evaluation(recording(3.0), recording(4.0)))
    report = events[-2]
    assert report == dataclasses.replace(REPORT, words_right=1.0, similarity=0.8)
    assert cloning.calls("quantizer") == [(3 * RATE, RATE), (4 * RATE, RATE)]


def test_a_clip_that_cannot_be_cloned_is_left_out(worker, cloning):
    cloning.faults = {"quantizer": TextError("no")}
    report = run(worker, evaluation(recording(3.0)))[-2]
    assert report == REPORT
    assert report.words_right is None


def test_two_quantizers_are_compared(worker, script):
    events = run(worker, CompareRequest(object(), weights_of(2), weights_of(4)))
    assert events[1:2] == [ALIKE]
    assert isinstance(events[-1], Done)
    assert script.asked == [("compare", 2, 4, "cpu")]
