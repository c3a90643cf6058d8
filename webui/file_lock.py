"""One writer at a time in a folder, whichever process it is in."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from webui.errors import StorageError
from webui.file_saving import storage_error

LOCK_NAME = ".lock"
PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.01
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}  # some network shares


@contextlib.contextmanager
def folder_lock(folder: Path, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold a folder's lock: what is read inside has not changed when it is written back.

    The system takes the lock from a process that ends, however it ends. Threads exclude each other
    too. It is not to be taken twice at once by one of them.

    Raises:
        StorageError: somebody else holds it for too long, or the folder cannot be written.
    """
    path = folder / LOCK_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(path, flags, 0o644)
    except OSError as fault:
        raise storage_error(fault, path) from fault
    try:
        _wait_for(descriptor, path, time.monotonic() + patience_seconds)
        yield
    finally:
        os.close(descriptor)  # gives the lock back


def _wait_for(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            _take(descriptor)
        except OSError as fault:
            if fault.errno in _NO_LOCKS:
                return
            if fault.errno not in _BUSY:
                raise storage_error(fault, path) from fault
        else:
            return
        if time.monotonic() > deadline:
            raise StorageError(
                f"Another program is changing the files in {path.parent}. Nothing was changed; "
                "please try again."
            )
        time.sleep(_POLL_SECONDS)


if sys.platform == "win32":

    def _take(descriptor: int) -> None:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:

    def _take(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
