"""Brings a recording to the level that voices have."""

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.cloning.speech_detection import (
    frame_powers,
    frames_of,
    spans_of_speech,
    speech_probabilities,
)
from webui.cloning.voice_detector import RATE

SPEECH_DB = -23.0  # of full scale, as in EBU R 128; the speech in Suno's voices lies around it
HIGHEST_PEAK = 0.95
MOST_GAIN_DB = 50.0  # more would make a voice of the hiss of an empty recording


def normalise_level(waveform: Waveform, rate: int, speech_db: float | None = None) -> OtherWaveform:
    """Make the speech of a recording as loud as a family's voices, without its offset.

    A recording without speech is measured as a whole; silence stays silence. No peak is above 0.95.

    Args:
        waveform: the recording.
        rate: its samples per second.
        speech_db: how loud, of full scale; None is `SPEECH_DB`, which Bark knows.

    Raises:
        CheckpointError: the speech detector's weights are missing.
    """
    sound = resample(waveform, rate, RATE)
    powers = frame_powers(sound)
    spans = spans_of_speech(speech_probabilities(sound, powers), powers)
    speech = frames_of(spans, len(powers))
    heard = powers[speech] if speech.any() else powers
    power = float(heard.mean()) if heard.size else 0.0
    offset = waveform.mean(dtype=np.float64) if waveform.size else 0.0
    centred: OtherWaveform = (waveform - offset).astype(np.float32)
    peak = float(np.abs(centred).max(initial=0.0))
    if power <= 0 or peak <= 0:
        return centred
    level = SPEECH_DB if speech_db is None else speech_db
    wanted = float(10 ** (level / 20) / np.sqrt(power))
    gain = min(wanted, 10 ** (MOST_GAIN_DB / 20), HIGHEST_PEAK / peak)
    return np.asarray(centred * np.float32(gain))
