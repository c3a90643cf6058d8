"""The calls about voices and models."""

import io
import time

import httpx
import numpy as np
import openai
import pytest
import soundfile

from tests.http_api.conftest import waited_for
from webui.backend.cloning_desk import CONSENT
from webui.backend.facts import VoiceInfo
from webui.events import Cancelled, Progress
from webui.http_api.reception import OPENAI_VOICES, named_by_openai


def recording(seconds: float = 6.0, level: float = 0.3) -> bytes:
    times = np.arange(int(seconds * 16_000)) / 16_000
    memory = io.BytesIO()
    soundfile.write(memory, level * np.sin(2 * np.pi * 150 * times), 16_000, format="WAV")
    return memory.getvalue()


def clone(served, files=None, path="/v1/voices", **form):
    data = {"name": "Eve", "consent": CONSENT} | form
    files = files or [("file", ("eve.wav", recording(), "audio/wav"))]
    return httpx.post(served.address + path, data=data, files=files, timeout=60)


def test_voices_are_listed_as_several_programs_expect_it(local):
    told = httpx.get(f"{local.address}/v1/audio/voices").json()
    assert told["voices"] == told["data"]
    assert [(each["id"], each["name"]) for each in told["voices"]] == [
        ("ada-11111111", "Ada"),
        ("bob-22222222", "Bob"),
    ]  # a broken voice cannot speak
    legacy = httpx.get(f"{local.address}/v1/audio/voices", params={"legacy": "true"}).json()
    assert legacy == {"voices": ["ada-11111111", "bob-22222222"]}
    assert httpx.get(f"{local.address}/v1/voices").json() == told


def test_a_voice_is_described_and_taken_away_as_a_file(local):
    told = httpx.get(f"{local.address}/v1/voices/bob-22222222").json()
    assert (told["name"], told["model"], told["source"]) == ("Bob", "mini", "own")
    answer = httpx.get(f"{local.address}/v1/voices/bob-22222222/file")
    assert answer.content == b"PK of bob-22222222"
    assert answer.headers["content-disposition"] == 'attachment; filename="bob.npz"'


def test_an_own_voice_is_deleted_and_one_of_the_family_is_not(local):
    told = httpx.delete(f"{local.address}/v1/voices/bob-22222222").json()
    assert told["deleted"]
    assert told["kept_until"]
    assert httpx.get(f"{local.address}/v1/voices/bob-22222222").status_code == 404
    refused = httpx.delete(f"{local.address}/v1/voices/ada-11111111")
    assert refused.status_code == 404
    assert "comes with its family" in refused.json()["error"]["message"]


@pytest.mark.parametrize("voice_id", ["nobody", "..%2F..%2Fetc%2Fpasswd", "ada-11111111%00"])
def test_an_id_that_is_none_leads_nowhere(local, voice_id):
    answer = httpx.get(f"{local.address}/v1/voices/{voice_id}")
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/v1/voices", "/v1/audio/voices"])
def test_a_recording_becomes_a_voice_with_its_report(local, path):
    answer = clone(local, path=path, method="conversion", language="de", seed="9")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["name"], told["model"], told["object"]) == ("Eve", "mini", "audio.voice")
    assert told["report"]["verdict"]
    assert told["consent"] == CONSENT
    order = local.service.clone_orders[-1]
    assert (order.methods, order.language, order.seed) == (("conversion",), "de", 9)
    assert [each.seconds for each in order.recordings] == [6.0]
    _, name, consent, _ = local.service.kept_clones[-1]
    assert (name, consent) == ("Eve", CONSENT)
    speech = local.client().audio.speech.create(model="tts-1", voice=told["id"], input="Hello.")
    assert speech.content


def test_several_recordings_of_one_speaker_are_used_together(local):
    files = [("file", (f"{n}.wav", recording(4.0), "audio/wav")) for n in range(3)]
    assert clone(local, files).status_code == 200
    assert len(local.service.clone_orders[-1].recordings) == 3


