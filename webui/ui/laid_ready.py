"""Files that lie ready to be taken away: in folders that nobody can guess, a bounded number."""

import secrets
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 64
MAX_AGE_SECONDS = 3_600.0


@dataclass(frozen=True)
class _Laid:
    owner: str
    folder: Path
    since: float  # by time.monotonic


class LaidReady:
    """Writes files for their owners and takes the oldest away.

    Args:
        folder: that the page may hand files out from.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._laid: deque[_Laid] = deque()
        self._lock = threading.Lock()

    def put(self, owner: str, name: str, data: bytes) -> Path:
        """Lay a file ready under a name that we chose.

        Raises:
            OSError: there is no room for it.
        """
        path = self.place(owner, name)
        path.write_bytes(data)
        return path

    def place(self, owner: str, name: str) -> Path:
        """Give a place in a new folder where a file of this name can be written.

        Raises:
            OSError: there is no room for it.
        """
        folder = self._folder / secrets.token_hex(16)
        folder.mkdir(parents=True)
        with self._lock:
            self._laid.append(_Laid(owner, folder, time.monotonic()))
            old = [self._laid.popleft() for _ in range(len(self._laid) - MOST_FILES)]
        _remove(old)
        return folder / name

    def forget(self, owner: str) -> None:
        """Take away all that lies ready for one visitor."""
        self._drop(lambda each: each.owner == owner)

    def sweep(self) -> None:
        """Take away what has lain ready for an hour."""
        oldest = time.monotonic() - MAX_AGE_SECONDS
        self._drop(lambda each: each.since < oldest)

    def _drop(self, is_old: Callable[[_Laid], bool]) -> None:
        with self._lock:
            old = [each for each in self._laid if is_old(each)]
            self._laid = deque(each for each in self._laid if not is_old(each))
        _remove(old)


def _remove(laid: list[_Laid]) -> None:
    for each in laid:
        shutil.rmtree(each.folder, ignore_errors=True)
