"""Ranks the parts of recordings that a voice could be made of.

Bark hears only the last 5.1 s of a voice's words and the last 6.8 s of its sound, and goes on from
where they end: so a window has at most 7 s, and how it ends counts most. The best end is in a
pause, a quarter of a second after the last word.
"""

import math
from collections.abc import Sequence

import numpy as np

from webui.clone_results import Window
from webui.cloning.listening import CLEANEST_DB, QUIETEST_SHARE, Heard, decibels
from webui.cloning.speech_detection import FRAME_SECONDS

MOST_SECONDS = 7.0
LEAST_SECONDS = 1.0
MOST_WINDOWS = 12
FULL_SPEECH_SECONDS = 5.0  # more speech than Bark hears makes nothing better
BEFORE_SECONDS = 0.1  # kept before the first word
TAIL_SECONDS, LEAST_TAIL_SECONDS = 0.25, 0.1  # kept after the last word; less is no pause
SPARE_SECONDS = 0.05  # of the pause, left to the next word
DIP_SECONDS = 2.0  # speech without pauses is cut at its quietest moment in each such stretch
DIP_FRAMES = 5  # over which that moment is looked for
AROUND_SECONDS = 2.0  # before and behind a window its background is looked at
LEAST_FRAMES = 20  # of background, 0.2 s, that tell how loud it is
QUIETEST_QUARTER = 0.25
# What makes a window worse. Each factor is at most 1; the score is their product.
NO_PAUSE, CUT_WORD = 0.6, 0.45  # it ends between two words; where the recording breaks off
SHORTEST_PAUSE = 0.85  # it ends in a pause of the least tail
ALLOWED_SILENCE, LONGEST_GAP_SECONDS, LONG_GAP = 0.25, 0.8, 0.85
HALF_AT_DB, PER_DB = 12.0, 5.0  # noise: 12 dB below the speech halves the score, 30 dB keeps 97 %
HALF_AT_CLIPPED = 0.01
UNEVEN_DB = 12.0  # quieter than the loudest window by so much: about a third
MUSIC_COST, MUSIC_HALF_AT_DB = 0.6, 25.0  # beyond what it costs as noise; fainter costs less
SAME_END_SECONDS = 0.3  # windows whose ends are closer are one and the same
SAME_SHARE = 0.75  # and those that share so much of the shorter one


