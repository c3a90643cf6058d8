"""Downloads that go on when the visitor who started them closes the page."""

import threading

from webui.backend.facts import CloningPart
from webui.errors import DownloadError, UserError
from webui.events import Cancelled, CancelToken, Done, Failed, Progress
from webui.ui.messages import fault_words
from webui.ui.service_port import SpeakingService


class Downloads:
    """Runs at most one download in a thread of its own and remembers how it stands."""

    def __init__(self, service: SpeakingService) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._cancel = CancelToken()
        self.family: str | None = None  # or a part of cloning
        self.progress: Progress | None = None
        self.outcome = ""  # how the last one ended, in words

    @property
    def running(self) -> bool:
        """Whether files are coming in."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self, family: str) -> None:
        """Begin to bring a family.

        Raises:
            DownloadError: another one is being brought.
            FamilyNotFoundError: there is no such family.
        """
        title = self._service.family(family).title
        self._start(family, f"{title} is here and can speak.")

    def start_part(self, part: CloningPart) -> None:
        """Begin to bring something that cloning uses.

        Raises:
            DownloadError: another one is being brought.
        """
        self._start(part.id, f"{part.title} is here.")

    def _start(self, wanted: str, done: str) -> None:
        with self._lock:
            if self.running:
                raise DownloadError("A download is running. Wait for it, or stop it first.")
            self._cancel = CancelToken()
            self.family, self.progress, self.outcome = wanted, None, ""
            self._thread = threading.Thread(
                target=self._run,
                args=(wanted, done, self._cancel),
                name=f"download-{wanted}",
                daemon=True,
            )
            self._thread.start()

    def stop(self) -> None:
        """Ask the running download to stop; what has come is kept for the next try."""
        self._cancel.cancel()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is downloaded any more; False when that took too long."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return not self.running

    def _run(self, wanted: str, done: str, cancel: CancelToken) -> None:
        outcome = "The download ended without a result. Please try it again."
        try:
            for event in self._service.download(wanted, cancel):
                if isinstance(event, Progress):
                    self.progress = event
                elif isinstance(event, Failed):
                    outcome = event.message
                elif isinstance(event, Cancelled):
                    outcome = "The download was stopped. What has come is kept for the next try."
                elif isinstance(event, Done):
                    outcome = done
        except UserError as fault:
            outcome = str(fault)
        except Exception as fault:  # noqa: BLE001  the edge of a thread: nobody else would say it
            outcome = fault_words(fault)
        self.outcome = outcome
