"""`python -m webui train`: what is asked for, what is said, what is written."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command_line import refusal, refusal_as_json
from tests.fake_service import FakeService
from tests.fake_training import REPORT, FakeTraining
from webui.backend.requests import TrainingOrder
from webui.cli import STOPPED, build_parser, main
from webui.cli_train import ACTIONS, report_lines
from webui.events import CancelToken
from webui.training_results import SampleMissed

SPOKEN = "spoken.flac"


@pytest.fixture
def service(monkeypatch):
    made = FakeService()
    monkeypatch.setattr("webui.backend.service.Service", lambda settings: made)
    return made


@pytest.fixture
def done(service):
    """A finished training."""
    list(service.training.start(TrainingOrder("German 1", language="de", texts=100)))
    return service.training


def told(capsys, code: int) -> object:
    out = capsys.readouterr().out
    assert code == 0, out
    return json.loads(out)


def start(*words: str) -> int:
    return main(["train", "start", "--name", "German 1", *words])


# start


def test_a_training_is_followed_to_its_report(service, capsys):
    assert start("--language", "DE", "--texts", "100") == 0
    out, err = capsys.readouterr()
    assert "81.2% of the frames right, 95.3% among the best five" in out
    assert "unseen voices: 79.0%" in out
    assert "by class of sound: vowel 85.0%, plosive 71.0%" in out
    assert "clones made with it: 90% of their words understood" in out
    assert out.splitlines()[1].split()[:4] == ["german-1", "done", "mini", "de"]
    assert "Step 200: 70.0% of the held-out frames right." in err
    heard, spoken = (str(service.training.folder / each) for each in ("heard-200.flac", SPOKEN))
    assert f"Step 200: a held-out speech as it hears it: {heard}\n" in err
    assert f"The same as it was spoken: {spoken}\n" in err
    assert f"to be heard: {heard} (after 200 steps), as it was spoken: {spoken}\n" in out
    assert "`python -m webui train use german-1` lets cloning use it." in err
    assert service.closed


def test_without_further_flags_the_order_is_the_usual_one(service, capsys):
    assert start() == 0
    (order,) = service.training.orders
    assert order == TrainingOrder("German 1")


def test_every_flag_reaches_the_order(service, tmp_path, capsys):
    corpus = tmp_path / "book.txt"
    corpus.write_text("\ufeffZwölf Boxkämpfer jagen Viktor.", "utf-8")
    words = (
        "--language", "DE", "--texts", "200", "--corpus", str(corpus), "--by-letter",
        "--voice", "Ada", "--voice", "bob-22222222", "--temperature", "0.8", "--seed", "7",
        "--architecture", "1", "--augment", "--epochs", "9", "--layer", "3", "--family",
        "mini",
    )  # fmt: skip
    service.settings = service.settings.__class__(family="mini")
    assert start(*words) == 0
    (order,) = service.training.orders
    assert order == TrainingOrder(
        "German 1", "mini", "de", 200, "Zwölf Boxkämpfer jagen Viktor.", True,
        ("ada-11111111", "bob-22222222"), 0.8, 7, "version_1", True, 9, 3,
    )  # fmt: skip


def test_it_can_speak_without_any_voice(service, capsys):
    assert start("--no-voices") == 0
    assert service.training.orders[0].voices == ()


def test_a_report_without_classes_says_nothing_of_them():
    lines = list(report_lines(replace(REPORT, by_class={})))
    assert not [each for each in lines if "class" in each]


def test_a_training_is_told_as_json(service, capsys):
    found = told(capsys, start("--texts", "100", "--json"))
    assert found["info"]["id"] == "german-1"
    assert found["info"]["report"]["accuracy"] == REPORT.accuracy
    assert found["order"]["texts"] == 100
    assert [each["step"] for each in found["curve"]] == [50, 100, 150, 200]
    assert found["sample"]["step"] == 200
    assert Path(found["sample"]["heard"]).name == "heard-200.flac"


def test_a_sample_that_could_not_be_made_is_one_line(service, capsys, monkeypatch):
    def events(order, cancel=None):
        yield SampleMissed(400, "The memory is too full.")
        yield from FakeTraining.start(service.training, order, cancel)

    monkeypatch.setattr(service.training, "start", events)
    assert start() == 0
    assert "Step 400: The memory is too full.\n" in capsys.readouterr().err


def test_a_failure_is_one_sentence_and_the_exit_code_says_so(service, capsys):
    service.training.failure = "The process that computes ended."
    said = "The process that computes ended."
    assert refusal_as_json(capsys, start("--json")) == (said, "EngineError")


def test_whoever_stops_it_is_told_how_to_go_on(service, monkeypatch, capsys):
    class Stopping(CancelToken):
        @property
        def cancelled(self) -> bool:
            return len(service.training.known) > 0

    monkeypatch.setattr("webui.cli_train.CancelToken", Stopping)
    assert start() == STOPPED
    assert "`python -m webui train continue german-1` goes on" in capsys.readouterr().err
    assert service.training.known["german-1"].info.state == "stopped"


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--name", " "), "a name of 1 to 64 characters", 1),
        (("--name", "A", "--texts", "3"), "number of texts is 3", 1),
        (("--name", "A", "--voice", "Nobody"), '"Nobody" is not there', 1),
        (("--name", "A", "--corpus", "nowhere.txt"), "cannot be read", 1),
        (("--name", "A", "--architecture", "3"), "invalid choice", 2),
        (("--name", "A", "--texts", "many"), "many", 2),
        ((), "--name", 2),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(service, capsys, words, said, code):
    assert said in refusal(capsys, main(["train", "start", *words]), code)
    assert service.training.orders == []


def test_a_text_that_is_none_is_refused(service, tmp_path, capsys):
    path = tmp_path / "book.txt"
    path.write_bytes(b"\xff\xfe\x00")
    assert "no text in UTF-8" in refusal(capsys, start("--corpus", str(path)), 1)


# The other actions


def test_pairs_of_others_are_learned_from(service, capsys, tmp_path):
    words = ("--name", "Old one", "--language", "pl", "--architecture", "0", "--seed", "3")
    assert main(["train", "import", str(tmp_path), "b.zip", *words]) == 0
    assert service.training.imported == [(tmp_path, Path("b.zip"))]
    (order,) = service.training.orders
    wanted = TrainingOrder("Old one", language="pl", seed=3, architecture="version_0", texts=20)
    assert order == wanted
    out, err = capsys.readouterr()
    assert "old-one" in out
    assert "22 pairs are read; dropped: 2 damaged, 1 length." in err


def test_trainings_are_listed_with_and_without_the_action(done, capsys):
    assert main(["train"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split()[0] == "ID"
    assert "german-1" in out
    assert "100 of 100" in out
    assert "81.2%" in out
    (found,) = told(capsys, main(["train", "list", "--json"]))
    assert found["state"] == "done"


def test_without_trainings_it_is_said_how_to_begin(service, capsys):
    assert main(["train"]) == 0
    assert "train start" in capsys.readouterr().err


def test_a_stopped_training_is_continued(service, capsys):
    service.training.moves = False
    service.training.start(TrainingOrder("German 1", texts=100))
    service.training.stop("german-1")
    service.training.moves = True
    assert main(["train", "continue", "german-1"]) == 0
    assert "81.2%" in capsys.readouterr().out


def test_cloning_uses_a_quantizer_and_no_longer(done, capsys):
    assert told(capsys, main(["train", "use", "german-1", "--json"])) == {
        "training": "german-1", "quantizer": "german-1",
    }  # fmt: skip
    assert main(["train", "show", "german-1"]) == 0
    assert "`--quantizer german-1`" in capsys.readouterr().err
    assert told(capsys, main(["train", "unuse", "german-1", "--json"]))["quantizer"] is None
    assert done.known["german-1"].info.installed == ""


def test_two_quantizers_are_compared(done, capsys):
    assert main(["train", "compare", "mini", "german-1", "--on", "german-1"]) == 0
    out = capsys.readouterr().out
    assert "mini: 78.0% of the frames right" in out
    assert "german-1 hears better" in out
    assert done.compared == [("mini", "german-1", "german-1")]
    found = told(capsys, main(["train", "compare", "mini", "german-1", "--json"]))
    assert found["better"] == "second"


def test_a_quantizer_is_written_into_a_file_that_is_not_there(done, tmp_path, capsys):
    path = tmp_path / "a.pth"
    assert main(["train", "export", "german-1", "--out", str(path)]) == 0
    assert path.read_bytes() == b"quantizer"
    capsys.readouterr()
    assert "taken" in refusal(capsys, main(["train", "export", "german-1", "-o", str(path)]), 1)


def test_a_training_is_deleted(done, capsys):
    assert told(capsys, main(["train", "delete", "german-1", "--json"])) == {"deleted": "german-1"}
    assert done.known == {}


@pytest.mark.parametrize("action", ["continue", "show", "use", "unuse", "delete"])
def test_a_training_that_is_not_there_is_refused(service, capsys, action):
    said = refusal(capsys, main(["train", action, "nobody"]), 1)
    assert said == 'There is no training "nobody".'


def test_every_action_takes_json_and_the_folders(capsys):
    for action in ACTIONS:
        with pytest.raises(SystemExit):
            build_parser().parse_args(["train", action.name, "--help"])
        out = capsys.readouterr().out
        assert "--json" in out
        assert "--data-dir" in out
        assert "--port" not in out


def test_listing_what_can_be_done_needs_no_torch(capsys):
    assert "webui.cli_train" in sys.modules
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train", "--help"])
    assert "continue" in capsys.readouterr().out
