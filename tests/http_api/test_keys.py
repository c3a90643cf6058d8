"""Who may ask for what: the owner, strangers, and pages of other sites."""

import httpx
import openai
import pytest
from fastapi import Request
from fastapi.security import HTTPAuthorizationCredentials

from tests.http_api.conftest import KEY, serving
from webui.http_api.errors import ApiError
from webui.http_api.keys import Keys
from webui.settings import Settings

TEXT = "Good morning to you all."
OWN_VOICE = "bob-22222222"
PASSWORD = ("me", "s3cret")


def caller(settings, key="", **headers):
    given = HTTPAuthorizationCredentials(scheme="Bearer", credentials=key) if key else None
    sent = {"host": "127.0.0.1:7860"} | headers
    pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
    return Keys(settings).caller(Request({"type": "http", "headers": pairs}), given)


def refused(settings, key="", **headers):
    with pytest.raises(ApiError) as caught:
        caller(settings, key, **headers)
    return caught.value.status, str(caught.value)


def test_on_the_own_machine_everybody_is_the_owner_whatever_key_a_client_must_send():
    assert caller(Settings()).is_owner
    assert caller(Settings(), "none").is_owner


def test_where_a_key_is_set_only_it_opens():
    settings = Settings(api_key=KEY)
    assert caller(settings, KEY).is_owner
    assert refused(settings, "none")[0] == 401
    for wrong in (KEY + "x", KEY[:-1], KEY.upper(), "ключ"):
        assert refused(settings, wrong) == (401, "This key is wrong.")
    assert refused(settings)[0] == 401


@pytest.mark.parametrize("locked", [{"auth": PASSWORD}, {"auth": PASSWORD, "share": True}])
def test_behind_a_password_nothing_opens_without_a_key(locked):
    status, words = refused(Settings(**locked), "none")
    assert status == 401
    assert "--api-key" in words
    assert PASSWORD[1] not in words
    assert caller(Settings(**locked, api_key=KEY), KEY).is_owner
    assert refused(Settings(**locked, api_key=KEY))[0] == 401


def test_in_public_strangers_come_in_and_only_the_key_makes_the_owner():
    assert not caller(Settings(public=True)).is_owner
    assert not caller(Settings(public=True), "anything").is_owner
    assert not caller(Settings(public=True, share=True)).is_owner
    assert not caller(Settings(public=True, api_key=KEY)).is_owner
    assert not caller(Settings(public=True, api_key=KEY), "none").is_owner
    assert caller(Settings(public=True, api_key=KEY), KEY).is_owner
    assert refused(Settings(public=True, api_key=KEY), "wrong")[0] == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_may_not_even_read(origin):
    assert refused(Settings(), origin=origin)[0] == 403


def test_our_own_page_may_ask():
    assert caller(Settings(), origin="http://127.0.0.1:7860").is_owner
    assert caller(Settings(), **{"origin": "https://a.b", "x-forwarded-host": "a.b"}).is_owner


def test_strangers_hear_the_voices_that_come_with_the_family_and_no_own_one(public):
    stranger = public.client("none")
    assert stranger.audio.speech.create(model="tts-1", voice="Ada", input=TEXT).content
    listed = httpx.get(f"{public.address}/v1/audio/voices").json()["voices"]
    assert [each["id"] for each in listed] == ["ada-11111111"]
    for voice in (OWN_VOICE, "Bob"):
        with pytest.raises(openai.BadRequestError, match="There is no voice"):
            stranger.audio.speech.create(model="tts-1", voice=voice, input=TEXT)
    for path in (f"/v1/voices/{OWN_VOICE}", f"/v1/voices/{OWN_VOICE}/file"):
        assert httpx.get(public.address + path).status_code == 404


def test_strangers_neither_clone_nor_delete(public):
    form = {"name": "Eve", "consent": "I may."}
    made = httpx.post(
        f"{public.address}/v1/voices", data=form, files={"file": ("a.wav", b"RIFF", "audio/wav")}
    )
    assert made.status_code == 403
    for voice in ("ada-11111111", OWN_VOICE):
        assert httpx.delete(f"{public.address}/v1/voices/{voice}").status_code == 403
    assert public.service.clone_orders == []
    assert OWN_VOICE in {each.id for each in public.service.voices()}


def test_strangers_jobs_are_as_short_as_their_texts(public):
    asked = {"input": "x" * 201}
    assert httpx.post(f"{public.address}/v1/jobs", json=asked).status_code == 400
    headers = {"authorization": f"Bearer {KEY}"}
    started = httpx.post(f"{public.address}/v1/jobs", json=asked, headers=headers)
    assert started.status_code == 202


def test_the_owner_of_a_public_page_has_everything(public):
    owner = public.client(KEY)
    assert owner.audio.speech.create(model="tts-1", voice="Bob", input=TEXT).content
    with pytest.raises(openai.AuthenticationError, match="This key is wrong"):
        public.client("wrong").audio.speech.create(model="tts-1", voice="Ada", input=TEXT)


def test_strangers_never_take_the_owners_places(public):
    from webui.http_api.keys import Caller

    enter = public.api.reception.admission.enter
    leavers = [enter(Caller(is_owner=False)) for _ in range(4)]
    with pytest.raises(ApiError, match="Please try again"):
        enter(Caller(is_owner=False))
    leavers += [enter(Caller(is_owner=True)) for _ in range(4)]
    with pytest.raises(ApiError, match="8 requests are waiting"):
        enter(Caller(is_owner=True))
    for leave in leavers:
        leave()


def test_a_lent_card_is_not_for_programs_of_strangers(tmp_path):
    settings = Settings(public=True, zero_gpu=True, api_key=KEY)
    with serving(settings, tmp_path) as served:
        with pytest.raises(openai.PermissionDeniedError, match="Speak there"):
            served.client("none").audio.speech.create(model="tts-1", voice="Ada", input=TEXT)
        assert served.client(KEY).audio.speech.create(model="tts-1", voice="Ada", input=TEXT)


def test_no_answer_lets_another_site_read_it(local):
    for path in ("/v1/models", "/healthz", "/docs"):
        answer = httpx.get(local.address + path)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["x-content-type-options"] == "nosniff"
