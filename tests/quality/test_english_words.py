"""English words, on what the built-in family's first voice says and on sounds without words."""

from pathlib import Path

import numpy as np
import pytest

from webui.events import CancelToken, Done
from webui.quality.english_words import RATE, RIVAL_WORDS, EnglishRecogniser
from webui.quality.words import words_right
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import load_models
from webui.synthesis.speech import speak

MINI = Path(__file__).parents[2] / "models" / "mini"
SENTENCE = "The night is cold and the wind is strong."
OTHERS = (
    "She put the red book on the table.",
    "They found an old map in the attic.",
    "Her voice was soft and clear.",
)
DICE = np.random.default_rng(0)
NOISE = DICE.normal(0, 0.1, 2 * RATE).astype(np.float32)


@pytest.fixture(scope="module")
def ears() -> EnglishRecogniser:
    return EnglishRecogniser()


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """The sentence as the built-in family says it, at `RATE`."""
    models = load_models(MINI)
    voice = read_speaker(MINI / "speakers" / "ada.npz", limits_of(models.family)).speaker
    controls = controls_from_json({"seed": 2}, controls_from_json(models.family.controls))
    events = speak(models, SENTENCE, voice, controls, CancelToken())
    (done,) = [each for each in events if isinstance(each, Done)]
    assert models.codec.sample_rate == RATE
    return done.result.waveform


def test_the_words_asked_are_heard_with_their_times(ears, speech):
    found = ears.listen_for(SENTENCE, speech, RATE, "en")
    assert words_right(SENTENCE, found.text) >= 0.7
    assert found.text == " ".join(word.text for word in found.words)
    times = [time for word in found.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= len(speech) / RATE
    assert all(0 <= word.confidence <= 1 for word in found.words)


def test_another_sentence_is_not_heard(ears, speech):
    for other in OTHERS:
        assert words_right(other, ears.listen_for(other, speech, RATE, "en").text) <= 0.5


def test_every_sound_is_heard_the_same_whatever_came_before(ears, speech):
    first = ears.listen_for(SENTENCE, speech, RATE, "en")
    ears.listen_for(OTHERS[0], NOISE, RATE, "en")
    ears.choose(speech, RATE, OTHERS)
    again = ears.listen_for(SENTENCE, speech, RATE, "en")
    assert [(w.text, w.start_seconds) for w in again.words] == [
        (w.text, w.start_seconds) for w in first.words
    ]


def test_a_word_that_the_dictionary_lacks_does_not_count_against_the_speaker(ears, speech):
    asked = SENTENCE.replace("night", "Zzyzxton")
    found = ears.listen_for(asked, speech, RATE, "en").text
    assert found.split().count("zzyzxton") == 1
    assert words_right(asked, found) >= 0.6


def test_the_sentence_said_is_chosen(ears, speech):
    assert ears.choose(speech, RATE, [*OTHERS, SENTENCE]) == 3
    assert ears.choose(NOISE, RATE, [*OTHERS, SENTENCE]) is None
    assert ears.choose(speech, RATE, []) is None


def test_a_known_text_is_laid_over_its_sound(ears, speech):
    found = ears.align(SENTENCE, speech, RATE)
    assert " ".join(word.text for word in found) == "the night is cold and the wind is strong"
    assert found[-1].end_seconds <= len(speech) / RATE
    assert ears.align("Zzyzxton", speech, RATE) is None
    assert ears.align(SENTENCE, NOISE[:1_000], RATE) is None


def test_speech_is_written_down_freely(ears, speech):
    found = ears.transcribe(speech, RATE, "en")
    assert found.words
    ears.transcribe(NOISE, RATE, "en")
    assert ears.transcribe(speech, RATE, "en").text == found.text


@pytest.mark.parametrize("level", [0.0, 0.001, 0.5, 20.0])
def test_noise_is_heard_as_nothing(ears, level):
    noise = NOISE * np.float32(level * 10)
    assert words_right(SENTENCE, ears.listen_for(SENTENCE, noise, RATE, "en").text) < 0.3


@pytest.mark.parametrize("samples", [0, 1, 100, 3_000])
@pytest.mark.parametrize("value", [0.0, 1.0, np.nan, np.inf])
def test_no_sound_is_an_error(ears, samples, value):
    sound = np.full(samples, value, np.float32)
    assert ears.listen_for(SENTENCE, sound, 24_000, "en").words == ()
    assert ears.choose(sound, 24_000, OTHERS) is None
    assert len(ears.transcribe(sound, 24_000, "en").words) <= 1


def test_a_long_sound_is_cut_where_it_is_quiet(ears, speech, monkeypatch):
    monkeypatch.setattr("webui.quality.words.PIECE_SECONDS", 4.0)
    monkeypatch.setattr("webui.quality.words.CUT_SECONDS", 2.0)
    pause = np.zeros(2 * RATE, np.float32)
    found = ears.transcribe(np.concatenate([speech, pause, speech]), RATE, "en")
    late = [word for word in found.words if word.start_seconds > len(speech) / RATE + 1.5]
    assert 0 < len(late) < len(found.words)


def test_the_rivals_are_known_words_without_doubles(ears):
    assert len(set(RIVAL_WORDS)) == len(RIVAL_WORDS)
    assert all(ears._phones(word) for word in RIVAL_WORDS)
