"""`python -m webui voices ACTION`: the library from a terminal."""

import json

import numpy as np
import pytest

from tests.backend.voice_files import add_mismatched_voice, add_voice
from tests.command_line import CommandLine, one_sentence, refusal, refusal_as_json
from webui.audio import read_metadata
from webui.cli import build_parser
from webui.cli_voices import ACTIONS


@pytest.fixture
def own(tmp_path):
    return tmp_path / "speakers"


@pytest.fixture
def webui(tiny_family, own):
    add_voice(own / "zoe.npz", frames=100, name="Zoe", family="tiny", language="de", seed=5)
    return CommandLine(tiny_family.parent, own)


def told(capsys, code: int) -> object:
    """The JSON on stdout of a command that did its work."""
    out = capsys.readouterr().out
    assert code == 0, out
    return json.loads(out)


def names(webui, capsys) -> list[str]:
    voices = told(capsys, webui("voices", "list", "--family", "tiny", "--json"))
    return [voice["name"] for voice in voices if voice["source"] == "own"]


def test_list_and_no_action_and_flags_on_both_sides_tell_the_same(webui, capsys):
    plain = told(capsys, webui("voices", "--json", "--language", "de"))
    assert [voice["name"] for voice in plain] == ["Zoe"]
    assert told(capsys, webui("voices", "list", "--json", "--language", "de")) == plain
    assert told(capsys, webui("voices", "--json", "--language", "de", "list")) == plain


def test_every_action_takes_json_and_the_folders(capsys):
    for action in ACTIONS:
        with pytest.raises(SystemExit):
            build_parser().parse_args(["voices", action.name, "--help"])
        out = capsys.readouterr().out
        assert "--json" in out
        assert "--speakers-dir" in out
        assert "--port" not in out


def test_show_tells_what_the_file_says(webui, capsys):
    facts = told(capsys, webui("voices", "show", "zoe", "--json"))
    assert (facts["name"], facts["metadata"]["other"]) == ("Zoe", {})
    assert webui("voices", "show", "Zoe") == 0
    assert "seconds" in capsys.readouterr().out


def test_what_is_said_about_a_voice_is_changed(webui, own, capsys):
    assert told(capsys, webui("voices", "rename", "Zoe", "Zoé", "--json"))["name"] == "Zoé"
    assert told(capsys, webui("voices", "tag", "Zoé", "warm", "low", "--json"))["tags"] == [
        "warm", "low",
    ]  # fmt: skip
    assert told(capsys, webui("voices", "tag", "Zoé", "--json"))["tags"] == []
    assert told(capsys, webui("voices", "language", "Zoé", "fr", "--json"))["language"] == "fr"
    ada = ("voices", "favourite", "Ada", "--family", "tiny", "--json")
    assert told(capsys, webui(*ada))["favourite"]
    assert not told(capsys, webui(*ada, "--off"))["favourite"]
    told(capsys, webui("voices", "note", "Zoé", "from the radio", "--json"))
    shown = told(capsys, webui("voices", "show", "Zoé", "--json"))
    assert shown["metadata"]["notes"] == "from the radio"
    assert webui("voices", "rename", "Zoé", "Zoe") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[1].split()[1] == "Zoe"


def test_a_deleted_voice_is_listed_and_brought_back_by_its_name(webui, capsys):
    assert webui("voices", "delete", "Zoe") == 0
    assert "brings it back for a week" in one_sentence(capsys.readouterr().err)
    assert names(webui, capsys) == []
    (deleted,) = told(capsys, webui("voices", "undelete", "--json"))
    assert deleted["name"] == "Zoe"
    assert told(capsys, webui("voices", "undelete", "zoe", "--json"))["name"] == "Zoe"
    assert names(webui, capsys) == ["Zoe"]
    message, kind = refusal_as_json(capsys, webui("voices", "undelete", "Zoe", "--json"))
    assert kind == "VoiceNotFoundError"
    assert "cannot be brought back" in message


def test_voices_go_out_and_come_in_again(webui, own, tmp_path, capsys):
    folder = tmp_path / "out"
    folder.mkdir()
    written = told(
        capsys,
        webui("voices", "export", "Zoe", "Ada", "--family", "tiny", "--out", folder, "--json"),
    )
    assert sorted(each.name for each in folder.iterdir()) == ["ada.npz", "zoe.npz"]
    assert [each["out"] for each in written] == [str(folder / "zoe.npz"), str(folder / "ada.npz")]
    assert (folder / "zoe.npz").read_bytes() == (own / "zoe.npz").read_bytes()
    message = refusal(capsys, webui("voices", "export", "Zoe", "--out", folder / "zoe.npz"))
    assert "is taken" in message
    assert told(capsys, webui("voices", "import", folder, "--json"))["refused"] == []
    assert names(webui, capsys) == ["Ada", "Zoe", "Zoe 2"]
    message = refusal(capsys, webui("voices", "export", "Zoe", "--out", tmp_path / "no" / "z"))
    assert "is no folder" in message


