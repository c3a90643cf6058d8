"""Music behind a voice is told from noise, hum, whistles and the voice's own ringing."""

import numpy as np
import pytest

from tests.cloning.recordings import RATE, behind, check, kinds, music, noise, silence, speech
from webui.cloning.music_detection import music_frames

SAMPLES = 8 * RATE
SECONDS = np.arange(SAMPLES) / RATE


def tone(*hertz):
    made = np.sum([np.sin(2 * np.pi * each * SECONDS) for each in hertz], axis=0)
    return (made / made.std()).astype(np.float32)


def share(sound):
    return music_frames(sound, np.ones(len(sound) // 160, bool)).mean()


def test_chords_are_music():
    assert share(music(SAMPLES)) > 0.4
    assert share(music(SAMPLES, seed=3) * np.float32(0.01)) > 0.4


@pytest.mark.parametrize(
    "sound",
    [noise(SAMPLES), tone(50, 100, 150, 200), tone(1_000), tone(420) + noise(SAMPLES)],
    ids=["hiss", "hum", "whistle", "fan"],
)
def test_noise_and_steady_tones_are_none(sound):
    assert share(sound) < 0.02


def test_only_the_background_is_looked_at():
    sound = music(SAMPLES)
    background = np.zeros(SAMPLES // 160, bool)
    background[200:400] = True
    found = music_frames(sound, background)
    assert found[200:400].mean() > 0.3
    assert not found[:200].any()
    assert not found[400:].any()


@pytest.mark.parametrize("samples", [0, 100, 1_024])
def test_what_is_too_short_is_none(samples):
    assert not music_frames(music(2_048)[:samples], np.ones(samples // 160, bool)).any()


@pytest.mark.parametrize("names", [("ada", "leo"), ("kit", "gus")])
@pytest.mark.parametrize("decibels", [22, 8])
def test_music_under_speech_is_found_and_noise_is_not_called_music(names, decibels):
    sound = speech(*names)
    assert "music" in kinds(check(behind(sound, music(len(sound)), decibels)))
    noisy = kinds(check(behind(sound, noise(len(sound)), decibels)))
    assert "music" not in noisy


def test_music_alone_is_no_voice():
    (only,) = check(np.concatenate([silence(0.2), music(SAMPLES) * np.float32(0.1)])).findings
    assert only.is_fatal
    assert "music" in only.words
