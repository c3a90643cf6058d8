"""Long texts of a public page's visitors: each sees only their own, and none stays over a day."""

import contextlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

from webui.backend.project_facts import ProjectInfo
from webui.errors import StorageError, UserError
from webui.file_saving import folder_bytes

MAX_AGE_SECONDS = 23.5 * 3_600  # with the time between two sweeps: a day
MAX_BYTES_OF_ONE = 2**28
MOST_DESKS = 200


@runtime_checkable
class OwnDesk(Protocol):
    """What is asked of a visitor's desk to clear it away."""

    def all(self) -> list[ProjectInfo]:
        """All texts of its folder."""

    def stop(self, project: str) -> None:
        """Stop speaking one."""

    def delete(self, project: str) -> None:
        """Remove one."""

    def close(self) -> None:
        """End all work."""


Desk = TypeVar("Desk", bound=OwnDesk)


@dataclass(eq=False)
class _Shelf(Generic[Desk]):
    desk: Desk
    folder: Path
    born: dict[str, float] = field(default_factory=dict)  # texts, by time.monotonic

    def expire(self, now: float) -> None:
        """Remove what is too old, and the oldest texts where there is too much of them."""
        found = [each.id for each in self.desk.all()]
        self.born = {each: self.born.get(each, now) for each in found}
        is_full = folder_bytes(self.folder) > MAX_BYTES_OF_ONE
        for place, project in enumerate(sorted(found, key=self.born.__getitem__)):
            if now - self.born[project] > MAX_AGE_SECONDS or (is_full and place == 0):
                self.desk.stop(project)
                with contextlib.suppress(UserError):  # it ends first, and goes at the next sweep
                    self.desk.delete(project)


class VisitorProjects(Generic[Desk]):
    """Keeps a desk for each visitor, in folders that nobody can guess.

    Args:
        folder: that goes when the app ends.
        open_desk: makes the desk of a folder, for the visitor with this key.
    """

    def __init__(self, folder: Path, open_desk: Callable[[Path, str], Desk]) -> None:
        self._folder = folder
        self._open_desk = open_desk
        self._shelves: dict[str, _Shelf[Desk]] = {}
        self._lock = threading.Lock()

    def of(self, owner: str) -> Desk:
        """Give a visitor's desk.

        Raises:
            StorageError: too many visitors have one, or there is no room.
        """
        with self._lock:
            known = self._shelves.get(owner)
            if known is None:
                self._make_room()
                known = self._opened(owner)
                self._shelves[owner] = known
            return known.desk

    def forget(self, owner: str) -> None:
        """Stop and remove all long texts of a visitor, at once."""
        with self._lock:
            known = self._shelves.pop(owner, None)
        if known is not None:
            _remove(known)

    def sweep(self) -> None:
        """Remove what has been here for a day, and the desks that hold nothing."""
        with self._lock:
            shelves = list(self._shelves.values())
        now = time.monotonic()
        for each in shelves:
            each.expire(now)

    def close(self) -> None:
        """End all work of all visitors."""
        with self._lock:
            shelves = list(self._shelves.values())
        for each in shelves:
            each.desk.close()

    def _make_room(self) -> None:
        """Forget a desk without texts where there are too many; the lock is held."""
        if len(self._shelves) < MOST_DESKS:
            return
        for owner, each in self._shelves.items():
            if not each.desk.all():
                _remove(self._shelves.pop(owner))
                return
        raise StorageError("Too many visitors keep long texts here. Please come back later.")

    def _opened(self, owner: str) -> _Shelf[Desk]:
        folder = self._folder / secrets.token_hex(16)
        try:
            folder.mkdir(parents=True)
        except OSError as fault:
            raise StorageError("There is no room for long texts here now.") from fault
        return _Shelf(self._open_desk(folder, owner), folder)


def _remove(shelf: _Shelf[Desk]) -> None:
    for each in shelf.desk.all():
        shelf.desk.stop(each.id)
    shelf.desk.close()
    shutil.rmtree(shelf.folder, ignore_errors=True)
