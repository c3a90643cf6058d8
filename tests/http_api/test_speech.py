"""`POST /v1/audio/speech`, asked by OpenAI's own client."""

import io
import json
import shutil
import time

import httpx
import numpy as np
import openai
import pytest
import soundfile

from tests.fake_service import CHUNK_SECONDS, RATE
from tests.http_api.conftest import waited_for
from webui.audio import read_audio, read_metadata
from webui.events import AudioChunk, Cancelled, Progress

TEXT = "Good morning to you all."
JSON = {"content-type": "application/json"}
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def spoken(served, **asked):
    wanted = {"model": "tts-1", "voice": "alloy", "input": TEXT} | asked
    return served.client().audio.speech.create(**wanted)


def read(tmp_path, answer, ending):
    path = tmp_path / f"a.{ending}"
    answer.write_to_file(path)
    return (*read_audio(path), path)


@pytest.mark.parametrize(
    ("audio_format", "kind"),
    [
        ("wav", "audio/wav"),
        ("mp3", "audio/mpeg"),
        ("flac", "audio/flac"),
        ("opus", "audio/ogg"),
        pytest.param("aac", "audio/aac", marks=needs_ffmpeg),
    ],
)
def test_each_format_holds_the_speech(local, tmp_path, audio_format, kind):
    answer = spoken(local, response_format=audio_format)
    assert answer.response.headers["content-type"] == kind
    sound, rate, path = read(tmp_path, answer, audio_format)
    assert len(sound) / rate == pytest.approx(2 * CHUNK_SECONDS, abs=0.15)
    assert np.argmax(np.abs(np.fft.rfft(sound))) * rate / len(sound) == pytest.approx(220, abs=4)
    if audio_format != "aac":
        assert read_metadata(path)["text"] == TEXT


def test_raw_samples_come_at_24_khz(local):
    data = spoken(local, response_format="pcm").content
    assert len(data) == pytest.approx(2 * 24_000 * 2 * CHUNK_SECONDS, abs=4)


def test_the_usual_format_is_mp3_as_at_openai(local):
    assert spoken(local).response.headers["content-type"] == "audio/mpeg"


def test_what_is_asked_for_reaches_the_service_and_is_told(local):
    answer = spoken(
        local,
        model="mini",
        voice="Bob",
        instructions="Cheerfully.",
        extra_body={"seed": 7, "temperature": 0.9, "controls": {"pause_seconds": 1.5}},
    )
    order = local.service.orders[-1]
    assert (order.text, order.family, order.voice, order.language) == (
        TEXT, "mini", "bob-22222222", "en",
    )  # fmt: skip
    assert (order.controls.seed, order.controls.pause_seconds) == (7, 1.5)
    assert order.controls.semantic.temperature == 0.9
    assert answer.response.headers["x-seed"] == "7"
    assert answer.response.headers["x-voice"] == "bob-22222222"


def test_a_seed_that_nobody_chose_is_told_and_kept_in_the_file(local, tmp_path):
    answer = spoken(local, response_format="wav")
    seed = int(answer.response.headers["x-seed"])
    assert seed == local.service.orders[-1].controls.seed
    assert read_metadata(read(tmp_path, answer, "wav")[2])["seed"] == seed


@pytest.mark.parametrize("name", ["alloy", "Nova", "onyx", "shimmer", "sage", "cedar"])
def test_openais_voices_are_voices_of_the_family(local, name):
    spoken(local, voice=name)
    assert local.service.orders[-1].voice == "ada-11111111"


def test_a_voice_may_be_an_object_with_an_id(local):
    spoken(local, voice={"id": "bob-22222222"})
    assert local.service.orders[-1].voice == "bob-22222222"


@pytest.mark.parametrize(
    "model", ["tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15", "mini"]
)
def test_openais_models_mean_the_usual_family(local, model):
    spoken(local, model=model)
    assert local.service.orders[-1].family == "mini"


@pytest.mark.parametrize("speed", [0.25, 2.0])
def test_the_speed_changes_the_length_and_not_the_pitch(local, tmp_path, speed):
    sound, rate, path = read(tmp_path, spoken(local, response_format="wav", speed=speed), "wav")
    assert len(sound) / RATE == pytest.approx(2 * CHUNK_SECONDS / speed, abs=0.01)
    assert np.argmax(np.abs(np.fft.rfft(sound))) * rate / len(sound) == pytest.approx(220, abs=5)
    assert read_metadata(path)["speed"] == speed


def test_the_first_sound_comes_before_the_last_is_made(local):
    heard_at = []

    def speaking(order, family, cancel):
        for number in range(3):
            if number == 2:
                assert waited_for(lambda: heard_at)
            yield AudioChunk(number, 3, "x", np.full(RATE, 0.1, np.float32), RATE)

    local.service._speak = speaking
    with local.client().audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="wav"
    ) as answer:
        pieces = []
        for piece in answer.iter_bytes():
            pieces.append(piece)
            heard_at.append(len(pieces))
    assert len(b"".join(pieces)) > 3 * RATE * 2


