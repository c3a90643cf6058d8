"""The engine of a Space with a lent card: it computes in a fork, stops there, and says why not."""

import multiprocessing
import os
import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from tests.backend.scripted_worker import ENDLESS, ScriptedWorker, says
from webui.backend.engine import make_engine
from webui.backend.requests import (
    CheckRequest,
    CloneOrder,
    CloneRequest,
    LoadRequest,
    PreviewRequest,
    SpeakRequest,
    UnloadRequest,
)
from webui.backend.zero_gpu import LEAST_SECONDS, MOST_SECONDS, ZeroGpuEngine, card_seconds
from webui.clone_results import Recording
from webui.errors import SettingsError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Failed, Progress
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls

FORK = multiprocessing.get_context("fork")


def lend_by_forking(task, seconds):
    """As `spaces` 0.51.3 lends: a fork computes, its events come back pickled.

    A caller that leaves early is seen by the fork at its next event, and is held until then.
    """

    def lent(request):
        ours, theirs = FORK.Pipe(duplex=False)
        stop = FORK.Event()

        def iterate():
            for event in task(pickle.loads(request)):  # noqa: S301  our own
                if stop.is_set():
                    break
                theirs.send(event)
            theirs.send(None)
            os._exit(0)

        request = pickle.dumps(request)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Python 3.12 on: a fork of many threads
            process = FORK.Process(target=iterate, daemon=True)
            process.start()
        has_ended = False
        try:
            while (event := ours.recv()) is not None:
                yield event
            has_ended = True
        finally:
            stop.set()
            while not has_ended and ours.poll(10):
                has_ended = ours.recv() is None
            process.join()

    return lent


class TellingWorker(ScriptedWorker):
    """Notes in which process it computes."""

    def run(self, request, cancel):
        yield Progress("queued", 0.0, message=str(os.getpid()))
        yield from super().run(request, cancel)


@pytest.fixture
def engine(tmp_path):
    made = ZeroGpuEngine(Settings(data_dir=tmp_path), TellingWorker, lend_by_forking)
    yield made
    made.close()


def messages(events) -> list[str]:
    return [each.message for each in events if isinstance(each, Progress) and each.message]


def test_a_text_is_spoken_in_a_fork_and_nothing_is_loaded_here(engine):
    assert [type(each) for each in engine.run(LoadRequest("tiny"))] == [Done]
    events = list(engine.run(says("tokens 3")))
    (process,) = messages(events)
    assert int(process) != os.getpid()
    assert any(isinstance(each, AudioChunk) for each in events)
    assert [type(each) for each in events].count(Done) == 1
    assert engine.status().loaded == ()
    assert [type(each) for each in engine.run(UnloadRequest())] == [Done]


def test_a_stop_reaches_the_fork_and_the_next_job_runs(engine):
    cancel, events = CancelToken(), []
    for event in engine.run(says(ENDLESS), cancel):
        events.append(event)
        if isinstance(event, Progress) and event.stage == "semantic":
            cancel.cancel()
    assert isinstance(events[-1], Cancelled)
    assert isinstance(list(engine.run(says("tokens 1")))[-1], Done)


def test_who_leaves_early_gives_the_card_back(engine):
    stream = engine.run(says(ENDLESS))
    for event in stream:
        if isinstance(event, Progress) and event.stage == "semantic":
            break
    stream.close()
    assert not engine.status().running
    assert isinstance(list(engine.run(says("tokens 1")))[-1], Done)


def test_what_needs_no_card_is_done_here(tmp_path):
    def never(task, seconds):
        def lent(request):
            raise AssertionError("this needs no card")

        return lent

    class Listening(TellingWorker):
        def run(self, request, cancel):
            yield Progress("check", 0.5, message=str(os.getpid()))
            yield Done()

    engine = ZeroGpuEngine(Settings(data_dir=tmp_path), Listening, never)
    recording = Recording(np.zeros(1_600, np.float32), 16_000, "a.wav")
    assert messages(engine.run(CheckRequest((recording,)))) == [str(os.getpid())]