class WindowFinder:
    """Finds and scores the windows of one recording."""

    def __init__(self, heard: Heard, recording: int, level_db: float) -> None:
        self._heard = heard
        self._recording = recording
        self._level_db = level_db  # of all recordings together
        speech, background = heard.speech, heard.background
        self._speech = _sums(speech)
        self._speech_power = _sums(heard.powers * speech)
        self._clipped = _sums(heard.clipped * speech)
        self._background = _sums(background)
        self._background_power = _sums(heard.powers * background)
        self._music = _sums(heard.music * background)

    def windows(self) -> list[Window]:
        """All windows from each possible start to each possible end, in no order."""
        found = [
            self._window(start, end, ending)
            for end, ending in self._ends()
            for start in self._starts(end)
        ]
        if found:
            return found
        # The whole recording is hardly longer than the shortest window.
        return [self._window(0.0, min(self._heard.seconds, MOST_SECONDS), CUT_WORD)]

    def _ends(self) -> list[tuple[float, float]]:
        """Where windows may end, and how good an end that is."""
        spans, seconds = self._heard.spans, self._heard.seconds
        ends: list[tuple[float, float]] = []
        for index, (start, end) in enumerate(spans):
            follows = spans[index + 1][0] if index + 1 < len(spans) else seconds
            spare, worst = (SPARE_SECONDS, NO_PAUSE) if follows < seconds else (0.0, CUT_WORD)
            tail = min(max(0.0, follows - end - spare), TAIL_SECONDS)
            ends.append((end + tail, _ending(tail, worst)))
            ends += [(dip, NO_PAUSE) for dip in self._dips(start, end)]
        return ends

    def _starts(self, end: float) -> list[float]:
        """Where a window with this end may start: at phrases, or at the quietest moment."""
        earliest = max(0.0, end - MOST_SECONDS)
        spans = [span for span in self._heard.spans if span[1] > earliest and span[0] < end]
        starts = [max(0.0, start - BEFORE_SECONDS) for start, _ in spans]
        starts = [start for start in starts if earliest <= start <= end - LEAST_SECONDS]
        if spans and spans[0][0] - BEFORE_SECONDS < earliest:
            latest = min(spans[0][1], earliest + 1.0, end - LEAST_SECONDS)
            if latest > earliest:
                starts.append(self._quietest(earliest, latest))
        return starts

    def _dips(self, start: float, end: float) -> list[float]:
        """Quiet moments in a long span, one in each stretch."""
        if end - start <= MOST_SECONDS:
            return []
        stretches = np.arange(start + DIP_SECONDS, end - DIP_SECONDS, DIP_SECONDS)
        return [self._quietest(float(each), float(each) + DIP_SECONDS) for each in stretches]

    def _quietest(self, start: float, end: float) -> float:
        """The quietest moment of a stretch."""
        powers = self._heard.powers[round(start / FRAME_SECONDS) : round(end / FRAME_SECONDS)]
        if len(powers) <= DIP_FRAMES:
            return start
        smooth = np.convolve(powers, np.ones(DIP_FRAMES), mode="valid")
        return start + (int(np.argmin(smooth)) + DIP_FRAMES / 2) * FRAME_SECONDS

    def _window(self, start: float, end: float, ending: float) -> Window:
        """One window with its score."""
        first, last = self._frame(start), self._frame(end)
        spoken = (self._speech[last] - self._speech[first]) * FRAME_SECONDS
        score = ending * min(1.0, spoken / FULL_SPEECH_SECONDS)
        score *= self._evenness(start, end, spoken)
        score *= self._cleanness(first, last, spoken)
        return Window(
            start_seconds=round(start, 3),
            end_seconds=round(min(end, self._heard.seconds), 3),
            score=round(float(score), 4),
            ends_in_pause=ending >= SHORTEST_PAUSE,
            recording=self._recording,
        )

    def _evenness(self, start: float, end: float, spoken: float) -> float:
        """How little of a window is silence."""
        silence = max(0.0, end - start - TAIL_SECONDS - BEFORE_SECONDS - spoken) / (end - start)
        inside = [span for span in self._heard.spans if span[1] > start and span[0] < end]
        gaps = [after[0] - before[1] for before, after in zip(inside, inside[1:], strict=False)]
        long_gap = LONG_GAP if max(gaps, default=0.0) > LONGEST_GAP_SECONDS else 1.0
        return long_gap * (1 - max(0.0, silence - ALLOWED_SILENCE))

    def _cleanness(self, first: int, last: int, spoken: float) -> float:
        """How loud, unclipped and free from noise and music the speech of a window is."""
        frames = max(1.0, spoken / FRAME_SECONDS)
        level_db = decibels((self._speech_power[last] - self._speech_power[first]) / frames)
        clipped = (self._clipped[last] - self._clipped[first]) / frames
        power, music = self._background_around(first, last)
        noise_db = min(level_db - decibels(power), CLEANEST_DB)
        clean = 1 / (1 + math.exp(-(noise_db - HALF_AT_DB) / PER_DB))
        quieter = max(0.0, self._level_db - level_db)
        level_factor = math.exp(-((quieter / UNEVEN_DB) ** 2))
        clip_factor = 1 / (1 + clipped / HALF_AT_CLIPPED)
        music /= 1 + math.exp((noise_db - MUSIC_HALF_AT_DB) / PER_DB)
        return float(clean * level_factor * clip_factor * (1 - MUSIC_COST * music))

    def _background_around(self, first: int, last: int) -> tuple[float, float]:
        """The power of what is heard behind a window and around it, and its share of music."""
        around = round(AROUND_SECONDS / FRAME_SECONDS)
        before, behind = max(0, first - around), min(len(self._speech) - 1, last + around)
        # In its own pauses nothing is surely background, where music is taken for half a voice.
        silent = self._heard.powers[first:last][~self._heard.speech[first:last]]
        power = float(np.quantile(silent, QUIETEST_QUARTER)) if len(silent) >= LEAST_FRAMES else 0.0
        count = self._background[behind] - self._background[before]
        if count >= LEAST_FRAMES:
            mean = (self._background_power[behind] - self._background_power[before]) / count
            return max(power, float(mean)), float(self._music[behind] - self._music[before]) / count
        if len(silent) < LEAST_FRAMES and behind > before:
            power = float(np.quantile(self._heard.powers[before:behind], QUIETEST_SHARE))
        return power, 0.0

    def _frame(self, seconds: float) -> int:
        return min(max(0, round(seconds / FRAME_SECONDS)), len(self._speech) - 1)


def find_windows(heard: Sequence[Heard]) -> list[Window]:
    """All windows of some recordings that have speech, the best first."""
    levels = [each.level_db for each in heard if each.spans]
    level_db = max(levels, default=0.0)
    found = [
        window
        for recording, each in enumerate(heard)
        if each.spans
        for window in WindowFinder(each, recording, level_db).windows()
    ]
    return sorted(found, key=lambda window: -window.score)


def distinct(windows: Sequence[Window], most: int = MOST_WINDOWS) -> tuple[Window, ...]:
    """The first windows that differ from each other."""
    kept: list[Window] = []
    for window in windows:
        if len(kept) == most:
            break
        if not any(_alike(window, other) for other in kept):
            kept.append(window)
    return tuple(kept)


def _ending(tail: float, worst: float) -> float:
    """How good an end is, from how much silence of a pause it keeps."""
    if tail >= LEAST_TAIL_SECONDS:
        far = (tail - LEAST_TAIL_SECONDS) / (TAIL_SECONDS - LEAST_TAIL_SECONDS)
        return SHORTEST_PAUSE + (1 - SHORTEST_PAUSE) * far
    return worst + (SHORTEST_PAUSE - worst) * tail / LEAST_TAIL_SECONDS


def _alike(one: Window, other: Window) -> bool:
    """Whether two windows are nearly the same."""
    if one.recording != other.recording:
        return False
    if abs(one.end_seconds - other.end_seconds) < SAME_END_SECONDS:
        return True
    shared = min(one.end_seconds, other.end_seconds) - max(one.start_seconds, other.start_seconds)
    shorter = min(each.end_seconds - each.start_seconds for each in (one, other))
    return shared > SAME_SHARE * shorter


def _sums(values: np.ndarray) -> np.ndarray:
    """Running sums with a zero before: the sum of any stretch is one subtraction."""
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
