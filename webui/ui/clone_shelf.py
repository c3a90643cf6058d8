"""The clones that visitors have had made and not yet kept: they survive a reload of the page.

What they are handed out as files lies in a folder that goes when the app ends.
"""

import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from webui.backend.requests import CloneOrder
from webui.clone_results import CloneCandidate, CloneOutcome
from webui.errors import StorageError

MAX_OF_ONE = 2
MAX_BYTES = 512 * 2**20  # of sound, all visitors together
MAX_AGE_SECONDS = 24 * 3_600
GONE = "This clone is no longer there. Clone the voice again."


@dataclass(frozen=True, eq=False)
class MadeClones:
    """One order and what came of it, with what the visitor had filled in."""

    order: CloneOrder
    outcome: CloneOutcome
    name: str
    tags: tuple[str, ...]
    consent: str  # the sentence that was confirmed before anything was cloned
    seconds: float = 0.0  # from the press of the button to the result
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    made_at: float = field(default_factory=time.time)

    def candidate(self, index: object) -> CloneCandidate:
        """One of the clones by the number that a browser sent.

        Raises:
            StorageError: there is no such one.
        """
        candidates = self.outcome.candidates
        if isinstance(index, bool) or not isinstance(index, int):
            raise StorageError(GONE)
        if not 0 <= index < len(candidates):
            raise StorageError(GONE)
        return candidates[index]

    @property
    def nbytes(self) -> int:
        """How much sound it holds."""
        heard = [each.speech for each in self.outcome.candidates if each.speech is not None]
        given = [each.waveform for each in self.order.recordings]
        return sum(sound.nbytes for sound in (*heard, *given, self.outcome.reference))


class CloneShelf:
    """Keeps clones apart by their owners and forgets the oldest.

    Args:
        folder: where files for their owners are handed out from.
        max_bytes: how much sound is kept in memory.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._made: dict[str, list[MadeClones]] = {}
        self._kept: set[str] = set()  # keys of what is in the library already
        self._lock = threading.Lock()

    def put(self, owner: str, made: MadeClones) -> None:
        """Keep what was made until it is dropped, too old or too much."""
        with self._lock:
            mine = self._made.setdefault(owner, [])
            mine.append(made)
            for old in mine[:-MAX_OF_ONE]:
                self._forget(old.key)
            del mine[:-MAX_OF_ONE]
            self._sweep(made)

    def newest(self, owner: str) -> MadeClones | None:
        """What an owner had made last, unless it was kept."""
        with self._lock:
            self._sweep(None)
            mine = self._made.get(owner)
            return mine[-1] if mine and mine[-1].key not in self._kept else None

    def mark_kept(self, made: MadeClones) -> None:
        """Remember that one of these clones is in the library now."""
        with self._lock:
            self._kept.add(made.key)

    def folder(self, made: MadeClones) -> Path:
        """The folder for the files of these clones; its name cannot be guessed."""
        folder = self._folder / made.key
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def find(self, owner: str, key: object) -> MadeClones:
        """What an owner had made, by its key.

        Raises:
            StorageError: it is gone, or it is somebody else's.
        """
        with self._lock:
            for made in self._made.get(owner, []):
                if made.key == key:
                    return made
        raise StorageError(GONE)

    def drop(self, owner: str, key: object) -> None:
        """Forget what was made: its owner begins anew."""
        with self._lock:
            mine = [made for made in self._made.get(owner, []) if made.key != key]
            gone = {made.key for made in self._made.get(owner, [])} - {each.key for each in mine}
            self._made[owner] = mine
            for each in gone:
                self._forget(each)
            self._sweep(None)

    def forget(self, owner: str) -> None:
        """Forget all that an owner had made, with its files, at once."""
        with self._lock:
            for made in self._made.pop(owner, []):
                self._forget(made.key)

    def sweep(self) -> None:
        """Remove what has been here for too long."""
        with self._lock:
            self._sweep(None)

    def _sweep(self, spared: MadeClones | None) -> None:
        """Take out what is too old or too much, with its files; the lock is held."""
        before = {made.key for made in self._everything()}
        oldest = time.time() - MAX_AGE_SECONDS
        kept, held_bytes = set(), 0
        for made in sorted(self._everything(), key=lambda each: each.made_at, reverse=True):
            held_bytes += made.nbytes
            if made is spared or (made.made_at >= oldest and held_bytes <= self._max_bytes):
                kept.add(made.key)
        self._made = {
            owner: remaining
            for owner, mine in self._made.items()
            if (remaining := [made for made in mine if made.key in kept])
        }
        for gone in before - kept:
            self._forget(gone)

    def _forget(self, key: str) -> None:
        self._kept.discard(key)
        shutil.rmtree(self._folder / key, ignore_errors=True)

    def _everything(self) -> Iterator[MadeClones]:
        for mine in self._made.values():
            yield from mine
