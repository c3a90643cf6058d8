"""One contract for all engines: what a door may rely on, whatever computes behind it."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.backend.scripted_worker import (
    ENDLESS,
    ScriptedWorker,
    SleepyWorker,
    StillbornWorker,
    assert_speaks,
    clashes,
    kinds,
    says,
    start,
    wait_until,
)
from tests.backend.small_cluster import RAY, ray_engine
from webui.backend import local_engine
from webui.backend.engine import Engine, make_engine
from webui.backend.facts import EngineStatus, LoadedFamily
from webui.backend.inline_engine import InlineEngine
from webui.backend.local_engine import LocalEngine
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls
from webui.synthesis.models import load_models
from webui.synthesis.speech import speak

KINDS = {"inline": InlineEngine, "local": LocalEngine, "ray": ray_engine}
NAMES = ["inline", "local", RAY]


def use(kind: str, request) -> None:
    """See that there is a cluster where one is needed."""
    if kind == "ray":
        request.getfixturevalue("ray_here")


def sound_of(events: list[Event]) -> np.ndarray:
    return np.concatenate([each.waveform for each in events if isinstance(each, AudioChunk)])


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("device"))


@pytest.fixture(scope="module", params=NAMES)
def engine(request, settings):
    """An engine that many tests use one after the other, as the app does."""
    use(request.param, request)
    made = KINDS[request.param](settings, ScriptedWorker)
    yield made
    made.close()
    assert clashes(settings) == ""


@pytest.fixture(params=NAMES)
def make(request, tmp_path):
    """Makes engines that are closed after the test."""
    use(request.param, request)
    made: list[Engine] = []

    def new(worker=ScriptedWorker) -> Engine:
        made.append(KINDS[request.param](Settings(data_dir=tmp_path), worker))
        return made[-1]

    yield new
    for each in made:
        each.close()
    assert clashes(Settings(data_dir=tmp_path)) == ""


# What all do


def test_speaking_gives_progress_then_sound_then_the_end(engine):
    events = list(engine.run(says("tokens 3")))
    assert kinds(events) == ["Progress", "AudioChunk", "Done"]
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)


def test_the_samples_follow_from_the_request_alone(engine):
    again = sound_of(list(engine.run(says("tokens 1", seed=7))))
    plain = ScriptedWorker(Settings(data_dir=Path(os.devnull)))
    expected = list(plain._speak(says("tokens 1", seed=7), CancelToken(), 1))
    np.testing.assert_array_equal(again, sound_of(expected))
    other = sound_of(list(engine.run(says("tokens 1", seed=8))))
    assert not np.array_equal(again, other)


def test_a_cancel_ends_the_job_and_the_next_one_runs(engine):
    cancel = CancelToken()
    stream = start(engine, cancel=cancel)
    cancel.cancel()
    rest = list(stream)
    assert isinstance(rest[-1], Cancelled)
    assert not any(isinstance(event, AudioChunk | Done) for event in rest)
    assert_speaks(engine)


def test_a_job_that_was_cancelled_before_is_not_begun(engine):
    cancel = CancelToken()
    cancel.cancel()
    assert kinds(engine.run(says(ENDLESS), cancel)) == ["Cancelled"]


def test_closing_the_stream_early_frees_the_device(engine):
    stream = start(engine)
    stream.close()
    assert_speaks(engine)
    wait_until(lambda: not engine.status().running)


def test_a_stream_that_nobody_reads_takes_no_place_in_the_line(engine):
    engine.run(says(ENDLESS))
    assert not engine.status().running
    assert kinds(engine.run(says("tokens 1"))) == ["Progress", "AudioChunk", "Done"]


def test_a_job_in_the_line_says_so_and_can_be_cancelled_there(engine):
    first, cancel = start(engine), CancelToken()
    second = engine.run(says(ENDLESS), cancel)
    assert next(second) == Progress("queued", 0.0, message="1 before you")
    third = engine.run(says("tokens 1"))
    assert next(third) == Progress("queued", 0.0, message="2 before you")
    assert engine.status().waiting == 2
    cancel.cancel()
    assert kinds(second) == ["Cancelled"]
    assert next(third) == Progress("queued", 0.0, message="1 before you")
    first.close()
    assert kinds(third)[-1] == "Done"


def test_leaving_the_line_lets_the_others_move_up(engine):
    first, second = start(engine), engine.run(says(ENDLESS))
    next(second)
    second.close()
    assert engine.status().waiting == 0
    first.close()
    assert_speaks(engine)


def test_a_line_that_is_too_long_is_refused_in_words(engine, monkeypatch):
    monkeypatch.setattr(engine._lease, "_most_waiting", 2)
    first = start(engine)
    second, third = (engine.run(says("tokens 1")) for _ in range(2))
    next(second), next(third)
    refused = list(engine.run(says("tokens 1")))
    assert refused == [
        Failed("2 jobs are waiting already. Please try again in a moment.", "EngineError")
    ]
    first.close()
    assert kinds(second)[-1] == kinds(third)[-1] == "Done"


def test_in_two_hundred_quick_cancels_no_two_jobs_meet_on_the_device(engine, monkeypatch, settings):
    monkeypatch.setattr(local_engine, "LOOK_SECONDS", 0.002)
    for number in range(200):
        cancel = CancelToken()
        stream = start(engine, cancel=cancel)
        if number % 2:
            stream.close()  # gone before the job has truly ended
        else:
            cancel.cancel()
            assert isinstance(list(stream)[-1], Cancelled)
    assert_speaks(engine)
    assert clashes(settings) == ""


def test_jobs_from_many_threads_take_turns(engine, settings):
    ends: list[Event] = []

    def work() -> None:
        for _ in range(3):
            ends.append(list(engine.run(says("tokens 3")))[-1])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds(ends) == ["Done"]
    assert len(ends) == 18
    assert clashes(settings) == ""


def test_a_fault_becomes_a_sentence_and_the_next_job_runs(engine):
    process = getattr(engine, "process_id", None)
    for _ in range(3):
        (*_, last) = engine.run(says("fault"))
        assert isinstance(last, Failed)
        assert last.kind == "EngineError"
        assert "RuntimeError: the dice fell off" in last.message
        assert last.message.endswith(".")
    assert_speaks(engine)
    assert getattr(engine, "process_id", None) == process


def test_after_a_hundred_faults_in_a_row_the_next_job_runs(engine):
    for _ in range(100):
        (*_, last) = engine.run(says("full"))
        assert isinstance(last, Failed)
        assert "(MemoryError)" in last.message
    assert_speaks(engine)


def test_a_users_fault_is_passed_on_in_its_own_words(engine):
    (*_, last) = engine.run(says("unknown"))
    assert last == Failed("This family is not here.", "FamilyNotFoundError")


def test_the_status_tells_what_runs_how_far_it_is_and_what_is_loaded(engine):
    list(engine.run(says("tokens 2")))
    loaded = (LoadedFamily("tiny", "fp32", 1_000),)
    wait_until(lambda: not engine.status().running)
    assert engine.status() == EngineStatus(running=False, device="cpu", loaded=loaded)
    stream = start(engine, "tokens 1000000")
    for event in stream:
        if event.fraction >= 5e-6:
            break
    now = engine.status()
    assert (now.running, now.waiting, now.stage) == (True, 0, "semantic")
    assert now.fraction >= 5e-6
    stream.close()


def test_an_engine_that_did_nothing_yet_tells_nothing(make):
    assert make().status() == EngineStatus(running=False)


def test_closing_stops_what_runs_and_what_waits(make):
    engine = make()
    first, second = start(engine), engine.run(says("tokens 1"))
    next(second)
    engine.close()
    engine.close()
    assert isinstance(list(first)[-1], Cancelled)
    assert kinds(second) == ["Cancelled"]
    assert kinds(engine.run(says("tokens 1"))) == ["Cancelled"]
    wait_until(lambda: engine.status().loaded == ())
    assert not engine.status().running


def test_closing_an_engine_that_did_nothing_is_fine(make):
    engine = make()
    engine.close()
    engine.close()
    assert kinds(engine.run(says("tokens 1"))) == ["Cancelled"]


def test_what_nobody_uses_leaves_the_memory_family_by_family(make):
    engine = make(SleepyWorker)
    list(engine.run(says("tokens 1", family="old")))
    time.sleep(0.1)
    list(engine.run(says("tokens 1", family="young")))
    assert not engine.status().asleep
    wait_until(lambda: engine.status().loaded == ())
    assert engine.status().asleep
    list(engine.run(says("tokens 1")))
    assert not engine.status().asleep


def test_a_worker_that_cannot_be_made_is_told_and_tried_again(make, tmp_path):
    engine = make(StillbornWorker)
    (tmp_path / "stillborn").touch()
    for _ in range(2):
        (*_, last) = engine.run(says("tokens 1"))
        assert isinstance(last, Failed)
        assert "ImportError: libtorch.so: cannot open shared object file" in last.message
    (tmp_path / "stillborn").unlink()
    assert_speaks(engine)


def test_an_engine_says_how_many_jobs_can_run_at_once(engine):
    assert engine.devices() == 1


@pytest.mark.parametrize("name", ["inline", "local"])
def test_the_settings_choose_the_engine_and_nothing_is_started(name):
    engine = make_engine(Settings(engine=name))
    assert type(engine) is KINDS[name]
    assert getattr(engine, "process_id", None) is None


# What all do with the real worker, on a family of random weights

TEXT = "hello there."
SENTENCES = 200  # take longer than a stop on its way, however fast the machine is


@pytest.fixture(scope="module", params=NAMES)
def real(request, tiny_family):
    use(request.param, request)
    settings = Settings(models_dir=tiny_family.parent, device="cpu", precision="fp32", threads=1)
    made = KINDS[request.param](settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def expected(tiny_family) -> np.ndarray:
    """What `TEXT` sounds like without an engine, on as many threads as the engines use.

    The number of threads decides the order of sums, and so the last bit of a sample.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    models = load_models(tiny_family)
    events = list(speak(models, TEXT, None, SpeechControls(seed=5), CancelToken()))
    torch.set_num_threads(threads)
    assert len(sound_of(events)) > 1_000
    return sound_of(events)


def test_seed_and_settings_decide_the_samples_in_whichever_process(real, expected):
    events = list(real.run(says(TEXT, seed=5)))
    assert kinds(events) == ["Progress", "AudioChunk", "Done"]
    np.testing.assert_array_equal(sound_of(events), expected)
    assert not np.array_equal(sound_of(list(real.run(says(TEXT, seed=6)))), expected)
    assert [each.id for each in real.status().loaded] == ["tiny"]


def test_the_real_worker_obeys_a_cancel_and_speaks_again(real, expected):
    cancel, heard = CancelToken(), []
    for event in real.run(says(f"{TEXT} " * SENTENCES), cancel):
        heard.append(event)
        if isinstance(event, Progress) and event.stage == "semantic":
            cancel.cancel()
    assert isinstance(heard[-1], Cancelled)
    assert sum(isinstance(each, AudioChunk) for each in heard) < SENTENCES
    stream = real.run(says(TEXT))
    assert isinstance(next(stream), Progress)
    stream.close()
    np.testing.assert_array_equal(sound_of(list(real.run(says(TEXT, seed=5)))), expected)
