"""The real app with its built-in family, asked by the clients that programs use."""

import httpx
import numpy as np
import openai
import pytest

from tests.e2e.conftest import free_port, running
from webui.audio import read_audio, read_metadata

TEXT = "Good morning to you all."
KEY = "a-key-of-the-owner"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """`python app.py` with a key, over folders of its own."""
    folder = tmp_path_factory.mktemp("app")
    port = free_port()
    words = ["app.py", "--port", str(port), "--api-key", KEY, "--family", "mini"]
    for name in ("speakers", "outputs", "data"):
        words += [f"--{name}-dir", str(folder / name)]
    words += ["--threads", "1"]
    with running(*words, port=port) as address:
        yield address.rstrip("/")


@pytest.mark.slow
def test_openais_client_hears_the_real_family(app, tmp_path):
    with openai.OpenAI(base_url=f"{app}/v1", api_key=KEY, max_retries=0) as client:
        asked = {"model": "tts-1", "voice": "nova", "input": TEXT, "response_format": "wav"}
        answers = [
            client.audio.speech.create(**asked, extra_body={"seed": 11}, timeout=100).content
            for _ in range(2)
        ]
        with pytest.raises(openai.BadRequestError, match='no voice "zoe"'):
            client.audio.speech.create(**asked | {"voice": "zoe"})
    assert answers[0] == answers[1]  # the same seed, the same sound
    path = tmp_path / "a.wav"
    path.write_bytes(answers[0])
    sound, rate = read_audio(path)
    assert 0.7 < len(sound) / rate < 8
    assert np.sqrt(np.mean(sound**2)) > 0.01
    recipe = read_metadata(path)
    assert (recipe["text"], recipe["seed"], recipe["family"]) == (TEXT, 11, "mini")


@pytest.mark.slow
def test_the_page_and_the_api_live_side_by_side(app):
    assert "Bark Voice Studio" in httpx.get(f"{app}/").text
    assert httpx.get(f"{app}/healthz").json()["model"] == "mini"
    assert "/v1/audio/speech" in httpx.get(f"{app}/openapi.json").json()["paths"]
    assert "POST /v1/audio/speech" in httpx.get(f"{app}/docs").text
    voices = f"{app}/v1/audio/voices"
    assert httpx.get(voices).status_code == 401
    key = {"authorization": f"Bearer {KEY}"}
    assert len(httpx.get(voices, headers=key).json()["voices"]) >= 12
    evil = httpx.get(voices, headers=key | {"origin": "http://evil.example"})
    assert evil.status_code == 403
    assert "access-control-allow-origin" not in evil.headers
    assert httpx.get(voices, headers=key | {"host": "evil.example"}).status_code == 403
