"""Speaks faster or slower: the length of a sound changes, its pitch stays.

WSOLA (Verhelst and Roelands, 1993): short pieces of the sound are put closer together or further
apart, each moved by a few milliseconds to where it continues the one before.
"""

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.errors import SettingsError

LEAST_SPEED, MOST_SPEED = 0.25, 4.0
HALF_SECONDS = 0.015  # of a piece; neighbours overlap by one half
SEEK_SECONDS = 0.01  # by which a piece is moved: a whole period of the deepest voices


def check_speed(speed: float) -> None:
    """Refuse a speed that no one could listen to.

    Raises:
        SettingsError: it lies outside the bounds, or is no number.
    """
    if not LEAST_SPEED <= speed <= MOST_SPEED:
        raise SettingsError(
            f"The speed is {speed:g}; it must lie between {LEAST_SPEED:g} and {MOST_SPEED:g}."
        )


def change_tempo(waveform: Waveform, rate: int, speed: float) -> OtherWaveform:
    """Make a sound `speed` times as fast.

    Its first and its last samples stay, so that the chunks of a speech can be changed one by one
    and put together again. A sound too short to be cut into pieces stays as it is.

    Raises:
        SettingsError: the speed cannot be used.
    """
    check_speed(speed)
    half, seek = round(HALF_SECONDS * rate), round(SEEK_SECONDS * rate)
    length = round(len(waveform) / speed)
    if speed == 1 or min(len(waveform), length) < 2 * (2 * half + seek):
        return waveform
    sound = waveform.astype(np.float32, copy=False)
    changed = np.zeros(length, np.float32)
    changed[: 2 * half] = sound[: 2 * half]
    rise = np.linspace(0, 1, half, endpoint=False, dtype=np.float32)
    latest = len(sound) - 2 * half  # where a piece may begin
    source, place = 0, half
    while place < length - 2 * half:
        wanted = round(place * speed)
        low = min(max(0, wanted - seek), latest)
        high = min(wanted + seek, latest)
        source = low + _most_alike(sound[low : high + half], sound[source + half :][:half])
        _put(changed, place, sound[source : source + 2 * half], rise)
        place += half
    _put(changed, length - 2 * half, sound[latest:], rise)
    return changed


def _put(changed: Waveform, place: int, piece: OtherWaveform, rise: OtherWaveform) -> None:
    """Fade from what is there into a piece."""
    half = len(rise)
    faded = changed[place : place + half]
    faded += rise * (piece[:half] - faded)
    changed[place + half : place + 2 * half] = piece[half:]


def _most_alike(region: Waveform, continued: OtherWaveform) -> int:
    """Where in a region a sound goes on most like the piece before would have."""
    products = np.correlate(region, continued, "valid")
    energies = np.cumsum(np.concatenate([[0.0], region.astype(np.float64) ** 2]))
    powers = energies[len(continued) :] - energies[: -len(continued)]
    return int(np.argmax(products / np.sqrt(powers + 1e-9)))
