"""Long work in a thread of its own: it goes on when nobody looks, and everybody may watch it."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress

LOOK_SECONDS = 0.1
FAREWELL_SECONDS = 10.0


@dataclass(eq=False)
class WatchedWork:
    """One piece of work, what it told last, and who listens."""

    cancel: CancelToken = field(default_factory=CancelToken)
    last: Event = field(default_factory=lambda: Progress("queued", 0.0))
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _listeners: "list[queue.SimpleQueue[Event]]" = field(default_factory=list)
    _thread: threading.Thread | None = None

    def begin(self, do: Callable[[], Event], name: str) -> None:
        """Start the thread; what `do` gives is told last."""
        self._thread = threading.Thread(target=lambda: self.tell(do()), name=name, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more will be told."""
        return isinstance(self.last, Done | Failed | Cancelled)

    @property
    def progress(self) -> Progress | None:
        """How far it is; None when it has ended."""
        return self.last if isinstance(self.last, Progress) else None

    def tell(self, event: Event) -> None:
        """Let everybody who listens know."""
        with self._guard:
            if isinstance(event, Progress | Done | Failed | Cancelled):
                self.last = event
            for each in self._listeners:
                each.put(event)

    def follow(self, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Watch it until it ends; leaving early does not stop it.

        Only `cancel` does, for everybody.
        """
        news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        with self._guard:
            news.put(self.last)
            self._listeners.append(news)
        try:
            while True:
                with suppress(queue.Empty):
                    event = news.get(timeout=LOOK_SECONDS)
                    yield event
                    if isinstance(event, Done | Failed | Cancelled):
                        return
                if cancel is not None and cancel.cancelled:
                    self.cancel.cancel()
        finally:
            with self._guard:
                self._listeners.remove(news)

    def stop(self, farewell_seconds: float = FAREWELL_SECONDS) -> None:
        """Ask it to stop, and wait a moment for it to end."""
        self.cancel.cancel()
        if self._thread is not None:
            self._thread.join(farewell_seconds)
