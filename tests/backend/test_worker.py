"""A worker does a request, and whatever goes wrong becomes the last event of its stream."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.backend.family_files import FakeLoader, add_tiny
from tests.tiny_family import random_speaker
from webui.backend import model_manager
from webui.backend import worker as worker_module
from webui.backend.device import Device
from webui.backend.facts import EngineStatus, LoadedFamily
from webui.backend.family_folders import FamilyFolders
from webui.backend.model_manager import MemoryPlan, ModelManager
from webui.backend.requests import (
    LoadRequest,
    PreviewRequest,
    Request,
    SpeakRequest,
    UnloadRequest,
)
from webui.backend.worker import LOADING_SHARE, Worker
from webui.errors import JobCancelled, TextError
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Done,
    Event,
    Failed,
    Progress,
    Speech,
)
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls
from webui.synthesis.models import load_models

CPU = Device("cpu", "CPU", "fp32")
SOUND = AudioChunk(0, 1, "hello", np.zeros(10, np.float32), 16_000)
SPEECH = Speech(np.zeros(10, np.float32), 16_000, (), 3, 0.1, "ada", ("An own note.",))
SPOKEN = (Progress("semantic", 0.0), Progress("codec", 1.0), SOUND, Done(SPEECH))
FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


class ScriptedSpeech:
    """Stands in for `speak`: each call tells the next script; a fault in it is raised."""

    def __init__(self) -> None:
        self.scripts: list[tuple[Event | Exception, ...]] = []
        self.precisions: list[str] = []
        self.arguments: list[tuple[object, ...]] = []

    def __call__(self, models, *arguments):
        self.precisions.append(models.precision)
        self.arguments.append(arguments)
        for step in self.scripts.pop(0) if self.scripts else SPOKEN:
            if isinstance(step, Exception):
                raise step
            yield step


@pytest.fixture
def speech(monkeypatch):
    made = ScriptedSpeech()
    monkeypatch.setattr(worker_module, "speak", made)
    return made


@pytest.fixture
def manager(tmp_path, monkeypatch):
    monkeypatch.setattr(model_manager, "release_memory", lambda device: None)
    monkeypatch.setattr(model_manager, "free_bytes", lambda device: None)
    add_tiny(tmp_path, "ada")
    return ModelManager(FamilyFolders((tmp_path,)), CPU, MemoryPlan(), FakeLoader())


@pytest.fixture
def worker(manager):
    return Worker(Settings(), manager)


@pytest.fixture
def tiny_worker(tiny_family):
    settings = Settings(models_dir=tiny_family.parent, device="cpu", precision="fp32", threads=1)
    made = Worker(settings)
    yield made
    made.close()


def do(worker: Worker, request: Request, cancel: CancelToken | None = None) -> list[Event]:
    return list(worker.run(request, cancel or CancelToken()))


def end_of(worker: Worker, request: Request) -> Event:
    return do(worker, request)[-1]


SPEAK = SpeakRequest("hello", "ada", controls=SpeechControls(seed=3))


# Speaking


def test_loading_takes_the_first_share_of_a_jobs_progress(worker, speech):
    first, second = do(worker, SPEAK), do(worker, SPEAK)
    fractions = [(each.stage, each.fraction) for each in first if isinstance(each, Progress)]
    assert fractions == [
        ("load", 0.0),
        ("load", pytest.approx(0.1 * LOADING_SHARE)),
        ("load", LOADING_SHARE),
        ("semantic", LOADING_SHARE),
        ("codec", 1.0),
    ]
    fractions = [(each.stage, each.fraction) for each in second if isinstance(each, Progress)]
    assert fractions == [("semantic", 0.0), ("codec", 1.0)]


def test_the_request_reaches_the_speech_as_it_is(worker, speech):
    cancel = CancelToken()
    request = dataclasses.replace(SPEAK, language="de")
    assert do(worker, request, cancel)[-2:] == [SOUND, SPOKEN[-1]]
    assert speech.arguments == [("hello", None, SPEAK.controls, cancel, "de", None)]


def test_several_takes_are_spoken_as_one_batch(worker, speech, monkeypatch):
    monkeypatch.setattr(worker_module, "speak", None)
    monkeypatch.setattr(worker_module, "speak_batch", speech)
    speech.scripts = [(Done(SPEECH), Done(SPEECH))]
    request = dataclasses.replace(SPEAK, controls=SpeechControls(takes=2), share=(1, 2))
    assert [type(each) for each in do(worker, request)[-2:]] == [Done, Done]
    assert speech.arguments[0][-1] == (1, 2)


# What goes wrong


def test_a_users_fault_is_told_in_its_own_words(worker, speech):
    speech.scripts = [(TextError("There is nothing to say."),)]
    assert end_of(worker, SPEAK) == Failed("There is nothing to say.", "TextError")
    missing = end_of(worker, SpeakRequest("hello", "zoe"))
    assert isinstance(missing, Failed)
    assert missing.kind == "FamilyNotFoundError"


def test_an_unforeseen_fault_becomes_a_sentence_with_its_own_words(worker, speech):
    speech.scripts = [(SPOKEN[0], ValueError("two\nlines " + "x" * 500))]
    last = end_of(worker, SPEAK)
    assert isinstance(last, Failed)
    assert last.kind == "EngineError"
    assert last.message.startswith("Something went wrong while computing (ValueError: two lines x")
    assert last.message.endswith("report it with these words.")
    assert "\n" not in last.message
    assert len(last.message) < 400
    assert not worker.device_lost
    assert end_of(worker, SPEAK) == SPOKEN[-1]


def test_a_stop_is_no_failure(worker, speech):
    speech.scripts = [(SPOKEN[0], JobCancelled())]
    assert isinstance(end_of(worker, SPEAK), Cancelled)


def test_a_stop_while_loading_ends_the_job(worker, speech):
    cancel = CancelToken()
    cancel.cancel()
    assert isinstance(do(worker, SPEAK, cancel)[-1], Cancelled)
    assert speech.precisions == []


def test_a_spoilt_card_is_remembered(worker, speech):
    speech.scripts = [(RuntimeError("CUDA error: an illegal memory access was encountered"),)]
    assert isinstance(end_of(worker, SPEAK), Failed)
    assert worker.device_lost


def test_a_device_that_is_not_there_is_told_at_every_job(tmp_path):
    worker = Worker(Settings(models_dir=tmp_path, device="cuda:99", threads=1))
    for _ in range(2):
        last = end_of(worker, LoadRequest("ada"))
        assert isinstance(last, Failed)
        assert last.kind == "SettingsError"
    assert worker.status() == EngineStatus(running=False)


# Memory that runs out


def test_a_text_is_spoken_again_smaller_when_memory_ran_out_before_a_sound(worker, speech):
    speech.scripts = [(SPOKEN[0], FULL)]
    *_, sound, last = do(worker, SPEAK)
    assert sound is SOUND
    assert speech.precisions == ["fp32", "bf16"]
    assert isinstance(last, Done)
    assert last.result is not None
    assert last.result.notes == (
        "An own note.",
        "The memory was full, so the model now runs in half precision.",
    )


def test_what_was_heard_is_not_spoken_again(worker, speech):
    speech.scripts = [(SOUND, FULL)]
    events = do(worker, SPEAK)
    assert sum(isinstance(each, AudioChunk) for each in events) == 1
    assert isinstance(events[-1], Failed)
    assert events[-1].kind == "DeviceMemoryError"
    assert speech.precisions == ["fp32"]


def test_a_text_that_fits_in_no_precision_fails_in_words(worker, speech):
    worker._manager.device = Device("cuda:0", "Card", "bf16")
    speech.scripts = [(FULL,)]
    last = end_of(worker, SPEAK)
    assert isinstance(last, Failed)
    assert last.kind == "DeviceMemoryError"
    assert last.message.startswith("The memory is full. Choose a smaller family")
    assert worker.status().loaded == ()


def test_after_a_hundred_times_out_of_memory_the_next_text_is_spoken(worker, speech):
    speech.scripts = [(SPOKEN[0], FULL)] * 200
    for _ in range(100):
        last = end_of(worker, SPEAK)
        assert isinstance(last, Failed)
        assert last.kind == "DeviceMemoryError"
    speech.scripts = []
    last = end_of(worker, SPEAK)
    assert isinstance(last, Done)
    assert last.result is not None
    assert "now runs in 8-bit precision" in last.result.notes[-1]


# The other requests, on a family of random weights


def test_a_preview_is_the_sound_of_the_voices_own_codes(tiny_worker, tiny_family):
    fine = random_speaker(20, seed=1)["fine_prompt"].astype(np.int64)
    events = do(tiny_worker, PreviewRequest("tiny", fine))
    *_, sound, last = events
    expected = load_models(tiny_family).codec.decode(fine)
    assert isinstance(sound, AudioChunk)
    np.testing.assert_array_equal(sound.waveform, expected)
    assert sound.sample_rate == 16_000
    assert isinstance(last, Done)


def test_a_family_is_loaded_and_unloaded_on_demand_and_the_status_tells(tiny_worker):
    assert tiny_worker.status() == EngineStatus(running=False)
    assert tiny_worker.seconds_until_idle() is None
    assert not tiny_worker.unload_idle()
    assert isinstance(end_of(tiny_worker, LoadRequest("tiny")), Done)
    status = tiny_worker.status()
    assert (status.device, status.device_name, status.precision) == ("cpu", "CPU", "fp32")
    assert status.loaded == (LoadedFamily("tiny", "fp32", status.loaded[0].nbytes),)
    assert 0 < tiny_worker.seconds_until_idle() <= 15 * 60
    assert isinstance(end_of(tiny_worker, UnloadRequest("other")), Done)
    assert tiny_worker.status().loaded != ()
    assert isinstance(end_of(tiny_worker, UnloadRequest()), Done)
    assert tiny_worker.status().loaded == ()
    assert isinstance(end_of(tiny_worker, LoadRequest("tiny")), Done)
    tiny_worker.close()
    assert tiny_worker.status().loaded == ()


def test_a_budget_in_gigabytes_and_minutes_reaches_the_manager(tiny_family):
    settings = Settings(
        models_dir=tiny_family.parent,
        device="cpu",
        precision="int8",
        threads=1,
        memory_budget_gb=1e-6,
        idle_minutes=2.0,
    )
    worker = Worker(settings)
    last = end_of(worker, LoadRequest("tiny"))
    assert isinstance(last, Failed)
    assert last.kind == "DeviceMemoryError"
    assert worker._manager._plan == MemoryPlan(1_000.0, 120.0)


def test_the_idle_time_counts_from_the_end_of_a_job(worker, speech, manager):
    now = [0.0]
    manager._clock = lambda: now[0]
    for event in worker.run(SPEAK, CancelToken()):
        if event is SOUND:
            now[0] += 600.0
    assert manager.seconds_until_idle() == 900.0
