"""Clears away, from time to time, what visitors left on the page."""

import logging
import threading

from webui.ui.studio import Studio

LOG = logging.getLogger(__name__)
EVERY_SECONDS = 600.0


class Sweeper:
    """A thread that sweeps; nobody needs to visit the page for what is old to go."""

    def __init__(self, studio: Studio, every_seconds: float = EVERY_SECONDS) -> None:
        self._studio = studio
        self._every_seconds = every_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin to sweep."""
        self._thread.start()

    def stop(self) -> None:
        """End it; what is left goes with the folder of this run."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._every_seconds):
            try:
                self._studio.sweep()
            except Exception:
                LOG.exception("What visitors left could not be cleared away")
