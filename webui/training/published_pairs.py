"""Pairs that others made: the folders and zips of the training sets that were published.

gitmylo's trainer writes `N_semantic.npy` and `N_wav.wav` side by side in a folder; the sets that
people share are zips of two folders, `semantic/` and `wav/`. Both come from strangers: every part
is read within its bounds, and nothing in it is executed. A pair that cannot be read is dropped.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO

from webui.audio import read_audio_bytes
from webui.errors import AudioFileError, CheckpointError, SpeakerFileError
from webui.speaker_file import read_npy_bytes
from webui.training.pairs import fault_of_pair
from webui.training_results import PairDropped, PairMade

MAX_SOUND_BYTES = 2**24  # a minute in two channels at 48 kHz, and to spare
MAX_TOKENS_BYTES = 2**18
MAX_SECONDS = 60.0  # what an encoder listens to at once
MAX_MEMBERS = 65_534  # more would need the other kind of zip
MAX_NAME = 512  # characters
_ENDING = re.compile(r"_(semantic|wav)$")
_END_OF_ZIP = struct.Struct("<4s4H2LH")  # PKWARE APPNOTE 4.3.16
_LONGEST_COMMENT = 65_535
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, RuntimeError,
    NotImplementedError, OSError,
)  # fmt: skip

Read = Callable[[str, int], bytes]  # a member of at most so many bytes


def pairs_in_files(
    files: Mapping[str, bytes], token_rate: float, vocabulary: int, first: int = 0
) -> Iterator[PairMade | PairDropped]:
    """Read a folder of pairs.

    Args:
        files: the bytes of each file by its name; a mapping that reads when asked will do.
        token_rate: semantic tokens a second of the family.
        vocabulary: how many semantic tokens it has.
        first: the number of the first pair.

    Raises:
        CheckpointError: there are no pairs, or they are of another family.
    """

    def read(name: str, most: int) -> bytes:
        data = files[name]
        if len(data) > most:
            raise ValueError("too large")
        return data

    yield from _pairs(_mates(files), read, (token_rate, vocabulary), first)


def pairs_in_zip(
    source: bytes | BinaryIO | io.BytesIO, token_rate: float, vocabulary: int, first: int = 0
) -> Iterator[PairMade | PairDropped]:
    """Read a zip of pairs, one at a time.

    Args:
        source: the zip, or its bytes.
        token_rate: semantic tokens a second of the family.
        vocabulary: how many semantic tokens it has.
        first: the number of the first pair.

    Raises:
        CheckpointError: it is no zip, there are no pairs in it, or they are of another family.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        _check_end(file)
        archive = zipfile.ZipFile(file)
    except _BROKEN_ZIP as fault:
        raise CheckpointError(
            "This is not a zip of pairs, or it is damaged. A set of pairs is a zip with the "
            "folders semantic and wav."
        ) from fault
    members = {each.filename: each for each in archive.infolist() if not each.is_dir()}

    def read(name: str, most: int) -> bytes:
        info = members[name]
        is_usual = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if info.file_size > most or not is_usual or info.flag_bits & 0x61:
            raise ValueError("too large, or locked")
        with archive.open(info) as opened:
            data = opened.read(info.file_size + 1)
        if len(data) != info.file_size:
            raise ValueError("another length")
        return data

    with archive:
        yield from _pairs(_mates(members), read, (token_rate, vocabulary), first)


def _mates(names: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Names of tokens and sound that belong together, with what they have in common."""
    tokens: dict[str, str] = {}
    sounds: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        key = _ENDING.sub("", path.stem)
        if len(name) > MAX_NAME or path.name.startswith("."):
            continue
        if path.suffix == ".wav":
            sounds.setdefault(key, name)
        elif path.suffix == ".npy" and not key.endswith("_features"):
            tokens.setdefault(key, name)
    both = sorted(tokens.keys() & sounds.keys(), key=_natural)
    if not both:
        raise CheckpointError(
            "There are no pairs here. A pair is two files, like 7_semantic.npy and 7_wav.wav, or "
            "semantic/7.npy and wav/7.wav."
        )
    return [(key, tokens[key], sounds[key]) for key in both]


def _natural(key: str) -> tuple[int, str]:
    """2 before 10, and names that are no numbers behind them."""
    return (int(key), "") if key.isdecimal() and len(key) < 19 else (2**63, key)


def _pairs(
    mates: list[tuple[str, str, str]], read: Read, family: tuple[float, int], first: int
) -> Iterator[PairMade | PairDropped]:
    token_rate, vocabulary = family
    for number, (key, tokens, sound) in enumerate(mates, start=first):
        try:
            semantic = read_npy_bytes(read(tokens, MAX_TOKENS_BYTES), tokens, dimensions=1)
            waveform, rate = read_audio_bytes(read(sound, MAX_SOUND_BYTES))
        except (SpeakerFileError, AudioFileError, *_BROKEN_ZIP):
            yield PairDropped(number, "damaged")
            continue
        if semantic.size and not 0 <= semantic.min() <= semantic.max() < vocabulary:
            raise CheckpointError(
                f"The pair {key[:40]} holds the token {int(semantic.max()):,}; this family has "
                f"only {vocabulary:,}. The pairs belong to another family."
            )
        fault = fault_of_pair(semantic, waveform, rate, token_rate, "")
        if fault is None and len(waveform) > MAX_SECONDS * rate:
            fault = "length"
        if fault is not None:
            yield PairDropped(number, fault)
        else:
            yield PairMade(number, key, "", semantic, waveform, rate)


def _check_end(file: BinaryIO | io.BytesIO) -> None:
    """Count the members of a zip before its table of contents is read.

    Raises:
        ValueError: it has no end, or too many members.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_OF_ZIP.size - _LONGEST_COMMENT))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END_OF_ZIP.size:
        raise ValueError("no zip")
    _, _, _, _, entries, table, _, _ = _END_OF_ZIP.unpack_from(tail, place)
    if not 0 < entries <= MAX_MEMBERS or table > MAX_MEMBERS * (46 + MAX_NAME):
        raise ValueError("too many members")
