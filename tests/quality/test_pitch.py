"""The pitch track, on sounds whose pitch is known."""

import numpy as np
import pytest

from webui.quality.pitch import STEP_SECONDS, pitch_track

RATE = 24_000


def voice(hz, rate=RATE):
    """Pulses with the pitch `hz` (one value per sample), shaped like a vowel."""
    phase = 2 * np.pi * np.cumsum(hz) / rate
    pulses = sum(np.cos(each * phase) for each in range(1, int(4_000 / hz.max())))
    times = np.arange(rate // 50) / rate
    vowel = sum(
        level * np.exp(-400 * times) * np.cos(2 * np.pi * formant * times)
        for formant, level in ((600, 1.0), (1_200, 0.6), (2_500, 0.3))
    )
    return (0.002 * np.convolve(pulses, vowel)[: len(hz)]).astype(np.float32)


@pytest.mark.parametrize("hz", [75.0, 110.0, 220.0, 440.0])
@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
def test_a_steady_voice_has_its_pitch_everywhere(hz, rate):
    _, track = pitch_track(voice(np.full(rate, hz), rate), rate)
    inside = track[10:-10]
    assert np.isfinite(inside).all()
    np.testing.assert_allclose(inside, hz, rtol=0.02)


def test_a_gliding_voice_is_followed_without_leaps():
    hz = np.geomspace(90, 300, RATE)
    times, track = pitch_track(voice(hz), RATE)
    inside = slice(10, -10)
    np.testing.assert_allclose(track[inside], hz[np.int64(times[inside] * RATE)], rtol=0.05)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert np.isfinite(pitch_track(noise, RATE)[1]).mean() < 0.05
    assert np.isnan(pitch_track(np.zeros(RATE, np.float32), RATE)[1]).all()


def test_voiced_and_voiceless_parts_are_told_apart():
    noise = np.random.default_rng(1).normal(0, 0.02, RATE).astype(np.float32)
    _, track = pitch_track(np.concatenate([voice(np.full(RATE, 150.0)), noise]), RATE)
    half = len(track) // 2
    assert np.isfinite(track[5 : half - 5]).mean() > 0.95
    assert np.isfinite(track[half + 5 :]).mean() < 0.05


def test_noise_in_the_background_does_not_double_or_halve_the_pitch():
    sound = voice(np.full(RATE, 130.0))
    noise = np.random.default_rng(2).normal(0, 0.1 * sound.std(), RATE)
    _, track = pitch_track((sound + noise).astype(np.float32), RATE)
    found = track[np.isfinite(track)]
    assert len(found) > 0.9 * len(track)
    assert np.abs(np.log2(found / 130.0)).max() < 0.1


@pytest.mark.parametrize("samples", [0, 1, 200])
def test_a_sound_of_almost_nothing_has_one_voiceless_moment(samples):
    times, track = pitch_track(np.zeros(samples, np.float32), RATE)
    assert len(times) == max(1, int(samples / RATE / STEP_SECONDS))
    assert np.isnan(track).all()
