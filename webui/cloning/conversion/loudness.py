"""Level after a conversion: as loud as before, and never beyond full scale."""

import numpy as np

from webui.arrays import OtherWaveform, Waveform


def as_loud(made: OtherWaveform, source: Waveform) -> OtherWaveform:
    """Give a sound the level of another one, and no peak beyond full scale."""
    if not made.size or not source.size:
        return made.astype(np.float32)
    level = float(np.sqrt(np.mean(made.astype(np.float64) ** 2)))
    wanted = float(np.sqrt(np.mean(source.astype(np.float64) ** 2)))
    highest = max(1.0, float(np.abs(source).max()))
    peak = float(np.abs(made).max())
    gain = min(wanted / max(level, 1e-9), highest / max(peak, 1e-9))
    return (made * gain).astype(np.float32)
