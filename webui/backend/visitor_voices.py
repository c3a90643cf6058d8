"""Voices of a public page's visitors: each sees only their own, and none stays for over a day.

A visitor's shelf is a library of its own: the built-in voices, and a folder with a name that
nobody can guess. What can be done with voices is the same as in the library of a local page.
"""

import contextlib
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from webui.arrays import Speaker, Waveform
from webui.backend.cloning_desk import clone_metadata
from webui.backend.facts import VoiceInfo
from webui.backend.library_desk import Hear, LibraryDesk
from webui.backend.requests import CloneOrder
from webui.backend.speaker_library import SpeakerLibrary
from webui.backend.voice_trash import FOLDER_NAME as TRASH
from webui.clone_results import CloneOutcome
from webui.errors import StorageError
from webui.file_saving import folder_bytes
from webui.speaker_metadata import SpeakerMetadata

MAX_AGE_SECONDS = 23 * 3_600.0  # with the hour in the trash: a day
TRASH_SECONDS = 3_600.0
BRING_SECONDS = 60.0  # that a second page of a visitor waits for their voices
MOST_VOICES = 30  # of one visitor
MOST_DELETED = 10
MAX_BYTES_OF_ONE = 2**26
MAX_BYTES_OF_ALL = 2**31
MOST_SHELVES = 2_000  # empty ones are forgotten first


@runtime_checkable
class VoiceBackup(Protocol):
    """Where the voices of visitors who signed in outlast the day."""

    def keeps(self, owner: str) -> bool:
        """Whether this visitor's voices are kept there."""

    def restore(self, owner: str, folder: Path) -> None:
        """Bring an owner's files into an empty folder."""

    def changed(self, owner: str, folder: Path) -> None:
        """Keep the folder as it is now."""

    def forget(self, owner: str) -> None:
        """Remove all files of an owner."""


@dataclass(frozen=True, eq=False)
class VisitorShelf:
    """What one visitor sees: built-in voices and their own. Safe to use from several threads."""

    library: LibraryDesk
    folder: Path
    _library: SpeakerLibrary
    _looking: threading.Lock
    _hear: Hear
    lasts: bool = False  # kept elsewhere, too
    _there: threading.Event = field(default_factory=threading.Event)  # all files were brought
    _born: dict[str, float] = field(default_factory=dict)  # files, by time.monotonic

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        """List voices, own ones first; `family` leaves those that it can speak with."""
        with self._looking:
            return self._library.voices(family, language)

    def speaker(self, voice_id: str, family: str) -> Speaker:
        """Read the arrays of a voice.

        Raises:
            VoiceNotFoundError: no voice has this id, or it belongs to another family.
            SpeakerFileError: its file is broken.
        """
        with self._looking:
            return self._library.speaker(voice_id, family)

    def preview(self, voice_id: str) -> tuple[Waveform, int]:
        """Make the sound that a voice's own codes hold, and its rate in Hz.

        Raises:
            VoiceNotFoundError: no voice has this id, or its family is not installed.
            SpeakerFileError: its file is broken.
            EngineError: it could not be computed.
        """
        with self._looking:
            family = self._library.family_for(voice_id)
            speaker = self._library.speaker(voice_id, family)
        return self._hear(family, speaker.fine)

    def keep_clone(  # noqa: PLR0913  (all that a voice remembers of how it was made)
        self,
        order: CloneOrder,
        outcome: CloneOutcome,
        candidate_index: int,
        *,
        name: str,
        consent: str,
        tags: tuple[str, ...] = (),
        notes: str = "",
    ) -> VoiceInfo:
        """Keep a clone among the visitor's own voices, with how it was made.

        Raises:
            CloneError: nobody confirmed anything, or there is no such clone.
            SpeakerFileError: the name or the voice cannot be used.
            StorageError: it cannot be written, or the shelf is full.
        """
        own = [each.name for each in self.voices() if each.source == "own"]
        metadata = clone_metadata(
            order, outcome, candidate_index, name=name, consent=consent, tags=tags, notes=notes,
            taken=own,
        )  # fmt: skip
        return self.library.save(outcome.candidates[candidate_index].speaker, metadata)

    def all_there(self) -> None:
        """Say that the shelf holds all that it held before."""
        self._there.set()

    def wait_until_there(self) -> None:
        """Wait for what is being brought, but not for ever."""
        self._there.wait(BRING_SECONDS)

    def expire(self, now: float) -> None:
        """Remove what has been here for a day, and what was deleted an hour ago."""
        files = {each.name: each for each in _voice_files(self.folder)}
        for gone in set(self._born) - set(files):
            del self._born[gone]
        for name, path in files.items():
            if now - self._born.setdefault(name, now) > MAX_AGE_SECONDS and not self.lasts:
                path.unlink(missing_ok=True)
        oldest = time.time() - TRASH_SECONDS
        for deleted in _deleted(self.folder):
            with contextlib.suppress(OSError):
                if deleted.stat().st_ctime < oldest:
                    shutil.rmtree(deleted, ignore_errors=True)


