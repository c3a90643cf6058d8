"""`speak --like FILE`: a speech again, as its file says it was made."""

import json

import pytest

from tests.command_line import TINY, CommandLine, refusal
from webui.audio import read_metadata
from webui.backend.speech_recipe import read_recipe
from webui.cli import main

TEXT = "hello there."


@pytest.fixture
def webui(tiny_family, tmp_path):
    return CommandLine(tiny_family.parent, tmp_path / "speakers")


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def spoken(webui, out):
    """A speech with a voice and controls of its own, and the voice that was kept from it."""
    words = ("--voice", "Ada", "--fine-temperature", "0.3", "--save-voice", out / "v.npz")
    assert webui.speak(TEXT, "-o", out / "a.wav", *words) == 0
    return out / "a.wav"


@pytest.mark.parametrize("ending", ["wav", "npz", "json"])
def test_a_file_alone_says_how_to_make_the_same_sound_again(webui, out, spoken, capsys, ending):
    like = {"wav": spoken, "npz": out / "v.npz", "json": out / "a.json"}[ending]
    if ending == "json":
        capsys.readouterr()
        words = ("speak", "--family", "tiny", "--threads", "1")
        assert webui(*words, "--like", spoken, "-o", out / "c.wav", "--json") == 0
        like.write_text(capsys.readouterr().out)
    assert webui("speak", "--threads", "1", "--like", like, "-o", out / "b.wav") == 0
    assert (out / "b.wav").read_bytes() == spoken.read_bytes()


def test_what_is_said_beside_the_file_goes_first(webui, out, spoken):
    words = ("good bye.", "--voice", "Bob", "--seed", "8", "--like", spoken, "-o", out / "b.wav")
    assert webui("speak", *TINY[:6], *words) == 0
    before, now = (read_metadata(path) for path in (spoken, out / "b.wav"))
    assert (now["text"], now["seed"]) == ("good bye.", 8)
    assert now["voice"].startswith("bob-")
    assert now["controls"] == before["controls"] | {"seed": 8}


def test_a_recipe_whose_voice_or_family_is_not_here_is_refused_with_its_name(
    webui, out, spoken, capsys
):
    for name, words in (("voice", '"gone-1"'), ("family", '"gone-1"')):
        changed = out / f"{name}.json"
        changed.write_text(json.dumps(read_recipe(spoken).to_json() | {name: "gone-1"}))
        capsys.readouterr()
        code = webui("speak", "--like", changed, "-o", out / "b.wav")
        assert words in refusal(capsys, code)
    assert not (out / "b.wav").exists()


def test_a_file_that_says_nothing_is_refused_before_anything_is_loaded(out, capsys, monkeypatch):
    monkeypatch.setattr("webui.backend.service.Service", lambda settings: pytest.fail("loaded"))
    (out / "x.json").write_text('{"controls": {}}')
    code = main(["speak", "--like", str(out / "x.json"), "-o", str(out / "b.wav")])
    assert "does not say how it was spoken" in refusal(capsys, code)


def test_settings_that_cannot_be_used_are_told_and_left_out(webui, out, spoken, capsys):
    values = read_recipe(spoken).to_json() | {"controls": {"loud": 1}}
    (out / "x.json").write_text(json.dumps(values))
    words = ("--like", out / "x.json", "-o", out / "b.wav")
    assert webui("speak", *TINY, *words) == 0
    assert "Note: Its settings cannot be used" in capsys.readouterr().err
    assert read_metadata(out / "b.wav")["controls"]["fine"]["temperature"] == 0.5
