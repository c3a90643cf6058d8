from dataclasses import replace

import pytest

from tests.fake_cloning import fake_report, fake_speaker
from webui.clone_results import CloneCandidate, SentenceHeard, Window
from webui.ui.clone_report import candidate_label, ranking_rows, report_words, verdict_words

ONE = CloneCandidate(fake_speaker(), "quantizer", Window(1.4, 8.1, 0.9), 7, 0.5, fake_report())
OTHER_PART = replace(ONE, window=Window(0.0, 5.0, 0.5))
TAKES = [replace(ONE, method="transcript", seed=seed) for seed in (12, 9)]


def test_a_clone_is_named_by_what_sets_it_apart():
    assert candidate_label([ONE], 0) == "1. Quantizer"
    assert candidate_label([ONE, OTHER_PART], 1) == "2. Quantizer · 0.0–5.0 s"
    assert candidate_label([ONE, *TAKES], 1) == "2. From the transcript · take 2"
    assert candidate_label([ONE, *TAKES], 2) == "3. From the transcript · take 1"


def test_the_ranking_has_a_row_for_each_with_its_figures():
    silent = replace(OTHER_PART, report=fake_report(None, heard=False))
    assert ranking_rows([ONE, silent, replace(ONE, method="conversion", report=None)]) == [
        ["1", "Quantizer · 1.4–8.1 s", "0.84 · close", "80%"],
        ["2", "Quantizer · 0.0–5.0 s", "–", "–"],
        ["3", "By conversion · 1.4–8.1 s", "–", "–"],
    ]


def test_the_verdict_stands_beside_the_recordings_own_ceiling():
    words = verdict_words(ONE).replace("\\", "")
    assert words.startswith("**This sounds like the speaker.**")
    assert "Likeness 0.84 of 1; the recording itself reaches 0.91." in words


def test_without_a_speaker_encoder_no_figure_is_made_up():
    words = verdict_words(replace(ONE, report=fake_report(None)))
    assert "Likeness" not in words
    assert "could not be measured" in words
    assert "Listen" in verdict_words(replace(ONE, report=None))
    assert "Listen" in report_words(replace(ONE, report=None))


@pytest.mark.parametrize(
    ("heard", "right", "expected"),
    [
        ("good morning", 1.0, "every word was heard"),
        ("good", 0.5, "50% of the words; heard: “good”"),
        ("", 0.0, "0% of the words; heard: nothing"),
        (None, None, "nothing here recognises this language"),
    ],
)
def test_each_sentence_says_what_was_heard_of_it(heard, right, expected):
    sentence = SentenceHeard("Good morning.", heard, right)
    report = replace(fake_report(), sentences=(sentence,))
    assert expected in report_words(replace(ONE, report=report))


def test_recording_and_clone_are_measured_side_by_side():
    words = report_words(ONE).replace("\\", "")
    assert "| Length | 6.5 s | 5.0 s |" in words
    assert "| Pitch | 118 Hz (94–153) | 131 Hz (105–170) |" in words


def test_what_was_done_without_being_asked_is_told_as_plain_text():
    words = report_words(replace(ONE, notes=("Cut <img src=x>.",)))
    assert "- Cut &lt;img src=x\\>\\." in words
