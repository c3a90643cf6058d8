"""Writes sounds that are longer than the memory, part by part; as m4b with chapters."""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from webui.arrays import Waveform
from webui.audio.ffmpeg import FFMPEG_SECONDS, FfmpegError, FfmpegMissingError, run_ffmpeg
from webui.audio.rates import RateStream
from webui.audio.reading import KEPT_RATE
from webui.audio.writing import (
    AAC_BITS_PER_SECOND,
    FORMATS,
    MP3_RATES,
    as_samples,
    metadata_comment,
)
from webui.errors import AudioFileError, StorageError
from webui.file_saving import storage_error, sync_folder

BOOK_FORMATS = (*FORMATS, "m4b")
MAX_WAV_BYTES = 2**32 - 2**20  # its head has 32 bits for the length
MAX_WAV_COMMENT = 4_000  # libsndfile loses longer ones


@dataclass(frozen=True)
class Mark:
    """Where a chapter begins in a sound, in seconds, and where it ends."""

    title: str
    start_seconds: float
    end_seconds: float


def write_long_audio(  # noqa: PLR0913  (what a file of many chapters is made of)
    path: Path,
    blocks: Iterable[Waveform],
    rate: int,
    audio_format: str,
    metadata: Mapping[str, Any] | None = None,
    marks: Sequence[Mark] = (),
) -> None:
    """Write a sound while it is made; the file appears complete or not at all.

    Args:
        path: replaced if it is there.
        blocks: the parts of the sound, in order.
        rate: samples per second.
        audio_format: wav, flac, mp3 or m4b, which needs ffmpeg.
        metadata: settings kept in the file's comment as JSON.
        marks: its chapters; only m4b has a place for them.

    Raises:
        AudioFileError: an unknown format, no sound, too much of it for wav, or there is no ffmpeg.
        StorageError: the file cannot be written.
    """
    if audio_format not in BOOK_FORMATS:
        raise AudioFileError(
            f'Long sounds are written as {", ".join(BOOK_FORMATS)}; "{audio_format[:20]}" is none '
            "of them."
        )
    comment = metadata_comment(metadata)
    first = "flac" if audio_format == "m4b" else audio_format
    with _part_of(path) as part:
        _write_blocks(part, blocks, rate, first, comment)
        if audio_format != "m4b":
            _publish(part, path)
            return
        with _part_of(path) as book:
            _make_m4b(part, book, str((metadata or {}).get("title", path.stem)), comment, marks)
            _publish(book, path)


def _write_blocks(
    part: Path, blocks: Iterable[Waveform], rate: int, audio_format: str, comment: str
) -> None:
    written_rate = KEPT_RATE if audio_format == "mp3" and rate not in MP3_RATES else rate
    stream, samples = RateStream(rate, written_rate), 0
    try:
        with soundfile.SoundFile(part, "w", written_rate, 1, format=audio_format.upper()) as file:
            if comment and not (audio_format == "wav" and len(comment) > MAX_WAV_COMMENT):
                file.comment = comment
            for block in blocks:
                sound = as_samples(stream.add(block))
                samples += len(sound)
                if audio_format == "wav" and 2 * samples > MAX_WAV_BYTES:
                    raise AudioFileError("This is too long for a wav file. Choose flac or mp3.")
                file.write(sound)
            file.write(as_samples(stream.add(np.zeros(0, np.float32), is_last=True)))
    except OSError as fault:
        raise storage_error(fault, part) from fault
    except soundfile.SoundFileError as fault:
        raise StorageError(
            f'"{part.parent}" cannot be written, or has no room left. Choose another folder.'
        ) from fault
    if not samples:
        raise AudioFileError("There is no sound to write yet. Speak a part of the text first.")


def _make_m4b(sound: Path, book: Path, title: str, comment: str, marks: Sequence[Mark]) -> None:
    """Let ffmpeg make a book with chapters; its time follows the length of the sound."""
    seconds = soundfile.info(sound).duration
    notes = book.with_suffix(".marks.part")
    try:
        notes.write_text(_chapter_file(title, comment, marks), "utf-8")
        given = ["-protocol_whitelist", "file", "-f", "flac", "-i", f"file:{sound.absolute()}"]
        given += ["-protocol_whitelist", "file", "-f", "ffmetadata", "-i"]
        given += [f"file:{notes.absolute()}", "-map", "0:a", "-map_metadata", "1"]
        wanted = ["-c:a", "aac", "-b:a", str(AAC_BITS_PER_SECOND), "-f", "ipod", "-y"]
        limit = FFMPEG_SECONDS + round(seconds / 5)
        run_ffmpeg([*given, *wanted, f"file:{book.absolute()}"], seconds=limit)
    except FfmpegMissingError as fault:
        raise AudioFileError(
            "A book as m4b needs the program ffmpeg, which is not installed; choose mp3 or flac."
        ) from fault
    except FfmpegError as fault:
        raise AudioFileError("The book could not be written as m4b; choose mp3 or flac.") from fault
    finally:
        notes.unlink(missing_ok=True)


def _chapter_file(title: str, comment: str, marks: Sequence[Mark]) -> str:
    """What is to be known of a book, in the form that ffmpeg reads."""
    lines = [";FFMETADATA1", f"title={_escaped(title)}", f"comment={_escaped(comment)}"]
    for mark in marks:
        lines += ["[CHAPTER]", "TIMEBASE=1/1000"]
        lines += [f"START={round(mark.start_seconds * 1_000)}"]
        lines += [f"END={round(mark.end_seconds * 1_000)}", f"title={_escaped(mark.title)}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    one_line = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "=;#\\" else letter for letter in one_line)


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """The name of a file in the same folder that goes away, whatever happens."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _publish(part: Path, path: Path) -> None:
    try:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as fault:
        raise storage_error(fault, path) from fault
