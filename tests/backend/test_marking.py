"""Every sound that leaves the engine is marked where that is wanted, and none leaves unmarked."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.command_line import refusal
from tests.fake_service import RATE
from webui.audio import write_audio
from webui.backend import marking
from webui.backend.marking import Marker, find_mark, watermark_state
from webui.backend.requests import PreviewRequest, SpeakRequest
from webui.backend.worker import Worker
from webui.cli import main
from webui.errors import SettingsError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Failed, Progress, Speech
from webui.settings import Settings
from webui.training_results import SampleHeard, SampleMissed

SOUND = np.full(4_000, 0.1, np.float32)
SPEECH = Speech(SOUND, RATE, (), 3, 0.1, "tiny")


class Doubling:
    """Instead of the watermark: makes a sound twice as loud, and hears how loud it is."""

    def put(self, waveform, rate):
        return waveform * np.float32(2)

    def heard(self, waveform, rate):
        return float(np.abs(waveform).max()) * 4


@pytest.fixture
def doubling(monkeypatch):
    monkeypatch.setattr(marking, "watermark", Doubling)


def loudness(event) -> float:
    speech = event.result if isinstance(event, Done) else event.partial
    return float(speech.waveform.max())


def test_pieces_whole_speeches_and_what_was_stopped_are_marked(doubling):
    events = [
        Progress("semantic", 0.5), AudioChunk(0, 1, "a", SOUND, RATE), Done(SPEECH), Done(),
        Cancelled(SPEECH), Cancelled(), Failed("Full."),
    ]  # fmt: skip
    marked = list(Marker().marked(iter(events)))
    assert [type(each) for each in marked] == [type(each) for each in events]
    assert marked[1].waveform.max() == pytest.approx(0.2)
    assert [loudness(marked[at]) for at in (2, 4)] == pytest.approx([0.2, 0.2])
    assert (marked[0], marked[3], marked[5], marked[6]) == (
        events[0], events[3], events[5], events[6],
    )  # fmt: skip


def test_samples_of_a_quantizer_are_marked_and_are_not_heard_without_the_mark(
    doubling, monkeypatch
):
    events = [Progress("train", 0.5), SampleHeard(4, 0.5, SOUND, RATE), Done()]
    marked = list(Marker().samples_marked(iter(events)))
    assert (marked[0], marked[2]) == (events[0], events[2])
    assert marked[1].waveform.max() == pytest.approx(0.2)
    monkeypatch.setattr(marking, "watermark", lambda: None)
    (_, missed, done) = Marker().samples_marked(iter(events))
    assert isinstance(missed, SampleMissed)
    assert (missed.step, done) == (4, events[2])


@pytest.fixture
def spoken_by(tiny_family, monkeypatch):
    """What a worker with these settings gives for a request: (what it yields, its script)."""

    def ask(request, **changes):
        settings = Settings(models_dir=tiny_family.parent, threads=1, **changes)
        worker = Worker(settings)
        monkeypatch.setattr(
            worker, "_spoken", lambda *_: iter([AudioChunk(0, 1, "a", SOUND, RATE), Done(SPEECH)])
        )
        monkeypatch.setattr(
            worker, "_preview", lambda *_: iter([AudioChunk(0, 1, "", SOUND, RATE)])
        )
        return list(worker.run(request, CancelToken()))

    return ask


REQUESTS = [SpeakRequest("hi", "tiny"), PreviewRequest("tiny", np.zeros((8, 4), np.int64))]


@pytest.mark.parametrize("request_for", REQUESTS, ids=["speech", "preview"])
def test_the_worker_marks_what_it_speaks_only_where_it_was_asked_to(
    spoken_by, doubling, request_for
):
    assert spoken_by(request_for)[0].waveform.max() == pytest.approx(0.1)
    assert spoken_by(request_for, watermark=True)[0].waveform.max() == pytest.approx(0.2)


def test_without_the_watermark_nothing_leaves_that_should_carry_it(spoken_by, monkeypatch):
    monkeypatch.setattr(marking, "watermark", lambda: None)
    (only,) = spoken_by(REQUESTS[0], watermark=True)
    assert isinstance(only, Failed)
    assert "start without --watermark" in only.message
    assert len(spoken_by(REQUESTS[0])) == 2


@pytest.mark.parametrize(
    ("weights", "is_wanted", "state"),
    [
        ("here", True, "on"),
        ("here", False, "off"),
        (None, True, "missing"),
        (None, False, "missing"),
    ],
)
def test_the_state_is_told_without_loading_anything(monkeypatch, weights, is_wanted, state):
    monkeypatch.setattr(marking, "watermark", lambda: pytest.fail("loaded"))
    monkeypatch.setattr(marking, "watermark_weights", lambda: weights)
    assert watermark_state(is_wanted) == state
    assert marking.STATE_WORDS[state]


def test_a_file_is_listened_to(doubling, tmp_path, capsys):
    write_audio(tmp_path / "a.wav", SOUND * 2, RATE)
    write_audio(tmp_path / "b.wav", SOUND, RATE)
    assert find_mark(tmp_path / "a.wav")[0]
    assert not find_mark(tmp_path / "b.wav")[0]
    assert main(["detect", str(tmp_path / "a.wav")]) == 0
    assert capsys.readouterr().out == "a.wav carries the watermark (80%).\n"
    assert main(["detect", str(tmp_path / "b.wav"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["marked"], told["sureness"]) == (False, 0.4)


def test_where_nothing_can_listen_a_sentence_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(marking, "watermark", lambda: None)
    write_audio(tmp_path / "a.wav", SOUND, RATE)
    with pytest.raises(SettingsError, match="not installed"):
        find_mark(tmp_path / "a.wav")
    assert "not installed" in refusal(capsys, main(["detect", str(tmp_path / "a.wav")]))
    assert "not there" in refusal(capsys, main(["detect", str(tmp_path / "gone.wav")]))
    assert replace(Settings(), watermark=True).watermark
