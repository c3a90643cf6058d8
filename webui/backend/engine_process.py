"""The process that computes for an engine: requests come in by a pipe, events go out by it."""

import os
import queue
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from webui.backend.engine import failed, told_in_words
from webui.backend.facts import EngineStatus
from webui.backend.requests import Request
from webui.events import CancelToken
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.backend.worker import Worker

Job = tuple[int, Request, CancelToken]


@runtime_checkable
class Line(Protocol):
    """The worker's end of the line to its engine: a pipe's, or anything with these two."""

    def send(self, message: tuple[object, ...], /) -> None:
        """Tell the engine; an OSError says that it has gone."""
        ...

    def recv(self) -> tuple[Any, ...]:
        """Wait for the engine's next message; an OSError or EOFError says that it has gone."""
        ...


def serve(
    connection: Line,
    settings: Settings,
    make_worker: "Callable[[Settings], Worker] | None" = None,
) -> None:
    """Be the local engine's child: do requests until the parent says stop, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent to answer
    work_for(connection, settings, make_worker)


def work_for(
    connection: Line,
    settings: Settings,
    make_worker: "Callable[[Settings], Worker] | None" = None,
) -> None:
    """Do requests until the engine says stop, or is gone.

    The engine sends ("run", number, request), ("cancel", number) and ("stop", 0). It is told
    ("taken", number, None), ("event", number, event), ("end", number, status), or
    ("last", number, status) when the process ends with this job, and ("status", 0, status).
    """
    pipe = _Pipe(connection)
    inbox: queue.Queue[Job | None] = queue.Queue()
    threading.Thread(target=_listen, args=(pipe, inbox), name="listen", daemon=True).start()
    try:
        worker = _new_worker(settings, make_worker)
    except Exception as fault:  # noqa: BLE001  (whoever waits for the first job must hear of it)
        job = inbox.get()
        if job is not None:
            pipe.tell("event", job[0], failed(fault))
            pipe.tell("last", job[0], EngineStatus(running=False))
        return
    _work(pipe, inbox, worker)


def _new_worker(settings: Settings, make_worker: "Callable[[Settings], Worker] | None") -> "Worker":
    if make_worker is None:
        from webui.backend.worker import Worker

        make_worker = Worker
    return make_worker(settings)


def _work(pipe: "_Pipe", inbox: "queue.Queue[Job | None]", worker: "Worker") -> None:
    """Do one job after the other until a stop, or until only a new process could."""
    while True:
        try:
            job = inbox.get(timeout=worker.seconds_until_idle())
        except queue.Empty:
            if worker.unload_idle():
                pipe.tell("status", 0, worker.status())
            continue
        if job is None:
            return
        number, request, cancel = job
        for event in told_in_words(worker.run(request, cancel)):
            pipe.tell("event", number, event)
        pipe.tell("last" if worker.device_lost else "end", number, worker.status())
        if worker.device_lost:
            return


class _Pipe:
    """The worker's end; two threads write to it."""

    def __init__(self, connection: Line) -> None:
        self._connection = connection
        self._writing = threading.Lock()

    def tell(self, word: str, number: int, content: object) -> None:
        """Send one message; without a parent there is nothing left to do."""
        try:
            with self._writing:
                self._connection.send((word, number, content))
        except OSError:
            os._exit(0)

    def hear(self) -> tuple[Any, ...]:
        """Wait for the parent's next message; the process ends with its parent."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            os._exit(0)


def _listen(pipe: _Pipe, inbox: "queue.Queue[Job | None]") -> None:
    """Pass requests on and set the running job's token when it is cancelled."""
    tokens: dict[int, CancelToken] = {}
    while True:
        word, number, *rest = pipe.hear()
        if word == "run":
            tokens = {number: CancelToken()}  # one job at a time: the last one has ended
            pipe.tell("taken", number, None)
            inbox.put((number, rest[0], tokens[number]))
        elif word == "cancel" and number in tokens:
            tokens[number].cancel()
        elif word == "stop":
            for token in tokens.values():
                token.cancel()
            inbox.put(None)
