"""Downloads that go on in threads of their own, so that every visitor can watch the same one."""

import threading
from collections.abc import Callable, Iterator

from webui.backend.cloning_catalogue import CLONING_CATALOGUE
from webui.backend.cloning_parts import CloningParts
from webui.backend.weights import download_family
from webui.errors import UserError
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.settings import Settings

LOOK_SECONDS = 0.1
FAREWELL_SECONDS = 5.0

Download = Callable[[str, CancelToken], Iterator[Event]]


class _Running:
    """One family's download and the last thing it told."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.cancel = CancelToken()
        self.changed = threading.Condition()
        self.last: Event = Progress("download", 0.0)
        self.told = 0
        self.thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        return not isinstance(self.last, Progress)

    def tell(self, event: Event) -> None:
        with self.changed:
            self.last = event
            self.told += 1
            self.changed.notify_all()


class Downloads:
    """All downloads of this app; at most one for each family and each part of cloning."""

    def __init__(self, settings: Settings, download: Download | None = None) -> None:
        self._settings = settings
        self._download = download or self._from_the_hub
        self._guard = threading.Lock()
        self._known: dict[str, _Running] = {}
        self._closed = False

    def follow(self, family: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Start a download, or join the one that runs; leaving early does not stop it.

        Only `cancel` does, for everybody.
        """
        running = self._start(family)
        if running is None:
            yield Cancelled()
            return
        seen = -1
        while True:
            with running.changed:
                if running.told == seen:
                    running.changed.wait(LOOK_SECONDS)
                news = None if running.told == seen else running.last
                seen = running.told
            if news is not None:
                yield news
                if not isinstance(news, Progress):
                    return
            if cancel is not None and cancel.cancelled:
                running.cancel.cancel()

    def progress(self, family: str | None = None) -> tuple[str, Progress] | None:
        """The download that runs (of this family), and how far it is."""
        for name, running in list(self._known.items()):
            last = running.last
            if isinstance(last, Progress) and family in (None, name):
                return name, last
        return None

    def cancel(self, family: str) -> None:
        """Stop a download, if it runs. What has come is kept."""
        known = self._known.get(family)
        if known is not None:
            known.cancel.cancel()

    def close(self) -> None:
        """Stop all downloads."""
        with self._guard:
            self._closed = True
            all_known = list(self._known.values())
        for known in all_known:
            known.cancel.cancel()
        for known in all_known:
            if known.thread is not None:
                known.thread.join(FAREWELL_SECONDS)

    def _start(self, family: str) -> _Running | None:
        with self._guard:
            if self._closed:
                return None
            running = self._known.get(family)
            if running is None or running.ended:
                running = self._known[family] = _Running(family)
                running.thread = threading.Thread(
                    target=self._work, args=(running,), name=f"download-{family}", daemon=True
                )
                running.thread.start()
            return running

    def _work(self, running: _Running) -> None:
        try:
            for event in self._download(running.family, running.cancel):
                running.tell(event)
            if not running.ended:
                running.tell(Cancelled() if running.cancel.cancelled else Done())
        except UserError as fault:
            running.tell(Failed(str(fault), type(fault).__name__))
        except Exception as fault:  # noqa: BLE001  (who waits for it must hear of it)
            words = " ".join(f"{type(fault).__name__}: {fault}".split())[:200].rstrip(": ")
            told = f"The download stopped ({words}). Please try again."
            running.tell(Failed(told, "DownloadError"))

    def _from_the_hub(self, family: str, cancel: CancelToken) -> Iterator[Event]:
        settings = self._settings
        if family in CLONING_CATALOGUE:
            parts = CloningParts(settings.models_dir)
            return parts.download(family, settings.hf_endpoint, settings.offline, cancel)
        return download_family(
            family, settings.models_dir, settings.hf_endpoint, settings.offline, cancel
        )
