"""`python -m webui clone` and `report`: what is asked for, what is said, what is kept."""

import json

import numpy as np
import pytest

from tests.command_line import one_sentence, refusal, refusal_as_json
from tests.fake_service import FakeService
from webui.audio import write_audio
from webui.cli import main
from webui.clone_results import METHODS
from webui.events import Failed

CONSENT = "The speaker agreed."


@pytest.fixture
def service(monkeypatch):
    made = FakeService()
    monkeypatch.setattr("webui.backend.service.Service", lambda settings: made)
    return made


@pytest.fixture
def wav(tmp_path):
    """Nine seconds of something."""
    path = tmp_path / "anna.wav"
    sound = 0.3 * np.sin(np.arange(9 * 16_000) / 20)
    write_audio(path, sound.astype(np.float32), 16_000)
    return path


def clone(wav, *words: str, name: str = "Anna", consent: str = CONSENT) -> int:
    return main(["clone", str(wav), "--name", name, "--consent", consent, *words])


# clone


def test_the_best_clone_is_kept_with_the_sentence_and_the_verdict_is_told(service, wav, capsys):
    assert clone(wav) == 0
    ((made, name, consent, tags),) = service.kept_clones
    assert (made.method, name, consent, tags) == ("quantizer", "Anna", CONSENT, ())
    out, err = capsys.readouterr()
    first, *numbers = out.splitlines()
    assert first == made.report.verdict
    assert numbers[0].startswith(f"likeness {made.report.similarity:.2f} (the recording's own: ")
    assert any(line.startswith('asked for "The night is cold') for line in numbers)
    assert any(line.startswith("clone: ") and " Hz, " in line for line in numbers)
    assert "Note: There is a little noise." in err
    assert "Kept as Anna (clone-00000001): quantizer" in err
    assert service.closed


def test_every_flag_reaches_the_order(service, wav, capsys):
    words = (
        "--method", "all", "--transcript", "Good day.", "--language", "DE", "--windows", "2",
        "--window", "1.5:7", "--takes", "3", "--denoise", "--quantizer", "polish-8",
        "--converter", "your_tts", "--accept-licence", "--seed", "7", "--no-report",
        "--family", "mini", "--tag", "warm", "--tag", "low", "--endings", "2",
    )  # fmt: skip
    assert main(["clone", str(wav), str(wav), "--name", "A", "--consent", CONSENT, *words]) == 0
    (order,) = service.clone_orders
    assert len(order.recordings) == 2
    assert order.recordings[0].name == "anna.wav"
    assert order.recordings[0].seconds == 9.0
    assert order.methods == METHODS
    assert (order.transcript, order.language, order.family) == ("Good day.", "de", "mini")
    assert (order.windows, order.window, order.takes) == (2, (1.5, 7.0), 3)
    assert order.endings == 2
    assert (order.denoise, order.report, order.accepts_licence) == (True, False, True)
    assert (order.quantizer, order.converter, order.seed) == ("polish-8", "your_tts", 7)
    assert service.kept_clones[0][3] == ("warm", "low")


@pytest.mark.parametrize(("method", "endings"), [("quantizer", 3), ("conversion", 3), ("all", 1)])
def test_endings_are_tried_unless_methods_are_compared(service, wav, method, endings):
    assert clone(wav, "--method", method) == 0
    assert service.clone_orders[0].endings == endings


def test_several_clones_are_compared_in_a_table_the_kept_one_first(service, wav, capsys):
    assert clone(wav, "--method", "all", "--windows", "2") == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["METHOD", "PART", "SEED", "LIKENESS", "WORDS", "SCORE", "REMARK"]
    assert first.split()[:2] == ["kept", "quantizer"]


def test_json_tells_all_clones_and_the_check(service, wav, capsys):
    assert clone(wav, "--method", "all", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["voice"]["name"] == "Anna"
    assert told["consent"] == CONSENT
    assert told["recordings"][0]["seconds"] == 9.0
    assert len(told["recordings"][0]["sha256"]) == 16
    assert [each["method"] for each in told["candidates"]] == [
        "quantizer", "conversion", "transcript",
    ]  # fmt: skip
    assert told["candidates"][0]["report"]["verdict"]
    assert told["check"]["findings"][0]["kind"] == "noise"


@pytest.mark.parametrize("consent", ["", "   "])
def test_without_consent_nothing_is_done(service, wav, capsys, consent):
    sentence = refusal(capsys, clone(wav, consent=consent))
    assert sentence.startswith("--consent is empty.")
    assert "This is my voice, or the speaker agreed that I clone it." in sentence
    assert service.clone_orders == []


def test_consent_and_name_must_be_given(service, wav, capsys):
    assert "--consent" in refusal(capsys, main(["clone", str(wav), "--name", "A"]), 2)
    assert "--name" in refusal(capsys, main(["clone", str(wav), "--consent", "yes"]), 2)


@pytest.mark.parametrize("part", ["5", "a:b", "nan:3", "1:inf", ""])
def test_a_part_that_is_none_is_a_misuse(service, wav, capsys, part):
    assert "is no part" in refusal(capsys, clone(wav, "--window", part), 2)


def test_what_cannot_be_read_or_named_is_refused_before_anything_is_cloned(
    service, wav, tmp_path, capsys
):
    assert "is not there" in refusal(capsys, clone(tmp_path / "none.wav"))
    (tmp_path / "text.wav").write_text("hello")
    assert "not a recording" in refusal(capsys, clone(tmp_path / "text.wav"))
    refusal(capsys, clone(wav, name=" "))
    assert service.clone_orders == []


def test_a_clone_that_fails_ends_with_1_and_its_sentence(service, wav, capsys):
    service.failure = "No part of this recording has enough clear speech."
    assert clone(wav) == 1
    out, err = capsys.readouterr()
    assert (out, one_sentence(err)) == ("", service.failure)
    _, kind = refusal_as_json(capsys, clone(wav, "--json"))
    assert kind == service.failure_kind
    assert service.kept_clones == []


def test_a_stop_keeps_nothing(service, wav, capsys):
    service.cancel_clone_at = 0
    assert clone(wav) == 130
    assert service.kept_clones == []


# report


def test_a_voice_is_judged_by_its_name(service, capsys):
    assert main(["report", "ada"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "likeness 0.84" in out


def test_a_report_as_json_beside_a_recording(service, wav, capsys, monkeypatch):
    given = []
    judge = service.report

    def report(voice_id, reference=None, cancel=None):
        given.append((voice_id, reference.seconds, reference.name))
        return judge(voice_id, reference, cancel)

    monkeypatch.setattr(service, "report", report)
    assert main(["report", "Ada", "--reference", str(wav), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert given == [(told["voice"], 9.0, "anna.wav")]
    assert told["name"] == "Ada"
    assert told["report"]["similarity"] == pytest.approx(0.84)


def test_an_unknown_voice_is_refused(service, capsys):
    assert 'The voice "Zoe" is not there' in refusal(capsys, main(["report", "Zoe"]))


def test_a_report_that_fails_says_why(service, capsys, monkeypatch):
    failed = Failed("It cannot be said.", "TextError")
    monkeypatch.setattr(service, "report", lambda *_: iter([failed]))
    assert refusal(capsys, main(["report", "Ada"])) == "It cannot be said."
