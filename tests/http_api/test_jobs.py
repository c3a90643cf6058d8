"""Long texts as jobs: they go on while nobody waits, and their sound is fetched later."""

import json
import shutil
import time

import httpx
import numpy as np
import pytest

from tests.fake_service import CHUNK_SECONDS, RATE
from tests.http_api.conftest import waited_for
from webui.audio import read_audio_bytes
from webui.events import AudioChunk, Cancelled, Progress
from webui.http_api import job_store
from webui.http_api.errors import ApiError
from webui.http_api.job_store import JobStore

TEXT = "Good morning. " * 30  # longer than a speech at once may be
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def ask(served, method, path, **options):
    return httpx.request(method, f"{served.address}/v1/jobs{path}", timeout=30, **options)


def started(served, **asked):
    answer = ask(served, "POST", "", json={"input": TEXT} | asked)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def ended(served, **asked):
    job = started(served, **asked)
    states = ("done", "failed", "cancelled")
    assert waited_for(lambda: ask(served, "GET", f"/{job}").json()["status"] in states)
    return job


def events_of(served, job):
    lines = ask(served, "GET", f"/{job}/events").text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line]


def forever(order, family, cancel):
    yield AudioChunk(0, 2, "The first.", np.full(RATE, 0.1, np.float32), RATE)
    while not cancel.cancelled:
        yield Progress("semantic", 0.5, 3.0, 1, 2)
        time.sleep(0.01)
    yield Cancelled()


def test_a_job_is_spoken_and_its_sound_fetched(local):
    job = ended(local, voice="Bob", seed=5)
    told = ask(local, "GET", f"/{job}").json()
    assert (told["status"], told["fraction"], told["seed"]) == ("done", 1.0, 5)
    assert told["seconds"] == pytest.approx(2 * CHUNK_SECONDS)
    assert told["characters"] == len(TEXT)
    answer = ask(local, "GET", f"/{job}/result")
    assert answer.headers["content-type"] == "audio/wav"
    sound, rate = read_audio_bytes(answer.content)
    assert len(sound) / rate == pytest.approx(2 * CHUNK_SECONDS)
    assert local.service.orders[-1].text == TEXT


@pytest.mark.parametrize(
    ("audio_format", "kind"),
    [
        ("mp3", "audio/mpeg"),
        ("flac", "audio/flac"),
        ("opus", "audio/ogg"),
        pytest.param("aac", "audio/aac", marks=needs_ffmpeg),
    ],
)
def test_the_sound_comes_in_any_format(local, audio_format, kind):
    answer = ask(local, "GET", f"/{ended(local)}/result", params={"format": audio_format})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)


def test_subtitles_follow_the_speed(local):
    job = ended(local, input="Hello.", speed=0.5)
    srt = ask(local, "GET", f"/{job}/subtitles").text
    assert "00:00:00,000 --> 00:00:00,800" in srt
    assert "00:00:00,800 --> 00:00:01,600" in srt
    vtt = ask(local, "GET", f"/{job}/subtitles", params={"format": "vtt"})
    assert vtt.text.startswith("WEBVTT")
    assert vtt.headers["content-type"].startswith("text/vtt")


def test_whoever_comes_late_reads_all_events_from_the_start(local):
    job = ended(local)
    events = events_of(local, job)
    assert [each["type"] for each in events].count("chunk") == 2
    assert events[0]["type"] == "progress"
    assert events[-1]["type"] == "done"
    assert events == events_of(local, job)


def test_events_are_told_while_the_job_runs(local):
    local.service._speak = forever
    job = started(local)
    with httpx.stream("GET", f"{local.address}/v1/jobs/{job}/events", timeout=30) as answer:
        lines = (line for line in answer.iter_lines() if line)
        types = []
        for line in lines:
            types.append(json.loads(line.removeprefix("data: "))["type"])
            if types.count("progress") == 1:
                ask(local, "POST", f"/{job}/cancel")
    assert types[0] == "chunk"
    assert types[-1] == "cancelled"


