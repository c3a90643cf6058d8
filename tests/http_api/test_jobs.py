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
from webui.events import Cancelled, Done, Failed, Progress, Speech

TEXT = "Good morning. " * 15  # longer than a speech at once may be
SHORT = "Good morning to you all.\n\nGood night."  # two cards
CARD_SECONDS = 2 * CHUNK_SECONDS  # of the scripted service
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


def forever_after(service, cards=0):
    """Speak some cards, then one without end."""
    speak, said = service._speak, []

    def speaking(order, family, cancel):
        said.append(order.text)
        whole = len(said) <= cards
        return speak(order, family, cancel) if whole else forever(order, family, cancel)

    service._speak = speaking


def forever(order, family, cancel):
    while not cancel.cancelled:
        yield Progress("semantic", 0.5, 3.0, 1, 2)
        time.sleep(0.01)
    yield Cancelled()


def test_a_job_is_spoken_and_its_sound_fetched(local):
    job = ended(local, voice="Bob", seed=5)
    told = ask(local, "GET", f"/{job}").json()
    assert (told["status"], told["fraction"], told["seed"]) == ("done", 1.0, 5)
    assert told["characters"] == len(TEXT)
    answer = ask(local, "GET", f"/{job}/result")
    assert answer.headers["content-type"] == "audio/wav"
    sound, rate = read_audio_bytes(answer.content)
    assert len(sound) / rate == pytest.approx(told["seconds"], abs=1e-3)
    said = [each.text for each in local.service.orders]
    assert len(said) > 1
    assert " ".join(said) == TEXT.strip()
    pauses = 0.25 * (len(said) - 1)
    assert told["seconds"] == pytest.approx(len(said) * CARD_SECONDS + pauses)


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
    answer = ask(
        local, "GET", f"/{ended(local, input=SHORT)}/result", params={"format": audio_format}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)


def test_subtitles_follow_the_speed(local):
    job = ended(local, input=SHORT, speed=0.5)
    srt = ask(local, "GET", f"/{job}/subtitles").text
    assert "00:00:00,000 --> 00:00:01,600" in srt
    assert "00:00:02,600 --> 00:00:04,200" in srt  # the pause of a paragraph, at half the speed
    sound, rate = read_audio_bytes(ask(local, "GET", f"/{job}/result").content)
    assert len(sound) / rate == pytest.approx(4.2, abs=1e-3)
    vtt = ask(local, "GET", f"/{job}/subtitles", params={"format": "vtt"})
    assert vtt.text.startswith("WEBVTT")
    assert vtt.headers["content-type"].startswith("text/vtt")


def test_whoever_comes_late_reads_all_events_from_the_start(local):
    job = ended(local, input=SHORT)
    events = events_of(local, job)
    chunks = [each for each in events if each["type"] == "chunk"]
    assert [each["text"] for each in chunks] == SHORT.split("\n\n")
    assert [each["start"] for each in chunks] == [0, pytest.approx(CARD_SECONDS + 0.5)]
    assert events[0]["type"] == "progress"
    assert events[-1]["type"] == "done"
    assert events == events_of(local, job)


def test_events_are_told_while_the_job_runs(local):
    forever_after(local.service, cards=1)
    job = started(local)
    with httpx.stream("GET", f"{local.address}/v1/jobs/{job}/events", timeout=30) as answer:
        lines = (line for line in answer.iter_lines() if line)
        types = []
        for line in lines:
            types.append(json.loads(line.removeprefix("data: "))["type"])
            if "chunk" in types:
                ask(local, "POST", f"/{job}/cancel")
    assert types[0] == "progress"
    assert types[-1] == "cancelled"


def test_a_cancelled_job_keeps_what_was_spoken(local):
    forever_after(local.service, cards=1)
    job = started(local)
    assert waited_for(lambda: ask(local, "GET", f"/{job}").json()["seconds"] == CARD_SECONDS)
    assert ask(local, "GET", f"/{job}/result").status_code == 409
    ask(local, "POST", f"/{job}/cancel")
    assert waited_for(lambda: ask(local, "GET", f"/{job}").json()["status"] == "cancelled")
    sound, rate = read_audio_bytes(ask(local, "GET", f"/{job}/result").content)
    assert (len(sound), rate) == (CARD_SECONDS * RATE, RATE)
    assert waited_for(lambda: local.api.reception.admission.running == 0)


def test_a_deleted_job_stops_and_leaves_nothing(local):
    forever_after(local.service, cards=1)
    job = started(local)
    found = local.api.reception.jobs.find(job)
    assert waited_for(lambda: found.seconds)
    assert ask(local, "DELETE", f"/{job}").json()["deleted"]
    assert waited_for(lambda: not found.folder.exists())
    for path in ("", "/events", "/result", "/subtitles"):
        assert ask(local, "GET", f"/{job}{path}").status_code == 404
    assert waited_for(lambda: local.api.reception.admission.running == 0)


def test_a_failed_job_says_why(local):
    local.service.failure = "The process that computes has ended. Try it again."
    job = ended(local, input=SHORT)
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


def test_a_job_that_failed_goes_on_with_one_call_and_speaks_only_what_is_missing(local):
    speak = local.service._speak
    local.service._speak = lambda order, *rest: (
        iter([Failed("The card is full.", "DeviceMemoryError")])
        if order.text.startswith("Good night")
        else speak(order, *rest)
    )
    job = ended(local, input=SHORT)
    told = ask(local, "GET", f"/{job}").json()
    assert (told["status"], told["error"]["message"]) == ("failed", "The card is full.")
    del local.service._speak
    local.service.orders.clear()
    assert ask(local, "POST", f"/{job}/resume").status_code == 202
    assert waited_for(lambda: ask(local, "GET", f"/{job}").json()["status"] == "done")
    assert [each.text for each in local.service.orders] == ["Good night."]
    assert ask(local, "POST", f"/{job}/resume").json()["status"] == "done"  # nothing is to do
    assert local.api.reception.admission.running == 0
    types = [each["type"] for each in events_of(local, job)]
    assert (types.count("chunk"), types[-1]) == (2, "done")


def test_a_sentence_in_which_nothing_is_said_does_not_fail_the_others(local):
    speak = local.service._speak
    local.service._speak = lambda order, *rest: (
        iter([Done(Speech(np.zeros(0, np.float32), RATE, (), 1, 0.1, "mini"))])
        if order.text.startswith("Good night")
        else speak(order, *rest)
    )
    job = ended(local, input=SHORT)
    told = ask(local, "GET", f"/{job}").json()
    assert (told["status"], told["seconds"]) == ("done", CARD_SECONDS)


def test_sentences_that_would_hang_together_are_refused(local):
    asked = {"input": TEXT, "controls": {"condition_on_previous": True}}
    answer = ask(local, "POST", "", json=asked)
    assert answer.status_code == 400
    assert "Leave condition_on_previous out" in answer.json()["error"]["message"]
    assert local.api.reception.admission.running == 0