def test_of_several_files_the_refused_ones_are_told_with_exit_code_1(webui, tmp_path, capsys):
    good = add_voice(tmp_path / "good.npz", name="Good", family="tiny")
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"no voice")
    code = webui("voices", "import", good, bad, tmp_path / "gone.npz", "--json")
    out, err = capsys.readouterr()
    assert code == 1
    outcome = json.loads(out)
    assert [each["name"] for each in outcome["added"]] == ["Good"]
    refused = [str(tmp_path / "gone.npz"), str(bad)]
    assert [each["file"] for each in outcome["refused"]] == refused
    assert len(err.splitlines()) == 2


def test_a_file_without_metadata_is_taken_for_the_family_that_is_named(webui, tmp_path, capsys):
    from tests.tiny_family import random_speaker

    np.savez(tmp_path / "plain.npz", **random_speaker(50, 1))
    words = ("voices", "import", tmp_path / "plain.npz", "--family", "tiny", "--json")
    (added,) = told(capsys, webui(*words))["added"]
    assert (added["family"], added["broken"]) == ("tiny", None)


def test_a_broken_voice_is_repaired(webui, own, capsys):
    add_mismatched_voice(own / "cid.npz", name="Cid", family="tiny")
    code = webui("voices", "repair", "Cid", "--json")
    out, err = capsys.readouterr()
    assert code == 0
    assert json.loads(out)["broken"] is None
    assert "100 tokens" in one_sentence(err)


def test_parts_copies_and_blends_become_voices(webui, capsys):
    words = ("voices", "crop", "Zoe", "--start", "1", "--end", "3", "--name", "End", "--json")
    assert told(capsys, webui(*words))["seconds"] == 2.0
    words = ("voices", "duplicate", "Ada", "--family", "tiny", "--json")
    assert told(capsys, webui(*words))["name"] == "Ada (copy)"
    words = ("voices", "blend", "Zoe", "Ada (copy)", "--mix", "0.3", "--name", "Zoe + Ada")
    both = told(capsys, webui(*words, "--json"))
    assert (both["name"], both["method"], both["broken"]) == ("Zoe + Ada", "blend", None)
    message = refusal(capsys, webui("voices", "crop", "Zoe", "--start", "3", "--end", "1"))
    assert "between 0 and 4.0 s" in message
    message = refusal(capsys, webui("voices", "blend", "Zoe", "Zoe"))
    assert "itself" in message


def test_a_preview_is_the_sound_of_the_codes_or_of_a_part_of_them(webui, tmp_path, capsys):
    target = tmp_path / "zoe.wav"
    heard = told(capsys, webui("voices", "preview", "Zoe", "--out", target, "--json"))
    assert (heard["seconds"], heard["sample_rate"]) == (pytest.approx(4, abs=0.1), 16_000)
    assert read_metadata(target)["voice"].startswith("zoe-")
    words = ("voices", "preview", "Zoe", "--out", target, "--start", "2", "--json")
    assert told(capsys, webui(*words))["seconds"] == pytest.approx(2, abs=0.1)


def test_a_preview_can_be_a_spoken_line(webui, tmp_path, capsys, monkeypatch):
    target = tmp_path / "zoe.flac"
    words = ("voices", "preview", "Zoe", "--say", "hello there", "--out", target, "--json")
    code = webui(*words)
    out, err = capsys.readouterr()
    # The tiny family's random weights may end before they have said a word.
    assert code == 0 or "Nothing was spoken" in err, out
    assert target.exists() == (code == 0)


@pytest.mark.parametrize(
    "words",
    [
        ("rename", "Ada", "Eve"), ("delete", "Ada"), ("tag", "Ada", "x"), ("repair", "Ada"),
        ("language", "Ada", "en"), ("note", "Ada", "x"),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_a_built_in_voice_is_not_changed(webui, capsys, words):
    assert "Duplicate it" in refusal(capsys, webui("voices", *words, "--family", "tiny"))


def test_an_unknown_voice_and_an_unknown_action_are_refused(webui, capsys):
    message = refusal(capsys, webui("voices", "delete", "Nobody"))
    assert message.startswith('The voice "Nobody" is not there')
    assert refusal(capsys, webui("voices", "sing", "Zoe"), 2).endswith("--help`.")


def test_a_name_that_several_voices_have_is_not_guessed(webui, own, capsys):
    add_voice(own / "zoe2.npz", name="zoe", family="tiny")
    assert "Several voices" in refusal(capsys, webui("voices", "delete", "Zoe"))


def test_a_name_means_the_users_own_voice_before_a_built_in_one(webui, own, capsys):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    assert told(capsys, webui("voices", "show", "Ada", "--json"))["source"] == "own"
