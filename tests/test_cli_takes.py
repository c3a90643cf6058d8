"""`python -m webui speak --takes N`: a file for each take, with the seed that makes it again."""

import json

import numpy as np
import pytest

from tests.command_line import refusal
from tests.test_cli_speak import TEXT, out, scripted, webui  # noqa: F401  (fixtures)
from webui.audio import read_audio, read_metadata
from webui.cli import main
from webui.cli_takes import gathered, take_file
from webui.events import Cancelled, Done, Progress, Speech

SPEECH = Speech(np.zeros(8, np.float32), 16_000, (), 3, 0.1, "tiny")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(out):  # noqa: F811
    return sorted(each.name for each in out.iterdir())


def test_each_take_has_a_file_whose_seed_makes_it_again(webui, out, capsys):  # noqa: F811
    words = (TEXT, "--voice", "Ada")
    assert webui.speak(*words, "-o", out / "a.wav", "--takes", "2", "--json") == 0
    takes = json.loads(capsys.readouterr().out)["takes"]
    assert names(out) == ["a-1.wav", "a-2.wav"]
    assert [each["out"] for each in takes] == [str(out / f"a-{take}.wav") for take in (1, 2)]
    seeds = [each["seed"] for each in takes]
    assert seeds[0] == 3
    assert seeds[1] != 3
    sounds = [read_audio(out / f"a-{take}.wav")[0] for take in (1, 2)]
    assert not np.array_equal(*sounds)
    facts = read_metadata(out / "a-2.wav")
    assert (facts["seed"], facts["controls"]["takes"]) == (seeds[1], 1)
    assert webui.speak(*words, "-o", out / "again.wav", "--seed", seeds[1]) == 0
    np.testing.assert_allclose(read_audio(out / "again.wav")[0], sounds[1], atol=1e-3)


def test_one_take_is_written_as_without_the_flag(scripted, out, capsys):  # noqa: F811
    assert main(["speak", TEXT, "-o", str(out / "a.wav"), "--takes", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == str(out / "a.wav")
    assert names(out) == ["a.wav"]
    assert scripted.orders[0].controls.takes == 1


def test_a_take_that_says_nothing_is_told_and_the_others_are_kept(
    scripted,  # noqa: F811
    out,  # noqa: F811
    capsys,
    monkeypatch,
):
    ends = [Done(SPEECH), Done(None), Done(SPEECH)]
    monkeypatch.setattr(scripted, "speak", lambda order, cancel: iter(ends))
    assert main(["speak", TEXT, "-o", str(out / "a.wav"), "--takes", "3"]) == 0
    assert names(out) == ["a-1.wav", "a-3.wav"]
    assert "1 of 3 takes say nothing." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "-", "--takes", "2"), "standard output holds one"),
        (("-o", "a.wav", "--takes", "2", "--save-voice", "v.npz"), "keeps one speech"),
        (("-o", "a.wav", "--takes", "0"), "between 1 and 8"),
        (("-o", "a.wav", "--takes", "9"), "between 1 and 8"),
        (("-o", "nowhere/a.wav", "--takes", "2"), "is not there"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_spoken(
    words,
    said,
    scripted,  # noqa: F811
    nowhere,
    capsys,
):
    assert said in refusal(capsys, main(["speak", TEXT, *words]))
    assert scripted.orders == []
    assert list(nowhere.iterdir()) == []


def test_a_take_whose_name_is_a_folders_is_refused(scripted, out, capsys):  # noqa: F811
    (out / "a-2.wav").mkdir()
    code = main(["speak", TEXT, "-o", str(out / "a.wav"), "--takes", "2"])
    assert "is a folder" in refusal(capsys, code)
    assert scripted.orders == []


def test_files_are_named_by_the_number_before_their_ending():
    assert take_file("x/out.wav", 2, 3) == "x/out-2.wav"
    assert take_file("a.b/out", 1, 2) == "a.b/out-1"
    assert take_file("out.wav", 1, 1) == "out.wav"


def test_only_the_last_take_ends_the_job():
    kept = []
    events = [Progress("semantic", 0.5), Done(SPEECH), Done(None)]
    assert list(gathered(iter(events), 2, kept)) == [events[0], events[2]]
    assert kept == [SPEECH, None]
    stopped = [Done(SPEECH), Cancelled()]
    assert list(gathered(iter(stopped), 2, [])) == stopped[1:]
