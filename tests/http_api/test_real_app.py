"""The real app with its built-in family, asked by the clients and examples that programs use."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest

from tests.e2e.conftest import free_port, running
from webui.audio import read_audio, read_metadata

TEXT = "Good morning to you all."
DOCUMENTED = "http://127.0.0.1:7860"
PAGE = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLES = re.findall(r"^```(python|sh)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """`python app.py` over folders of its own."""
    folder = tmp_path_factory.mktemp("app")
    port = free_port()
    words = ["app.py", "--port", str(port), "--family", "mini", "--threads", "1"]
    for name in ("speakers", "outputs", "data"):
        words += [f"--{name}-dir", str(folder / name)]
    with running(*words, port=port) as address:
        yield address.rstrip("/")


@pytest.mark.slow
def test_openais_client_hears_the_real_family(app, tmp_path):
    with openai.OpenAI(base_url=f"{app}/v1", api_key="none", max_retries=0) as client:
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
    assert len(httpx.get(voices).json()["voices"]) >= 12
    evil = httpx.get(voices, headers={"origin": "http://evil.example"})
    assert evil.status_code == 403
    assert "access-control-allow-origin" not in evil.headers
    assert httpx.get(voices, headers={"host": "evil.example"}).status_code == 403


@pytest.fixture(scope="module")
def place(app, tmp_path_factory):
    """A folder with a recording of somebody, where the examples are run."""
    folder = tmp_path_factory.mktemp("examples")
    said = "The night is cold and the wind is strong. I would like a cup of coffee, please."
    body = {"input": said, "voice": "Ada", "seed": 3, "response_format": "wav"}
    answer = httpx.post(f"{app}/v1/audio/speech", json=body, timeout=100)
    (folder / "me.wav").write_bytes(answer.content)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "example"), EXAMPLES, ids=lambda part: part.splitlines()[0][:40]
)
def test_the_examples_of_the_page_about_programs_work(app, place, language, example):
    if language == "sh" and shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    program = [sys.executable, "-"] if language == "python" else ["bash", "-e", "-o", "pipefail"]
    done = subprocess.run(
        program,
        input=example.replace(DOCUMENTED, app),
        cwd=place,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
