"""The line under the text: its length, and times that are only told when something is known."""

import pytest

from webui.synthesis.chunking import estimate_seconds
from webui.ui.messages import time_words
from webui.ui.text_facts import Pace, text_facts

TEXT = "The night is cold and the wind is strong. " * 3


@pytest.mark.parametrize("text", ["", "  \n", None, ["x"], 3])
def test_nothing_is_said_of_no_text(text):
    assert text_facts(text, "mini", 300, Pace()) == ""


def test_before_the_first_speech_no_time_of_work_is_promised():
    line = text_facts(TEXT, "mini", 300, Pace())
    assert line.startswith("126 of 300 characters · about ")
    assert line.endswith(" of speech")


def test_a_text_that_is_too_long_is_told_before_anybody_presses():
    assert "too long to be spoken at once" in text_facts(TEXT, "mini", 100, Pace())


def test_the_work_is_reckoned_from_how_long_the_last_speeches_took():
    pace = Pace()
    pace.learn("bark", 10.0, 100.0)
    assert pace.work_seconds("bark", 6.0) == pytest.approx(60.0)
    expected = time_words(10 * estimate_seconds(TEXT))
    assert f"about {expected} of work here" in text_facts(TEXT, "bark", 300, pace)
    for _ in range(20):
        pace.learn("bark", 10.0, 10.0)
    assert pace.work_seconds("bark", 6.0) == pytest.approx(6.0, rel=0.02)
    assert pace.work_seconds("mini", 6.0) is None


def test_a_speech_without_length_teaches_nothing():
    pace = Pace()
    pace.learn("bark", 0.0, 3.0)
    pace.learn("bark", 3.0, 0.0)
    assert pace.work_seconds("bark", 1.0) is None
