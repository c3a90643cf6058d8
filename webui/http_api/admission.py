"""How many programs may have work done at once, strangers never taking all the places."""

import threading
from collections.abc import Callable

from webui.http_api.errors import ApiError
from webui.http_api.keys import Caller

MOST = 8  # running or waiting, everybody together
MOST_OF_STRANGERS = 4
RETRY_SECONDS = 5


class Admission:
    """Counts the work that was let in and has not ended."""

    def __init__(self, most: int = MOST, most_of_strangers: int = MOST_OF_STRANGERS) -> None:
        self._most = most
        self._most_of_strangers = most_of_strangers
        self._running: dict[bool, int] = {True: 0, False: 0}  # by whether it is the owner's
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        """How much work is under way."""
        with self._lock:
            return sum(self._running.values())

    def enter(self, caller: Caller) -> Callable[[], None]:
        """Let work in; what is given back ends it, once, however often it is called.

        Raises:
            ApiError: too much is under way.
        """
        with self._lock:
            total = sum(self._running.values())
            is_full = total >= self._most
            if not caller.is_owner:
                is_full = is_full or self._running[False] >= self._most_of_strangers
            if is_full:
                words = f"{total} requests are waiting. Please try again in some seconds."
                after = {"retry-after": str(RETRY_SECONDS)}
                raise ApiError(429, words, "too_many_requests", headers=after)
            self._running[caller.is_owner] += 1
        return self._leaver(caller)

    def _leaver(self, caller: Caller) -> Callable[[], None]:
        left = threading.Event()

        def leave() -> None:
            with self._lock:
                if not left.is_set():
                    left.set()
                    self._running[caller.is_owner] -= 1

        return leave
