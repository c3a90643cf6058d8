"""Reads a recording within bounds, whoever made it."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from webui.arrays import OtherWaveform, Waveform
from webui.audio.ffmpeg import FfmpegError, FfmpegMissingError, run_ffmpeg
from webui.audio.opening import MAX_FILE_BYTES, SoundSource, kind_of, open_regular
from webui.errors import AudioFileError

MAX_SECONDS = 600  # of a recording are decoded; what follows is left out
MIN_RATE, MAX_RATE = 8_000, 192_000  # Hz
KEPT_RATE = 48_000  # Hz; higher rates are brought down while reading, which bounds the memory
MAX_CHANNELS = 32  # in the file; at most 2 of them are used


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
    with open_regular(path) as file:
        reader, name = kind_of(file.read(16))
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
    reader, _ = kind_of(data[:16])
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


def _decode_with_soundfile(file: BinaryIO | io.BytesIO) -> tuple[Waveform, int]:
    """Decode a bounded part of an open file, block by block."""
    try:
        with soundfile.SoundFile(SoundSource(file)) as sound:
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
        with np.errstate(all="ignore"):  # what no number comes of is refused here
            mono = block[:, :2].mean(axis=1)  # (samples,)
        if not np.isfinite(mono).all():
            raise AudioFileError(
                "This recording holds values that are not numbers; export it again."
            )
        blocks.append(stream.resample_chunk(mono, last=ended) if stream else mono)
    return np.concatenate(blocks)


def _decode_with_ffmpeg(path: Path, demuxer: str) -> tuple[Waveform, int]:
    """Decode a file with ffmpeg as mono at `KEPT_RATE`, bounded in time, memory and output."""
    arguments = ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{path.absolute()}"]
    arguments += ["-map", "0:a:0", "-t", str(MAX_SECONDS), "-ac", "1", "-ar", str(KEPT_RATE)]
    arguments += ["-fs", str(2 * MAX_SECONDS * KEPT_RATE)]
    arguments += ["-c:a", "pcm_s16le", "-f", "s16le", "pipe:1"]
    try:
        sound = run_ffmpeg(arguments)
    except FfmpegMissingError as fault:
        raise AudioFileError(
            "This kind of recording needs the program ffmpeg, which is not installed; "
            "use wav or mp3."
        ) from fault
    except FfmpegError as fault:
        raise AudioFileError(
            "This recording is damaged or holds no sound; export it again as wav."
        ) from fault
    samples = np.frombuffer(sound[: len(sound) // 2 * 2], dtype="<i2")
    return samples.astype(np.float32) / np.float32(32_768), KEPT_RATE
