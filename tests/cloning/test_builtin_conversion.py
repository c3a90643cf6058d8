"""The built-in voice converter, on two synthetic people whose pitch and formants are known."""

import numpy as np
import pytest

from tests.cloning.voices import MAN, WOMAN, Person
from webui.cloning.conversion.builtin import BuiltinConverter
from webui.cloning.conversion.envelope import envelopes
from webui.cloning.conversion.timbre import Timbre, band_centres, formant_stretch, moved_bands
from webui.errors import CloneError
from webui.quality.pitch import pitch_track

RATE = 16_000


def timbre(sound, rate=RATE):
    seconds, hz = pitch_track(sound, rate)
    return Timbre.of(envelopes(sound, rate, seconds, hz))


def pitch(sound, rate=RATE):
    return float(np.nanmedian(pitch_track(sound, rate)[1]))


def mean_bands(sound, rate=RATE):
    found = timbre(sound, rate)
    bands = found.bands()[found.is_voiced].mean(axis=0)
    return bands - bands.mean()


def distance(one, other):
    """How far apart two voices' mean spectra are, in dB."""
    return 4.34 * float(np.sqrt(np.mean((mean_bands(one) - mean_bands(other)) ** 2)))


@pytest.mark.parametrize(("source", "target"), [(MAN, WOMAN), (WOMAN, MAN)])
def test_the_pitch_becomes_the_targets(source, target):
    made, rate = BuiltinConverter().convert(source.say(), RATE, target.say((3, 2, 1, 0)), RATE)
    assert rate == RATE
    assert abs(np.log2(pitch(made) / target.hz)) < 0.1


@pytest.mark.parametrize(("source", "target"), [(MAN, WOMAN), (WOMAN, MAN)])
def test_the_spectrum_becomes_the_targets(source, target):
    own, wanted = source.say(), target.say((3, 2, 1, 0))
    made, _ = BuiltinConverter().convert(own, RATE, wanted, RATE)
    assert distance(made, wanted) < 0.65 * distance(own, wanted)


def test_a_lively_target_makes_the_speech_lively():
    calm, lively = Person(120.0, wobble=0.05), Person(120.0, wobble=0.2)
    made, _ = BuiltinConverter().convert(calm.say(), RATE, lively.say(), RATE)
    spread = [np.nanstd(np.log(pitch_track(each, RATE)[1])) for each in (calm.say(), made)]
    assert spread[1] > 1.3 * spread[0]


@pytest.mark.parametrize("samples", [15_999, 16_000, 20_001])
@pytest.mark.parametrize("rates", [(16_000, 16_000), (24_000, 16_000), (16_000, 44_100)])
def test_length_and_level_stay_exactly(samples, rates):
    own = MAN.say(rate=rates[0])[:samples]
    made, rate = BuiltinConverter().convert(own, rates[0], WOMAN.say(rate=rates[1]), rates[1])
    assert (len(made), rate) == (len(own), rates[0])
    assert made.dtype == np.float32
    assert np.isclose(np.sqrt(np.mean(made**2)), np.sqrt(np.mean(own**2)), rtol=0.01)
    assert np.abs(made).max() <= 1.0


def test_pauses_stay_where_they_are():
    own = np.concatenate([MAN.say((0,)), np.zeros(RATE // 2, np.float32), MAN.say((1,))])
    made, _ = BuiltinConverter().convert(own, RATE, WOMAN.say(), RATE)
    pause = slice(len(MAN.say((0,))) + RATE // 20, len(MAN.say((0,))) + RATE // 2 - RATE // 20)
    assert np.abs(made[pause]).max() < 1e-4


def test_a_voice_converted_to_itself_stays_nearly_the_same():
    own = MAN.say()
    made, _ = BuiltinConverter().convert(own, RATE, MAN.say((1, 2, 3, 0)), RATE)
    assert abs(np.log2(pitch(made) / MAN.hz)) < 0.05
    assert distance(made, own) < 1.5


def test_the_same_input_gives_the_same_sound():
    first, second = (
        BuiltinConverter().convert(MAN.say(), RATE, WOMAN.say(), RATE)[0] for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_the_formants_factor_is_found():
    high = Person(110.0, stretch=1.15)
    assert 1.05 < formant_stretch(timbre(MAN.say()), timbre(high.say((2, 3, 0, 1)))) < 1.25
    assert 0.8 < formant_stretch(timbre(high.say()), timbre(MAN.say((2, 3, 0, 1)))) < 0.95


def test_every_vowel_finds_the_targets_own():
    """Each vowel lasts 0.45 s with its breath and pause; the middle of it is looked at."""
    source, target = timbre(MAN.say((0, 1, 2, 3))), timbre(WOMAN.say((3, 2, 1, 0)))
    moved = moved_bands(source, target, formant_stretch(source, target))
    own = target.bands()
    for vowel in range(4):
        made = moved[90 * vowel + 30]
        likeness = [float(np.corrcoef(made, own[90 * place + 30])[0, 1]) for place in (3, 2, 1, 0)]
        assert int(np.argmax(likeness)) == vowel


def test_a_whisper_is_converted_without_a_pitch():
    noise = np.random.default_rng(3).normal(0, 0.05, RATE).astype(np.float32)
    made, _ = BuiltinConverter().convert(noise, RATE, WOMAN.say(), RATE)
    assert len(made) == len(noise)
    assert np.isfinite(pitch_track(made, RATE)[1]).mean() < 0.1


@pytest.mark.parametrize("samples", [0, 1, 400])
def test_a_source_of_almost_nothing_comes_back_as_long(samples):
    own = np.full(samples, 1e-9, np.float32)
    made, _ = BuiltinConverter().convert(own, RATE, WOMAN.say(), RATE)
    assert len(made) == samples
    assert np.isfinite(made).all()


@pytest.mark.parametrize("seconds", [0, 0.1, 2])
def test_a_target_without_speech_is_refused_in_words(seconds):
    silence = np.zeros(int(seconds * RATE), np.float32)
    with pytest.raises(CloneError, match="too little speech"):
        BuiltinConverter().convert(MAN.say(), RATE, silence, RATE)


def test_grains_laid_down_unchanged_give_the_sound_back():
    from webui.cloning.conversion.grains import find_marks, overlap_add

    own = MAN.say()
    marks = find_marks(own, RATE, *pitch_track(own, RATE))
    same = overlap_add(own, marks, np.ones(len(marks.at)), np.ones((len(marks.at), 513)))
    assert np.corrcoef(own, same)[0, 1] > 0.98


def test_the_envelope_shows_the_formants_and_not_the_overtones():
    found = timbre(Person(100.0, wobble=0.0, tilt=0.0).say((0,)))
    hz = np.arange(200, 3_000, 10.0)
    envelope = found.envelopes.log_power(hz)[30]
    peaks = hz[1:-1][(envelope[1:-1] > envelope[:-2]) & (envelope[1:-1] > envelope[2:])]
    for formant in (730, 1_090, 2_440):
        assert np.abs(peaks - formant).min() < 60
    assert len(peaks) < 8


def test_bands_lie_below_half_the_rate():
    for rate in (8_000, 16_000, 48_000):
        centres = band_centres(rate)
        assert (np.diff(centres) > 0).all()
        assert 0 < centres[0] < centres[-1] < rate / 2
