"""The engine in a child process: whatever happens to it costs one job, never the page."""

import itertools
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING

from webui.backend.engine import HANGS, SILENCE_SECONDS, turn
from webui.backend.engine_process import serve
from webui.backend.facts import EngineStatus
from webui.backend.inline_engine import with_job
from webui.backend.lease import Lease, Ticket
from webui.backend.requests import Request
from webui.events import Cancelled, CancelToken, Event, Failed, Progress
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.backend.worker import Worker

LOOK_SECONDS = 0.02  # how soon a running job's cancel is passed on
IDLE_LOOK_SECONDS = 1.0  # how soon a job is seen that a silent child was given
PATIENCE_SECONDS = 60.0  # a child that does not obey a cancel for so long is ended
FAREWELL_SECONDS = 5.0


@dataclass(eq=False)
class _Job:
    number: int
    ticket: Ticket
    cancel: CancelToken
    abandoned: CancelToken = field(default_factory=CancelToken)
    events: "queue.SimpleQueue[Event | None]" = field(default_factory=queue.SimpleQueue)
    cancelled_at: float | None = None  # when that was seen
    child_knows: bool = False  # that the job is no longer wanted

    @property
    def unwanted(self) -> bool:
        return self.cancel.cancelled or self.abandoned.cancelled


@dataclass(eq=False)
class _Child:
    process: SpawnProcess
    connection: Connection
    status: EngineStatus = field(default_factory=lambda: EngineStatus(running=False))
    job: _Job | None = None
    is_leaving: bool = False  # it has told all of its job and ends
    heard_at: float = field(default_factory=time.monotonic)  # or was given its job
    hangs: bool = False


