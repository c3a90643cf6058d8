"""Reads back the settings that were kept in a sound file when it was written."""

import json
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import soundfile

from webui.audio.opening import READABLE, SoundSource, kind_of, open_regular
from webui.errors import AudioFileError

MAX_METADATA_BYTES = 2**20


def read_metadata(path: Path) -> dict[str, Any]:
    """Read back the settings that `write_audio` kept in a file; empty when there are none.

    Raises:
        AudioFileError: the file is missing or not a recording.
    """
    with open_regular(path) as file:
        reader, name = kind_of(file.read(16))
        file.seek(0)
        if reader != "soundfile":
            return {}
        if name == "RIFF":
            comment = _wav_comment(file)
        else:
            try:
                with soundfile.SoundFile(SoundSource(file)) as sound:
                    comment = sound.comment
            except (soundfile.SoundFileError, OSError, RuntimeError) as fault:
                raise AudioFileError(
                    f"This file is not a readable recording ({READABLE})."
                ) from fault
    if len(comment) > MAX_METADATA_BYTES:
        return {}
    try:
        found = json.loads(comment)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _wav_comment(file: BinaryIO) -> str:
    """The comment (ICMT) of a wav file; empty when there is none. Looks at 64 chunks at most."""
    file.seek(12)
    for _ in range(64):
        head = file.read(8)
        if len(head) < 8:
            return ""
        name, size = head[:4], struct.unpack("<I", head[4:])[0]
        if name != b"LIST" or size > MAX_METADATA_BYTES + 64:
            file.seek(size + size % 2, os.SEEK_CUR)
            continue
        found = _comment_in_list(file.read(size + size % 2))
        if found:
            return found
    return ""


def _comment_in_list(chunk: bytes) -> str:
    """The ICMT entry of a LIST INFO chunk."""
    place = 4 if chunk.startswith(b"INFO") else len(chunk)
    while place + 8 <= len(chunk):
        name, size = chunk[place : place + 4], struct.unpack("<I", chunk[place + 4 : place + 8])[0]
        if name == b"ICMT":
            return chunk[place + 8 : place + 8 + size].rstrip(b"\0").decode("utf-8", "replace")
        place += 8 + size + size % 2
    return ""