@pytest.mark.parametrize(
    ("title", "said", "words"),
    [
        (
            "ZeroGPU quota exceeded",
            "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left). "
            "Try again in 3:21:09. ",
            "this takes 60 s, and 12 s are left. Try again in 3:21:09, sign in for more",
        ),
        ("ZeroGPU quota exceeded", "Space app has reached its GPU limit.", "again in a minute"),
        ("ZeroGPU queue timeout", "No GPU was available after 60s.", "again in a minute"),
        ("ZeroGPU client error", "No GPU was available", "again in a minute"),
        ("ZeroGPU illegal duration", "The requested duration is too long", "a shorter text"),
        ("ZeroGPU worker error", "GPU task aborted", "taken back before the work was done"),
        ("ZeroGPU client error", "Expired ZeroGPU proxy token", "could not be had (Expired"),
    ],
)
def test_a_card_that_is_not_lent_is_told_in_words_with_what_to_do(tmp_path, title, said, words):
    def refuse(task, seconds):
        def lent(request):
            fault = RuntimeError(said)
            fault.title, fault.message = title, said
            raise fault
            yield

        return lent

    engine = ZeroGpuEngine(Settings(data_dir=tmp_path), TellingWorker, refuse)
    (failed,) = [each for each in engine.run(says("tokens 1")) if isinstance(each, Failed)]
    assert words in failed.message
    assert failed.kind == "EngineError"


def test_an_unforeseen_fault_stays_what_it_is(tmp_path):
    def break_down(task, seconds):
        def lent(request):
            raise RuntimeError("It broke.")
            yield

        return lent

    engine = ZeroGpuEngine(Settings(data_dir=tmp_path), TellingWorker, break_down)
    (failed,) = [each for each in engine.run(says("tokens 1")) if isinstance(each, Failed)]
    assert "RuntimeError: It broke" in failed.message


def test_the_card_is_asked_for_no_longer_than_the_work_takes():
    short, long = (SpeakRequest("Good morning. " * count, "bark") for count in (2, 20))
    assert LEAST_SECONDS <= card_seconds(short) < card_seconds(long) <= MOST_SECONDS
    thrice = SpeechControls(verify=True, verify_tries=3)
    checked = SpeakRequest(long.text, "bark", controls=thrice)
    assert card_seconds(long) < card_seconds(checked) <= MOST_SECONDS
    fine = np.zeros((8, 50), np.int64)
    preview = PreviewRequest("bark", fine)
    assert card_seconds(preview) == LEAST_SECONDS
    recording = Recording(np.zeros(1_600, np.float32), 16_000, "a.wav")
    one, many = (
        CloneRequest(CloneOrder((recording,), methods, windows=3), "bark")
        for methods in (("quantizer",), ("quantizer", "transcript", "conversion"))
    )
    assert card_seconds(preview) < card_seconds(one) < card_seconds(many) == MOST_SECONDS
    quick, unheard, usual = (
        CloneRequest(CloneOrder((recording,), **wanted), "bark")
        for wanted in ({"endings": 1}, {"report": False}, {})
    )
    assert card_seconds(quick) == card_seconds(unheard) < card_seconds(usual)


def test_on_such_a_space_this_engine_is_made_with_what_the_space_brings(tmp_path, monkeypatch):
    settings = Settings(data_dir=tmp_path, engine="inline", zero_gpu=True)
    monkeypatch.setitem(__import__("sys").modules, "spaces", None)
    with pytest.raises(SettingsError, match="the package spaces is not here"):
        make_engine(settings)
    asked = []

    def gpu(duration):
        asked.append(duration)
        return lambda task: task

    monkeypatch.setitem(__import__("sys").modules, "spaces", SimpleNamespace(GPU=gpu))
    engine = make_engine(settings)
    assert isinstance(engine, ZeroGpuEngine)
    assert asked == [card_seconds]
    engine.close()
    assert not isinstance(make_engine(Settings(data_dir=tmp_path, engine="inline")), ZeroGpuEngine)
