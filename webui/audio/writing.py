"""Writes sound: whole files with the settings inside, complete or not at all."""

import errno
import io
import json
import math
import os
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from webui.arrays import Waveform
from webui.audio.metadata import MAX_METADATA_BYTES
from webui.audio.rates import resample
from webui.audio.reading import KEPT_RATE
from webui.errors import AudioFileError, StorageError

MP3_RATES = (
    8_000,
    11_025,
    12_000,
    16_000,
    22_050,
    24_000,
    32_000,
    44_100,
    48_000,
)  # Hz; MPEG 1, 2, 2.5
FORMATS = ("wav", "flac", "mp3")


def write_audio(
    target: Path | io.BytesIO,
    waveform: Waveform,
    rate: int,
    audio_format: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a sound as wav (16 bit), flac (16 bit) or mp3; a file appears complete or not at all.

    Args:
        target: a file, replaced if it is there, or memory.
        waveform: values outside -1..1 are clipped.
        rate: samples per second.
        audio_format: wav, flac or mp3; None takes it from the file's ending.
        metadata: settings kept in the file's comment as JSON; `read_metadata` gives them back.

    Raises:
        AudioFileError: an unknown format, an empty sound, or values that are not numbers.
        StorageError: the file cannot be written.
    """
    if audio_format is None:
        audio_format = (
            target.suffix.removeprefix(".").lower() if isinstance(target, Path) else "wav"
        )
    data = encode_audio(waveform, rate, audio_format, metadata)
    if isinstance(target, Path):
        _write_whole(target, data)
    else:
        target.write(data)


def encode_audio(
    waveform: Waveform, rate: int, audio_format: str, metadata: Mapping[str, Any] | None = None
) -> bytes:
    """Encode a sound as wav, flac or mp3 in memory; see `write_audio`.

    Raises:
        AudioFileError: an unknown format, an empty sound, or values that are not numbers.
    """
    if audio_format not in FORMATS:
        raise AudioFileError(
            f'Sound is written as {", ".join(FORMATS)}; "{audio_format[:20]}" is none of them.'
        )
    if not waveform.size or not np.isfinite(waveform).all():
        raise AudioFileError("There is no sound to write, or it holds values that are not numbers.")
    comment = (
        json.dumps(metadata) if metadata else ""
    )  # plain ASCII: every format keeps it as it is
    if len(comment) > MAX_METADATA_BYTES:
        raise AudioFileError("The settings of this speech are too long to be kept in its file.")
    if audio_format == "mp3" and rate not in MP3_RATES:
        waveform, rate = resample(waveform, rate, KEPT_RATE), KEPT_RATE
    samples = np.round(np.clip(waveform, -1.0, 1.0) * 32_767).astype("<i2")
    if audio_format == "wav":
        return _wav(samples, rate, comment.encode("ascii"))
    memory = io.BytesIO()
    with soundfile.SoundFile(memory, "w", rate, 1, format=audio_format.upper()) as file:
        if comment:
            file.comment = comment
        file.write(samples)
    return memory.getvalue()


def _wav(samples: np.ndarray, rate: int, comment: bytes) -> bytes:
    """A mono 16 bit wav file; libsndfile loses comments above 4 KB, so the chunks are ours."""
    sound = samples.tobytes()
    chunks = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    chunks += b"data" + struct.pack("<I", len(sound)) + sound
    if comment:
        text = comment + b"\0" * (2 - len(comment) % 2)  # ends in a zero, of even length
        chunks += (
            b"LIST"
            + struct.pack("<I", 12 + len(text))
            + b"INFOICMT"
            + struct.pack("<I", len(text))
            + text
        )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is seen complete or not at all."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as fault:
        part.unlink(missing_ok=True)
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        size = f"{math.ceil(len(data) / 2**20)} MB"
        reason = (
            f"there is no room for {size}"
            if full
            else "the folder is missing or may not be written"
        )
        raise StorageError(f'"{path.name[:80]}" cannot be written: {reason}.') from fault
