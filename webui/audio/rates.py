"""Brings a sound from one sample rate to another."""

import numpy as np
import soxr

from webui.arrays import OtherWaveform, Waveform


def resample(waveform: Waveform, from_rate: int, to_rate: int) -> OtherWaveform:
    """Bring a sound from one sample rate to another, in float32."""
    if from_rate == to_rate:
        return waveform.astype(np.float32, copy=False)
    return np.asarray(soxr.resample(waveform.astype(np.float32), from_rate, to_rate, quality="VHQ"))


class RateStream:
    """Brings a sound that is still being made to another rate, piece by piece."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._stream = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")

    def add(self, waveform: Waveform, is_last: bool = False) -> OtherWaveform:
        """Give what is ready with one more piece; with the last one, all that is left."""
        sound = waveform.astype(np.float32, copy=False)
        if self._stream is None:
            return sound
        return np.asarray(self._stream.resample_chunk(sound, last=is_last))
