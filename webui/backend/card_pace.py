"""How far the speaking of many cards is, and an honest guess how long the rest will take."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webui.events import Progress

LEAST_SECONDS = 0.5  # of work before anything is said about the rest
REMEMBERED = 20  # cards whose pace counts
NOT_WORK = ("queued", "load", "download", "verify")  # stages that say nothing about the pace


@dataclass
class _AtWork:
    """A card that is being spoken."""

    fraction: float = 0.0
    begun: float | None = None  # when its own work began


@dataclass
class CardPace:
    """Counts cards by the seconds that they will last, and measures what such a second takes.

    `at_once` cards are worked on together.
    """

    weights: Mapping[str, float]  # seconds that cards last, about
    at_once: int = 1
    clock: Callable[[], float] = time.perf_counter
    done: int = 0
    _at_work: dict[str, _AtWork] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _took: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def hear(self, card: str, event: Progress) -> Progress:
        """Turn the progress of one card into that of all of them."""
        now = self._at_work.setdefault(card, _AtWork())
        now.fraction = max(now.fraction, event.fraction)
        if now.begun is None and event.stage not in NOT_WORK:
            now.begun = self.clock()
        return self.progress(event.stage, event.message)

    def end(self, card: str, is_made: bool) -> None:
        """Take note that a card is spoken, or that it will not be."""
        now = self._at_work.pop(card, _AtWork())
        self._ended.add(card)
        self.done += 1
        if is_made and now.begun is not None:
            self._took.append((self.clock() - now.begun, self.weights[card]))

    def progress(self, stage: str, message: str = "") -> Progress:
        """Say how far all of it is."""
        total = sum(self.weights.values())
        rest = total - self._done_weight()
        took = sum(seconds for seconds, _ in self._took)
        left = None
        if took >= LEAST_SECONDS:
            left = rest * took / sum(weight for _, weight in self._took) / max(1, self.at_once)
        fraction = 1.0 - rest / total if total > 0 else 1.0
        chunk = min(self.done, max(0, len(self.weights) - 1))
        return Progress(
            stage, min(max(fraction, 0.0), 1.0), left, chunk, len(self.weights), message
        )

    def _done_weight(self) -> float:
        ended = sum(self.weights[card] for card in self._ended)
        return ended + sum(self.weights[card] * now.fraction for card, now in self._at_work.items())
