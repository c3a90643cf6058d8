"""Cloning by all engines, with the built-in family: the same voice in whichever process."""

import dataclasses

import numpy as np
import pytest

from tests.backend.small_cluster import RAY, ray_engine
from webui.backend.inline_engine import InlineEngine
from webui.backend.local_engine import LocalEngine
from webui.backend.requests import (
    CheckRequest,
    CloneOrder,
    CloneRequest,
    PreviewRequest,
    ReportRequest,
)
from webui.clone_results import CloneOutcome, Recording
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Checked,
    Cloned,
    Done,
    Failed,
    Progress,
    Reported,
)
from webui.family import read_family
from webui.settings import PROJECT_FOLDER, Settings
from webui.speaker_file import read_speaker
from webui.speaker_limits import limits_of

MINI = PROJECT_FOLDER / "models" / "mini"
KINDS = {"inline": InlineEngine, "local": LocalEngine, "ray": ray_engine}


@pytest.fixture(scope="module", params=["inline", "local", RAY])
def engine(request):
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    made = KINDS[request.param](Settings(device="cpu", precision="fp32", threads=1))
    yield made
    made.close()


@pytest.fixture(scope="module")
def ada():
    limits = limits_of(read_family(MINI))
    return read_speaker(MINI / "speakers" / "ada.npz", limits).speaker


@pytest.fixture(scope="module")
def recording(engine, ada):
    """What the built-in voice Ada says in its own prompt."""
    (*_, chunk, _) = engine.run(PreviewRequest("mini", ada.fine))
    assert isinstance(chunk, AudioChunk)
    return Recording(chunk.waveform, chunk.sample_rate, "ada.wav")


@pytest.fixture(scope="module")
def voices() -> dict[str, CloneOutcome]:
    """What each engine made, to be compared."""
    return {}


def order(recording: Recording, **changes) -> CloneOrder:
    given = CloneOrder((recording,), family="mini", seed=5, report=False)
    return dataclasses.replace(given, **changes)


def test_a_recording_is_checked(engine, recording):
    *_, checked, done = engine.run(CheckRequest((recording,)))
    assert isinstance(checked, Checked)
    assert isinstance(done, Done)
    assert checked.check.seconds == pytest.approx(recording.seconds)
    assert checked.check.windows


def test_method_2_gives_the_same_voice_by_every_engine(engine, recording, voices):
    events = list(engine.run(CloneRequest(order(recording), "mini")))
    *_, cloned, done = events
    assert isinstance(cloned, Cloned)
    assert isinstance(done, Done)
    assert {each.stage for each in events if isinstance(each, Progress)} >= {"check", "listen"}
    (made,) = cloned.outcome.candidates
    assert made.details["quantizer"] == "mini"
    assert made.speaker.fine.shape[0] == 8
    voices[type(engine).__name__] = cloned.outcome
    first = next(iter(voices.values())).candidates[0].speaker
    np.testing.assert_array_equal(made.speaker.semantic, first.semantic)
    np.testing.assert_array_equal(made.speaker.fine, first.fine)


def test_a_method_that_fails_is_told_in_its_own_words(engine, recording):
    what = order(recording, quantizer="quantizer-de-v1-14")
    (*_, last) = engine.run(CloneRequest(what, "mini"))
    assert isinstance(last, Failed)
    assert last.kind == "CloneError"
    assert "made for Mini" in last.message


def test_a_cancel_ends_a_clone_and_the_next_one_runs(engine, recording):
    cancel, heard = CancelToken(), []
    what = order(recording, methods=("transcript",), transcript="Good morning.", report=True)
    for event in engine.run(CloneRequest(what, "mini"), cancel):
        heard.append(event)
        if isinstance(event, Progress) and event.stage == "report":
            cancel.cancel()
    assert isinstance(heard[-1], Cancelled)
    assert not any(isinstance(each, Cloned) for each in heard)
    assert isinstance(list(engine.run(CheckRequest((recording,))))[-1], Done)


@pytest.mark.slow
def test_a_voice_is_judged(engine, ada):
    *_, reported, done = engine.run(ReportRequest("mini", ada))
    assert isinstance(reported, Reported)
    assert isinstance(done, Done)
    report = reported.report
    assert report.verdict
    assert 0.0 <= report.score <= 1.0
    assert len(report.sentences) == 2
