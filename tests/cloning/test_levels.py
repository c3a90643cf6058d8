"""The level that a recording is brought to before it becomes a voice."""

import numpy as np
import pytest

from tests.cloning.recordings import RATE, noise, silence, speech
from webui.audio import resample
from webui.cloning.levels import HIGHEST_PEAK, SPEECH_DB, normalise_level
from webui.cloning.listening import listen


@pytest.mark.parametrize("gain", [0.01, 0.2, 1.0])
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_speech_gets_one_level_however_loud_it_came(gain, rate):
    sound = resample(speech("kit"), RATE, rate) * np.float32(gain)
    made = normalise_level(sound, rate)
    assert made.dtype == np.float32
    assert len(made) == len(sound)
    assert listen(made, rate).level_db == pytest.approx(SPEECH_DB, abs=0.2)


def test_a_family_may_have_louder_voices():
    made = normalise_level(speech("kit"), RATE, -18.0)
    assert listen(made, RATE).level_db == pytest.approx(-18.0, abs=0.2)


def test_long_pauses_do_not_make_the_speech_louder():
    short = normalise_level(speech("kit", pause=0.3), RATE)
    long = normalise_level(speech("kit", pause=3.0), RATE)
    assert np.abs(short).max() == pytest.approx(np.abs(long).max(), rel=0.02)


def test_no_peak_passes_full_scale():
    sound = speech("kit") * np.float32(0.02)
    sound[2_000] = 0.9
    assert np.abs(normalise_level(sound, RATE)).max() <= HIGHEST_PEAK + 1e-6


def test_a_steady_offset_is_taken_away():
    sound = speech("kit") * np.float32(0.3)
    np.testing.assert_allclose(
        normalise_level(sound + np.float32(0.2), RATE), normalise_level(sound, RATE), atol=0.01
    )


def test_silence_stays_silence_and_nothing_stays_nothing():
    assert not normalise_level(silence(1), RATE).any()
    assert normalise_level(silence(0), RATE).size == 0


def test_hiss_is_not_made_a_voice():
    made = normalise_level(noise(RATE) * np.float32(1e-6), RATE)
    assert np.abs(made).max() < 0.01
