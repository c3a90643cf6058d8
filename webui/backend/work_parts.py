"""A long list of work in small parts: what is left, what is at work, what came of each part."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from webui.backend.side_by_side import PartToken
from webui.events import CancelToken, Event

Item = TypeVar("Item")


@dataclass(eq=False)
class Part(Generic[Item]):
    """A piece of work: what is to be done, and what has come of it."""

    items: Sequence[Item]
    token: PartToken
    begun: float = 0.0  # by the clock of whoever does it
    results: list[Event] = field(default_factory=list)
    last: Event | None = None
    gave_way: bool = False  # it was broken off for somebody who waits

    @property
    def left(self) -> int:
        """How many items nothing has come of yet."""
        return max(0, len(self.items) - len(self.results))


class WorkParts(Generic[Item]):
    """Hands a list out in parts, to several threads; what is left of a part comes first again."""

    def __init__(self, items: Sequence[Item], size: int, cancel: CancelToken) -> None:
        self._left: deque[Item] = deque(items)
        self._size, self._cancel = size, cancel
        self._at_work: set[Part[Item]] = set()
        self._guard = threading.Lock()

    def take(self) -> Part[Item] | None:
        """Give the next part; None when nothing is left, or everything is to stop."""
        with self._guard:
            if not self._left or self._cancel.cancelled:
                return None
            items = [self._left.popleft() for _ in range(min(self._size, len(self._left)))]
            part = Part(items, PartToken(whole=self._cancel))
            self._at_work.add(part)
            return part

    def put_back(self, part: Part[Item], rest: Sequence[Item]) -> None:
        """A part has ended; its rest is to be done again."""
        with self._guard:
            self._at_work.discard(part)
            self._left.extendleft(reversed(rest))

    def stop(self) -> list[Part[Item]]:
        """Ask all parts at work to stop; gives them."""
        with self._guard:
            for part in self._at_work:
                part.token.cancel()
            return list(self._at_work)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return not self._left

    @property
    def left(self) -> int:
        """How many items nothing has come of yet."""
        with self._guard:
            return len(self._left) + sum(part.left for part in self._at_work)
