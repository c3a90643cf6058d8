"""How many of the words asked were heard."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.quality.english_words import EnglishRecogniser
from webui.quality.words import distance, recogniser, words_of, words_right

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t stop, [laughs] NOW!", ["don't", "stop", "now"]),
        ("Ｃafé — naïve; 'quoted'", ["café", "naïve", "quoted"]),
        ("♪ la la ♪ x2_y", ["la", "la", "x2", "y"]),
        ("你好 world、カナ", ["你", "好", "world", "カ", "ナ"]),
        ("Straße", ["strasse"]),
        ("Привет, мир", ["привет", "мир"]),
        ("!?", []),
    ],
)
def test_words_are_split_as_they_sound(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("heard", "share"),
    [
        ("THE night is cold", 1.0),
        ("the night was cold", 0.75),
        ("the night is very cold", 0.75),
        ("night cold", 0.5),
        ("", 0.0),
        ("one two three four five six seven eight nine", 0.0),
    ],
)
def test_words_left_out_put_in_and_replaced_count_alike(heard, share):
    assert words_right("The night is cold.", heard) == share


def test_a_text_without_words_is_right_when_nothing_is_heard():
    assert words_right("[music]", "") == 1.0
    assert words_right("[music]", "oh") == 0.0


@given(WORDS, WORDS, WORDS)
def test_the_distance_is_one(first, second, third):
    assert (distance(first, second) == 0) == (first == second)
    assert distance(first, second) == distance(second, first)
    assert distance(first, third) <= distance(first, second) + distance(second, third)


@pytest.mark.parametrize("language", ["en", "en-GB", "EN_us"])
def test_english_is_heard_by_what_is_built_in(language):
    assert isinstance(recogniser(language), EnglishRecogniser)


def test_other_languages_need_whisper():
    assert recogniser("de") is None


def test_a_whisper_folder_that_cannot_be_read_counts_as_none(tmp_path: Path):
    assert isinstance(recogniser("en", tmp_path), EnglishRecogniser)
    assert recogniser("de", tmp_path / "missing") is None


def test_without_pocketsphinx_there_is_no_recogniser(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert recogniser("en") is None
