"""How much of a speech is done, and an honest guess how long the rest will take."""

import time
from collections.abc import Callable, Mapping, Sequence

from webui.events import Progress

STAGES = ("semantic", "coarse", "fine", "codec")
LEAST_SECONDS = 0.5  # of work before anything is said about the rest
LEAST_FRACTION = 0.02


class SpeechProgress:
    """Counts the work of every stage and chunk, and measures how fast each stage is.

    Until a stage has run, it is taken to be as fast as the ones before it; once the first chunk is
    done every stage has its own measured rate.
    """

    def __init__(
        self,
        chunk_seconds: Sequence[float],
        shares: Mapping[str, float],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Begin to measure.

        Args:
            chunk_seconds: how long the sound of each chunk will be, as far as the text tells.
            shares: the work of each stage for one second of sound, in any unit.
            clock: seconds.
        """
        self._estimated = list(chunk_seconds)
        self._seconds = list(chunk_seconds)
        self._shares = shares
        self._clock = clock
        self._last = clock()
        self._spent = dict.fromkeys(STAGES, 0.0)  # seconds of computing
        self._done: dict[tuple[int, str], float] = {}  # 0..1
        self._fraction = 0.0

    def update(self, chunk: int, stage: str, done: float) -> Progress:
        """Take note of the work since the last call, all of it by one stage.

        Args:
            chunk: which chunk is being made.
            stage: which stage is at work.
            done: how much of this stage's work for this chunk is done, 0..1.
        """
        now = self._clock()
        self._spent[stage] += now - self._last
        self._last = now
        self._done[chunk, stage] = min(max(done, 0.0), 1.0)
        done_work = {name: self._work(name, self._done_of) for name in STAGES}
        all_work = {name: self._work(name, lambda chunk, name: 1.0) for name in STAGES}
        fraction = sum(done_work.values()) / max(sum(all_work.values()), 1e-9)
        self._fraction = max(self._fraction, min(fraction, 1.0))
        return Progress(
            stage=stage,
            fraction=self._fraction,
            seconds_left=self._seconds_left(done_work, all_work),
            chunk=chunk,
            chunks=len(self._seconds),
        )

    def learn_length(self, chunk: int, seconds: float) -> None:
        """Take note how long a chunk really is, and expect the same pace of the chunks after it."""
        self._seconds[chunk] = seconds
        known = sum(self._estimated[: chunk + 1])
        pace = sum(self._seconds[: chunk + 1]) / known if known > 0 else 1.0
        for later in range(chunk + 1, len(self._seconds)):
            self._seconds[later] = self._estimated[later] * pace

    @property
    def spent_seconds(self) -> float:
        """How long the stages have computed."""
        return sum(self._spent.values())

    def resume(self) -> None:
        """Leave out the time since the last call: it was the listener's, not ours."""
        self._last = self._clock()

    def _done_of(self, chunk: int, stage: str) -> float:
        return self._done.get((chunk, stage), 0.0)

    def _work(self, stage: str, part: Callable[[int, str], float]) -> float:
        share = self._shares[stage]
        return sum(
            seconds * share * part(chunk, stage) for chunk, seconds in enumerate(self._seconds)
        )

    def _seconds_left(
        self, done_work: Mapping[str, float], all_work: Mapping[str, float]
    ) -> float | None:
        spent, work = sum(self._spent.values()), sum(done_work.values())
        if spent < LEAST_SECONDS or self._fraction < LEAST_FRACTION or work <= 0.0:
            return None
        common = spent / work
        left = 0.0
        for stage in STAGES:
            rate = self._spent[stage] / done_work[stage] if done_work[stage] > 0 else common
            left += rate * (all_work[stage] - done_work[stage])
        return left
