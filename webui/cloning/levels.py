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


def normalise_level(waveform: Waveform, rate: int) -> OtherWaveform:
    """Make the speech of a recording -23 dB loud, with no peak above 0.95, without its offset.

    A recording without speech is measured as a whole; silence stays silence.

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
    wanted = float(10 ** (SPEECH_DB / 20) / np.sqrt(power))
    gain = min(wanted, 10 ** (MOST_GAIN_DB / 20), HIGHEST_PEAK / peak)
    return np.asarray(centred * np.float32(gain))
