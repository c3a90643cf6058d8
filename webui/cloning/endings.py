"""Where a voice ends: what it has just been saying decides how it goes on.

Bark's coarse stage hears only the last seconds of a voice, and how like the speaker it goes on
differs from one end to another. Which end serves best does not show in the recording: it has to be
spoken. So a voice is offered with several ends, for somebody who listens to choose.
"""

import math

import numpy as np

from webui.arrays import Speaker
from webui.clone_results import MOST_ENDINGS
from webui.speaker_limits import even_lengths, limits_of
from webui.synthesis.models import BarkModels

SHARES = (1.0, 0.8, 0.6)  # of a voice's length, where it may end
AROUND_SECONDS = 0.3  # of such a place, where the quietest moment is looked for


def endings_of(models: BarkModels, speaker: Speaker, count: int = MOST_ENDINGS) -> list[Speaker]:
    """Give a voice as it is, and the same cut at quiet moments before its end.

    None of them is shorter than what the coarse stage hears (630 codes of two books, 4.2 s, in
    Bark: suno-ai/bark generation.py), so a short voice may have no other ending than its own.

    Args:
        models: the family that speaks with it.
        speaker: the voice; it comes first.
        count: how many there may be, 1 to `MOST_ENDINGS`.
    """
    limits, family = limits_of(models.family), models.family
    rate, length = family.semantic.rate_hz, len(speaker.semantic)
    found = [speaker]
    if count <= 1:
        return found
    least = math.ceil(family.coarse.max_history / family.coarse_per_semantic)
    around = round(AROUND_SECONDS * rate)
    powers = _powers(models.codec.decode(speaker.fine), length)
    for share in SHARES[1:count]:
        middle = round(share * length)
        first, last = max(least, middle - around), min(length - 1, middle + around)
        if first > last:
            continue
        end = first + int(powers[first - 1 : last].argmin())  # of so many tokens, the last is quiet
        frames = round(end * family.coarse.rate_hz / rate)
        cut, _ = even_lengths(
            speaker.semantic[:end],
            speaker.coarse[:, :frames],
            speaker.fine[:, :frames],
            limits,
            repair=True,
        )
        if len(cut.semantic) < len(found[-1].semantic):
            found.append(cut)
    return found


def _powers(sound: np.ndarray, tokens: int) -> np.ndarray:
    """The mean square of the sound (samples,) while each of so many tokens lasts: (tokens,)."""
    ends = np.linspace(0, len(sound), tokens + 1).round().astype(np.int64)
    sums = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    return np.diff(sums[ends]) / np.maximum(np.diff(ends), 1)
