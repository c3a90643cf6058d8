"""Which of the voices at hand is nearest to a recording: where method 3 starts from."""

from collections.abc import Callable, Sequence

import numpy as np

from webui.arrays import Speaker, Waveform
from webui.quality.pitch import pitch_track
from webui.synthesis.codec import Codec

HEARD_SECONDS = 3.0  # of each voice are listened to
OCTAVE_COST = 0.5  # how much likeness an octave of pitch outweighs: converting pitch costs quality


def nearest_base(
    codec: Codec,
    bases: Sequence[tuple[str, Speaker]],
    waveform: Waveform,
    rate: int,
    embed: Callable[[Waveform, int], np.ndarray] | None = None,
) -> tuple[str, Speaker] | None:
    """Choose the voice whose pitch and timbre are nearest to a recording's.

    Args:
        codec: the family's, to hear the voices with.
        bases: names and voices; None is given back when there are none.
        waveform: the recording.
        rate: its sample rate in Hz.
        embed: a speaker encoder for the timbre; without one only the pitch counts.
    """
    if not bases:
        return None
    pitch, vector = median_pitch(waveform, rate), embed(waveform, rate) if embed else None
    frames = max(1, round(HEARD_SECONDS * codec.frame_rate))

    def nearness(base: tuple[str, Speaker]) -> float:
        sound = codec.decode(base[1].fine[:, -frames:])
        theirs = median_pitch(sound, codec.sample_rate)
        octaves = abs(np.log2(theirs / pitch)) if theirs and pitch else 0.0
        alike = float(vector @ embed(sound, codec.sample_rate)) if embed else 0.0
        return float(alike - OCTAVE_COST * octaves)

    return max(bases, key=nearness)


def median_pitch(waveform: Waveform, rate: int) -> float | None:
    """The median pitch in Hz; None where nothing is voiced."""
    _, hz = pitch_track(waveform, rate)
    voiced = hz[np.isfinite(hz)]
    return float(np.median(voiced)) if voiced.size else None
