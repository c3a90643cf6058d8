"""Deleted voices: kept for a week where nobody lists them, and brought back on demand."""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from webui.errors import StorageError, VoiceNotFoundError
from webui.file_saving import move_file, save_file, storage_error, sync_folder

FOLDER_NAME = ".trash"
KEPT_FOR = timedelta(days=7)
_STAMP = "%Y%m%dT%H%M%SZ"
_TOKEN = re.compile(r"(?P<stamp>\d{8}T\d{6}Z)-[0-9a-f]{8}")


@dataclass(frozen=True)
class TrashedFile:
    """A file in the trash: `token` finds it again, `name` is where it lay in the folder."""

    token: str
    name: Path
    path: Path
    deleted_at: datetime


@dataclass(frozen=True)
class VoiceTrash:
    """The trash of a folder of voices. Whoever puts in or takes out holds the folder's lock.

    Each deletion has a folder of its own, named by its time, in which the file lies under its old
    name: nothing else needs to be written, so nothing can disagree.
    """

    speakers_dir: Path

    def put(self, path: Path) -> str:
        """Move a voice's file into the trash and give the token that brings it back.

        Raises:
            StorageError: it cannot be moved.
        """
        token, target = self._new_place(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)  # whatever it is: a broken voice may be no plain file at all
            sync_folder(path.parent)
        except OSError as fault:
            raise storage_error(fault, target) from fault
        return token

    def keep_copy(self, path: Path, data: bytes) -> str:
        """Keep what a file holds before it is changed for good.

        Raises:
            StorageError: it cannot be written.
        """
        token, target = self._new_place(path)
        save_file(target, data)
        return token

    def files(self) -> list[TrashedFile]:
        """All that can be brought back, the last deletion first."""
        return sorted(self._files(), key=lambda each: each.token, reverse=True)

    def find(self, token: str) -> TrashedFile:
        """Look a deletion up.

        Raises:
            VoiceNotFoundError: there is none with this token, or no longer.
        """
        for each in self._files():
            if each.token == token:
                return each
        raise VoiceNotFoundError(
            "This voice cannot be brought back: deleted voices are kept for "
            f"{KEPT_FOR.days} days, and this one is not among them."
        )

    def take_out(self, found: TrashedFile, target: Path) -> None:
        """Move a file out of the trash.

        Raises:
            StorageError: the name is taken, or it cannot be moved.
        """
        move_file(found.path, target)
        shutil.rmtree(self.speakers_dir / FOLDER_NAME / found.token, ignore_errors=True)

    def sweep(self) -> int:
        """Remove what was deleted long ago, and give how many files that were."""
        oldest = datetime.now(UTC) - KEPT_FOR
        old = [each for each in self._files() if each.deleted_at < oldest]
        for each in old:
            shutil.rmtree(self.speakers_dir / FOLDER_NAME / each.token, ignore_errors=True)
        return len(old)

    def _new_place(self, path: Path) -> tuple[str, Path]:
        stamp = time.strftime(_STAMP, time.gmtime())
        token = f"{stamp}-{secrets.token_hex(4)}"
        folder = self.speakers_dir / FOLDER_NAME / token
        if (self.speakers_dir / FOLDER_NAME).is_symlink():
            raise StorageError(f'"{FOLDER_NAME}" is a link. Remove it from the folder of voices.')
        try:
            folder.mkdir(parents=True)
        except OSError as fault:
            raise storage_error(fault, folder) from fault
        return token, folder / path.relative_to(self.speakers_dir)

    def _files(self) -> Iterator[TrashedFile]:
        trash = self.speakers_dir / FOLDER_NAME
        if trash.is_symlink() or not trash.is_dir():
            return
        for folder in trash.iterdir():
            found = _TOKEN.fullmatch(folder.name)
            if found is None or folder.is_symlink():
                continue
            deleted_at = datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC)
            for where, _, names in os.walk(folder):
                for name in names:
                    if name.endswith(".npz") and not name.startswith("."):
                        path = Path(where, name)
                        inside = path.relative_to(folder)
                        yield TrashedFile(folder.name, inside, path, deleted_at)
