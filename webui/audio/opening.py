"""Opens a sound file that may be a stranger's, and tells what is in it before it is decoded."""

import contextlib
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from webui.errors import AudioFileError

MAX_FILE_BYTES = 2**30
READABLE = "wav, flac, mp3, ogg, aiff or m4a"


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; never waits on a pipe, a device or a folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as fault:
        raise AudioFileError(
            f'The recording "{path.name[:80]}" is not there or cannot be opened.'
        ) from fault
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and 0 < found.st_size <= MAX_FILE_BYTES:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise AudioFileError("This is not a file with a recording in it.")
    if not found.st_size:
        raise AudioFileError("This recording is empty (0 bytes).")
    raise AudioFileError(
        f"This recording has {found.st_size / 2**30:.1f} GB; at most 1 GB is read. "
        "Cut out a part of it."
    )


class SoundSource:
    """An open file as the sound library may use it.

    A broken head makes the library ask for places before the start of the file. That is answered
    with where it stands, because a fault within a callback would only be printed.
    """

    def __init__(self, file: BinaryIO | io.BytesIO) -> None:
        self._file = file

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, where there is one."""
        with contextlib.suppress(OSError, ValueError):
            self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self) -> int:
        """Where it stands."""
        return self._file.tell()

    def read(self, count: int = -1) -> bytes:
        """Read on."""
        return self._file.read(count)


def kind_of(magic: bytes) -> tuple[str, str]:
    """Tell from a file's first bytes who reads it, soundfile or ffmpeg, and under which name.

    The ending of the file's name is never looked at: a playlist named .mp3 would make ffmpeg open
    other files of this machine.
    """
    first = magic[:4]
    if first in (b"RIFF", b"RF64", b"fLaC", b"OggS", b".snd", b"caff") or magic[:3] == b"ID3":
        return "soundfile", first.decode("ascii", "replace")
    if first == b"FORM" and magic[8:12] in (b"AIFF", b"AIFC"):
        return "soundfile", "AIFF"
    if first == b"\x1aE\xdf\xa3":
        return "ffmpeg", "matroska"  # webm, from a browser's microphone
    if magic[4:8] == b"ftyp":
        return "ffmpeg", "mov"  # m4a, mp4
    if len(magic) > 1 and magic[0] == 0xFF and magic[1] & 0xE0 == 0xE0:
        return ("ffmpeg", "aac") if magic[1] & 0x06 == 0 else ("soundfile", "MP3")
    raise AudioFileError(f"This file is not a recording that can be read; use {READABLE}.")
