"""Which voices are liked best: their ids in one small file of the folder of voices."""

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from webui.file_saving import save_file

FILE_NAME = ".favourites.json"
MOST_FAVOURITES = 10_000
MAX_ID_CHARACTERS = 128
MAX_FILE_BYTES = 2**21


@dataclass
class FavouriteVoices:
    """The favourites of a folder of voices; a change is written by who holds the folder's lock.

    They lie beside the voices and not in them: built-in voices cannot be written, and a voice that
    is given away takes nobody's liking with it.
    """

    speakers_dir: Path
    _known: tuple[tuple[int, int], frozenset[str]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self) -> frozenset[str]:
        """The ids of all favourites; a file that cannot be read holds none."""
        path = self.speakers_dir / FILE_NAME
        try:
            facts = path.lstat()
        except OSError:
            return frozenset()
        stamp = facts.st_mtime_ns, facts.st_size
        with self._lock:
            if self._known is None or self._known[0] != stamp:
                self._known = stamp, _read(path, facts.st_size)
            return self._known[1]

    def change(self, *, add: str = "", remove: str = "") -> None:
        """Add or remove a voice. The folder's lock is held.

        Raises:
            StorageError: it cannot be written.
        """
        before = self.ids()
        after = (before | {add} if add else before) - {remove}
        if after != before:
            kept = sorted(after)[:MOST_FAVOURITES]
            data = json.dumps({"voices": kept}, indent=1).encode()
            save_file(self.speakers_dir / FILE_NAME, data, replace=True)
            with self._lock:
                self._known = None


def _read(path: Path, size: int) -> frozenset[str]:
    if path.is_symlink() or not path.is_file() or size > MAX_FILE_BYTES:
        return frozenset()
    try:
        found = json.loads(path.read_text("utf-8"))["voices"]
        return frozenset(
            each for each in found if isinstance(each, str) and len(each) <= MAX_ID_CHARACTERS
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()
