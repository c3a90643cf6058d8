"""Who has work done now: one job of a kind per page, a bounded number, each with its Stop."""

import threading

from webui.errors import EngineError
from webui.events import CancelToken

MAX_JOBS = 8  # running or waiting, all visitors together


class JobDesk:
    """Hands out the tokens by which jobs are stopped."""

    def __init__(self, max_jobs: int = MAX_JOBS) -> None:
        self._max_jobs = max_jobs
        self._tokens: dict[str, CancelToken] = {}
        self._lock = threading.Lock()

    def start(self, page: str, doing: str = "speaking") -> CancelToken:
        """Admit a job of a page.

        Raises:
            EngineError: this page does the same already, or too many others wait.
        """
        with self._lock:
            if page in self._tokens:
                raise EngineError(f"This page is still {doing}. Press Stop first, or wait.")
            if len(self._tokens) >= self._max_jobs:
                raise EngineError(
                    f"{len(self._tokens)} people are waiting. What you gave is kept; "
                    "please try again in a minute."
                )
            token = CancelToken()
            self._tokens[page] = token
            return token

    def stop(self, page: str) -> bool:
        """Ask a page's job to stop; False when it has none."""
        with self._lock:
            token = self._tokens.get(page)
        if token is not None:
            token.cancel()
        return token is not None

    def is_busy(self, page: str) -> bool:
        """Whether a page has a job, running or waiting."""
        with self._lock:
            return page in self._tokens

    def forget(self, page: str, token: CancelToken) -> None:
        """Let go of a job that goes on without its page."""
        with self._lock:
            if self._tokens.get(page) is token:
                del self._tokens[page]

    def finish(self, page: str, token: CancelToken) -> None:
        """Forget a job that has ended, and make sure that nothing goes on computing for it."""
        token.cancel()
        self.forget(page, token)

    def stop_all(self) -> None:
        """Ask every job to stop: the app closes."""
        with self._lock:
            tokens = list(self._tokens.values())
        for token in tokens:
            token.cancel()
