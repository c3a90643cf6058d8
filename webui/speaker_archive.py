"""The .npz as a container: which parts a speaker file may have, each read within its bounds."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from webui.errors import SpeakerFileError
from webui.speaker_metadata import MAX_METADATA_CHARACTERS

MAX_LENGTH = 16_384  # tokens or frames: 3.6 minutes of Bark; published voices have at most 1,098
MAX_CODEBOOKS = 32
MAX_FILE_BYTES = 2**23  # 32 codebooks, 8 bytes a code, twice over
MAX_HEADER_BYTES = 1_024
MAX_MEMBERS = 8

MEMBERS = {
    "semantic_prompt": "semantic",
    "semantic": "semantic",
    "coarse_prompt": "coarse",
    "coarse": "coarse",
    "fine_prompt": "fine",
    "fine": "fine",
    "metadata": "metadata",
}
WRITTEN_NAMES = {"semantic": "semantic_prompt", "coarse": "coarse_prompt", "fine": "fine_prompt"}
_END_OF_ZIP = struct.Struct("<4s4H2LH")  # PKWARE APPNOTE 4.3.16
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, RuntimeError,
    NotImplementedError, OSError,
)  # fmt: skip


def read_regular_file(path: Path, cap: int) -> bytes:
    """Read a whole file that is a plain file of at most `cap` bytes; never wait, never follow.

    Raises:
        SpeakerFileError: it is gone, something else, too big, or closed to us.
    """
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise SpeakerFileError(f'"{path.name}" is not a plain file.')
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise SpeakerFileError(f'"{path.name}" is not a plain file.')
            if facts.st_size > cap:
                raise SpeakerFileError(too_big(facts.st_size, cap))
            data = file.read(cap + 1)
    except FileNotFoundError:
        raise SpeakerFileError(f'The speaker file "{path.name}" is not there any more.') from None
    except (OSError, ValueError) as fault:
        raise SpeakerFileError(f'"{path.name}" cannot be read ({fault}).') from fault
    if len(data) > cap:
        raise SpeakerFileError(too_big(len(data), cap))
    return data


def read_members(data: bytes) -> dict[str, bytes]:
    """Unpack the members that a speaker file may have, each within its bounds.

    Raises:
        SpeakerFileError: it is no zip of a voice, or a damaged one.
    """
    if len(data) > MAX_FILE_BYTES:
        raise SpeakerFileError(too_big(len(data), MAX_FILE_BYTES))
    _check_directory(data)
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for info in archive.infolist():
                part = _check_member(info, members)
                cap = _member_cap(part)
                if info.file_size > cap:
                    raise SpeakerFileError(too_big(info.file_size, cap, f'part "{part}" of it'))
                with archive.open(info) as file:
                    raw = file.read(info.file_size + 1)
                if len(raw) != info.file_size:
                    raise SpeakerFileError(damaged("a part is shorter than it says"))
                members[part] = raw
    except _BROKEN_ZIP as fault:
        raise SpeakerFileError(damaged(f"{fault}"[:120] or type(fault).__name__)) from fault
    return members


def pack_members(members: Mapping[str, bytes]) -> bytes:
    """Put parts as `read_members` gives them into a file again, under the names that Bark reads."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for part, raw in members.items():
            archive.writestr(zipfile.ZipInfo(f"{WRITTEN_NAMES.get(part, part)}.npy"), raw)
    return buffer.getvalue()


def _check_directory(data: bytes) -> None:
    """Check the end of the zip before its directory is read."""
    if len(data) < 100 or data[:4] != b"PK\x03\x04":
        raise SpeakerFileError(
            "This is not a speaker file. A speaker file ends in .npz and was made by Bark or a "
            "voice cloning tool."
        )
    end = _END_OF_ZIP.unpack(data[-_END_OF_ZIP.size :])
    magic, disk, first_disk, here, entries, size, offset, comment = end
    if magic != b"PK\x05\x06" or comment or disk or first_disk or here != entries:
        raise SpeakerFileError(damaged("its end is missing"))
    if not 0 < entries <= MAX_MEMBERS or size > 512 * MAX_MEMBERS:
        raise SpeakerFileError(
            f"This is not a speaker file: it holds {entries:,} parts, a voice has at most "
            f"{MAX_MEMBERS}."
        )
    if offset + size + _END_OF_ZIP.size != len(data):
        raise SpeakerFileError(damaged("its table of contents is not where it should be"))


def _check_member(info: zipfile.ZipInfo, seen: dict[str, bytes]) -> str:
    name = info.orig_filename.removesuffix(".npy")
    part = MEMBERS.get(name)
    if part is None or info.orig_filename != f"{name}.npy":
        raise SpeakerFileError(
            f"This is not a speaker file: it holds {info.orig_filename[:40]!r}, which no voice has."
        )
    if part in seen:
        raise SpeakerFileError(f'This speaker file holds the part "{part}" twice.')
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SpeakerFileError("This speaker file is packed in an unusual way. Save it again.")
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise SpeakerFileError(damaged(f'the part "{part}" has two lengths'))
    if info.flag_bits & 0x61:  # encrypted, patched, strongly encrypted
        raise SpeakerFileError("This speaker file is locked with a password. Unlock it first.")
    return part


def _member_cap(part: str) -> int:
    if part == "metadata":
        return MAX_HEADER_BYTES + 16 + 4 * MAX_METADATA_CHARACTERS
    codebooks = 1 if part == "semantic" else MAX_CODEBOOKS
    return MAX_HEADER_BYTES + 16 + 8 * codebooks * MAX_LENGTH


def damaged(reason: str) -> str:
    """Say that a file is broken, and what to do."""
    return (
        f"This speaker file is damaged: {reason}. Download it again, or ask for it as a whole file."
    )


def too_big(size: int, cap: int, what: str = "file") -> str:
    """Say that a file or a part of it is larger than any voice."""
    return (
        f"This is not a speaker file: the {what} has {size:,} bytes, a voice has at most {cap:,}."
    )