def test_events_carry_the_sound_in_openais_form(local):
    body = {"input": TEXT, "response_format": "wav", "stream_format": "sse"}
    with httpx.stream("POST", f"{local.address}/v1/audio/speech", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert {each["type"] for each in events[:-1]} == {"speech.audio.delta"}
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["total_tokens"] > 0


def refusal(served, status, **asked):
    with pytest.raises(openai.APIStatusError) as caught:
        spoken(served, **asked)
    assert caught.value.status_code == status
    return caught.value


@pytest.mark.parametrize(
    ("asked", "status", "words", "told"),
    [
        ({"input": " "}, 400, "no text", ("invalid_text", "input")),
        ({"input": "x" * 201}, 400, "201 characters", ("string_above_max_length", "input")),
        ({"model": "dall-e"}, 404, 'model "dall-e"', ("model_not_found", "model")),
        ({"model": "bark-small"}, 404, "not installed", ("model_not_installed", "model")),
        ({"voice": "zoe"}, 400, 'no voice "zoe"', ("voice_not_found", "voice")),
        ({"voice": "Cid"}, 400, "does not fit together", ("voice_broken", "voice")),
        ({"speed": 5.0}, 400, "'speed'", ("invalid_value", "speed")),
        ({"response_format": "a"}, 400, "'wav'", ("invalid_value", "response_format")),
        ({"seed": -1}, 400, "'seed'", ("invalid_value", "seed")),
        ({"volume": 3}, 400, "argument supplied: volume", ("invalid_value", "volume")),
        ({"controls": {"loud": 1}}, 400, "no control named", ("invalid_value", None)),
        ({"controls": {"takes": 2}}, 400, "one take", ("invalid_value", "controls")),
    ],
)
def test_what_cannot_be_spoken_is_refused_as_openai_does(local, asked, status, words, told):
    error = refusal(local, status, extra_body=asked)
    assert words in error.message
    assert (error.code, error.param, error.type) == (*told, "invalid_request_error")
    assert local.service.orders == []


def test_a_body_that_is_no_json_is_refused_in_the_same_form(local):
    answer = httpx.post(f"{local.address}/v1/audio/speech", content=b"{", headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "The body of this request is not JSON."


def test_a_fault_of_the_engine_is_an_error_of_the_server(local):
    local.service.failure = "The process that computes has ended. Try it again."
    error = refusal(local, 503)
    assert "has ended" in error.message
    assert error.type == "server_error"


def test_an_unforeseen_fault_is_told_without_its_words(local, caplog):
    def speaking(order, family, cancel):
        raise RuntimeError("secret of the machine")
        yield

    local.service._speak = speaking
    error = refusal(local, 500)
    assert "secret" not in error.message
    assert "code " in error.message
    assert "secret of the machine" in caplog.text


def test_a_fault_after_the_first_sound_cuts_the_answer_off(local):
    def speaking(order, family, cancel):
        yield AudioChunk(0, 2, "x", np.full(RATE, 0.1, np.float32), RATE)
        raise RuntimeError("later")

    local.service._speak = speaking
    with pytest.raises(openai.APIConnectionError):
        spoken(local, response_format="wav")


def test_events_end_with_the_fault(local):
    def speaking(order, family, cancel):
        yield AudioChunk(0, 2, "x", np.full(RATE, 0.1, np.float32), RATE)
        yield Cancelled()

    local.service._speak = speaking
    body = {"input": TEXT, "response_format": "wav", "stream_format": "sse"}
    answer = httpx.post(f"{local.address}/v1/audio/speech", json=body)
    last = json.loads(answer.text.strip().splitlines()[-1].removeprefix("data: "))
    assert last["type"] == "error"
    assert last["error"]["message"] == "The speech was stopped before its end."


@pytest.mark.parametrize("chunks_before", [0, 1])
def test_a_program_that_goes_away_stops_the_work(local, chunks_before):
    tokens = []

    def speaking(order, family, cancel):
        tokens.append(cancel)
        for number in range(chunks_before):
            yield AudioChunk(number, 9, "x", np.full(RATE, 0.1, np.float32), RATE)
        while not cancel.cancelled:
            yield Progress("semantic", 0.1)
            time.sleep(0.01)
        yield Cancelled()

    local.service._speak = speaking
    body = {"input": TEXT, "response_format": "wav"}
    with httpx.Client(timeout=1.0) as client, pytest.raises(httpx.TimeoutException):
        client.post(f"{local.address}/v1/audio/speech", json=body)
    assert waited_for(lambda: tokens and tokens[0].cancelled)
    assert waited_for(lambda: local.api.reception.admission.running == 0)


def test_too_many_requests_at_once_are_asked_to_come_back(local):
    leavers = [local.api.reception.admission.enter(_owner()) for _ in range(8)]
    error = refusal(local, 429)
    assert error.response.headers["retry-after"] == "5"
    for leave in leavers:
        leave()
        leave()
    assert spoken(local).content


def _owner():
    from webui.http_api.keys import Caller

    return Caller(is_owner=True)


def test_flac_is_whole_and_says_its_length(local):
    data = spoken(local, response_format="flac").content
    assert soundfile.info(io.BytesIO(data)).frames == pytest.approx(2 * CHUNK_SECONDS * RATE, abs=2)
