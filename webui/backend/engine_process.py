"""The child process of the local engine: requests come in by a pipe, events go out by it."""

import os
import queue
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from webui.backend.engine import failed, told_in_words
from webui.backend.facts import EngineStatus
from webui.backend.requests import Request
from webui.events import CancelToken
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.backend.worker import Worker

Job = tuple[int, Request, CancelToken]


def serve(
    connection: Connection,
    settings: Settings,
    make_worker: "Callable[[Settings], Worker] | None" = None,
) -> None:
    """Do requests until the parent says stop, or is gone.

    The parent sends ("run", number, request), ("cancel", number) and ("stop", 0). It is told
    ("taken", number, None), ("event", number, event), ("end", number, status), or
    ("last", number, status) when the process ends with this job, and ("status", 0, status).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent to answer
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
    """The child's end; two threads write to it."""

    def __init__(self, connection: Connection) -> None:
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
            message: tuple[Any, ...] = self._connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        return message


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
