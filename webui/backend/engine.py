"""What every engine is: a stream of events for each request, whatever computes them."""

from collections.abc import Generator, Iterator
from typing import Protocol, runtime_checkable

from webui import errors
from webui.backend.facts import EngineStatus
from webui.backend.lease import Lease, Ticket
from webui.backend.requests import Request
from webui.errors import EngineError, UserError
from webui.events import Cancelled, CancelToken, Event, Failed
from webui.settings import Settings

# A process that tells nothing of its job for so long hangs. Every stage reports several times a
# second; loading a large part from a slow disk is the longest that is known to be silent.
SILENCE_SECONDS = 900.0
HANGS = (
    "The process that computes told nothing for too long, so it was ended; others were waiting. It "
    "starts again with the next job. If this repeats, choose a smaller family or a shorter text."
)


@runtime_checkable
class Engine(Protocol):
    """Does requests, on each of its devices one at a time.

    `run` never raises for what goes wrong with a job: the stream ends with `Failed`, `Cancelled`
    or `Done` (one `Done` for each take). Closing the stream early stops the job.
    """

    def run(self, request: Request, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Do a request when its turn comes."""
        ...

    def status(self) -> EngineStatus:
        """How the engine is now; never waits for a job."""
        ...

    def devices(self) -> int:
        """How many jobs can run at once: what has many of them may begin so many.

        Raises:
            EngineError: the machines that should say so cannot be reached.
        """
        ...

    def close(self) -> None:
        """Stop what runs and give everything back. Closing again changes nothing."""
        ...


def told_in_words(events: Iterator[Event]) -> Iterator[Event]:
    """Pass a job's events on; a fault that nobody caught becomes the last of them."""
    try:
        yield from events
    except Exception as fault:  # noqa: BLE001  (a job's fault must not end its engine)
        yield failed(fault)


def failed(fault: Exception) -> Failed:
    """Say how a job failed; an unforeseen fault's own words help whoever reads a report."""
    if isinstance(fault, UserError):
        return Failed(str(fault), type(fault).__name__)
    words = " ".join(f"{type(fault).__name__}: {fault}".split())[:200].rstrip(": ")
    return Failed(
        f"Something went wrong while computing ({words}). "
        "Please try again; if it happens again, report it with these words.",
        "EngineError",
    )


def error_of(end: Failed) -> UserError:
    """Give the error that a failed job tells of: what `failed` was given."""
    kind: type[UserError] = getattr(errors, end.kind, EngineError)
    return kind(end.message)


def turn(lease: Lease, cancel: CancelToken) -> Generator[Event, None, Ticket | None]:
    """Wait for a device; where a job gets none, it is told why and None is given."""
    try:
        ticket = yield from lease.take(cancel)
    except UserError as fault:
        yield failed(fault)
        return None
    if ticket is None:
        yield Cancelled()
    return ticket


def make_engine(settings: Settings) -> Engine:
    """Build the engine that the settings name; nothing is started or loaded yet.

    Raises:
        SettingsError: the settings ask for a cluster, and Ray is not installed; or for a lent
            card, and this is no Space that lends one.
    """
    if settings.ray is not None:
        from webui.backend.ray_engine import RayEngine

        return RayEngine(settings)
    if settings.zero_gpu:
        from webui.backend.zero_gpu import ZeroGpuEngine

        return ZeroGpuEngine(settings)
    if settings.engine == "inline":
        from webui.backend.inline_engine import InlineEngine

        return InlineEngine(settings)
    from webui.backend.local_engine import LocalEngine

    return LocalEngine(settings)
