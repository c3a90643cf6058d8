"""Which words of a recording are said in a part of it."""

import pytest

from webui.backend.clone_transcript import words_within

TEXT = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj"  # ten words of equal length


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ((0.0, 10.0), TEXT),
        ((0.4, 9.6), TEXT),
        ((0.0, 5.0), "aaaa bbbb cccc dddd eeee"),
        ((5.0, 10.0), "ffff gggg hhhh iiii jjjj"),
        ((2.0, 4.2), "cccc dddd"),
        ((2.0, 2.2), ""),
    ],
)
def test_words_are_cut_to_the_part_by_the_time_they_take(part, words):
    assert words_within(TEXT, ((0.0, 10.0),), part) == words


def test_silence_takes_no_words():
    spans = ((1.0, 2.0), (50.0, 51.0))
    assert words_within("one two", spans, (40.0, 60.0)) == "two"
    assert words_within("one two", spans, (0.0, 49.0)) == "one"
    assert words_within("one two", spans, (0.0, 60.0)) == "one two"


def test_longer_words_take_more_time():
    assert words_within("a b c extraordinarily", ((0.0, 4.0),), (1.0, 4.0)) == "extraordinarily"


def test_without_spans_all_words_are_kept_and_spaces_are_made_even():
    assert words_within(" one\n two ", (), (0.0, 1.0)) == "one two"
    assert words_within("", ((0.0, 1.0),), (0.0, 0.5)) == ""
