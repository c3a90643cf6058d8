import pytest

from webui.errors import UserError
from webui.events import Progress
from webui.ui.messages import fault_words, plain, progress_words, size_words, time_words


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "<b>x</b>", "&lt;"])
def test_no_markup_of_a_stranger_survives(text):
    assert "<" not in plain(text)


def test_markdown_of_a_stranger_is_shown_as_it_is():
    assert plain("[a](http://x) **b**\n# c") == r"\[a\]\(http://x\) \*\*b\*\* \# c"


def test_progress_names_the_sentence_the_stage_and_the_time_left():
    line = progress_words(Progress("fine", 0.5, 9.2, 1, 5))
    assert line == "Sentence 2 of 5 · adding detail · about 9 s left"
    assert progress_words(Progress("queued", 0, message="1 before you")).startswith("Waiting")


@pytest.mark.parametrize(
    ("size", "words"), [(55_000_000, "55 MB"), (1_700_000_000, "1.7 GB"), (10, "1 MB")]
)
def test_sizes_are_said_in_units_people_know(size, words):
    assert size_words(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 s"), (42.4, "42 s"), (600, "10 min"), (9_000, "2.5 h")]
)
def test_times_are_no_finer_than_they_are_known(seconds, words):
    assert time_words(seconds) == words


def test_a_foreseen_fault_speaks_for_itself_and_another_gets_a_code(caplog):
    assert fault_words(UserError("The disk is full.")) == "The disk is full."
    words = fault_words(ValueError("inner"))
    assert "inner" not in words
    assert "code" in words
    assert "Unforeseen fault" in caplog.text
