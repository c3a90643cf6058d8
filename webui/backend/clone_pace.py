"""How far a cloning job is, and an honest guess how long the rest will take."""

import time
from collections.abc import Callable, Sequence
from statistics import fmean

from webui.events import Progress

# What a step costs beside the others while none of its kind has been measured.
WEIGHTS = {
    "check": 1.0, "load": 4.0, "quantizer": 2.0, "transcript": 4.0, "conversion": 6.0,
    "report": 6.0,
}  # fmt: skip
ENOUGH_DONE = 0.2  # of a step, to reckon its rest by its own pace
LEAST_SECONDS = 0.5  # of work before anything is said about the rest


class ClonePace:
    """Goes through the steps of a job in order and measures how long each kind takes."""

    def __init__(
        self, steps: Sequence[str], clones: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Begin before the first step.

        Args:
            steps: their kinds, of `WEIGHTS`, in the order they will be done, as far as is known.
            clones: how many clones will be made.
            clock: seconds.
        """
        self._clock = clock
        self.plan(steps, clones)
        self._number = -1  # of the step at work
        self._begun = clock()
        self._inside = 0.0  # of that step, 0..1
        self._clone = 0
        self._took: dict[str, list[float]] = {}
        self._fraction = 0.0

    def plan(self, steps: Sequence[str], clones: int) -> None:
        """Take note of what will really be done, the steps already done first."""
        self._steps, self._clones = list(steps), max(1, clones)

    def begin(self, stage: str, message: str = "", clone: int = 0) -> Progress:
        """Go on to the next step, which makes or judges the clone of this number."""
        self._number += 1
        self._clone = clone
        self._begun, self._inside = self._clock(), 0.0
        return self.within(0.0, stage, message)

    def within(self, done: float, stage: str, message: str = "") -> Progress:
        """Say how much of the step is done, 0..1."""
        self._inside = min(max(done, 0.0), 1.0)
        costs = [WEIGHTS[each] for each in self._steps]
        here = costs[self._number] * self._inside if self._number >= 0 else 0.0
        fraction = (sum(costs[: max(0, self._number)]) + here) / sum(costs)
        self._fraction = max(self._fraction, min(fraction, 1.0))
        left = self._seconds_left()
        return Progress(stage, self._fraction, left, self._clone, self._clones, message)

    def end(self) -> None:
        """Take note how long the step took."""
        self._took.setdefault(self._steps[self._number], []).append(self._clock() - self._begun)

    def skip(self, steps: int = 1) -> None:
        """Leave the next steps out: there is nothing to do them with."""
        self._number += steps

    def _seconds_left(self) -> float | None:
        """Reckon by what steps of the same kind took, else by what they cost beside others."""
        measured = sum(sum(each) for each in self._took.values())
        weighed = sum(WEIGHTS[kind] * len(each) for kind, each in self._took.items())
        if measured < LEAST_SECONDS:
            return None

        def expected(kind: str) -> float:
            took = self._took.get(kind)
            return fmean(took) if took else WEIGHTS[kind] * measured / weighed

        here = expected(self._steps[self._number]) if self._number >= 0 else 0.0
        spent, done = self._clock() - self._begun, self._inside
        rest = spent * (1 - done) / done if done >= ENOUGH_DONE else max(0.0, here - spent)
        return rest + sum(expected(kind) for kind in self._steps[self._number + 1 :])
