"""Pitch-synchronous overlap and add: speech as short grains, laid down again at another pitch."""

from dataclasses import dataclass

import numpy as np

VOICELESS_SECONDS = 0.005  # between grains where there is no pitch
_SLACK = 0.2  # of a period: how far the next grain may lie from where the pitch expects it


@dataclass(frozen=True, eq=False)
class Marks:
    """Where the grains lie: `at` in samples, and the period there in samples."""

    at: np.ndarray  # int64
    period: np.ndarray
    is_voiced: np.ndarray


def find_marks(sound: np.ndarray, rate: int, seconds: np.ndarray, hz: np.ndarray) -> Marks:
    """Set one mark a period where there is a pitch, at alike places of the periods.

    Args:
        sound: mono, float32.
        rate: samples per second.
        seconds: moments, evenly apart.
        hz: the pitch there, NaN where voiceless.
    """
    marks: list[tuple[float, float, bool]] = []
    for start, end in _spans(np.isfinite(hz)):
        times = seconds[start:end] * rate
        first = 0 if start == 0 else int(times[0])
        last = len(sound) if end == len(hz) else int(seconds[end] * rate)
        if np.isfinite(hz[start]):
            marks += [
                (mark, period, True)
                for mark, period in _voiced_marks(sound, (first, last), times, rate / hz[start:end])
            ]
        else:
            step = VOICELESS_SECONDS * rate
            marks += [(mark, step, False) for mark in np.arange(first + step / 2, last, step)]
    at, period, is_voiced = (np.array(each) for each in zip(*marks, strict=True))
    return Marks(np.round(at).astype(np.int64), period, is_voiced.astype(bool))


def _spans(flags: np.ndarray) -> list[tuple[int, int]]:
    """Where equal flags begin and end."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8))) + 1
    bounds = [0, *edges.tolist(), len(flags)]
    return list(zip(bounds[:-1], bounds[1:], strict=True))


def _voiced_marks(
    sound: np.ndarray, span: tuple[int, int], times: np.ndarray, periods: np.ndarray
) -> list[tuple[float, float]]:
    """One mark a period, from the loudest peak outwards, each grain like its neighbour."""
    first, last = span
    piece = np.abs(sound[first:last])
    if not piece.size:
        return []
    anchor = first + int(piece.argmax())
    found = [(float(anchor), float(np.interp(anchor, times, periods)))]
    for direction in (-1, 1):
        here, period = found[0 if direction < 0 else -1]
        while True:
            guess = _next_mark(sound, int(here), direction, period)
            if not first <= guess < last:
                break
            here, period = float(guess), float(np.interp(guess, times, periods))
            found.append((here, period))
        found.sort()
    return found


def _next_mark(sound: np.ndarray, here: int, direction: int, period: float) -> int:
    """Where, about a period away, the sound is most like the sound here."""
    half, slack = int(period / 2), max(1, int(_SLACK * period))
    expected = here + direction * round(period)
    if here - half < 0 or here + half > len(sound):
        return expected
    low = expected - slack - half
    if low < 0 or expected + slack + half > len(sound):
        return expected
    own = sound[here - half : here + half]
    near = sound[low : expected + slack + half]
    windows = np.lib.stride_tricks.sliding_window_view(near, 2 * half)
    likeness = windows @ own / np.sqrt(np.sum(windows**2, axis=1) + 1e-12)
    off = np.arange(len(likeness)) - slack
    return expected + int(off[np.argmax(likeness - 1e-3 * np.abs(likeness).max() * np.abs(off))])


def laid_down(marks: Marks, ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where grains are laid down, and which grain each is: voiced stretches at the new pitch.

    Args:
        marks: of the source.
        ratios: how many times higher the pitch becomes, at each mark.
    """
    places: list[np.ndarray] = []
    chosen: list[np.ndarray] = []
    for start, end in _spans(marks.is_voiced):
        index = np.arange(start, end)
        at = marks.at[index].astype(np.float64)
        if not marks.is_voiced[start]:
            places.append(at)
            chosen.append(index)
            continue
        # new periods since the first mark, at each mark; a grain stands at each whole one
        pairs = (ratios[index[1:]] + ratios[index[:-1]]) / 2
        turns = np.concatenate([[0.0], np.cumsum(pairs)])
        wanted = np.interp(np.arange(int(turns[-1] + 1e-6) + 1), turns, at)
        places.append(wanted)
        chosen.append(index[np.abs(at[None, :] - wanted[:, None]).argmin(axis=1)])
    return np.round(np.concatenate(places)).astype(np.int64), np.concatenate(chosen)


def overlap_add(
    sound: np.ndarray, marks: Marks, ratios: np.ndarray, filters: np.ndarray
) -> np.ndarray:
    """Cut the grains, filter each, and add them at their new places.

    With ratios and filters of one the sound comes out as it went in.

    Args:
        sound: mono, float32.
        marks: where its grains lie.
        ratios: how many times higher the pitch becomes, at each mark.
        filters: what each grain's spectrum is multiplied by, (marks, bins); no grain may be longer
            than these bins tell apart.
    """
    length = 2 * (filters.shape[1] - 1)
    half = length // 2
    padded = np.pad(sound, half)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[marks.at]
    periods = (np.arange(length, dtype=np.float32) - half) / marks.period[:, None]
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip(periods, -1, 1).astype(np.float32))
    # more grains a second carry more energy
    window /= np.sqrt(np.where(marks.is_voiced, ratios, 1.0))[:, None].astype(np.float32)
    grains = np.fft.irfft(np.fft.rfft(frames * window) * filters, length)
    made = np.zeros(len(padded), np.float32)
    for place, grain in zip(*laid_down(marks, ratios), strict=True):
        made[place : place + length] += grains[grain]
    return made[half : half + len(sound)]
