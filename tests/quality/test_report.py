"""The clone report: numbers from two sounds, and the verdict that follows from them."""

from dataclasses import replace

import numpy as np
import pytest

from webui.clone_results import SoundFacts
from webui.quality import report
from webui.quality.report import closeness_of, make_report, nearness_of, score_of
from webui.quality.similarity import SpeakerEncoder
from webui.quality.words import HeardWord, Transcript

RATE = 16_000
FACTS = SoundFacts(4.0, -23.0, 40.0, 0.1, 4.0, 120.0, 100.0, 150.0)


class Angles(SpeakerEncoder):
    """Places a sound on a circle by its first sample, in degrees."""

    def __init__(self) -> None:
        pass

    def embed(self, waveform: np.ndarray, rate: int) -> np.ndarray:
        angle = np.deg2rad(float(waveform[0]) * 100)
        found = np.zeros(256, np.float32)
        found[:2] = np.cos(angle), np.sin(angle)
        return found


class Hears:
    """A recogniser that hears what it is told to."""

    name = "scripted"

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.asked: list[str] = []

    def transcribe(self, waveform: np.ndarray, rate: int, language: str) -> Transcript:
        raise AssertionError("the report knows what was asked")

    def listen_for(self, asked: str, waveform: np.ndarray, rate: int, language: str) -> Transcript:
        self.asked.append(asked)
        text = self.texts.pop(0)
        return Transcript(tuple(HeardWord(each, 0.0, 0.1, 1.0) for each in text.split()), text)


@pytest.fixture(autouse=True)
def _same_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "measure_sound", lambda waveform, rate: FACTS)


def sound(degrees: float, seconds: float = 4.0) -> np.ndarray:
    return np.full(int(seconds * RATE), degrees / 100, np.float32)


def test_likeness_stands_beside_the_recordings_own() -> None:
    reference = np.concatenate([sound(0, 2.0), sound(20, 2.0)])
    found = make_report(
        reference, RATE, [("Hello there.", sound(30))], RATE, "en", Angles(), Hears("hello there")
    )
    assert found.similarity == pytest.approx(np.cos(np.deg2rad(30)), abs=1e-5)
    assert found.ceiling == pytest.approx(np.cos(np.deg2rad(20)), abs=1e-5)
    assert found.words_right == 1.0
    assert found.closeness == "close"
    assert found.verdict == "It sounds close to the speaker. Its words were understood."
    assert found.score == pytest.approx(0.6 * nearness_of(found.similarity, found.ceiling) + 0.4)


def test_a_stranger_with_half_the_words_is_told_so() -> None:
    said = [("one two three four", sound(60)), ("five six", sound(60))]
    ears = Hears("one nine", "five six")
    found = make_report(sound(0), RATE, said, RATE, "en", Angles(), ears)
    assert ears.asked == ["one two three four", "five six"]
    assert [each.words_right for each in found.sentences] == [0.25, 1.0]
    assert found.closeness == "far"
    assert "does not sound close to the speaker" in found.verdict
    assert "3 of 6 words were understood" in found.verdict
    assert found.score == pytest.approx(0.4 * 0.625)


def test_without_ears_nothing_is_made_up() -> None:
    found = make_report(sound(0), RATE, [("Hallo.", sound(5))], RATE, "de", None, None)
    assert found.similarity is found.ceiling is found.words_right is None
    assert found.sentences[0].heard is None
    assert found.closeness == ""
    assert found.score == 0.0
    assert "could not be measured" in found.verdict


def test_a_short_recording_has_no_halves_to_compare() -> None:
    found = make_report(sound(0, 3.1), RATE, [("Hi.", sound(0))], RATE, "en", Angles(), Hears("hi"))
    assert found.ceiling is None
    assert found.closeness == "close"


def test_a_recording_that_varies_is_told_and_does_not_make_the_test_easier() -> None:
    reference = np.concatenate([sound(0, 2.0), sound(50, 2.0)])
    found = make_report(reference, RATE, [("Hi.", sound(50))], RATE, "en", Angles(), Hears("hi"))
    assert "two halves are 0.64 alike" in found.verdict
    assert nearness_of(0.64, 0.64) == nearness_of(0.64, 0.80) < 0.4


def test_noise_and_silence_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = iter([replace(FACTS, noise_db=20.0, silence_share=0.7), FACTS])
    monkeypatch.setattr(report, "measure_sound", lambda waveform, rate: next(facts))
    found = make_report(sound(0), RATE, [("Hi.", sound(0))], RATE, "en", Angles(), Hears("hi"))
    assert found.verdict.endswith("It is noisier than the recording. Much of it is silence.")


@pytest.mark.parametrize(
    ("similarity", "word"), [(0.86, "close"), (0.78, "close"), (0.70, "somewhat"), (0.6, "far")]
)
def test_people_are_told_apart_where_the_encoder_parts_them(similarity: float, word: str) -> None:
    assert closeness_of(nearness_of(similarity, None)) == word


def test_the_score_uses_what_is_known() -> None:
    assert score_of(None, None) == 0.0
    assert score_of(0.5, None) == 0.5
    assert score_of(None, 0.25) == pytest.approx(0.25)
    assert score_of(1.0, 0.5) == pytest.approx(0.8)