def test_openais_name_for_the_recording_works(local):
    assert clone(local, [("audio_sample", ("a.wav", recording(), "audio/wav"))]).status_code == 200


@pytest.mark.parametrize(
    ("form", "files", "words"),
    [
        ({"consent": " "}, None, "Confirm it in a sentence"),
        ({"name": "a\u202eb"}, None, "invisible character"),
        ({"name": " "}, None, "give the voice a name"),
        ({"method": "magic"}, None, "'method'"),
        ({"model": "bark-small"}, None, "not installed"),
        ({}, [("other", ("a.wav", recording(), "audio/wav"))], "0 recordings were sent"),
        ({}, [("file", ("a.wav", b"no sound at all", "audio/wav"))], "not a recording"),
        ({}, [("file", ("a.wav", recording(level=0.0), "audio/wav"))], "almost no speech"),
        (
            {},
            [("file", (f"{n}.wav", recording(1.0), "audio/wav")) for n in range(9)],
            "9 recordings were sent",
        ),
    ],
)
def test_what_cannot_be_cloned_is_refused_and_nothing_is_kept(local, form, files, words):
    answer = clone(local, files, **form)
    assert answer.status_code in (400, 404)
    assert words in answer.json()["error"]["message"]
    assert local.service.kept_clones == []


def test_a_form_without_consent_names_what_lacks(local):
    files = [("file", ("eve.wav", recording(), "audio/wav"))]
    answer = httpx.post(f"{local.address}/v1/voices", data={"name": "Eve"}, files=files)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "consent"


def test_no_recording_stays_on_the_disk(local):
    assert clone(local).status_code == 200
    clone(local, [("file", ("a.wav", b"no sound at all", "audio/wav"))])
    assert list(local.api.reception.folder.iterdir()) == []


def test_a_program_that_goes_away_stops_the_cloning_and_keeps_nothing(local):
    tokens = []

    def cloning(order, check, cancel):
        tokens.append(cancel)
        while not cancel.cancelled:
            yield Progress("listen", 0.1)
            time.sleep(0.01)
        yield Cancelled()

    local.service._clone = cloning
    files = [("file", ("eve.wav", recording(), "audio/wav"))]
    with httpx.Client(timeout=2.0) as client, pytest.raises(httpx.TimeoutException):
        client.post(
            f"{local.address}/v1/voices", data={"name": "Eve", "consent": CONSENT}, files=files
        )
    assert waited_for(lambda: tokens and tokens[0].cancelled)
    assert waited_for(lambda: local.api.reception.admission.running == 0)
    assert local.service.kept_clones == []


# ---- models and names


def test_openais_client_lists_and_finds_models(local):
    client = local.client()
    ids = [each.id for each in client.models.list()]
    assert ids == ["mini", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"]
    assert client.models.retrieve("mini").owned_by == "bark-voice-studio"
    assert client.models.retrieve("tts-1").id == "tts-1"
    for absent in ("dall-e", "bark-small"):
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve(absent)


def voices(count: int, language: str = "en", source: str = "builtin") -> list[VoiceInfo]:
    return [VoiceInfo(f"{source}-{n}", f"V{n}", "mini", language, source) for n in range(count)]


def test_openais_voices_are_different_ones_while_there_are_enough():
    many = voices(13)
    names = [named_by_openai(many, name).id for name in OPENAI_VOICES]
    assert len(set(names)) == len(OPENAI_VOICES)
    assert names == [named_by_openai(many[::-1], name).id for name in OPENAI_VOICES]


def test_openais_voices_are_never_somebodys_own_and_english_where_there_are_such():
    mixed = voices(2, source="own") + voices(3, "de", "preset") + voices(1)
    assert {named_by_openai(mixed, name).id for name in OPENAI_VOICES} == {"builtin-0"}
    german = {named_by_openai(voices(3, "de"), name).id for name in OPENAI_VOICES}
    assert len(german) == 3
    assert named_by_openai(voices(2, source="own"), "alloy") is None