class VisitorVoices:
    """Hands out the shelves, and clears them away.

    Args:
        folder: of this run; it goes when the app ends.
        shared: the library whose built-in voices everybody sees.
        looking: the lock that guards `shared`.
        hear: makes the sound of codes.
        backup: keeps the voices of visitors who signed in.
    """

    def __init__(
        self,
        folder: Path,
        shared: SpeakerLibrary,
        looking: threading.Lock,
        hear: Hear,
        backup: VoiceBackup | None = None,
    ) -> None:
        self._folder = folder
        self._shared = shared
        self._looking = looking
        self._hear = hear
        self._backup = backup
        self._shelves: OrderedDict[str, VisitorShelf] = OrderedDict()  # used last, last
        self._used: dict[str, float] = {}  # by time.monotonic
        self._lock = threading.Lock()

    def of(self, owner: str) -> VisitorShelf:
        """Give a visitor's shelf; a new one is empty, or as it was kept for who signed in."""
        with self._lock:
            shelf = self._shelves.get(owner)
            is_new = shelf is None
            if shelf is None:
                shelf = self._shelves[owner] = self._open(owner)
                self._drop_empty()
            self._shelves.move_to_end(owner)
            self._used[owner] = time.monotonic()
        if is_new:  # what is brought from elsewhere keeps nobody else waiting
            try:
                if self._backup is not None and shelf.lasts:
                    self._backup.restore(owner, shelf.folder)
            finally:
                shelf.all_there()
        shelf.wait_until_there()
        return shelf

    def forget(self, owner: str) -> None:
        """Remove all that a visitor has here, at once."""
        with self._lock:
            shelf = self._shelves.pop(owner, None)
            self._used.pop(owner, None)
        if shelf is not None:
            shutil.rmtree(shelf.folder, ignore_errors=True)
        if self._backup is not None and self._backup.keeps(owner):
            self._backup.forget(owner)

    def sweep(self) -> None:
        """Remove what has been here for too long."""
        now = time.monotonic()
        with self._lock:
            for owner, shelf in list(self._shelves.items()):
                shelf.expire(now)
                if shelf.lasts and now - self._used[owner] > MAX_AGE_SECONDS:
                    self._drop(owner)  # it is brought again when its visitor comes again
            self._drop_empty()

    def keeps_for_good(self, owner: str) -> bool:
        """Whether a visitor's voices outlast the day."""
        return self._backup is not None and self._backup.keeps(owner)

    def _open(self, owner: str) -> VisitorShelf:
        folder = self._folder / secrets.token_hex(16)
        backup = self._backup

        def changed() -> None:
            if backup is not None and backup.keeps(owner):
                backup.changed(owner, folder)

        with self._looking:
            library = self._shared.beside(folder)
        looking = threading.Lock()
        upkeep = _Upkeep(changed, self._bytes_of_all)
        desk = _VisitorDesk(library, looking, folder, self._hear, upkeep)
        lasts = self.keeps_for_good(owner)
        return VisitorShelf(desk, folder, library, looking, self._hear, lasts)

    def _drop_empty(self) -> None:
        """Forget shelves without a file when there are many; the lock is held."""
        if len(self._shelves) <= MOST_SHELVES:
            return
        empty = [
            owner for owner, shelf in self._shelves.items() if not any(_voice_files(shelf.folder))
        ]
        for owner in empty[: len(self._shelves) - MOST_SHELVES]:
            self._drop(owner)

    def _drop(self, owner: str) -> None:
        shutil.rmtree(self._shelves.pop(owner).folder, ignore_errors=True)
        self._used.pop(owner, None)

    def _bytes_of_all(self) -> int:
        if not self._folder.is_dir():
            return 0
        return sum(folder_bytes(each) for each in self._folder.iterdir())


@dataclass(frozen=True)
class _Upkeep:
    """What a desk needs of the shelves around it: to tell of a change, and how full they are."""

    changed: Callable[[], None]
    bytes_of_all: Callable[[], int]


class _VisitorDesk(LibraryDesk):
    """A library with bounds: so many voices, so many bytes, a short trash."""

    def __init__(
        self,
        library: SpeakerLibrary,
        looking: threading.Lock,
        folder: Path,
        hear: Hear,
        upkeep: _Upkeep,
    ) -> None:
        super().__init__(library, looking, folder, hear)
        self._upkeep = upkeep

    def save(self, made: Speaker, metadata: SpeakerMetadata) -> VoiceInfo:
        """Keep a voice among the visitor's own.

        Raises:
            SpeakerFileError: the name or the arrays cannot be used.
            FamilyNotFoundError: `metadata` names no installed family.
            StorageError: it cannot be written, or there are too many.
        """
        self._check_room()
        saved = super().save(made, metadata)
        self._upkeep.changed()
        return saved

    def _add(self, data: bytes, text: str, name: str, said: dict[str, str]) -> VoiceInfo:
        self._check_room()
        return super()._add(data, text, name, said)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with super()._changing():
            yield
            for old in sorted(_deleted(self._folder))[:-MOST_DELETED]:
                shutil.rmtree(old, ignore_errors=True)
        self._upkeep.changed()

    def _check_room(self) -> None:
        if len(list(_voice_files(self._folder))) >= MOST_VOICES:
            raise StorageError(
                f"You have {MOST_VOICES} voices here, the most that this page keeps for one "
                "visitor. Save one as a file and delete it here first."
            )
        if (
            folder_bytes(self._folder) > MAX_BYTES_OF_ONE
            or self._upkeep.bytes_of_all() > MAX_BYTES_OF_ALL
        ):
            raise StorageError(
                "There is no room for more voices on this page. Save the voice as a file instead, "
                "or delete one first."
            )


def _voice_files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (each for each in folder.iterdir() if each.suffix == ".npz")


def _deleted(folder: Path) -> list[Path]:
    trash = folder / TRASH
    return list(trash.iterdir()) if trash.is_dir() else []
