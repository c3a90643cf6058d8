"""Waveform -> pitch, on sounds whose pitch is known."""

import numpy as np
import pytest

from webui.quality.pitch import HIGHEST_HZ, LOWEST_HZ, STEP_SECONDS, pitch_track

RATE = 24_000


def pulses(hz, rate=RATE):
    """Falling harmonics whose pitch follows `hz`: one value a sample, or one for a second."""
    track = np.full(rate, hz) if np.ndim(hz) == 0 else hz
    phase = 2 * np.pi * np.cumsum(track) / rate
    harmonics = range(1, min(11, int(0.45 * rate / np.max(hz)) + 1))
    return (0.1 * sum(np.cos(k * phase) / k for k in harmonics)).astype(np.float32)


def vowel(hz, rate=RATE):
    """Pulses shaped by three resonances, as the throat does."""
    times = np.arange(rate // 50) / rate
    shape = sum(
        level * np.exp(-400 * times) * np.cos(2 * np.pi * formant * times)
        for formant, level in ((600, 1.0), (1_200, 0.6), (2_500, 0.3))
    )
    sound = np.convolve(pulses(hz, rate), shape)[:rate]
    return (0.1 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.mark.parametrize("hz", [70.0, 101.3, 220.0, 333.3, 480.0])
@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100])
@pytest.mark.parametrize("voice", [pulses, vowel])
def test_a_steady_pitch_is_found_within_a_hundredth_at_every_rate(voice, hz, rate):
    _, found = pitch_track(voice(hz, rate), rate)
    inside = found[10:-10]
    assert np.isfinite(inside).all()
    assert np.abs(inside / hz - 1).max() < 0.01


def test_a_gliding_pitch_is_followed_at_its_times():
    glide = np.geomspace(90, 300, RATE)
    times, found = pitch_track(pulses(glide), RATE)
    meant = np.interp(times, np.arange(len(glide)) / RATE, glide)
    assert np.abs(found[10:-10] / meant[10:-10] - 1).max() < 0.02


def test_noise_and_silence_have_no_pitch():
    dice = np.random.default_rng(0)
    noise = dice.normal(0, 0.1, RATE).astype(np.float32)
    _, found = pitch_track(np.concatenate([noise, np.zeros(RATE, np.float32)]), RATE)
    assert np.isnan(found).mean() > 0.95


def test_a_voice_between_pauses_is_found_where_it_is():
    quiet = np.zeros(RATE // 2, np.float32)
    times, found = pitch_track(np.concatenate([quiet, pulses(150.0), quiet]), RATE)
    voiced = times[np.isfinite(found)]
    assert 0.45 < voiced.min() < 0.55
    assert 1.45 < voiced.max() < 1.55


def test_noise_of_a_tenth_of_its_power_does_not_double_or_halve_the_pitch():
    dice = np.random.default_rng(1)
    voice = vowel(130.0)
    noise = dice.normal(0, voice.std() / np.sqrt(10), len(voice)).astype(np.float32)
    _, found = pitch_track(voice + noise, RATE)
    assert np.isfinite(found).mean() > 0.9
    assert np.nanmax(np.abs(np.log2(found / 130))) < 0.1


def test_the_level_changes_nothing():
    voice = pulses(200.0)
    loud, quiet = pitch_track(voice, RATE)[1], pitch_track(voice * np.float32(1e-3), RATE)[1]
    assert np.allclose(loud, quiet, rtol=1e-3, equal_nan=True)


@pytest.mark.parametrize("samples", [0, 1, 119, 120, 239, 240, 1_000])
def test_a_sound_of_almost_nothing_has_its_times_and_no_pitch(samples):
    times, found = pitch_track(np.zeros(samples, np.float32), RATE)
    assert np.isnan(found).all()
    assert len(times) == len(found) == max(1, samples // round(STEP_SECONDS * RATE))


def test_every_pitch_lies_in_the_range_of_voices():
    dice = np.random.default_rng(2)
    steps = np.repeat(dice.uniform(20, 900, 20), RATE // 10)
    _, found = pitch_track(pulses(steps), RATE)
    found = found[np.isfinite(found)]
    assert len(found)
    assert found.min() >= LOWEST_HZ
    assert found.max() <= HIGHEST_HZ


def test_a_long_sound_is_looked_at_in_blocks_with_the_same_result(monkeypatch):
    glide = pulses(np.linspace(100, 200, RATE))
    whole = pitch_track(glide, RATE)[1]
    monkeypatch.setattr("webui.quality.pitch.BLOCK_FRAMES", 7)
    assert np.allclose(pitch_track(glide, RATE)[1], whole, rtol=1e-4, equal_nan=True)
