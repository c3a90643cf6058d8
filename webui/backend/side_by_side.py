"""Several jobs of one engine at once, as many as there are devices, their events as one stream."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from webui.events import CancelToken, Event

Job = TypeVar("Job")


@dataclass
class PartToken(CancelToken):
    """Asks one part of a larger work to stop; a stop of the whole stops the part too."""

    whole: CancelToken = field(default_factory=CancelToken)

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for, of this part or of everything."""
        return super().cancelled or self.whole.cancelled


@dataclass(frozen=True)
class _Ended(Generic[Job]):
    """The last word of a job, or of a thread that finds no more jobs (`job` None)."""

    job: Job | None = None
    fault: BaseException | None = None


def side_by_side(
    next_job: Callable[[], Job | None],
    begin: Callable[[Job], Iterator[Event]],
    at_once: int,
) -> Iterator[tuple[Job, Event | None]]:
    """Do jobs until there is no next one; gives each job's events, and None when it has ended.

    One at a time needs no thread, and computes only while the stream is read. Leaving early does
    not stop what runs: the jobs' own tokens do.

    Args:
        next_job: gives the next job, and None where there is none; asked by several threads, but
            by one at a time.
        begin: does a job.
        at_once: how many at most.
    """
    if at_once > 1:
        yield from _threads(next_job, begin, at_once)
        return
    while (job := next_job()) is not None:
        for event in begin(job):
            yield job, event
        yield job, None


def _threads(
    next_job: Callable[[], Job | None],
    begin: Callable[[Job], Iterator[Event]],
    at_once: int,
) -> Iterator[tuple[Job, Event | None]]:
    told: queue.SimpleQueue[tuple[Job, Event] | _Ended[Job]] = queue.SimpleQueue()
    asking = threading.Lock()

    def work() -> None:
        fault = None
        try:
            while (job := _next(next_job, asking)) is not None:
                for event in begin(job):
                    told.put((job, event))
                told.put(_Ended(job))
        except BaseException as caught:  # noqa: BLE001  (it is raised where the stream is read)
            fault = caught
        told.put(_Ended(fault=fault))

    running = at_once
    for number in range(at_once):
        threading.Thread(target=work, name=f"part-{number}", daemon=True).start()
    while running:
        news = told.get()
        if not isinstance(news, _Ended):
            yield news
        elif news.job is not None:
            yield news.job, None
        else:
            running -= 1
            if news.fault is not None:
                raise news.fault


def _next(next_job: Callable[[], Job | None], asking: threading.Lock) -> Job | None:
    with asking:
        return next_job()
