"""Trainings at work in threads of their own: they go on when nobody looks, and everybody may."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from webui.backend.engine import failed
from webui.backend.training_folder import TrainingEnd, TrainingFolder
from webui.errors import JobCancelled, TrainingError, UserError
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.training_results import QuantizerReport, TrainingPoint

LOOK_SECONDS = 0.1
FAREWELL_SECONDS = 10.0
TOLD = Progress | TrainingPoint | QuantizerReport | Done | Failed | Cancelled

Work = Callable[[TrainingFolder, CancelToken], Iterator[Event]]


@dataclass(eq=False)
class _AtWork:
    """One training, what it told last, and who listens."""

    folder: TrainingFolder
    cancel: CancelToken = field(default_factory=CancelToken)
    guard: threading.Lock = field(default_factory=threading.Lock)
    listeners: "list[queue.SimpleQueue[Event]]" = field(default_factory=list)
    last: Event = field(default_factory=lambda: Progress("queued", 0.0))
    thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        return isinstance(self.last, Done | Failed | Cancelled)

    def tell(self, event: Event) -> None:
        with self.guard:
            if not isinstance(event, TrainingPoint | QuantizerReport):
                self.last = event
            for each in self.listeners:
                each.put(event)

    def listen(self) -> "queue.SimpleQueue[Event]":
        news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        with self.guard:
            news.put(self.last)
            self.listeners.append(news)
        return news


class Trainings:
    """All trainings that this app works on: one at a time, because each wants the whole device."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._guard = threading.Lock()
        self._now: _AtWork | None = None
        self._closed = False

    def check_idle(self) -> None:
        """Refuse a new training while one is at work.

        Raises:
            TrainingError: one is.
        """
        now = self._now
        if now is not None and not now.ended:
            raise TrainingError(
                f'The training "{now.folder.id}" is at work. Wait for it, or stop it first.'
            )

    def start(self, folder: TrainingFolder) -> None:
        """Begin to work on a training, or leave it at work.

        Raises:
            TrainingError: another one is at work.
        """
        with self._guard:
            now = self._now
            if now is not None and not now.ended:
                if now.folder.id == folder.id:
                    return
                self.check_idle()
            if self._closed:
                raise TrainingError(
                    "The app is ending. Start it again, then continue the training."
                )
            at_work = self._now = _AtWork(folder)
            at_work.thread = threading.Thread(
                target=self._do, args=(at_work,), name=f"training-{folder.id}", daemon=True
            )
            at_work.thread.start()

    def follow(self, training: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Watch a training that is at work until it ends; leaving early does not stop it.

        Only `cancel` does, for everybody.
        """
        now = self._now
        if now is None or now.folder.id != training:
            return
        news = now.listen()
        try:
            while True:
                with suppress(queue.Empty):
                    event = news.get(timeout=LOOK_SECONDS)
                    yield event
                    if isinstance(event, Done | Failed | Cancelled):
                        return
                if cancel is not None and cancel.cancelled:
                    now.cancel.cancel()
        finally:
            with now.guard:
                now.listeners.remove(news)

    def progress(self, training: str | None = None) -> Progress | None:
        """How far a training is (or the one that is at work); None when it is not at work."""
        now = self._now
        if now is None or training not in (None, now.folder.id):
            return None
        return now.last if isinstance(now.last, Progress) else None

    def stop(self, training: str) -> None:
        """Stop a training, if it is at work. What it has made is kept."""
        now = self._now
        if now is not None and now.folder.id == training:
            now.cancel.cancel()

    def close(self) -> None:
        """Stop all work, and wait a moment for it to end."""
        with self._guard:
            self._closed, now = True, self._now
        if now is not None:
            now.cancel.cancel()
            if now.thread is not None:
                now.thread.join(FAREWELL_SECONDS)

    def _do(self, at_work: _AtWork) -> None:
        """Work on one training; how it ends is written down before anybody is told."""
        folder, last = at_work.folder, Cancelled()
        end: Event = last
        try:
            with folder.at_work():
                folder.save_end(TrainingEnd())
                end = self._to_the_end(at_work)
                words = end.message if isinstance(end, Failed) else ""
                outcome = {Done: "done", Failed: "failed"}.get(type(end), "stopped")
                folder.save_end(TrainingEnd(outcome, words))
        except UserError as fault:
            end = failed(fault)
        except Exception as fault:  # noqa: BLE001  (who waits for it must hear of it)
            end = failed(fault)
        at_work.tell(end)

    def _to_the_end(self, at_work: _AtWork) -> Event:
        try:
            for event in self._work(at_work.folder, at_work.cancel):
                if isinstance(event, Done | Failed | Cancelled):
                    return event
                if isinstance(event, TOLD):
                    at_work.tell(event)
        except JobCancelled:
            return Cancelled()
        except Exception as fault:  # noqa: BLE001  (it is told in words, and written down)
            return failed(fault)
        return Cancelled() if at_work.cancel.cancelled else Done()
