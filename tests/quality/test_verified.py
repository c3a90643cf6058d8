"""Verified generation: what counts as said, and where the sound after the last word is cut."""

import numpy as np
import pytest

from tests.quality.listeners import RATE, ScriptedRecogniser, silence, tone
from webui.quality.verified import LEAST_RIGHT, WordJudge, tail_start
from webui.synthesis.judging import Attempt

TEXT = "The night is cold and dark."


def attempt(text=TEXT, sound=None):
    return Attempt(text, tone(2.0) if sound is None else sound, RATE, None)


def verdict(heard, text=TEXT, sound=None, end_seconds=2.0):
    return WordJudge(ScriptedRecogniser(heard, end_seconds=end_seconds), "en").judge(
        attempt(text, sound)
    )


def test_what_was_asked_is_right_whatever_the_case_and_the_marks():
    judged = verdict("the night is cold and dark")
    assert (judged.is_right, judged.score, judged.words_right) == (True, 1.0, 1.0)
    assert judged.notes == ()


def test_one_word_in_six_may_be_misheard_but_not_two():
    assert verdict("the knight is cold and dark").is_right
    judged = verdict("the knight was cold and dark")
    assert not judged.is_right
    assert judged.score == judged.words_right == pytest.approx(4 / 6)
    assert judged.words_right < LEAST_RIGHT
    assert judged.notes == ('The recogniser did not hear "night", "is".',)


def test_many_missed_words_are_counted_and_extra_words_are_told():
    assert verdict("").notes == (
        'The recogniser did not hear "the", "night", "is", "cold" and 2 more.',
    )
    babble = "the night is cold and dark and then and then"
    assert verdict(babble).notes == ("The recogniser heard more words than there are.",)
    assert not verdict(babble).is_right


def test_the_recogniser_is_told_the_text_and_its_language():
    ears = ScriptedRecogniser("guten tag")
    assert WordJudge(ears, "de").judge(attempt("Guten Tag.")).is_right
    assert ears.asked == [("Guten Tag.", "de")]


@pytest.mark.parametrize("text", ["[laughs]", "♪ ♪", "..."])
def test_a_text_without_words_is_not_judged(text):
    ears = ScriptedRecogniser("nonsense")
    judged = WordJudge(ears, "en").judge(attempt(text))
    assert (judged.is_right, judged.words_right, ears.asked) == (True, None, [])


# Where the sound is cut


def with_tail(pause=0.1, tail=0.6):
    return np.concatenate([tone(2.0), silence(pause), tone(tail, level=0.1), silence(0.2)])


@pytest.mark.parametrize("end_seconds", [1.85, 1.95, 2.05])
def test_sound_after_the_last_word_is_cut_in_the_pause_before_it(end_seconds):
    cut = verdict("the night is cold and dark", sound=with_tail(), end_seconds=end_seconds)
    assert 2.0 <= cut.end_seconds <= 2.1


def test_without_a_pause_the_cut_is_where_the_sound_is_quietest():
    quiet = tone(0.1, level=0.02)
    sound = np.concatenate([tone(2.0), quiet, tone(0.6)])
    assert 2.0 <= tail_start(sound, RATE, 1.95) <= 2.1


@pytest.mark.parametrize(
    "sound",
    [
        tone(2.0),
        np.concatenate([tone(2.25), silence(1.0)]),  # the word's own echo
        np.concatenate([tone(2.0), silence(0.5), tone(0.1), silence(0.5)]),  # a click
        np.concatenate([tone(2.0), silence(0.2), tone(1.0, level=0.005)]),  # breath
        silence(3.0),
        silence(0.0),
    ],
)
def test_a_sound_that_ends_with_its_last_word_is_left_whole(sound):
    assert tail_start(sound, RATE, 2.0) is None


def test_nothing_is_cut_where_the_last_word_was_not_heard():
    assert verdict("the night is cold and bark", sound=with_tail()).end_seconds is None
    assert verdict("the night", sound=with_tail()).end_seconds is None


@pytest.mark.parametrize("text", [f"{TEXT} [laughs]", f"♪ {TEXT} ♪", f"{TEXT} [laughs]."])
def test_a_text_that_asks_for_sound_after_its_last_word_keeps_it(text):
    assert verdict("the night is cold and dark", text, with_tail()).end_seconds is None
