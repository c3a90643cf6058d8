"""The page's functions for programs, called by Gradio's own client on a running page."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.e2e.conftest import running_fake_page
from tests.fake_service import CHUNK_SECONDS, RATE
from webui.audio import read_audio, read_metadata, write_audio
from webui.backend.cloning_desk import CONSENT
from webui.errors import AudioFileError, SettingsError
from webui.ui.api_values import typed, uploaded_file

TEXT = "Good morning to you all."
FUNCTIONS = {"/speak", "/clone", "/report", "/voices", "/families"}


@contextlib.contextmanager
def program_of(folder: Path, *words: str):
    """A program that is connected to a page over the scripted service."""
    with running_fake_page(*words) as address:
        client = Client(address, verbose=False, download_files=folder)
        try:
            yield client
        finally:
            client.close()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A program on the owner's own machine."""
    with program_of(tmp_path_factory.mktemp("own")) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A program that asks a public page."""
    with program_of(tmp_path_factory.mktemp("public"), "public") as client:
        yield client


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "me.wav"
    times = np.arange(6 * RATE) / RATE
    write_audio(path, (0.3 * np.sin(2 * np.pi * 150 * times)).astype(np.float32), RATE)
    return path


def call(client, name, *values, **named):
    return client.predict(*values, api_name=name, **named)


def refused(client, name, *values, **named):
    with pytest.raises(AppError) as caught:
        call(client, name, *values, **named)
    return str(caught.value)


def names(client):
    return {each["name"] for each in call(client, "/voices")}


@pytest.mark.slow
def test_only_our_functions_are_public_and_a_voice_is_any_text(program):
    described = program.view_api(return_format="dict")
    assert set(described["named_endpoints"]) == FUNCTIONS
    assert described["unnamed_endpoints"] == {}
    speak = described["named_endpoints"]["/speak"]["parameters"]
    assert [each["parameter_name"] for each in speak] == [
        "text", "voice", "family", "seed", "temperature", "speed", "audio_format",
    ]  # fmt: skip
    assert speak[1]["type"] == {"type": "string"}  # so that one made later is as good


@pytest.mark.slow
def test_a_text_is_spoken_into_a_file_that_says_how(program):
    chosen = {"voice": "Ada", "seed": 7, "temperature": 0.9, "speed": 2.0}
    told = call(program, "/speak", TEXT, **chosen, audio_format="flac")
    sound, rate = read_audio(Path(told["sound"]))
    assert len(sound) / rate == pytest.approx(CHUNK_SECONDS / 2, abs=0.01)
    assert (told["seed"], told["voice"], told["family"]) == (7, "ada-11111111", "mini")
    recipe = read_metadata(Path(told["sound"]))
    assert (recipe["text"], recipe["voice"], recipe["seed"]) == (TEXT, "ada-11111111", 7)
    assert recipe["controls"]["semantic"]["temperature"] == 0.9
    plain = call(program, "/speak", TEXT)
    assert (plain["voice"], plain["seed"]) == ("", 62_422)
    assert Path(plain["sound"]).suffix == ".wav"


@pytest.mark.slow
def test_a_program_is_told_how_far_its_work_is(program):
    job = program.submit(TEXT, api_name="/speak")
    job.result(timeout=60)
    assert job.outputs()[0]["stage"] == "queued"
    assert "sound" in job.outputs()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([" "], "There is no text"),
        (["x" * 5_001], "the limit here is 5,000"),
        ([TEXT, "zoe"], 'no voice "zoe"'),
        ([TEXT, "Cid"], "does not fit together"),
        ([TEXT, "", "bark-small"], "not here"),
        ([TEXT, "", "", -2], "seed"),
        ([TEXT, "", "", -1, 3.0], "temperature"),
        ([TEXT, "", "", -1, -1, 9.0], "speed"),
        ([TEXT, "", "", -1, -1, 1.0, "exe"], "format"),
        ([["a list"]], '"text" must be text'),
        ([TEXT, "", "", "7"], '"seed" must be a whole number'),
    ],
)
def test_values_that_cannot_be_used_are_refused_in_words(program, values, words):
    assert words in refused(program, "/speak", *values)


@pytest.mark.slow
def test_a_recording_becomes_a_voice_of_the_library_and_a_file(program, recording):
    told = call(program, "/clone", handle_file(recording), "Eve", CONSENT, method="conversion")
    assert told["voice"] in {each["id"] for each in call(program, "/voices")}
    assert Path(told["file"]).read_bytes()[:2] == b"PK"
    assert told["report"]["verdict"]
    assert call(program, "/speak", TEXT, "Eve")["voice"] == told["voice"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("Joe", " "), "Confirm it in a sentence"),
        ((" ", CONSENT), "give the voice a name"),
        (("Joe", CONSENT, "english"), "language"),
        (("Joe", CONSENT, "en", "magic"), "method"),
    ],
)
def test_what_cannot_be_cloned_is_refused_in_words(program, recording, values, words):
    assert words in refused(program, "/clone", handle_file(recording), *values)
    assert "Joe" not in names(program)


@pytest.mark.slow
def test_no_file_of_the_machine_can_be_named(program, recording):
    for value in ({"path": str(recording)}, {"path": "/etc/passwd"}, {}, {"path": 7}):
        assert "Upload a file" in refused(program, "/clone", value, "Joe", CONSENT)
    assert "Joe" not in names(program)


@pytest.mark.slow
def test_families_and_reports_are_told(program):
    told = call(program, "/families")
    assert [(each["id"], each["is_usual"]) for each in told] == [("mini", True)]
    told = call(program, "/report", "Bob")
    assert told["voice"] == "bob-22222222"
    assert told["report"]["verdict"]


@pytest.mark.slow
def test_a_program_on_a_public_page_sees_no_own_voice(stranger):
    assert names(stranger) == {"Ada"}
    assert call(stranger, "/speak", TEXT, voice="Ada")["sound"]
    for voice in ("bob-22222222", "Bob"):
        assert "no voice" in refused(stranger, "/speak", TEXT, voice)
        assert "no voice" in refused(stranger, "/report", voice)


@pytest.mark.slow
def test_a_program_on_a_public_page_gets_its_clone_as_a_file_only(stranger, recording):
    told = call(stranger, "/clone", handle_file(recording), "Eve", CONSENT)
    assert told["voice"] == ""
    assert Path(told["file"]).read_bytes()[:2] == b"PK"
    assert names(stranger) == {"Ada"}


# ---- values


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    (folder / "hash").mkdir(parents=True)
    (folder / "hash" / "me.wav").write_bytes(b"RIFF")
    (tmp_path / "secret.wav").write_bytes(b"RIFF")
    (folder / "hash" / "link.wav").symlink_to(tmp_path / "secret.wav")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_an_upload_is_found(uploads):
    path = uploads / "hash" / "me.wav"
    assert uploaded_file({"path": str(path)}) == path.resolve()


@pytest.mark.parametrize(
    "place", ["../secret.wav", "hash/link.wav", "hash", "none.wav", "", "hash/\0", "/etc/passwd"]
)
def test_what_is_no_upload_is_refused(uploads, place):
    with pytest.raises(AudioFileError, match="Upload a file"):
        uploaded_file({"path": str(uploads / place)})


@pytest.mark.parametrize("value", [{"text": 1}, {"count": True}, {"count": 1.5}, {"share": "x"}])
def test_a_value_of_the_wrong_kind_is_named(value):
    def asked(text: str = "", count: int = 0, share: float = 0.0) -> list[object]:
        return [text, count, share]

    assert typed(asked)("a", 2, 3) == ["a", 2, 3]
    order = {"text": "", "count": 0, "share": 0.0} | value
    with pytest.raises(SettingsError, match=f'"{next(iter(value))}" must be'):
        typed(asked)(*order.values())
