"""A sound as the page's players take it."""

import numpy as np

from webui.arrays import Waveform


def heard(sound: Waveform | None, rate: int) -> tuple[int, np.ndarray] | None:
    """The rate and 16-bit samples; nothing where there is no sound."""
    if sound is None or not len(sound):
        return None
    return rate, np.round(sound.clip(-1, 1) * 32_767).astype(np.int16)
