"""Speaking faster or slower: the length follows, the pitch stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.errors import SettingsError
from webui.synthesis.tempo import change_tempo

RATE = 24_000


def voice(seconds: float = 2.0, hertz: float = 140.0) -> np.ndarray:
    """A sound with overtones, as loud and quiet in turn as speech."""
    times = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 8))
    return (0.2 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * times))).astype(np.float32)


def pitch(sound: np.ndarray) -> float:
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    return float(np.argmax(spectrum) * RATE / (8 * len(sound)))


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.25, 2.0, 4.0])
@pytest.mark.parametrize("hertz", [90.0, 140.0, 260.0])
def test_the_length_follows_the_speed_and_the_pitch_stays(speed, hertz):
    sound = voice(hertz=hertz)
    changed = change_tempo(sound, RATE, speed)
    assert len(changed) == round(len(sound) / speed)
    assert pitch(changed) == pytest.approx(hertz, rel=0.02)
    assert np.sqrt(np.mean(changed**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.1)


def test_the_speed_of_one_changes_nothing():
    sound = voice(0.5)
    assert change_tempo(sound, RATE, 1.0) is sound


@pytest.mark.parametrize("speed", [0.5, 1.7])
def test_chunks_changed_one_by_one_fit_together_without_a_click(speed):
    sound = voice(1.0)
    steepest = np.abs(np.diff(sound)).max()
    middle = len(sound) // 2
    parts = [change_tempo(each, RATE, speed) for each in (sound[:middle], sound[middle:])]
    seam = len(parts[0])
    joined = np.concatenate(parts)
    assert abs(joined[seam] - joined[seam - 1]) <= steepest
    assert np.abs(np.diff(joined)).max() <= 2 * steepest


@given(st.integers(0, 3_000), st.floats(0.25, 4.0))
def test_any_length_comes_through(samples, speed):
    sound = np.full(samples, 0.5, np.float32)
    changed = change_tempo(sound, RATE, speed)
    assert len(changed) in (samples, round(samples / speed))
    assert np.allclose(changed, 0.5)


@pytest.mark.parametrize("speed", [0.0, 0.2, 4.1, -1.0, float("nan"), float("inf")])
def test_a_speed_outside_the_bounds_is_refused(speed):
    with pytest.raises(SettingsError, match=r"between 0\.25 and 4"):
        change_tempo(voice(0.2), RATE, speed)
