"""The cluster's devices with our processes on them: gives each job one, again when one dies."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from webui.backend.engine import HANGS, SILENCE_SECONDS
from webui.backend.facts import EngineStatus
from webui.backend.lease import Lease
from webui.backend.ray_cluster import Actor, Cluster, Place
from webui.backend.ray_jobs import RayJob
from webui.errors import EngineError
from webui.events import Cancelled, Event, Failed, Progress

if TYPE_CHECKING:
    from webui.backend.worker import Worker
    from webui.settings import Settings

LOOK_SECONDS = 0.02  # how soon a running job's cancel is passed on
IDLE_LOOK_SECONDS = 1.0  # how soon a job is seen that a silent process was given
REFRESH_SECONDS = 2.0  # how old the list of devices may be
PATIENCE_SECONDS = 60.0  # a process that does not obey a cancel for so long is ended
STARTING_PATIENCE_SECONDS = 10.0  # the same for one that has not told anything yet
FAREWELL_SECONDS = 5.0
MOST_DEATHS = 2  # a job whose processes die so often has failed
OF_THE_FILES = ("FamilyNotFoundError", "CheckpointError")  # faults that another node may not have


@dataclass(eq=False)
class RayWorker:
    """A process on a device, and the job it has."""

    place: Place
    actor: Actor
    job: RayJob | None
    status: EngineStatus = field(default_factory=lambda: EngineStatus(running=False))
    has_told: bool = False  # it runs
    is_leaving: bool = False  # it has told all of its job and ends
    lacks: set[str] = field(default_factory=set)  # families that its node does not have
    heard_at: float = field(default_factory=time.monotonic)  # or was given its job
    hangs: bool = False


class RayPool:
    """Starts a process on a device when a job needs it, and keeps it for the next."""

    def __init__(
        self,
        cluster: Cluster,
        lease: Lease,
        make_worker: "Callable[[Settings], Worker] | None" = None,
        most_devices: int | None = None,
    ) -> None:
        self._cluster, self._lease = cluster, lease
        self._make_worker = make_worker
        self._most_devices = most_devices
        self._changed = threading.Condition()  # guards all below
        self._places: tuple[Place, ...] = ()
        self._seen_at = 0.0
        self._workers: dict[Place, RayWorker] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False
        self.refresh()

    @property
    def places(self) -> tuple[Place, ...]:
        """The devices, as they were seen last."""
        return self._places

    def refresh(self) -> None:
        """See which devices there are now, unless that was done just before."""
        with self._changed:
            if self._closed or time.monotonic() - self._seen_at < REFRESH_SECONDS:
                return
            self._places = self._cluster.places()[: self._most_devices]
            self._seen_at = time.monotonic()
            self._lease.resize(len(self._places))

    def statuses(self) -> list[EngineStatus]:
        """What each process has told of itself."""
        return [each.status for each in list(self._workers.values())]

    def begin(self, job: RayJob) -> None:
        """Give a job to a free device; what keeps it from one is told in its stream."""
        while True:
            with self._changed:
                if self._closed or job.unwanted:
                    return self._finish(job, Cancelled())
                if not self._places:
                    return self._finish(job, _no_device())
                worker = self._reserved(job)
                if worker is not None:
                    break
                self._changed.wait(LOOK_SECONDS)
            self.refresh()
        worker.actor.tell("run", job.number, job.request)
        return None

    def close(self) -> None:
        """End all processes; the jobs they had are told that they were stopped."""
        with self._changed:
            self._closed = True
            workers, threads = list(self._workers.values()), list(self._threads)
        for worker in workers:
            worker.actor.end()
        for thread in threads:
            thread.join(FAREWELL_SECONDS)
        self._cluster.leave()

    def _reserved(self, job: RayJob) -> RayWorker | None:
        """Choose a free device: best one that has the family in memory, else one that runs."""
        family = getattr(job.request, "family", None)

        def rank(place: Place) -> tuple[bool, ...]:
            worker = self._workers.get(place)
            loaded = () if worker is None else worker.status.loaded
            lacks = worker is not None and family in worker.lacks
            has = any(family in (None, each.id) for each in loaded)
            return place.node in job.failed_on, lacks, not has, worker is None

        free = [each for each in self._places if self._is_free(each)]
        if not free:
            return None
        place = min(free, key=rank)
        worker = self._workers.get(place)
        if worker is None:
            return self._started(place, job)
        worker.job, worker.heard_at = job, time.monotonic()
        return worker

    def _is_free(self, place: Place) -> bool:
        worker = self._workers.get(place)
        return worker is None or (worker.job is None and not worker.is_leaving)

    def _started(self, place: Place, job: RayJob) -> RayWorker:
        words = f"Starting the engine on {place.node_name}"
        job.events.put(Progress("load", 0.0, message=words))
        worker = RayWorker(place, self._cluster.start(place, self._make_worker), job)
        self._workers[place] = worker
        thread = threading.Thread(target=self._read, args=(worker,), name="ray", daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()
        return worker

    def _read(self, worker: RayWorker) -> None:
        """Pass the process's events on until it ends, and cancels to the process."""
        with suppress(Exception):  # a process that is gone, in any of the ways that Ray has for it
            while not worker.is_leaving:
                job = worker.job
                if job is not None:
                    self._look_at_cancel(worker, job)
                messages = worker.actor.hear(LOOK_SECONDS if job else IDLE_LOOK_SECONDS)
                for message in messages:
                    self._take(worker, *message)
                if messages:
                    worker.heard_at = time.monotonic()
                elif job is not None:
                    _end_if_silent(worker)
        self._bury(worker)

    def _take(self, worker: RayWorker, word: str, number: int, content: object) -> None:
        worker.has_told = True
        job = worker.job
        if isinstance(content, EngineStatus):
            worker.status = content
        if job is None or job.number != number:
            return
        if word == "taken":
            job.is_taken = True
        elif word == "event":
            event: Event = content  # type: ignore[assignment]  # what `work_for` sends
            self._pass_on(worker, job, event)
        elif word == "end":
            moves = job.is_moving
            with self._changed:
                worker.job = None
                self._changed.notify_all()
            if moves:
                self._move(job)
            else:
                self._finish(job)
        elif word == "last":
            worker.is_leaving = True  # the device is free when the process is gone

    def _pass_on(self, worker: RayWorker, job: RayJob, event: Event) -> None:
        """Hand an event out, unless it was handed out before, or another node may do better."""
        if isinstance(event, Failed) and event.kind in OF_THE_FILES and self._has_several_nodes:
            worker.lacks.add(getattr(job.request, "family", ""))
            job.failed_on.add(worker.place.node)
            if any(each.node not in job.failed_on for each in self._places):
                job.is_moving = True
                return
            told = f'On the node "{worker.place.node_name}": {event.message}'
            event = replace(event, message=told)
        if job.delivered.is_new(event):
            self._lease.report(event)
            job.events.put(event)

    @property
    def _has_several_nodes(self) -> bool:
        return len({each.node for each in self._places}) > 1

    def _look_at_cancel(self, worker: RayWorker, job: RayJob) -> None:
        """Tell a process that its job is no longer wanted; end one that does not listen."""
        if not job.unwanted:
            return
        now = time.monotonic()
        if job.cancelled_at is None:
            job.cancelled_at = now
        if not job.worker_knows:
            job.worker_knows = True
            worker.actor.tell("cancel", job.number)
        patience = PATIENCE_SECONDS if worker.has_told else STARTING_PATIENCE_SECONDS
        if now - job.cancelled_at > patience:
            worker.actor.end()

    def _bury(self, worker: RayWorker) -> None:
        """The process is gone; the job it had not ended is begun once more on another."""
        worker.actor.end()
        with self._changed:
            if self._workers.get(worker.place) is worker:
                del self._workers[worker.place]
            job, worker.job = worker.job, None
            self._seen_at = 0.0  # its node may be gone too
            self._changed.notify_all()
        if job is None:
            return
        if worker.is_leaving:
            self._finish(job)
        elif self._closed or job.unwanted:
            self._finish(job, Cancelled())
        elif worker.hangs:  # begun again it would hang again
            self._finish(job, _failed(EngineError(HANGS)))
        else:
            job.failed_on.add(worker.place.node)
            self._begin_after_death(worker, job)

    def _begin_after_death(self, worker: RayWorker, job: RayJob) -> None:
        job.deaths += 1 if job.is_taken else 0
        job.starts += 0 if job.is_taken else 1
        if job.deaths >= MOST_DEATHS or job.starts > len(self._places) + MOST_DEATHS:
            self._finish(job, _ended_too_often(worker.place))
            return
        words = f"The engine on {worker.place.node_name} ended; the work is done again"
        job.events.put(Progress("load", 0.0, message=words))
        self._move(job)

    def _move(self, job: RayJob) -> None:
        """Begin a job on another device, in a thread of its own: this one has to go on reading."""
        job.begin_again()
        threading.Thread(target=self._begun_again, args=(job,), name="ray", daemon=True).start()

    def _begun_again(self, job: RayJob) -> None:
        try:
            self.refresh()
            self.begin(job)
        except Exception as fault:  # noqa: BLE001  (the job's reader must hear of it)
            self._finish(job, _failed(EngineError(str(fault))))

    def _finish(self, job: RayJob, last: Event | None = None) -> None:
        if last is not None:
            job.events.put(last)
        self._lease.release(job.ticket)
        job.events.put(None)


def _end_if_silent(worker: RayWorker) -> None:
    """End a process that has told nothing of its job for too long: others wait for the device."""
    if time.monotonic() - worker.heard_at > SILENCE_SECONDS:
        worker.hangs = True
        worker.actor.end()


def _failed(fault: EngineError) -> Failed:
    return Failed(str(fault), type(fault).__name__)


def _no_device() -> Failed:
    return Failed(
        "The cluster has no device for this: no node is left, or none has what --device asks for. "
        "docs/cluster.md says how machines join.",
        "EngineError",
    )


def _ended_too_often(place: Place) -> Failed:
    return Failed(
        f'The process that computes ended unexpectedly, the last one on the node "'
        f'{place.node_name}", perhaps because the memory was full. It starts again with the next '
        "job; choose a smaller family if this repeats.",
        "EngineError",
    )
