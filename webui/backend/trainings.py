"""Trainings at work in threads of their own: they go on when nobody looks, and everybody may."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from webui.backend.engine import failed
from webui.backend.training_folder import TrainingEnd, TrainingFolder
from webui.backend.watched_work import WatchedWork
from webui.errors import JobCancelled, TrainingError, UserError
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.training_results import QuantizerReport, SampleKept, SampleMissed, TrainingPoint

TOLD = (
    Progress
    | TrainingPoint
    | SampleKept
    | SampleMissed
    | QuantizerReport
    | Done
    | Failed
    | Cancelled
)

Work = Callable[[TrainingFolder, CancelToken], Iterator[Event]]


@dataclass(eq=False)
class _AtWork:
    """One training, and the work on it."""

    folder: TrainingFolder
    work: WatchedWork = field(default_factory=WatchedWork)


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
        if now is not None and not now.work.ended:
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
            if now is not None and not now.work.ended:
                if now.folder.id == folder.id:
                    return
                self.check_idle()
            if self._closed:
                raise TrainingError(
                    "The app is ending. Start it again, then continue the training."
                )
            at_work = self._now = _AtWork(folder)
            at_work.work.begin(lambda: self._do(at_work), f"training-{folder.id}")

    def follow(self, training: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Watch a training that is at work until it ends; leaving early does not stop it.

        Only `cancel` does, for everybody.
        """
        now = self._now
        if now is None or now.folder.id != training:
            return
        yield from now.work.follow(cancel)

    def progress(self, training: str | None = None) -> Progress | None:
        """How far a training is (or the one that is at work); None when it is not at work."""
        now = self._now
        if now is None or training not in (None, now.folder.id):
            return None
        return now.work.progress

    def stop(self, training: str) -> None:
        """Stop a training, if it is at work. What it has made is kept."""
        now = self._now
        if now is not None and now.folder.id == training:
            now.work.cancel.cancel()

    def close(self) -> None:
        """Stop all work, and wait a moment for it to end."""
        with self._guard:
            self._closed, now = True, self._now
        if now is not None:
            now.work.stop()

    def _do(self, at_work: _AtWork) -> Event:
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
        return end

    def _to_the_end(self, at_work: _AtWork) -> Event:
        try:
            for event in self._work(at_work.folder, at_work.work.cancel):
                if isinstance(event, Done | Failed | Cancelled):
                    return event
                if isinstance(event, TOLD):
                    at_work.work.tell(event)
        except JobCancelled:
            return Cancelled()
        except Exception as fault:  # noqa: BLE001  (it is told in words, and written down)
            return failed(fault)
        return Cancelled() if at_work.work.cancel.cancelled else Done()
