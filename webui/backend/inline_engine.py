"""The engine in this process: for tests, the command line, and machines that fork by themselves."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from webui.backend.engine import told_in_words, turn
from webui.backend.facts import EngineStatus
from webui.backend.lease import Lease, Ticket
from webui.backend.requests import Request
from webui.events import Cancelled, CancelToken, Event
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.backend.worker import Worker


class InlineEngine:
    """Computes in the thread that reads the stream, and only while it reads."""

    def __init__(
        self, settings: Settings, make_worker: "Callable[[Settings], Worker] | None" = None
    ) -> None:
        self._settings = settings
        self._make_worker = make_worker
        self._worker: Worker | None = None
        self._lease = Lease()
        self._stopping = CancelToken()
        self._running: CancelToken | None = None
        self._idle: threading.Timer | None = None

    def run(self, request: Request, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Do a request when its turn comes."""
        cancel = cancel or CancelToken()
        ticket = yield from turn(self._lease, cancel)
        if ticket is None:
            return
        try:
            self._running = cancel
            if self._stopping.cancelled:  # only now: `close` cancels what it finds running
                yield Cancelled()
                return
            self._forget_idle()
            for event in told_in_words(self._work(request, cancel)):
                self._lease.report(event)
                yield event
        finally:
            self._running = None
            self._release(ticket)

    def status(self) -> EngineStatus:
        """How the engine is now."""
        known = EngineStatus(running=False) if self._worker is None else self._worker.status()
        return with_job(known, self._lease)

    def devices(self) -> int:
        """How many jobs can run at once: one."""
        return 1

    def close(self) -> None:
        """Stop what runs and give the memory back."""
        self._stopping.cancel()
        self._forget_idle()
        running = self._running
        if running is not None:
            running.cancel()
        self._give_back()

    def _work(self, request: Request, cancel: CancelToken) -> Iterator[Event]:
        yield from self._ready_worker().run(request, cancel)

    def _ready_worker(self) -> "Worker":
        if self._worker is None:
            if self._make_worker is not None:
                self._worker = self._make_worker(self._settings)
            else:
                from webui.backend.worker import Worker

                self._worker = Worker(self._settings)
        return self._worker

    def _release(self, ticket: Ticket) -> None:
        """Let the next job have the device, or nobody once the engine is closed."""
        seconds = None if self._worker is None else self._worker.seconds_until_idle()
        if seconds is not None and not self._stopping.cancelled:
            self._idle = threading.Timer(seconds + 0.1, self._unload_idle)
            self._idle.daemon = True
            self._idle.start()
        self._lease.release(ticket)
        if self._stopping.cancelled:
            self._give_back()

    def _give_back(self) -> None:
        """Give the memory back, unless a job still has the device: then its end does."""
        ticket = self._lease.try_take()
        if ticket is not None:
            if self._worker is not None:
                self._worker.close()
            self._lease.release(ticket)

    def _unload_idle(self) -> None:
        """Unload what is due, and come again for what will be."""
        ticket = self._lease.try_take()
        if ticket is not None:
            if self._worker is not None:
                self._worker.unload_idle()
            self._release(ticket)

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def with_job(known: EngineStatus, lease: Lease) -> EngineStatus:
    """Add what the lease tells about the running job to what is known of the worker."""
    progress = lease.progress
    return replace(
        known,
        running=lease.running,
        waiting=lease.waiting,
        stage="" if progress is None else progress.stage,
        fraction=0.0 if progress is None else progress.fraction,
        seconds_left=None if progress is None else progress.seconds_left,
    )