def test_a_cancelled_job_keeps_what_was_spoken(local):
    local.service._speak = forever
    job = started(local)
    assert waited_for(lambda: ask(local, "GET", f"/{job}").json()["seconds"] == 1)
    assert ask(local, "GET", f"/{job}/result").status_code == 409
    ask(local, "POST", f"/{job}/cancel")
    assert waited_for(lambda: ask(local, "GET", f"/{job}").json()["status"] == "cancelled")
    sound, rate = read_audio_bytes(ask(local, "GET", f"/{job}/result").content)
    assert len(sound) == rate == RATE
    assert waited_for(lambda: local.api.reception.admission.running == 0)


def test_a_deleted_job_stops_and_leaves_nothing(local):
    local.service._speak = forever
    job = started(local)
    found = local.api.reception.jobs.find(job)
    assert waited_for(lambda: found.samples)
    assert ask(local, "DELETE", f"/{job}").json()["deleted"]
    assert waited_for(lambda: found.ended)
    assert not found.file.exists()
    for path in ("", "/events", "/result", "/subtitles"):
        assert ask(local, "GET", f"/{job}{path}").status_code == 404
    assert waited_for(lambda: local.api.reception.admission.running == 0)


def test_a_failed_job_says_why(local):
    local.service.failure = "The process that computes has ended. Try it again."
    job = ended(local)
    told = ask(local, "GET", f"/{job}").json()
    assert told["status"] == "failed"
    assert "has ended" in told["error"]["message"]
    answer = ask(local, "GET", f"/{job}/result")
    assert answer.status_code == 409
    assert "has ended" in answer.json()["error"]["message"]


def test_a_text_longer_than_the_limit_is_refused(local):
    answer = ask(local, "POST", "", json={"input": "x" * 50_001})
    assert answer.status_code == 400
    assert "the limit here is 50,000" in answer.json()["error"]["message"]


@pytest.mark.parametrize("job", ["job_0", "..%2F..", "job_" + "0" * 32])
def test_a_job_that_nobody_knows_is_not_found(local, job):
    assert ask(local, "GET", f"/{job}").status_code == 404


def test_jobs_are_as_many_as_other_work_at_once(local):
    local.service._speak = forever
    jobs = [started(local) for _ in range(8)]
    assert ask(local, "POST", "", json={"input": TEXT}).status_code == 429
    for job in jobs:
        ask(local, "DELETE", f"/{job}")
    assert waited_for(lambda: local.api.reception.admission.running == 0)
    assert started(local)


# ---- what is kept


@pytest.fixture
def store(tmp_path):
    store = JobStore(tmp_path / "jobs")
    yield store
    store.close()
    assert not (tmp_path / "jobs").exists()


def finished(store, samples: int = 100):
    recipe = {"text": "x", "family": "mini", "voice": None, "seed": 1}
    sound = AudioChunk(0, 1, "x", np.full(samples, 0.5, np.float32), RATE)
    job = store.start(recipe, lambda cancel: iter([sound]), lambda: None)
    assert waited_for(lambda: job.ended)
    return job


def test_the_sound_that_is_kept_is_the_sound_that_was_made(store):
    np.testing.assert_allclose(finished(store).sound(), 0.5, atol=1e-4)


def test_only_so_many_results_are_kept_and_the_oldest_go_first(store, monkeypatch):
    monkeypatch.setattr(job_store, "MAX_KEPT", 2)
    jobs = [finished(store) for _ in range(3)]
    with pytest.raises(ApiError, match="no such job"):
        store.find(jobs[0].id)
    assert [job.file.exists() for job in jobs] == [False, True, True]


def test_only_so_much_sound_is_kept(store, monkeypatch):
    monkeypatch.setattr(job_store, "MAX_KEPT_BYTES", 500)
    jobs = [finished(store, 100) for _ in range(4)]
    store.find(jobs[-1].id)
    assert [job.file.exists() for job in jobs] == [False, False, True, True]


def test_results_go_after_their_time(store, monkeypatch):
    job = finished(store)
    monkeypatch.setattr(job_store, "KEPT_SECONDS", -1.0)
    with pytest.raises(ApiError, match="after a day"):
        store.find(job.id)
    assert not job.file.exists()
