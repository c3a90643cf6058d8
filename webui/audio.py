"""The one door for sound files: bounded reading, resampling, writing with the settings inside.

This is the only module of the app that starts another program (`subprocess`): ffmpeg, for the
formats that soundfile cannot read, with its demuxer named by us and local files as its only
protocol.
"""

import errno
import io
import json
import math
import os
import secrets
import shutil
import stat
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr

from webui.arrays import OtherWaveform, Waveform
from webui.errors import AudioFileError, StorageError

MAX_SECONDS = 600  # of a recording are decoded; what follows is left out
MAX_FILE_BYTES = 2**30
MIN_RATE, MAX_RATE = 8_000, 192_000  # Hz
KEPT_RATE = 48_000  # Hz; higher rates are brought down while reading, which bounds the memory
MAX_CHANNELS = 32  # in the file; at most 2 of them are used
MAX_METADATA_BYTES = 2**20
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
READABLE = "wav, flac, mp3, ogg, aiff or m4a"
FFMPEG_SECONDS = 60  # of processor time; three times that on the clock


def read_audio(path: Path) -> tuple[Waveform, int]:
    """Read a recording as mono float32 in -1..1, with its sample rate.

    Every bound is checked before the sound is decoded, because a small file can declare, and hold,
    gigabytes of it.

    Args:
        path: a regular file. At most `MAX_SECONDS` are decoded; rates above `KEPT_RATE` are
            brought down to it.

    Raises:
        AudioFileError: the file is missing, not a recording, damaged, or outside the bounds.
    """
    with _open_regular(path) as file:
        reader, name = _kind(file.read(16))
        file.seek(0)
        if reader == "soundfile":
            waveform, rate = _decode_with_soundfile(file)
        else:
            waveform, rate = _decode_with_ffmpeg(path, demuxer=name)
    return _checked(waveform), rate


def read_audio_bytes(data: bytes) -> tuple[Waveform, int]:
    """Read a recording from memory, as `read_audio` does; only what needs no other program.

    Raises:
        AudioFileError: it is not a recording, damaged, or outside the bounds.
    """
    reader, _ = _kind(data[:16])
    if reader != "soundfile" or len(data) > MAX_FILE_BYTES:
        raise AudioFileError("This file is not a recording that can be read; use wav or flac.")
    waveform, rate = _decode_with_soundfile(io.BytesIO(data))
    return _checked(waveform), rate


def _checked(waveform: Waveform) -> OtherWaveform:
    if not waveform.size:
        raise AudioFileError("This recording holds no sound.")
    if not np.isfinite(waveform).all():
        raise AudioFileError("This recording holds values that are not numbers; export it again.")
    peak = float(np.abs(waveform).max())
    return waveform / np.float32(peak) if peak > 1.0 else waveform


def resample(waveform: Waveform, from_rate: int, to_rate: int) -> OtherWaveform:
    """Bring a sound from one sample rate to another, in float32."""
    if from_rate == to_rate:
        return waveform.astype(np.float32, copy=False)
    return np.asarray(soxr.resample(waveform.astype(np.float32), from_rate, to_rate, quality="VHQ"))


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


def read_metadata(path: Path) -> dict[str, Any]:
    """Read back the settings that `write_audio` kept in a file; empty when there are none.

    Raises:
        AudioFileError: the file is missing or not a recording.
    """
    with _open_regular(path) as file:
        reader, name = _kind(file.read(16))
        file.seek(0)
        if reader != "soundfile":
            return {}
        if name == "RIFF":
            comment = _wav_comment(file)
        else:
            try:
                with soundfile.SoundFile(file) as sound:
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


def _open_regular(path: Path) -> BinaryIO:
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


def _kind(magic: bytes) -> tuple[str, str]:
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


def _decode_with_soundfile(file: BinaryIO | io.BytesIO) -> tuple[Waveform, int]:
    """Decode a bounded part of an open file, block by block."""
    try:
        with soundfile.SoundFile(file) as sound:
            _check_declared(sound.samplerate, sound.channels)
            return _read_blocks(sound), min(sound.samplerate, KEPT_RATE)
    except (soundfile.SoundFileError, OSError, RuntimeError) as fault:
        raise AudioFileError(
            "This recording is damaged or of an unknown kind; export it again as wav."
        ) from fault


def _check_declared(rate: int, channels: int) -> None:
    """Refuse what the head of a file declares, before anything is decoded."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioFileError(
            f"This recording has {rate:,} samples per second; "
            f"{MIN_RATE:,} to {MAX_RATE:,} can be read."
        )
    if channels > MAX_CHANNELS:
        raise AudioFileError(f"This recording has {channels} channels; record one or two.")


def _read_blocks(sound: soundfile.SoundFile) -> Waveform:
    """Read at most `MAX_SECONDS` as the mean of the first two channels, at `KEPT_RATE` or less."""
    rate, left = sound.samplerate, MAX_SECONDS * sound.samplerate
    stream = soxr.ResampleStream(rate, KEPT_RATE, 1, dtype="float32") if rate > KEPT_RATE else None
    blocks: list[Waveform] = []
    ended = False
    while not ended:
        block = sound.read(min(65_536, left), dtype="float32", always_2d=True)
        left -= len(block)
        ended = len(block) < 65_536 or left <= 0
        mono = block[:, :2].mean(axis=1)  # (samples,)
        if not np.isfinite(mono).all():
            raise AudioFileError(
                "This recording holds values that are not numbers; export it again."
            )
        blocks.append(stream.resample_chunk(mono, last=ended) if stream else mono)
    return np.concatenate(blocks)


def _decode_with_ffmpeg(path: Path, demuxer: str) -> tuple[Waveform, int]:
    """Decode a file with ffmpeg as mono at `KEPT_RATE`, bounded in time, memory and output."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioFileError(
            "This kind of recording needs the program ffmpeg, which is not installed; "
            "use wav or mp3."
        )
    command = [program, "-nostdin", "-hide_banner", "-loglevel", "quiet"]
    command += ["-timelimit", str(FFMPEG_SECONDS), "-max_alloc", str(2**28), "-threads", "1"]
    command += ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{path.absolute()}"]
    command += ["-map", "0:a:0", "-t", str(MAX_SECONDS), "-ac", "1", "-ar", str(KEPT_RATE)]
    command += [
        "-fs",
        str(2 * MAX_SECONDS * KEPT_RATE),
        "-c:a",
        "pcm_s16le",
        "-f",
        "s16le",
        "pipe:1",
    ]
    try:
        done = subprocess.run(  # noqa: S603  a list of arguments, no shell; the path is absolute
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=3 * FFMPEG_SECONDS,
            env={},
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise AudioFileError(
            "This recording is damaged or holds no sound; export it again as wav."
        ) from fault
    samples = np.frombuffer(done.stdout[: len(done.stdout) // 2 * 2], dtype="<i2")
    return samples.astype(np.float32) / np.float32(32_768), KEPT_RATE


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
