"""The recordings of a visitor, read from the files that the browser sent, each file once."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from webui.audio import read_audio
from webui.clone_results import Recording
from webui.errors import AudioFileError

MAX_CLIPS = 8  # of one speaker at once
KEPT_BYTES = 256 * 2**20  # of sound in memory, all visitors together
KEPT_SECONDS = 3_600.0  # in memory after they were used last
Stamp = tuple[str, int, int]  # a file: its path, time of change in ns, bytes


class ClipReader:
    """Reads recordings and remembers the last ones, because each step of the page asks again."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._known: OrderedDict[Stamp, Recording] = OrderedDict()
        self._used: dict[Stamp, float] = {}  # by time.monotonic
        self._lock = threading.Lock()

    def read_all(self, paths: Iterable[str]) -> tuple[Recording, ...]:
        """Read several recordings; a fault names the file when there are more than one.

        Raises:
            AudioFileError: there are too many, or one cannot be read.
        """
        paths = tuple(paths)
        if len(paths) > MAX_CLIPS:
            raise AudioFileError(
                f"These are {len(paths)} recordings; at most {MAX_CLIPS} are used at once."
            )
        read = []
        for path in paths:
            try:
                read.append(self.read(path))
            except AudioFileError as fault:
                where = f"{Path(path).name[:80]}: " if len(paths) > 1 else ""
                raise AudioFileError(f"{where}{fault}") from fault
        return tuple(read)

    def read(self, path: str) -> Recording:
        """Read one recording.

        Raises:
            AudioFileError: it is gone, not a recording, or damaged.
        """
        file = Path(path)
        try:
            facts = file.stat()
        except OSError as fault:
            raise AudioFileError(
                "This recording is no longer there. Record or upload it again."
            ) from fault
        stamp = (path, facts.st_mtime_ns, facts.st_size)
        with self._lock:
            self._used[stamp] = time.monotonic()
            known = self._known.get(stamp)
            if known is not None:
                self._known.move_to_end(stamp)
                return known
        waveform, rate = read_audio(file)
        recording = Recording(waveform, rate, file.name)
        with self._lock:
            self._known[stamp] = recording
            while len(self._known) > 1 and self._held_bytes() > self._kept_bytes:
                self._known.popitem(last=False)
        return recording

    def sweep(self) -> None:
        """Forget recordings that nobody has asked for during the last hour."""
        oldest = time.monotonic() - KEPT_SECONDS
        with self._lock:
            self._used = {stamp: used for stamp, used in self._used.items() if used >= oldest}
            for old in set(self._known) - set(self._used):
                del self._known[old]

    def _held_bytes(self) -> int:
        return sum(each.waveform.nbytes for each in self._known.values())
