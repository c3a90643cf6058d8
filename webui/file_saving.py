"""Saves a file so that nobody ever sees half of it, and no two writers both win."""

import errno
import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from webui.errors import StorageError

LEFTOVER_SUFFIX = ".part"
# What a file system without hard links answers: exFAT, some network shares.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def save_file(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a whole file at once.

    Args:
        path: the file to make.
        data: what it holds.
        replace: update the file that is there; otherwise the name must be free.

    Raises:
        StorageError: the name is taken, or there is no space or no permission.
    """
    part = path.parent / f".{path.name}.{secrets.token_hex(6)}{LEFTOVER_SUFFIX}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(part, data)
            _publish(part, path, replace)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as fault:
        raise storage_error(fault, path) from fault


def move_file(source: Path, target: Path) -> None:
    """Give a file another place on the same disk; the name there must be free.

    Raises:
        StorageError: the name is taken, or there is no permission.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _publish(source, target, replace=False)
        source.unlink(missing_ok=True)
        sync_folder(target.parent)
        sync_folder(source.parent)
    except OSError as fault:
        raise storage_error(fault, target) from fault


def storage_error(fault: OSError, path: Path) -> StorageError:
    """Say in words why a file could not be written."""
    if fault.errno == errno.EEXIST:
        return StorageError(f'The name "{path.name}" is taken. Choose another one.')
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f'Not enough disk: "{path.name}" does not fit into {path.parent}. '
            "Free some space or choose another folder."
        )
    if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(
            f'"{path.name}" cannot be written: {path.parent} is closed to this app. '
            "Change the folder's permissions or choose another folder."
        )
    return StorageError(f'"{path.name}" cannot be written into {path.parent} ({fault.strerror}).')


def sweep_leftovers(folder: Path, older_than_seconds: float = 3_600.0) -> int:
    """Remove what interrupted saves left behind, and give how many files that were.

    Young files are left alone: another process may be writing them.
    """
    removed = 0
    for part in folder.glob(f".*{LEFTOVER_SUFFIX}") if folder.is_dir() else ():
        with suppress(OSError):
            if time.time() - part.lstat().st_mtime > older_than_seconds:
                part.unlink()
                removed += 1
    return removed


def folder_bytes(folder: Path) -> int:
    """Add up what a folder and all below it take; what goes away meanwhile does not count."""
    total = 0
    for each in folder.rglob("*"):
        with suppress(OSError):
            total += each.lstat().st_size
    return total


def remove_folder(folder: Path, first: str) -> None:
    """Remove a folder with all that is in it.

    Args:
        folder: it must be there.
        first: the file without which the rest is nothing, so that no half of it is ever found.

    Raises:
        StorageError: it cannot be removed.
    """
    try:
        (folder / first).unlink(missing_ok=True)
        shutil.rmtree(folder)
    except OSError as fault:
        raise storage_error(fault, folder) from fault


def sync_folder(folder: Path) -> None:
    """Make the folder's list of names survive a power cut, where the system can."""
    flags = getattr(os, "O_DIRECTORY", None)
    if flags is None:  # Windows
        return
    descriptor = os.open(folder, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # a file system that cannot sync a folder
            raise
    finally:
        os.close(descriptor)


def _write_synced(part: Path, data: bytes) -> None:
    with part.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _publish(part: Path, path: Path, replace: bool) -> None:
    if replace:
        part.replace(path)
        return
    try:
        path.hardlink_to(part)
    except OSError as fault:
        if fault.errno not in _NO_LINKS:
            raise
        # The name is taken first, so one writer wins; a kill just here leaves an empty file.
        with path.open("xb"):
            pass
        part.replace(path)
