"""Level, noise, silence, pace and pitch of sounds whose values are known."""

from pathlib import Path

import numpy as np
import pytest

from webui.quality.sentences import SENTENCES, report_sentences
from webui.quality.sound_facts import _peaks, measure_sound
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.models import load_models

MINI = Path("models/mini")


@pytest.fixture(scope="module")
def speech() -> tuple[np.ndarray, int]:
    """Some seconds of a built-in voice."""
    models = load_models(MINI)
    voice = read_speaker(MINI / "speakers" / "jon.npz", limits_of(models.family)).speaker
    return models.codec.decode(voice.fine), models.codec.sample_rate


def test_a_voice_is_measured(speech: tuple[np.ndarray, int]) -> None:
    found = measure_sound(*speech)
    assert found.seconds == pytest.approx(len(speech[0]) / speech[1])
    assert found.pitch_low_hz < found.pitch_hz < found.pitch_high_hz
    assert 80 < found.pitch_hz < 160
    assert 2 < found.syllables_per_second < 7
    assert 0 < found.silence_share < 0.5
    assert -40 < found.level_db < -5


def test_half_the_level_is_six_decibels_less(speech: tuple[np.ndarray, int]) -> None:
    loud, quiet = measure_sound(*speech), measure_sound(0.5 * speech[0], speech[1])
    assert loud.level_db - quiet.level_db == pytest.approx(6.02, abs=0.1)
    assert quiet.pitch_hz == pytest.approx(loud.pitch_hz, rel=0.02)


def test_noise_and_silence_are_told(speech: tuple[np.ndarray, int]) -> None:
    sound, rate = speech
    pause = np.zeros(2 * rate, np.float32)
    with_pause = np.concatenate([sound, pause])
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(with_pause))
    clean, noisy = (
        measure_sound(with_pause, rate),
        measure_sound((with_pause + noise).astype(np.float32), rate),
    )
    assert noisy.noise_db < clean.noise_db
    assert noisy.noise_db == pytest.approx(noisy.level_db - 20 * np.log10(0.01), abs=3)
    assert clean.silence_share > measure_sound(sound, rate).silence_share + 0.2


def test_of_silence_nothing_is_made_up() -> None:
    found = measure_sound(np.zeros(16_000, np.float32), 16_000)
    assert found.silence_share == 1.0
    assert found.pitch_hz is found.pitch_low_hz is found.syllables_per_second is None


def test_hills_are_parted_by_dips_only() -> None:
    def hills(*heights: float) -> np.ndarray:
        return np.array(heights)

    assert _peaks(hills(-60, -20, -30, -22, -60), -45.0) == [1, 3]
    assert _peaks(hills(-60, -20, -21, -20.5, -60), -45.0) == [1]
    assert _peaks(hills(-60, -20, -60, -50, -60), -45.0) == [1]
    assert _peaks(hills(-60, -40, -20), -45.0) == [2]
    assert _peaks(hills(), -45.0) == []


def test_every_language_of_bark_has_two_sentences() -> None:
    assert len(SENTENCES) == 13
    assert all(first != second for first, second in SENTENCES.values())
    assert report_sentences("xx") == report_sentences("en")
