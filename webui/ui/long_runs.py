"""Long texts that are being spoken: each is followed to its end, whoever looks on."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from webui.errors import EngineError, UserError
from webui.events import Event, Failed
from webui.ui.messages import fault_words

MAX_RUNS = 8
MAX_PUBLIC_RUNS = 2  # of all visitors of a public page together
REMEMBERED = 200

Key = tuple[str, str]  # a visitor and a text


@dataclass(eq=False)
class _Run:
    thread: threading.Thread | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class LongRuns:
    """Follows a bounded number of renderings in threads of its own."""

    def __init__(self, most: int = MAX_RUNS) -> None:
        self._most = most
        self._runs: dict[Key, _Run] = {}
        self._faults: OrderedDict[Key, str] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, key: Key, begin: Callable[[], Iterator[Event]]) -> None:
        """Begin a rendering and follow it.

        Args:
            key: whose text it is.
            begin: starts it; what it raises is raised here.

        Raises:
            EngineError: it runs already, or too many others do.
            UserError: it cannot begin.
        """
        run = self._admitted(key)
        try:
            events = begin()
        except BaseException:
            self._end(key, run)
            raise
        run.thread = threading.Thread(
            target=self._follow, args=(key, run, events), name="long-text", daemon=True
        )
        run.thread.start()

    def fault(self, key: Key) -> str:
        """Why the last rendering of a text ended badly, in words; empty where it did not."""
        with self._lock:
            return self._faults.get(key, "")

    def wait(self, key: Key, seconds: float) -> bool:
        """Wait until a text is not spoken any more; False when that took too long."""
        with self._lock:
            run = self._runs.get(key)
        return run is None or run.ended.wait(seconds)

    def _admitted(self, key: Key) -> _Run:
        with self._lock:
            if key in self._runs:
                raise EngineError("This text is being spoken already.")
            if len(self._runs) >= self._most:
                raise EngineError(
                    "Other long texts are being spoken here. Yours is kept; "
                    "please press Start again later."
                )
            self._faults.pop(key, None)
            self._runs[key] = _Run()
            return self._runs[key]

    def _follow(self, key: Key, run: _Run, events: Iterator[Event]) -> None:
        fault = ""
        try:
            for event in events:
                if isinstance(event, Failed):
                    fault = event.message
        except UserError as refusal:
            fault = str(refusal)
        except Exception as unforeseen:  # noqa: BLE001  the edge of a thread: nobody else would say it
            fault = fault_words(unforeseen)
        self._end(key, run, fault)

    def _end(self, key: Key, run: _Run, fault: str = "") -> None:
        with self._lock:
            del self._runs[key]
            if fault:
                self._faults[key] = fault
                while len(self._faults) > REMEMBERED:
                    self._faults.popitem(last=False)
        run.ended.set()
