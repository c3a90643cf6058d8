"""What can be measured of any speech: level, noise, silence, pace and pitch."""

import numpy as np

from webui.arrays import Waveform
from webui.clone_results import SoundFacts
from webui.cloning.listening import Heard, listen
from webui.cloning.speech_detection import FRAME_SECONDS
from webui.quality.pitch import pitch_track

LEAST_VOICED_SECONDS = 0.2  # below it the pitch is not told
LEAST_SPEECH_SECONDS = 0.5  # below it the pace is not told
SMOOTHING_SECONDS = 0.07  # of the level in which syllables are counted
DIP_DB = 2.0  # between two syllables, as in de Jong and Wempe's syllable nuclei (2009)
BELOW_LOUDEST_DB = 25.0  # a syllable is at most so far below the loudest (theirs)


def measure_sound(waveform: Waveform, rate: int) -> SoundFacts:
    """Measure a recording or a speech.

    Syllables without a dip between them are counted as one: on flite's speech the pace comes out
    8 to 17 % too low, for recording and clone alike.

    Raises:
        CheckpointError: the speech detector's weights are missing.
    """
    heard = listen(waveform, rate)
    times, hz = pitch_track(waveform, rate)
    low, middle, high = _pitches(times, hz)
    silent = 1.0 - heard.speech_seconds / heard.seconds if heard.seconds else 1.0
    return SoundFacts(
        seconds=heard.seconds,
        level_db=heard.level_db,
        noise_db=heard.noise_db,
        silence_share=min(max(silent, 0.0), 1.0),
        syllables_per_second=_pace(heard, times, hz),
        pitch_hz=middle,
        pitch_low_hz=low,
        pitch_high_hz=high,
    )


def _pitches(times: np.ndarray, hz: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """The tenth, the half and the nine tenths of the voiced time."""
    voiced = hz[np.isfinite(hz)]
    step = times[1] - times[0] if len(times) > 1 else 0.0
    if len(voiced) * step < LEAST_VOICED_SECONDS:
        return None, None, None
    low, middle, high = np.percentile(voiced, [10, 50, 90])
    return float(low), float(middle), float(high)


def _pace(heard: Heard, times: np.ndarray, hz: np.ndarray) -> float | None:
    """Voiced peaks of the level with a dip between them, for each second of speech."""
    if heard.speech_seconds < LEAST_SPEECH_SECONDS:
        return None
    level = _smoothed_db(heard.powers)
    tops = _peaks(level, float(level[heard.speech].max()) - BELOW_LOUDEST_DB)
    at = np.minimum(
        np.searchsorted(times, (np.array(tops, int) + 0.5) * FRAME_SECONDS), len(hz) - 1
    )
    voiced = [bool(np.isfinite(hz[max(0, i - 2) : i + 3]).any()) for i in at]
    count = sum(v and bool(heard.speech[top]) for v, top in zip(voiced, tops, strict=True))
    return float(count / heard.speech_seconds)


def _smoothed_db(powers: np.ndarray) -> np.ndarray:
    """The level in dB, smoothed over part of a syllable."""
    width = max(1, round(SMOOTHING_SECONDS / FRAME_SECONDS))
    window = np.hanning(width + 2)[1:-1]
    smoothed = np.convolve(powers, window / window.sum(), "same")
    return np.asarray(10 * np.log10(np.maximum(smoothed, 1e-12)))


def _peaks(level: np.ndarray, least: float) -> list[int]:
    """The highest place of each hill above `least`; hills are parted by dips of `DIP_DB`."""
    tops: list[int] = []
    top, valley, rising = 0, level[0] if len(level) else 0.0, True
    for place, value in enumerate(level):
        if rising:
            if value > level[top]:
                top = place
            elif value < level[top] - DIP_DB:
                if level[top] > least:
                    tops.append(top)
                valley, rising = value, False
        elif value < valley:
            valley = value
        elif value > valley + DIP_DB:
            top, rising = place, True
    if rising and len(level) and level[top] > least:
        tops.append(top)
    return tops
