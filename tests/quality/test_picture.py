"""The report's picture: where sound and pitch are drawn."""

import numpy as np
import pytest

from webui.quality.picture import AXIS_ROWS, GAP_ROWS, PAPER, PITCH, ROWS, report_picture

RATE = 16_000
SECOND_TOP = ROWS + AXIS_ROWS + GAP_ROWS


def hum(hz: float, seconds: float) -> np.ndarray:
    times = np.arange(round(RATE * seconds)) / RATE
    return sum(0.1 / n * np.sin(2 * np.pi * hz * n * times) for n in range(1, 20)).astype(
        np.float32
    )


def pitch_rows(panel: np.ndarray) -> np.ndarray:
    return np.unique(np.nonzero((panel == PITCH).all(-1))[0])


def test_both_sounds_are_drawn_over_the_same_time() -> None:
    picture = report_picture(hum(120, 4.0), RATE, hum(240, 2.0), RATE)
    assert picture.dtype == np.uint8
    assert picture.shape == (2 * (ROWS + AXIS_ROWS) + GAP_ROWS, 800, 3)
    first, second = picture[:ROWS], picture[SECOND_TOP : SECOND_TOP + ROWS]
    assert (second[:, 402:] == PAPER).all()
    assert not (first[:, 402:780] == PAPER).all()


def test_a_higher_voice_has_a_higher_line() -> None:
    picture = report_picture(hum(120, 2.0), RATE, hum(240, 2.0), RATE)
    low = pitch_rows(picture[:ROWS])
    high = pitch_rows(picture[SECOND_TOP : SECOND_TOP + ROWS])
    octave = (ROWS - 2) / np.log2(500 / 60)
    assert low.mean() - high.mean() == pytest.approx(octave, abs=2)


def test_a_tone_is_drawn_at_its_frequency() -> None:
    times = np.arange(2 * RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 6_000 * times)).astype(np.float32)
    panel = report_picture(tone, RATE, tone, RATE)[:ROWS].astype(int).sum(-1)
    brightest = int(panel[:, 320].argmax())
    assert brightest == pytest.approx(ROWS * (1 - 6_000 / 8_000), abs=2)


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_hardly_any_sound_is_drawn_without_a_fault(samples: int) -> None:
    picture = report_picture(np.zeros(samples, np.float32), RATE, hum(120, 0.3), 24_000)
    assert picture.shape[1] == 640


def test_other_rates_are_drawn_alike() -> None:
    same = report_picture(hum(120, 2.0), RATE, hum(120, 2.0), RATE)
    times = np.arange(96_000) / 48_000
    tone = sum(0.1 / n * np.sin(2 * np.pi * 120 * n * times) for n in range(1, 20))
    other = report_picture(tone.astype(np.float32), 48_000, hum(120, 2.0), RATE)
    difference = np.abs(same[:ROWS].astype(int) - other[:ROWS].astype(int))
    assert difference.mean() < 3
