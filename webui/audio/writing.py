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

from webui.arrays import OtherWaveform, Waveform
from webui.audio.ffmpeg import FFMPEG_SECONDS, FfmpegError, FfmpegMissingError, run_ffmpeg
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
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)  # Hz; RFC 6716
FORMATS = ("wav", "flac", "mp3")  # of files that are kept
ALL_FORMATS = (*FORMATS, "opus", "aac")
AAC_BITS_PER_SECOND = 96_000


def write_audio(
    target: Path | io.BytesIO,
    waveform: Waveform,
    rate: int,
    audio_format: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a sound as one of `ALL_FORMATS`; a file appears complete or not at all.

    Args:
        target: a file, replaced if it is there, or memory.
        waveform: values outside -1..1 are clipped.
        rate: samples per second.
        audio_format: one of `ALL_FORMATS`; None takes it from the file's ending.
        metadata: settings kept in the file's comment as JSON; `read_metadata` gives them back.
            Sound as aac has no place for them.

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
    """Encode a sound in memory: wav and flac of 16 bit, mp3, opus or aac; see `write_audio`.

    Raises:
        AudioFileError: an unknown format, an empty sound, values that are not numbers, or there is
            no ffmpeg, which aac needs.
    """
    if audio_format not in ALL_FORMATS:
        raise AudioFileError(
            f'Sound is written as {", ".join(ALL_FORMATS)}; "{audio_format[:20]}" is none of them.'
        )
    if not waveform.size or not np.isfinite(waveform).all():
        raise AudioFileError("There is no sound to write, or it holds values that are not numbers.")
    comment = metadata_comment(metadata)
    waveform, rate = at_rate_for(audio_format, waveform, rate)
    samples = as_samples(waveform)
    if audio_format == "wav":
        return _wav(samples, rate, comment.encode("ascii"))
    if audio_format == "aac":
        return _aac(samples, rate)
    memory = io.BytesIO()
    kind = ("OGG", "OPUS") if audio_format == "opus" else (audio_format.upper(), None)
    with soundfile.SoundFile(memory, "w", rate, 1, kind[1], format=kind[0]) as file:
        if comment:
            file.comment = comment
        file.write(samples)
    return memory.getvalue()


def metadata_comment(metadata: Mapping[str, Any] | None) -> str:
    """Write settings as they stand in a file; plain ASCII, which every format keeps as it is.

    Raises:
        AudioFileError: they are too long.
    """
    comment = json.dumps(metadata) if metadata else ""
    if len(comment) > MAX_METADATA_BYTES:
        raise AudioFileError("The settings of this speech are too long to be kept in its file.")
    return comment


def as_samples(waveform: Waveform) -> np.ndarray:
    """Round a sound to 16 bit; values outside -1..1 are clipped."""
    return np.asarray(np.round(np.clip(waveform, -1.0, 1.0) * 32_767), "<i2")


def at_rate_for(audio_format: str, waveform: Waveform, rate: int) -> tuple[OtherWaveform, int]:
    """Bring a sound to a rate that a format has, if it is of another one."""
    rates = {"mp3": MP3_RATES, "opus": OPUS_RATES}.get(audio_format)
    if rates is None or rate in rates:
        return waveform, rate
    return resample(waveform, rate, KEPT_RATE), KEPT_RATE


def _aac(samples: np.ndarray, rate: int) -> bytes:
    """Let ffmpeg encode it; its time follows the length of the sound."""
    given = ["-protocol_whitelist", "pipe", "-f", "s16le", "-ar", str(rate), "-ac", "1"]
    wanted = ["-c:a", "aac", "-b:a", str(AAC_BITS_PER_SECOND), "-f", "adts", "pipe:1"]
    seconds = FFMPEG_SECONDS + math.ceil(len(samples) / rate / 10)
    try:
        return run_ffmpeg([*given, "-i", "pipe:0", *wanted], samples.tobytes(), seconds)
    except FfmpegMissingError as fault:
        raise AudioFileError(
            "Sound as aac needs the program ffmpeg, which is not installed; choose wav, flac, mp3 "
            "or opus."
        ) from fault
    except FfmpegError as fault:
        raise AudioFileError("The sound could not be written as aac; choose mp3.") from fault


def _wav(samples: np.ndarray, rate: int, comment: bytes) -> bytes:
    """A mono 16 bit wav file; libsndfile loses comments above 4 KB, so the chunks are ours."""
    sound = samples.tobytes()
    chunks = wav_format(rate) + b"data" + struct.pack("<I", len(sound)) + sound
    chunks += wav_comment(comment)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def wav_format(rate: int) -> bytes:
    """The part of a wav file that says how its samples are to be read."""
    return b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)


def wav_comment(comment: bytes) -> bytes:
    """The part of a wav file that holds a comment; nothing where there is none."""
    if not comment:
        return b""
    text = comment + b"\0" * (2 - len(comment) % 2)  # ends in a zero, of even length
    head = b"LIST" + struct.pack("<I", 12 + len(text))
    return head + b"INFOICMT" + struct.pack("<I", len(text)) + text


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
