"""What the Train tab says and draws."""

import re
from dataclasses import replace

import pytest

from tests.fake_training import REPORT
from webui.backend.requests import TrainingOrder
from webui.backend.training_facts import TrainingDetails, TrainingInfo
from webui.training_results import PairsRead, QuantizerComparison, TrainingPoint
from webui.ui.training_curve import MOST_POINTS, draw_curve
from webui.ui.training_words import (
    NOTHING,
    card_words,
    comparison_words,
    read_words,
    row,
    status_words,
)

INFO = TrainingInfo(
    "german-1", "German <b>1", "mini", "de", "running", "2026", 1_500, 120,
    architecture="version_2", stage="pairs", fraction=0.05, words="120 of 1500 pairs",
)  # fmt: skip


def details(info=INFO, **how):
    return TrainingDetails(info, TrainingOrder("German <b>1", **how), (), 300.0)


def test_while_nothing_is_measured_nothing_is_promised():
    words = status_words(INFO)
    assert "German &lt;b" in words
    assert "5%" in words
    assert "The time left is being measured" in words
    assert "left ·" not in words
    assert "close this page" in words


def test_a_measured_time_is_told():
    words = status_words(replace(INFO, seconds_left=720.0))
    assert "about 12 min left" in words
    assert "measured" not in words


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("stopped", "120 pairs are kept"),
        ("failed", "The disk \\<is"),
        ("done", "Done: **German"),
    ],
)
def test_how_it_ended_is_told(state, said):
    info = replace(INFO, state=state, words="The disk \\<is full.", accuracy=0.81)
    words = status_words(replace(info, words="The disk <is full."))
    if state == "failed":
        assert "The disk &lt;is full" in words
    else:
        assert said in words
        assert "** 81" not in words
        assert " 81\\.0% of the frames" in words
    assert status_words(None) == NOTHING


def test_a_row_tells_the_state_in_words():
    assert row(INFO) == ["German <b>1", "German", "at work, 5%", "120", ""]
    done = replace(INFO, state="done", accuracy=0.812)
    assert row(done)[2:] == ["done", "120", "81.2%"]
    assert row(replace(done, installed="german-1"))[2] == "used for cloning"


def test_the_card_holds_what_was_measured():
    info = replace(INFO, state="done", report=REPORT, accuracy=0.812, dropped={"silent": 3})
    card = card_words(details(info))
    for said in ("81\\.2%", "79\\.0%", "90%", "0\\.81 of 1", "3 silent", "version 2", "5 min"):
        assert said in card
    assert "<b>" not in card
    assert "By class of sound | vowel 85%, plosive 71% |" in card
    without = replace(info, report=replace(REPORT, by_class={}))
    assert "By class" not in card_words(details(without))


def test_the_card_says_of_when_the_sample_above_it_is():
    report = replace(REPORT, sample_step=2_310)
    card = card_words(details(replace(INFO, report=report)))
    assert "| To be heard above | as it was after 2,310 steps |" in card
    assert "To be heard" not in card_words(details(replace(INFO, report=REPORT)))


def test_what_was_read_of_others_is_counted_in_words():
    assert read_words(PairsRead(1_340, {})) == "**1,340 pairs were read**."
    words = read_words(PairsRead(22, {"damaged": 2, "length": 1}))
    assert words == "**22 pairs were read**; 3 dropped: 2 damaged, 1 of a wrong length."
    assert "120 of others" in card_words(details(replace(INFO, texts=0)))


def test_the_card_names_the_layer_that_was_chosen_and_no_other():
    assert "layer 4 of the encoder" in card_words(details(layer=4))
    assert "layer" not in card_words(details())


def test_the_card_of_a_training_at_work_says_what_is_known_so_far():
    assert "so far" not in card_words(details())
    card = card_words(details(replace(INFO, accuracy=0.5)))
    assert "| Frames right so far | 50\\.0% |" in card


@pytest.mark.parametrize(
    ("better", "said"),
    [("first", "A hears better"), ("second", "B hears better"), ("alike", "Nothing sure")],
)
def test_which_of_two_is_better_is_said_with_how_sure_it_is(better, said):
    words = comparison_words(QuantizerComparison(0.8, 0.7, -0.12, -0.08, better), "A", "B")
    assert said in words
    assert "\\-12\\.0% to \\-8\\.0%" in words


def points(count):
    return [
        TrainingPoint(step, step, step, 4 / step, 1 - 1 / step if step % 2 else None)
        for step in range(1, count + 1)
    ]


def lines(drawn):
    """The kind of each line, and its places."""
    found = re.findall(r'<polyline class="(\w+)" points="([^"]*)"/>', drawn)
    return [(kind, places.split()) for kind, places in found]


def test_without_points_there_is_no_picture():
    assert draw_curve(()) == ""


def test_the_curve_is_a_picture_with_a_name_and_two_lines():
    drawn = draw_curve(points(9))
    assert 'aria-label="A training of 9 steps; at best 88.9% of the held-out frames' in drawn
    (loss, losses), (right, shares) = lines(drawn)
    assert (loss, right) == ("loss", "right")
    assert len(losses) == 10  # the last one twice
    heights = [float(each.split(",")[1]) for each in shares]
    assert heights == sorted(heights, reverse=True)
    assert all(0 <= each <= 190 for each in heights)


def test_a_long_curve_is_thinned_and_odd_values_are_left_out():
    drawn = draw_curve([*points(5_000), TrainingPoint(5_001, 1, 1, float("nan"))])
    assert all(len(places) <= MOST_POINTS + 1 for _, places in lines(drawn))
    assert "nan" not in drawn
    assert "5001 steps" in drawn
