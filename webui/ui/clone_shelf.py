"""The clones that visitors have had made and not yet kept: they survive a reload of the page."""

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

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
    key: str = field(default_factory=lambda: secrets.token_hex(8))
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
    """Keeps clones apart by their owners and forgets the oldest."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._made: dict[str, list[MadeClones]] = {}
        self._lock = threading.Lock()

    def put(self, owner: str, made: MadeClones) -> None:
        """Keep what was made until it is dropped, too old or too much."""
        with self._lock:
            mine = self._made.setdefault(owner, [])
            mine.append(made)
            del mine[:-MAX_OF_ONE]
            self._sweep(made)

    def newest(self, owner: str) -> MadeClones | None:
        """What an owner had made last."""
        with self._lock:
            self._sweep(None)
            mine = self._made.get(owner)
            return mine[-1] if mine else None

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
            self._made[owner] = mine
            self._sweep(None)

    def _sweep(self, spared: MadeClones | None) -> None:
        """Take out what is too old or too much; the lock is held."""
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

    def _everything(self) -> Iterator[MadeClones]:
        for mine in self._made.values():
            yield from mine
