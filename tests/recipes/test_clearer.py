"""What the decoder is asked for: the sound itself, with what stands out of it a little higher."""

import numpy as np
import pytest

from recipes.mini.clearer import clearer

RATE = 16_000


def vowel(seconds=1.0, pitch=150.0, formants=(500.0, 1_500.0, 2_500.0)):
    """Harmonics under three resonances."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros(len(time))
    for harmonic in np.arange(pitch, 4_000, pitch):
        level = sum(1 / (1 + ((harmonic - each) / 150) ** 2) for each in formants)
        sound += (level + 0.02) * np.sin(2 * np.pi * harmonic * time)
    return (0.1 * sound / np.abs(sound).max()).astype(np.float32)


def level_at(sound, hertz, width=160.0):
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    place = np.fft.rfftfreq(len(sound), 1 / RATE)
    return 10 * np.log10(power[np.abs(place - hertz) < width].sum())


def test_nothing_is_changed_by_a_share_of_nothing():
    sound = vowel()
    assert np.allclose(clearer(sound, 0.0), sound, atol=1e-6)


def test_peaks_of_the_spectrum_stand_out_more():
    sound = vowel()
    before = level_at(sound, 1_500) - level_at(sound, 2_000)
    after = {share: clearer(sound, share) for share in (0.15, 0.3)}
    gains = [level_at(made, 1_500) - level_at(made, 2_000) - before for made in after.values()]
    assert 0.5 < gains[0] < gains[1] < 6


def test_a_sound_begins_more_clearly():
    sound = vowel()
    sound[: RATE // 2] *= 0.1
    made = clearer(sound, 0.3)
    onset, later = slice(RATE // 2, RATE // 2 + 400), slice(13_000, 14_000)

    def energy(what, where):
        return float(np.square(what[where]).mean())

    assert energy(made, onset) / energy(made, later) > 1.05 * (
        energy(sound, onset) / energy(sound, later)
    )


@pytest.mark.parametrize("samples", [1, 100, 511, 512, 513, 16_001])
def test_length_and_loudness_stay(samples):
    sound = np.random.default_rng(0).standard_normal(samples).astype(np.float32) * 0.05
    made = clearer(sound, 0.2)
    assert made.shape == sound.shape
    assert made.dtype == np.float32
    assert np.square(made).mean() == pytest.approx(np.square(sound).mean(), rel=1e-3)


def test_silence_stays_silence():
    assert not clearer(np.zeros(4_000, np.float32), 0.2).any()
