"""Brings a sound from one sample rate to another."""

import numpy as np
import soxr

from webui.arrays import OtherWaveform, Waveform


def resample(waveform: Waveform, from_rate: int, to_rate: int) -> OtherWaveform:
    """Bring a sound from one sample rate to another, in float32."""
    if from_rate == to_rate:
        return waveform.astype(np.float32, copy=False)
    return np.asarray(soxr.resample(waveform.astype(np.float32), from_rate, to_rate, quality="VHQ"))
