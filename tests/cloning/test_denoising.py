"""Noise is taken out, and clean speech is left alone."""

import numpy as np
import pytest

from tests.cloning.recordings import RATE, behind, error_db, noise, silence, speech
from webui.audio import resample
from webui.cloning.denoising import denoise
from webui.cloning.listening import listen

VOICES = ("ada", "kit", "leo")


def spoken_part(sound):
    return np.repeat(listen(sound, RATE).speech, RATE // 100)


@pytest.mark.parametrize("name", VOICES)
def test_clean_speech_comes_back_as_it_was(name):
    sound = speech(name)
    assert error_db(sound, denoise(sound, RATE)) > 60


@pytest.mark.parametrize("name", VOICES)
def test_faint_noise_costs_the_speech_nothing(name):
    sound = speech(name)
    noisy = behind(sound, noise(len(sound)), 40)
    assert error_db(sound, denoise(noisy, RATE)) > error_db(sound, noisy) - 1


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize(("decibels", "gained"), [(20, 2.5), (10, 5.0)])
def test_speech_in_noise_comes_closer_to_the_clean_speech(name, decibels, gained):
    sound = speech(name)
    noisy = behind(sound, noise(len(sound)), decibels)
    spoken = spoken_part(sound)
    clean, before, after = (
        each[: len(spoken)][spoken] for each in (sound, noisy, denoise(noisy, RATE))
    )
    assert error_db(clean, after) > error_db(clean, before) + gained


def test_the_noise_of_the_pauses_falls_and_a_rest_of_it_stays():
    sound = speech("ada", pause=1.0)
    noisy = behind(sound, noise(len(sound)), 15)
    before, after = listen(noisy, RATE).noise_db, listen(denoise(noisy, RATE), RATE).noise_db
    assert before + 10 < after < before + 19


def test_noise_that_changes_is_followed():
    sound = speech(*VOICES * 4, pause=0.8)
    loud = np.where(np.arange(len(sound)) < len(sound) // 2, 0.7, 1.6).astype(np.float32)
    noisy = behind(sound, noise(len(sound)) * loud, 20)
    cleaned = denoise(noisy, RATE)
    for half in (slice(0, len(sound) // 2), slice(len(sound) // 2, None)):
        gained = error_db(sound[half], cleaned[half]) - error_db(sound[half], noisy[half])
        assert gained > 5, "the mean noise taken out of the louder half gains 4.4"


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_length_and_type_stay_at_other_rates(rate):
    sound = resample(behind(speech("ada"), noise(200_000), 15), RATE, rate)
    cleaned = denoise(sound, rate)
    assert len(cleaned) == len(sound)
    assert cleaned.dtype == np.float32
    assert listen(cleaned, rate).noise_db > listen(sound, rate).noise_db + 8


def test_what_was_given_is_not_changed():
    sound = behind(speech("ada"), noise(200_000), 15)
    kept = sound.copy()
    denoise(sound, RATE)
    np.testing.assert_array_equal(sound, kept)


@pytest.mark.parametrize("seconds", [0, 0.01, 0.5])
def test_silence_and_next_to_nothing_stay(seconds):
    sound = silence(seconds)
    np.testing.assert_array_equal(denoise(sound, RATE), sound)
