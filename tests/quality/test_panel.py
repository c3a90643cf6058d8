"""The panel: all judges must be content, and what it says of a whole speech."""

import numpy as np
import pytest

from tests.quality.listeners import RATE, ScriptedRecogniser, ToneEncoder, silence, tone
from webui.arrays import Speaker
from webui.events import SpokenChunk
from webui.quality.drift import DriftGuard
from webui.quality.panel import Panel
from webui.quality.verified import WordJudge
from webui.synthesis.judging import Attempt, ChunkJudge

TEXT = "The night is cold and dark."
VOICE = Speaker(np.zeros(150, np.int64), np.zeros((2, 150), np.int64), np.zeros((8, 150), np.int64))


def panel(heard="the night is cold and dark", end_seconds=2.0):
    words = WordJudge(ScriptedRecogniser(heard, end_seconds=end_seconds), "en")
    return Panel(words, DriftGuard(ToneEncoder(), lambda fine: tone(3.0)))


def judged(heard="the night is cold and dark", hertz=200.0):
    sound = np.concatenate([tone(2.0, hertz), silence(0.1), tone(0.5, hertz)])
    return panel(heard).judge(Attempt(TEXT, sound, RATE, VOICE))


def test_it_is_a_judge_of_chunks():
    assert isinstance(panel(), ChunkJudge)


def test_what_all_judges_like_is_right_and_carries_all_that_they_found():
    verdict = judged()
    assert (verdict.is_right, verdict.words_right) == (True, 1.0)
    assert verdict.similarity == pytest.approx(1.0, abs=0.01)
    assert 2.0 <= verdict.end_seconds <= 2.1


def test_one_judge_that_is_not_content_is_enough():
    wrong_words, wrong_voice = judged("the day"), judged(hertz=990.0)
    assert not wrong_words.is_right
    assert not wrong_words.is_drifted
    assert not wrong_voice.is_right
    assert wrong_voice.is_drifted
    assert wrong_voice.words_right == 1.0
    both = judged("the day", 990.0)
    assert both.score < min(wrong_words.score, wrong_voice.score)
    assert len(both.notes) == 2


def test_each_judge_works_alone_and_none_is_always_content():
    sound = tone(2.0, 990.0)
    asked = Attempt(TEXT, sound, RATE, VOICE)
    assert Panel(panel().words, None).judge(asked).is_right
    assert not Panel(None, panel().drift).judge(asked).is_right
    assert Panel(None, None).judge(asked).is_right


def chunk(text=TEXT, **found):
    return SpokenChunk(text, 0.0, 1.0, VOICE, 1, **found)


@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        ([chunk(words_right=1.0)], ("Words checked: the recogniser heard what was asked.",)),
        (
            [chunk(words_right=1.0), chunk(), chunk(words_right=0.9, tries=2)],
            (
                "Words checked: the recogniser heard what was asked in all 2 parts.",
                "1 of 3 parts were spoken more than once.",
            ),
        ),
        (
            [chunk(words_right=1.0), chunk(words_right=0.5, tries=3)],
            (
                f'Words checked: the recogniser heard something else in "{TEXT}".',
                "1 of 2 parts were spoken more than once.",
            ),
        ),
        (
            [chunk("word " * 20, words_right=0.0), chunk(words_right=0.5)],
            (
                "Words checked: the recogniser heard something else in 2 parts, first in "
                '"word word word word word word word word…".',
            ),
        ),
        (
            [chunk(similarity=0.5, is_drifted=True), chunk(similarity=0.9)],
            (
                "The voice drifted in 1 of 2 parts, whose next parts follow the voice itself "
                "again. Another seed may help.",
            ),
        ),
        ([chunk()], ()),
        ([], ()),
    ],
)
def test_the_summary_says_in_words_what_came_of_it(chunks, told):
    assert panel().summary(chunks) == told