class LocalEngine:
    """One child process, started at the first job and again after it died."""

    def __init__(
        self, settings: Settings, make_worker: "Callable[[Settings], Worker] | None" = None
    ) -> None:
        self._settings = settings
        self._make_worker = make_worker
        self._lease = Lease()
        self._numbers = itertools.count(1)
        self._guard = threading.Lock()  # of the child and of writing to it
        self._child: _Child | None = None
        self._closed = False

    def run(self, request: Request, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Do a request when its turn comes; the device is free again when the child says so."""
        cancel = cancel or CancelToken()
        ticket = yield from turn(self._lease, cancel)
        if ticket is None:
            return
        job = _Job(next(self._numbers), ticket, cancel)
        try:
            self._start(job, request)
            while (event := job.events.get()) is not None:
                yield event
        finally:
            job.abandoned.cancel()

    def status(self) -> EngineStatus:
        """How the engine is now, as far as the child has told."""
        child = self._child
        known = EngineStatus(running=False) if child is None else child.status
        return with_job(known, self._lease)

    def devices(self) -> int:
        """How many jobs can run at once: one."""
        return 1

    @property
    def process_id(self) -> int | None:
        """Of the child, while there is one."""
        child = self._child
        return None if child is None else child.process.pid

    def close(self) -> None:
        """Stop what runs and end the child."""
        with self._guard:
            self._closed = True
            child = self._child
            if child is None:
                return
            if child.job is not None:
                child.job.abandoned.cancel()
            _send(child, ("stop", 0))
        child.process.join(FAREWELL_SECONDS)
        if child.process.is_alive():
            child.process.kill()
            child.process.join(FAREWELL_SECONDS)

    def _start(self, job: _Job, request: Request) -> None:
        """Give a job to the child, which is started when there is none."""
        with self._guard:
            child = self._child
            if child is not None and not self._closed and self._give(child, job, request):
                return
            if self._closed or job.unwanted:
                job.events.put(Cancelled())
                self._end_of(job)
                return
            job.events.put(Progress("load", 0.0, message="Starting the engine"))
            try:
                child = self._child = self._new_child()
            except OSError as fault:
                words = f"The process that computes could not be started ({fault.strerror})."
                job.events.put(Failed(words, "EngineError"))
                self._end_of(job)
                return
            if not self._give(child, job, request):
                job.events.put(Failed(_last_words(child.process.exitcode), "EngineError"))
                self._end_of(job)

    def _give(self, child: _Child, job: _Job, request: Request) -> bool:
        """Send a job; says whether the child could still be reached."""
        child.heard_at = time.monotonic()
        child.job = job
        if _send(child, ("run", job.number, request)):
            return True
        child.job = None
        return False

    def _new_child(self) -> _Child:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve,
            args=(theirs, self._settings, self._make_worker),
            name="engine",
            daemon=True,
        )
        process.start()
        theirs.close()
        child = _Child(process, ours)
        threading.Thread(target=self._read, args=(child,), name="engine", daemon=True).start()
        return child

    def _read(self, child: _Child) -> None:
        """Pass the child's events on until it ends, and cancels to the child."""
        with suppress(Exception):  # a dying child cuts a message anywhere
            while not child.is_leaving:
                if child.job is not None:
                    self._look_at_cancel(child, child.job)
                seconds = IDLE_LOOK_SECONDS if child.job is None else LOOK_SECONDS
                if child.connection.poll(seconds):
                    self._take(child, *child.connection.recv())
                    child.heard_at = time.monotonic()
                elif child.job is not None:
                    _end_if_silent(child)
        self._bury(child)

    def _take(self, child: _Child, word: str, number: int, content: object) -> None:
        job = child.job
        if isinstance(content, EngineStatus):
            child.status = content
        if job is None or job.number != number:
            return
        if word == "end":
            with self._guard:
                child.job = None
            self._end_of(job)
        elif word == "last":
            child.is_leaving = True  # the device is free when the process is gone
        elif word == "event":
            event: Event = content  # type: ignore[assignment]  # what `serve` sends
            self._lease.report(event)
            job.events.put(event)

    def _look_at_cancel(self, child: _Child, job: _Job) -> None:
        """Tell the child that its job is no longer wanted; end a child that does not listen."""
        if not job.unwanted:
            return
        now = time.monotonic()
        if job.cancelled_at is None:
            job.cancelled_at = now
        if now - job.cancelled_at > PATIENCE_SECONDS:
            child.process.kill()
        elif not job.child_knows and self._guard.acquire(blocking=False):  # it may hang in a write
            try:
                job.child_knows = _send(child, ("cancel", job.number))
            finally:
                self._guard.release()

    def _bury(self, child: _Child) -> None:
        """The child is gone, and a job it had not ended has failed; the next gets a new child."""
        child.process.join(FAREWELL_SECONDS)
        if child.process.is_alive():
            child.process.kill()
            child.process.join()
        with self._guard:
            if self._child is child:
                self._child = None
            job, child.job = child.job, None
            child.connection.close()
        if job is not None:
            stopped = job.unwanted or self._closed
            words = HANGS if child.hangs else _last_words(child.process.exitcode)
            if not child.is_leaving:
                job.events.put(Cancelled() if stopped else Failed(words, "EngineError"))
            self._end_of(job)

    def _end_of(self, job: _Job) -> None:
        self._lease.release(job.ticket)
        job.events.put(None)


def _send(child: _Child, message: tuple[object, ...]) -> bool:
    """Write to a child; says whether it could be reached."""
    try:
        child.connection.send(message)
    except (OSError, ValueError):
        return False
    return True


def _end_if_silent(child: _Child) -> None:
    """End a child that has told nothing of its job for too long: others wait for the device."""
    if time.monotonic() - child.heard_at > SILENCE_SECONDS:
        child.hangs = True
        child.process.kill()


def _last_words(exit_code: int | None) -> str:
    if exit_code == -9:
        return (
            "The process that computes was ended by the system, perhaps because the memory was "
            "full. It starts again with the next job; choose a smaller family if this repeats."
        )
    return (
        f"The process that computes ended unexpectedly (code {exit_code}). It starts again with "
        "the next job."
    )
