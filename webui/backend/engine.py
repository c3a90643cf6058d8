"""What every engine is: a stream of events for each request, whatever computes them."""

from collections.abc import Iterator
from typing import Protocol

from webui.backend.facts import EngineStatus
from webui.backend.requests import Request
from webui.events import CancelToken, Event
from webui.settings import Settings


class Engine(Protocol):
    """Does requests on one device, one at a time.

    `run` never raises for what goes wrong with a job: the stream ends with `Failed`, `Cancelled`
    or `Done` (one `Done` for each take). Closing the stream early stops the job.
    """

    def run(self, request: Request, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Do a request when its turn comes."""
        ...

    def status(self) -> EngineStatus:
        """How the engine is now; never waits for a job."""
        ...

    def close(self) -> None:
        """Stop what runs and give everything back. Closing again changes nothing."""
        ...


def make_engine(settings: Settings) -> Engine:
    """Build the engine that the settings name; nothing is started or loaded yet."""
    if settings.engine == "inline":
        from webui.backend.inline_engine import InlineEngine

        return InlineEngine(settings)
    from webui.backend.local_engine import LocalEngine

    return LocalEngine(settings)
