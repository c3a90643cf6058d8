"""What a visitor has had spoken: sound files to hear and to take away, and how they were made."""

import re
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.arrays import Waveform
from webui.audio import FORMATS, write_audio
from webui.backend.requests import SpeakOrder
from webui.backend.speech_recipe import SpeechRecipe
from webui.errors import StorageError
from webui.events import SpokenChunk

OWNER = re.compile(r"[0-9a-f]{32}|u[0-9a-f]{32}")  # a browser's secret, or an account's mark
MAX_TAKES_OF_ONE = 50
MAX_TAKES = 500
MAX_OWNERS = 10_000
MAX_AGE_SECONDS = 24 * 3_600


@dataclass(frozen=True, eq=False)
class Take:
    """One spoken text. `folder` has a random name and holds the sound in each format."""

    number: int
    order: SpeakOrder  # with the seed that was used, so that it gives the same sound again
    family: str
    voice_name: str
    seconds: float
    compute_seconds: float
    folder: Path
    stopped: bool = False
    chunks: tuple[SpokenChunk, ...] = ()  # the last ones, to be kept as a voice
    made_at: float = field(default_factory=time.time)

    @property
    def title(self) -> str:
        """What stands above the player."""
        cut = " · stopped" if self.stopped else ""
        return f"Take {self.number} · {self.voice_name} · seed {self.order.controls.seed}{cut}"

    @property
    def recipe(self) -> SpeechRecipe:
        """What makes the same sound again."""
        order = self.order
        return SpeechRecipe(order.text, self.family, order.voice, order.controls, order.language)

    def file(self, audio_format: str) -> Path:
        """Where the sound lies in a format."""
        return self.folder / f"take-{self.number}-seed-{self.order.controls.seed}.{audio_format}"

    def metadata(self) -> dict[str, Any]:
        """What makes the same sound again; kept in each file."""
        return self.recipe.to_json()


def new_owner() -> str:
    """Make the secret by which a browser finds its own takes again."""
    return secrets.token_hex(16)


def is_owner(value: object) -> bool:
    """Whether a value can be a visitor's key."""
    return isinstance(value, str) and OWNER.fullmatch(value) is not None


def is_secret(value: object) -> bool:
    """Whether a value that a browser remembers can be its own secret: an account's key is none."""
    return is_owner(value) and not str(value).startswith("u")


class TakeShelf:
    """Keeps takes apart by their owners, in a folder that goes when the app ends.

    Args:
        folder: where the files are handed out from.
        kept_in: a folder of the user where each finished take stays; None in public mode.
    """

    def __init__(self, folder: Path, kept_in: Path | None = None) -> None:
        self._folder = folder
        self._kept_in = kept_in
        self._takes: dict[str, list[Take]] = {}
        self._made: dict[str, int] = {}  # how many an owner ever made: numbers are not used twice
        self._lock = threading.Lock()

    def next_number(self, owner: str) -> int:
        """Count up an owner's takes."""
        with self._lock:
            self._made[owner] = self._made.get(owner, 0) + 1
            return self._made[owner]

    def new_folder(self) -> Path:
        """Make a folder that nobody can guess."""
        folder = self._folder / secrets.token_hex(16)
        folder.mkdir(parents=True)
        return folder

    def put(self, owner: str, take: Take, waveform: Waveform, rate: int) -> str:
        """Keep a take as wav; gives a note for its owner when something did not work.

        Raises:
            StorageError: the sound cannot be written.
        """
        write_audio(take.file("wav"), waveform, rate, "wav", take.metadata())
        with self._lock:
            self._takes.setdefault(owner, []).append(take)
            dropped = self._sweep(owner)
        for old in dropped:
            shutil.rmtree(old.folder, ignore_errors=True)
        return self._keep_for_good(take, waveform, rate)

    def add_formats(self, take: Take, waveform: Waveform, rate: int) -> None:
        """Write the other formats of a take.

        Raises:
            StorageError: the sound cannot be written.
        """
        for audio_format in FORMATS:
            if not take.file(audio_format).exists():
                write_audio(take.file(audio_format), waveform, rate, audio_format, take.metadata())

    def list(self, owner: str) -> tuple[Take, ...]:
        """An owner's takes, the newest first."""
        with self._lock:
            return tuple(reversed(self._takes.get(owner, [])))

    def find(self, owner: str, number: int) -> Take:
        """One take of an owner.

        Raises:
            StorageError: it is gone, or it is somebody else's.
        """
        for take in self.list(owner):
            if take.number == number:
                return take
        raise StorageError("This take is no longer there. Speak the text again.")

    def forget(self, owner: str) -> None:
        """Remove an owner's takes with their files, at once."""
        with self._lock:
            mine = self._takes.pop(owner, [])
            self._made.pop(owner, None)
        for take in mine:
            shutil.rmtree(take.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what has been here for too long."""
        with self._lock:
            dropped = self._sweep("")
        for old in dropped:
            shutil.rmtree(old.folder, ignore_errors=True)

    def _sweep(self, owner: str) -> tuple[Take, ...]:
        """Take out what is too old or too much; the lock is held."""
        oldest = time.time() - MAX_AGE_SECONDS
        dropped = [take for takes in self._takes.values() for take in takes]
        everyone = sorted(dropped, key=lambda take: take.made_at)
        kept = {id(take) for take in everyone[-MAX_TAKES:] if take.made_at >= oldest}
        kept -= {id(take) for take in self._takes.get(owner, [])[:-MAX_TAKES_OF_ONE]}
        self._takes = {
            name: remaining
            for name, takes in self._takes.items()
            if (remaining := [take for take in takes if id(take) in kept])
        }
        if len(self._made) > MAX_OWNERS:
            self._made = {name: self._made[name] for name in self._takes}
        return tuple(take for take in everyone if id(take) not in kept)

    def _keep_for_good(self, take: Take, waveform: Waveform, rate: int) -> str:
        if self._kept_in is None:
            return ""
        stamp = time.strftime("%Y-%m-%d-%H%M%S", time.localtime(take.made_at))
        target = self._kept_in / f"{stamp}-{take.file('wav').name}"
        try:
            self._kept_in.mkdir(parents=True, exist_ok=True)
            write_audio(target, waveform, rate, "wav", take.metadata())
        except (StorageError, OSError) as fault:
            reason = str(fault) if isinstance(fault, StorageError) else fault.strerror
            return f"The take could not be kept in {self._kept_in.name}/: {reason}"
        return ""
