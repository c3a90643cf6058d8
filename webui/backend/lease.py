"""The right to use a device: as many jobs have one as there are, the others wait in their order."""

import threading
from collections import deque
from collections.abc import Generator

from webui.errors import EngineError
from webui.events import CancelToken, Event, Progress

MOST_WAITING = 32
LOOK_SECONDS = 0.1  # how soon a waiting job sees that it was stopped


class Ticket:
    """One job's place in the line."""


class Lease:
    """A line of jobs, whose first has the device; with several devices the first ones have one."""

    def __init__(self, most_waiting: int = MOST_WAITING, devices: int = 1) -> None:
        self._most_waiting = most_waiting
        self._devices = devices
        self._line: deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._progress: Progress | None = None

    def take(self, cancel: CancelToken) -> Generator[Event, None, Ticket | None]:
        """Wait for the device; says how many are before, and gives None when stopped meanwhile.

        Raises:
            EngineError: too many are waiting.
        """
        ticket = Ticket()
        with self._changed:
            if self.waiting >= self._most_waiting:
                raise EngineError(
                    f"{self.waiting} jobs are waiting already. Please try again in a moment."
                )
            self._line.append(ticket)
        has_it = False
        try:
            told = 0
            while not cancel.cancelled:
                with self._changed:
                    before = self._line.index(ticket) - self._devices + 1
                    if before <= 0:
                        has_it = True
                        return ticket
                    if before == told:
                        self._changed.wait(LOOK_SECONDS)
                        continue
                told = before
                yield Progress("queued", 0.0, message=f"{before} before you")
            return None
        finally:
            if not has_it:
                self.release(ticket)

    def try_take(self) -> Ticket | None:
        """Take a device only if one is free and nobody waits for it."""
        with self._changed:
            if len(self._line) >= self._devices:
                return None
            ticket = Ticket()
            self._line.append(ticket)
            return ticket

    def release(self, ticket: Ticket) -> None:
        """Leave the line: the next job has the device. Leaving twice changes nothing."""
        with self._changed:
            if ticket in self._line:
                if self._line.index(ticket) < self._devices:
                    self._progress = None
                self._line.remove(ticket)
                self._changed.notify_all()

    def resize(self, devices: int) -> None:
        """Lend so many devices from now on; a job that has one keeps it."""
        with self._changed:
            self._devices = max(1, devices)
            self._changed.notify_all()

    def report(self, event: Event) -> None:
        """Remember how far a running job is, for whoever asks: of several, the last that told."""
        if isinstance(event, Progress):
            self._progress = event

    @property
    def running(self) -> bool:
        """Whether a job has the device."""
        return bool(self._line)

    @property
    def waiting(self) -> int:
        """How many jobs wait behind those that have a device."""
        return max(0, len(self._line) - self._devices)

    @property
    def free(self) -> int:
        """How many devices nobody has."""
        return max(0, self._devices - len(self._line))

    @property
    def progress(self) -> Progress | None:
        """How far the running job is."""
        return self._progress
