"""Where somebody speaks: to about 10 ms, in quiet and loud recordings, at any rate."""

import numpy as np
import pytest

from tests.cloning.recordings import (
    ADA_PHRASES,
    PAUSE,
    RATE,
    behind,
    music,
    noise,
    silence,
    speech,
    voice,
)
from webui.audio import resample
from webui.cloning.speech_detection import detect_speech

VOICES = ["ada", "bea", "cleo", "dora", "eve", "fay", "gus", "hal", "ivo", "jon", "kit", "leo"]


@pytest.mark.parametrize("name", VOICES)
def test_every_built_in_voice_is_heard_as_speech(name):
    sound = voice(name)
    spans = detect_speech(sound, RATE)
    assert sum(end - start for start, end in spans) > 0.8 * len(sound) / RATE


def test_phrases_start_and_end_where_their_sound_does():
    spans = detect_speech(speech("ada"), RATE)
    wanted = [(start + PAUSE, end + PAUSE) for start, end in ADA_PHRASES]
    assert np.asarray(spans) == pytest.approx(np.asarray(wanted), abs=0.06)


def test_spans_are_in_order_and_inside_the_recording():
    sound = behind(speech("ada", "gus", "leo", pause=0.1), music(300_000), 10)
    edges = [edge for span in detect_speech(sound, RATE) for edge in span]
    assert edges == sorted(edges)
    assert 0 <= edges[0] < edges[-1] <= len(sound) / RATE


@pytest.mark.parametrize("gain", [0.001, 0.02, 1.7])
def test_quiet_and_loud_recordings_are_heard_alike(gain):
    sound = speech("ada")
    found = detect_speech(sound * np.float32(gain), RATE)
    assert np.asarray(found) == pytest.approx(np.asarray(detect_speech(sound, RATE)), abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_the_rate_does_not_matter(rate):
    sound = speech("gus")  # of the high voices' last sound there is nothing left at 8 kHz
    found = detect_speech(resample(sound, RATE, rate), rate)
    assert np.asarray(found) == pytest.approx(np.asarray(detect_speech(sound, RATE)), abs=0.08)


def test_speech_is_found_in_noise():
    sound = speech("ada", "kit")
    noisy = behind(sound, noise(len(sound)), 10)
    clean, found = detect_speech(sound, RATE), detect_speech(noisy, RATE)
    assert found[0][0] == pytest.approx(clean[0][0], abs=0.15)
    assert found[-1][1] == pytest.approx(clean[-1][1], abs=0.25)


def test_a_click_does_not_hide_quiet_speech():
    sound = speech("ada") * np.float32(0.01)
    sound[100] = 1.0
    assert sum(end - start for start, end in detect_speech(sound, RATE)) > 3.5


def test_a_steady_offset_is_no_sound():
    sound = speech("ada") * np.float32(0.1)
    found = detect_speech(sound + np.float32(0.3), RATE)
    assert np.asarray(found) == pytest.approx(np.asarray(detect_speech(sound, RATE)), abs=0.05)


@pytest.mark.parametrize(
    "sound",
    [silence(2), noise(32_000) * np.float32(0.1), music(32_000) * np.float32(0.1), silence(0)],
    ids=["silence", "noise", "music", "empty"],
)
def test_what_is_no_speech_has_no_spans(sound):
    assert detect_speech(sound, RATE) == ()


def test_a_silent_pause_divides_what_sounds_like_one_phrase():
    sound = speech("ada", pause=0.0)
    cut = np.concatenate([sound[:16_000], silence(0.3), sound[16_000:]])
    assert len(detect_speech(cut, RATE)) == len(detect_speech(sound, RATE)) + 1
