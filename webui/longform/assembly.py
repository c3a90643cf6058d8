"""The sounds of many cards -> one track: pauses between them, one loudness, joins without clicks.

Where each card lies in the track follows from the lengths alone, so that subtitles of hours of
speech are written without touching the sound.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from webui.arrays import OtherWaveform
from webui.synthesis.joining import CROSSFADE_SECONDS, Joiner, Leveller

CHAPTER_PAUSE_SECONDS = 2.0
LEAST_GAP_SECONDS = 0.05  # between two subtitles, where the first is spoken for too long
LONGEST_GAP_SECONDS = 4 * 3_600.0  # between two subtitles; a later time is not believed


@dataclass(frozen=True)
class Piece:
    """One card's part of a track."""

    samples: int
    pause_seconds: float  # of silence after it; 0 fades into the next
    start_seconds: float | None = None  # where it shall begin, if that is laid down


@dataclass(frozen=True)
class Placement:
    """Where a card lies in its track, in samples."""

    start: int
    end: int


def placements(pieces: Sequence[Piece], rate: int) -> list[Placement]:
    """Say where each card will lie: at its own start, or later when the one before takes longer."""
    found: list[Placement] = []
    place = _before_first(pieces, rate)
    for number, piece in enumerate(pieces):
        found.append(Placement(place, place + piece.samples))
        place = found[-1].end
        if number + 1 < len(pieces):
            pause = _pause(pieces, number, place, rate)
            overlap = min(round(CROSSFADE_SECONDS * rate), piece.samples // 2)
            place += round(pause * rate) if pause else -overlap
    return found


def assemble(
    pieces: Sequence[Piece], sound_of: Callable[[int], OtherWaveform], rate: int
) -> Iterator[OtherWaveform]:
    """Give the track part by part, so that it need not fit the memory.

    Args:
        pieces: the cards, in order.
        sound_of: reads the sound of the card of this number; asked for one after the other.
        rate: samples per second, of all of them.
    """
    joiner, leveller = Joiner(rate), Leveller()
    silence = _before_first(pieces, rate)
    if silence:
        yield np.zeros(silence, np.float32)
    for number, placed in enumerate(placements(pieces, rate)):
        is_last = number + 1 == len(pieces)
        pause = None if is_last else _pause(pieces, number, placed.end, rate)
        ready, _, _ = joiner.add(leveller.level(sound_of(number), rate), pause)
        yield ready
    yield joiner.finish()


def _before_first(pieces: Sequence[Piece], rate: int) -> int:
    """Samples of silence before the first card."""
    start = pieces[0].start_seconds if pieces else None
    return 0 if start is None else round(min(start, LONGEST_GAP_SECONDS) * rate)


def _pause(pieces: Sequence[Piece], number: int, end: int, rate: int) -> float:
    """Seconds of silence between a card that ends there and the next one."""
    start = pieces[number + 1].start_seconds
    if start is None:
        return pieces[number].pause_seconds
    return min(max(start - end / rate, LEAST_GAP_SECONDS), LONGEST_GAP_SECONDS)
