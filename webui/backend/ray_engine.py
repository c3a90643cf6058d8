"""The engine on a Ray cluster: one process per device, on whichever machine, for one front end."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from webui.backend.engine import failed, turn
from webui.backend.facts import EngineStatus, LoadedFamily
from webui.backend.fan_out import seeded, split, together
from webui.backend.inline_engine import with_job
from webui.backend.lease import Lease
from webui.backend.ray_cluster import join, require_ray
from webui.backend.ray_jobs import RayJob
from webui.backend.ray_pool import RayPool
from webui.backend.requests import Request, UnloadRequest
from webui.errors import UserError
from webui.events import Cancelled, CancelToken, Event, Progress
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.backend.worker import Worker


class RayEngine:
    """Joins the cluster at the first job; a job that can be shared out uses all free devices."""

    def __init__(
        self,
        settings: Settings,
        make_worker: "Callable[[Settings], Worker] | None" = None,
        most_devices: int | None = None,
    ) -> None:
        require_ray()
        self._settings = settings
        self._make_worker = make_worker
        self._most_devices = most_devices
        self._lease = Lease()
        self._numbers = itertools.count(1)
        self._joining = threading.Lock()
        self._pool: RayPool | None = None
        self._closed = False

    def run(self, request: Request, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Do a request when its turn comes, on several devices where they are free."""
        cancel = cancel or CancelToken()
        if self._closed or cancel.cancelled:
            yield Cancelled()
            return
        if self._pool is None:
            yield Progress("load", 0.0, message="Joining the cluster")
        try:
            pool = self._joined()
            pool.refresh()
        except UserError as fault:
            yield failed(fault)
            return
        request = seeded(request)
        parts = split(request, self._shares(pool, request))
        if len(parts) == 1:
            yield from self._alone(pool, request, cancel)
            return

        def part(number: int, stop: CancelToken) -> Iterator[Event]:
            return self._alone(pool, parts[number], stop)

        yield from together(request, len(parts), part, cancel)

    def status(self) -> EngineStatus:
        """How the engine is now, as far as its processes have told."""
        pool = self._pool
        if pool is None:
            return with_job(EngineStatus(running=False), self._lease)
        told = [each for each in pool.statuses() if each.device]
        loaded = {family.id: family for each in told for family in each.loaded}
        first = told[0] if told else EngineStatus(running=False)
        known = replace(
            first,
            loaded=tuple(loaded.values()),
            asleep=bool(told) and not loaded and any(each.asleep for each in told),
            devices=max(1, len(pool.places)),
        )
        return with_job(known, self._lease)

    def devices(self) -> int:
        """How many jobs can run at once.

        Raises:
            EngineError: there is no cluster to ask.
        """
        if self._closed:
            return 1
        pool = self._joined()
        pool.refresh()
        return max(1, len(pool.places))

    def close(self) -> None:
        """Stop what runs, end the processes, and leave the cluster."""
        with self._joining:
            self._closed = True
            if self._pool is not None:
                self._pool.close()

    def _joined(self) -> RayPool:
        with self._joining:
            if self._pool is None:
                cluster = join(self._settings)
                self._pool = RayPool(cluster, self._lease, self._make_worker, self._most_devices)
            return self._pool

    def _shares(self, pool: RayPool, request: Request) -> int:
        """Into how many parts a request may go: no more than find a device at once."""
        if not isinstance(request, UnloadRequest):
            return self._lease.free
        holders = [each for each in pool.statuses() if _holds(each.loaded, request.family)]
        return min(self._lease.free, len(holders))

    def _alone(self, pool: RayPool, request: Request, cancel: CancelToken) -> Iterator[Event]:
        """Do a request on one device."""
        ticket = yield from turn(self._lease, cancel)
        if ticket is None:
            return
        job = RayJob(next(self._numbers), request, ticket, cancel)
        try:
            pool.begin(job)
            while (event := job.events.get()) is not None:
                yield event
        finally:
            job.abandoned.cancel()


def _holds(loaded: tuple[LoadedFamily, ...], family: str | None) -> bool:
    return any(family in (None, each.id) for each in loaded)
