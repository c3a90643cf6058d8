"""Verified generation and the drift guard on the built-in family, with the real listeners."""

from pathlib import Path

import numpy as np
import pytest

from webui.arrays import Speaker
from webui.events import CancelToken, Done, Speech
from webui.quality.drift import DriftGuard
from webui.quality.english_words import EnglishRecogniser
from webui.quality.panel import Panel
from webui.quality.similarity import speaker_encoder
from webui.quality.verified import LEAST_RIGHT, WordJudge
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import controls_from_json
from webui.synthesis.judging import Attempt
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.speech import speak

MINI = Path(__file__).parents[2] / "models" / "mini"
ASKED = "I would like a cup of coffee."
LONGER = "I would like a cup of coffee, and she put the red book on the table."
OTHER = "The children are playing in the garden."


@pytest.fixture(scope="module")
def models() -> BarkModels:
    return load_models(MINI)


@pytest.fixture(scope="module")
def words() -> WordJudge:
    return WordJudge(EnglishRecogniser(), "en")


def voice(models, name) -> Speaker:
    return read_speaker(MINI / "speakers" / f"{name}.npz", limits_of(models.family)).speaker


def say(models, judge) -> Speech:
    controls = controls_from_json({"seed": 2}, controls_from_json(models.family.controls))
    speaker = voice(models, "gus")
    *_, done = speak(models, ASKED, speaker, controls, CancelToken(), "en", judge)
    assert isinstance(done, Done)
    return done.result


@pytest.fixture
def misread(models, monkeypatch):
    """Make the family read other words than those on the page, as often as there are some."""

    def next_time(*texts):
        waiting, encode = list(texts), models.tokenizer.encode
        kind = type(models.tokenizer)
        read = lambda self, text: encode(waiting.pop(0) if waiting else text)  # noqa: E731
        monkeypatch.setattr(kind, "encode", read)

    return next_time


@pytest.fixture(scope="module")
def plain(models) -> Speech:
    return say(models, None)


def test_words_after_the_text_are_cut_from_the_sound_and_from_the_tokens(
    models, words, plain, misread
):
    misread(LONGER, LONGER)
    (whole,) = say(models, None).chunks
    judged = say(models, Panel(words, None, 1))
    (chunk,) = judged.chunks
    assert chunk.words_right >= LEAST_RIGHT
    assert chunk.seed == whole.seed
    kept = len(chunk.speaker.semantic)
    np.testing.assert_array_equal(chunk.speaker.semantic, whole.speaker.semantic[:kept])
    frames = kept * round(models.family.coarse.rate_hz / models.family.semantic.rate_hz)
    np.testing.assert_array_equal(chunk.speaker.fine, whole.speaker.fine[:, :frames])
    seconds = len(plain.waveform) / plain.sample_rate
    assert len(judged.waveform) / judged.sample_rate == pytest.approx(seconds, abs=0.4)
    assert whole.end_seconds > seconds + 1.0
    assert "after the last word were cut off" in chunk.notes[0]


def test_a_chunk_that_says_something_else_is_spoken_again(models, words, misread):
    misread(OTHER)
    (chunk,) = say(models, Panel(words, None, 3)).chunks
    assert chunk.tries > 1
    assert chunk.words_right > 0.5  # what it said at first is less right, see the next test


def test_a_chunk_that_may_not_be_spoken_again_is_kept_and_told(models, words, misread):
    misread(OTHER)
    wrong = say(models, Panel(words, None, 1))
    assert wrong.chunks[0].words_right < 0.5
    assert "heard something else" in wrong.notes[-1]


def test_a_speech_in_another_voice_has_drifted(models, plain):
    encoder = speaker_encoder()
    if encoder is None:
        pytest.skip("resemblyzer is not installed")
    guard = DriftGuard(encoder, models.codec.decode)

    def judged(name):
        return guard.judge(Attempt(ASKED, plain.waveform, plain.sample_rate, voice(models, name)))

    assert judged("gus").is_right
    assert judged("gus").similarity > judged("ada").similarity + 0.15
    assert judged("ada").is_drifted
