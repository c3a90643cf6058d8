"""A speech spoken again from what a quantizer hears: nothing differs but what it mishears."""

import numpy as np
import pytest

from tests.training.test_pairs import CONTROLS, made, models, no_faults, texts  # noqa: F401
from webui.cloning.quantizer import Quantizer, QuantizerConfig
from webui.errors import JobCancelled, TextError
from webui.events import CancelToken, result_of
from webui.training.resynthesis import HeldOutSpeech, speak_heard, tokens_heard


class Hearing(Quantizer):
    """Hears these tokens in whatever it is given."""

    def __init__(self, tokens):
        super().__init__(QuantizerConfig(2, 8, 40))
        self.tokens = np.asarray(tokens, np.int64)

    def tokens_of(self, features):
        return self.tokens


def speech(frames, rates=(25.0, 25.0), **how):
    return HeldOutSpeech(np.zeros((frames, 2), np.float32), rates, **how)


@pytest.mark.usefixtures("no_faults")
@pytest.mark.parametrize("number", [0, 1])
def test_a_quantizer_that_hears_every_token_gives_the_very_speech(models, number):  # noqa: F811
    text = texts(models)[number]  # without a voice, then with one
    pair = made(models, [text])[number]
    given = speech(len(pair.semantic), voice=text.voice, controls=CONTROLS, seed=text.seed)
    again = result_of(speak_heard(models, Hearing(pair.semantic), given, CancelToken()))
    np.testing.assert_array_equal(again, pair.waveform)
    misheard = (pair.semantic + 1) % models.family.semantic.vocabulary
    other = result_of(speak_heard(models, Hearing(misheard), given, CancelToken()))
    assert other.shape == again.shape
    assert not np.array_equal(other, again)


def test_it_tells_how_much_of_the_work_is_done(models):  # noqa: F811
    told = list(speak_heard(models, Hearing([3] * 20), speech(20), CancelToken()))
    assert told == sorted(told)
    assert 0 < told[0] < 0.1
    assert told[-1] == pytest.approx(0.95)


def test_frames_and_tokens_are_laid_side_by_side_by_time():
    frames = np.arange(100)
    halved = tokens_heard(Hearing(frames), speech(100, (50.0, 25.0)))
    np.testing.assert_array_equal(halved, frames[1::2])
    doubled = tokens_heard(Hearing(frames), speech(100, (25.0, 50.0)))
    np.testing.assert_array_equal(doubled, np.repeat(frames, 2))
    bark = tokens_heard(Hearing(np.arange(500)), speech(500, (50.0, 49.9)))
    assert len(bark) == 499  # of ten seconds
    assert np.diff(bark).min() == 1


def test_a_stop_ends_it_at_the_next_token(models):  # noqa: F811
    cancel = CancelToken()
    steps = speak_heard(models, Hearing([3] * 20), speech(20), cancel)
    next(steps)
    cancel.cancel()
    with pytest.raises(JobCancelled):
        next(steps)


def test_what_is_too_short_for_a_frame_of_sound_is_refused_in_words(models):  # noqa: F811
    with pytest.raises(TextError, match="too short"):
        next(speak_heard(models, Hearing([]), speech(0), CancelToken()))
