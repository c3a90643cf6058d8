"""One voice on disk: the .npz that Bark reads as a prompt.

Strangers make these files, so every size is checked before the bytes are read, and nothing in
them is ever executed. This is the only module that reads numpy's formats.
"""

import math
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from webui.arrays import Speaker
from webui.errors import SpeakerFileError
from webui.file_saving import save_file
from webui.speaker_archive import (
    MAX_CODEBOOKS,
    MAX_FILE_BYTES,
    MAX_HEADER_BYTES,
    MAX_LENGTH,
    damaged,
    pack_members,
    read_members,
    read_regular_file,
)
from webui.speaker_limits import (
    BARK_LIMITS,
    MismatchedSpeakerError,
    SpeakerLimits,
    check_ranges,
    even_lengths,
    limits_of,
)
from webui.speaker_metadata import (
    MAX_METADATA_CHARACTERS,
    SpeakerMetadata,
    metadata_from_json,
    metadata_to_json,
)

__all__ = [
    "BARK_LIMITS",
    "MismatchedSpeakerError",
    "SpeakerFile",
    "SpeakerLimits",
    "SpeakerMetadata",
    "check_speaker_fits",
    "limits_of",
    "pack_speaker",
    "read_metadata_text",
    "read_npy_array",
    "read_npy_bytes",
    "read_speaker",
    "read_speaker_arrays",
    "read_speaker_bytes",
    "with_metadata_text",
    "write_speaker",
]

_FIELD = (
    r"\s*(?:'descr'\s*:\s*'(?P<descr{n}>[^'\\]{{1,16}})'"
    r"|'fortran_order'\s*:\s*(?P<fortran{n}>True|False)"
    r"|'shape'\s*:\s*\((?P<shape{n}>[0-9L, ]{{0,64}})\))\s*"
)
_HEADER = re.compile(r"\{" + ",".join(_FIELD.format(n=n) for n in range(3)) + r",?\s*\}\s*")
_WHOLE_NUMBERS = re.compile(r"[<>|=]?[iu][1248]")
_TEXT = re.compile(r"[<>|=]?(?P<kind>[US])(?P<length>[0-9]{1,6})")


@dataclass(frozen=True, eq=False)
class SpeakerFile:
    """A voice as it was read; `notes` says in the user's words what was put right."""

    speaker: Speaker
    metadata: SpeakerMetadata
    notes: tuple[str, ...] = ()


def read_speaker(
    source: Path | bytes, limits: SpeakerLimits = BARK_LIMITS, *, repair: bool = False
) -> SpeakerFile:
    """Read a speaker file, whoever made it.

    Args:
        source: the file, or its bytes.
        limits: what the family can use.
        repair: cut parts of unequal length to fit, however much they differ.

    Raises:
        MismatchedSpeakerError: the parts do not last equally long; `repair` would cut them.
        SpeakerFileError: it is no speaker file, or not one of this family.
    """
    members = read_members(source if isinstance(source, bytes) else read_speaker_bytes(source))
    missing = [part for part in ("semantic", "fine") if part not in members]
    if missing:
        what = {"semantic": "what is said (semantic_prompt)", "fine": "the sound (fine_prompt)"}
        raise SpeakerFileError(
            f"This speaker file lacks {' and '.join(what[part] for part in missing)}. "
            "Clone the voice again, or ask for the whole file."
        )
    metadata, notes = _read_metadata(members.pop("metadata", None))
    arrays = {part: _read_array(raw, part) for part, raw in members.items()}
    speaker, more = _fit_together(arrays, limits, repair)
    return SpeakerFile(speaker, metadata, (*notes, *more))


def read_speaker_arrays(
    semantic: Path, coarse: Path, fine: Path, limits: SpeakerLimits = BARK_LIMITS
) -> SpeakerFile:
    """Read a voice that lies in three .npy files, as in a hub folder `speaker_embeddings`.

    Raises:
        SpeakerFileError: a file is missing, no array of whole numbers, or they do not fit.
    """
    arrays = {
        "semantic": read_npy_array(semantic, dimensions=1),
        "coarse": read_npy_array(coarse, dimensions=2),
        "fine": read_npy_array(fine, dimensions=2),
    }
    speaker, notes = _fit_together(arrays, limits, repair=False)
    return SpeakerFile(speaker, SpeakerMetadata(), notes)


def read_npy_array(path: Path, *, dimensions: int) -> np.ndarray:
    """Read a small .npy file of whole numbers as int64.

    Raises:
        SpeakerFileError: it is missing, too big, or holds something else.
    """
    cap = MAX_HEADER_BYTES + 16 + MAX_LENGTH * 8 * (1 if dimensions == 1 else MAX_CODEBOOKS)
    return read_npy_bytes(read_regular_file(path, cap), path.name, dimensions=dimensions)


def read_npy_bytes(data: bytes, name: str, *, dimensions: int) -> np.ndarray:
    """Read a small .npy of whole numbers from memory as int64.

    Raises:
        SpeakerFileError: it holds something else.
    """
    array = _read_array(data, name)
    if array.ndim != dimensions:
        raise SpeakerFileError(
            f'The file "{name}" has {array.ndim} dimensions instead of {dimensions}.'
        )
    return array


def check_speaker_fits(speaker: Speaker, limits: SpeakerLimits) -> None:
    """Refuse a voice whose arrays a family cannot use.

    Raises:
        SpeakerFileError: a number is out of range, or the lengths do not agree.
    """
    arrays = {"semantic": speaker.semantic, "coarse": speaker.coarse, "fine": speaker.fine}
    checked, _ = _fit_together(arrays, limits, repair=False)
    same = all(np.array_equal(getattr(checked, part), array) for part, array in arrays.items())
    if not same:
        raise MismatchedSpeakerError(
            "The parts of this voice are not of the same length. Clone the voice again."
        )


def write_speaker(
    path: Path, speaker: Speaker, metadata: SpeakerMetadata, *, replace: bool = False
) -> None:
    """Save a voice so that every Bark tool reads it; nobody ever sees half a file.

    Args:
        path: the file to make; only with `replace` may it be there already.
        speaker: the voice.
        metadata: what is known about it.
        replace: update the file.

    Raises:
        SpeakerFileError: the arrays are not those of a voice.
        StorageError: the name is taken, or the file cannot be written.
    """
    save_file(path, pack_speaker(speaker, metadata_to_json(metadata)), replace=replace)


def read_speaker_bytes(path: Path) -> bytes:
    """Read a speaker file's bytes as they are, looking at nothing but their number.

    Raises:
        SpeakerFileError: it is gone, no plain file, or larger than any voice.
    """
    return read_regular_file(path, MAX_FILE_BYTES)


def pack_speaker(speaker: Speaker, metadata_text: str) -> bytes:
    """Make the bytes of a speaker file.

    Raises:
        SpeakerFileError: the arrays are not those of a voice, or the metadata is too long.
    """
    codebooks = len(speaker.fine) if np.ndim(speaker.fine) == 2 else 0
    check_speaker_fits(
        speaker, SpeakerLimits(codebooks, len(speaker.coarse), 2**31 - 1, 2**31 - 1, None, None)
    )
    buffer = BytesIO()
    np.savez(
        buffer,
        semantic_prompt=speaker.semantic.astype(np.int64),
        coarse_prompt=speaker.coarse.astype(np.int64),
        fine_prompt=speaker.fine.astype(np.int32),
        metadata=_text_array(metadata_text),
    )
    return buffer.getvalue()


def read_metadata_text(data: bytes) -> str:
    """Give the JSON that a speaker file holds, empty when it holds none or it is not text.

    Raises:
        SpeakerFileError: it is no speaker file.
    """
    raw = read_members(data).get("metadata")
    try:
        return "" if raw is None else _decode_text(raw)
    except ValueError:
        return ""


def with_metadata_text(data: bytes, text: str) -> bytes:
    """Give a speaker file other metadata; every byte of its arrays stays as it is.

    Raises:
        SpeakerFileError: it is no speaker file, or the metadata is too long.
    """
    buffer = BytesIO()
    np.save(buffer, _text_array(text))
    return pack_members({**read_members(data), "metadata": buffer.getvalue()})


def _text_array(text: str) -> np.ndarray:
    if len(text) > MAX_METADATA_CHARACTERS:
        raise SpeakerFileError("The notes of this voice are too long to be saved. Shorten them.")
    return np.array(text)


@dataclass(frozen=True)
class _Header:
    """The head of a .npy: what its bytes are."""

    descr: str
    fortran: bool
    shape: tuple[int, ...]
    body: bytes


def _read_header(raw: bytes, part: str) -> _Header:
    """Read the head of a .npy by pattern: no word of it is evaluated."""
    version = raw[6:8]
    if raw[:6] != b"\x93NUMPY" or version not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise SpeakerFileError(damaged(f'the part "{part}" is not an array'))
    start = 10 if version == b"\x01\x00" else 12
    length = int.from_bytes(raw[8:start], "little")
    if length > MAX_HEADER_BYTES or start + length > len(raw):
        raise SpeakerFileError(damaged(f'the part "{part}" has a wrong head'))
    found = _HEADER.fullmatch(raw[start : start + length].decode("latin-1"))
    fields: dict[str, str] = {}
    for name, text in (found.groupdict() if found else {}).items():
        if text is not None:
            fields[name[:-1]] = text
    if len(fields) != 3:
        raise SpeakerFileError(
            f'The part "{part}" of this speaker file is neither numbers nor text. Files like that '
            "can carry programs, so it was not opened."
        )
    sizes = re.fullmatch(r"\s*(\d{1,9}L?(\s*,\s*\d{1,9}L?)*\s*,?\s*)?", fields["shape"])
    if not sizes or ("," not in fields["shape"] and fields["shape"].strip()):
        raise SpeakerFileError(damaged(f'the part "{part}" has a wrong head'))
    return _Header(
        descr=fields["descr"],
        fortran=fields["fortran"] == "True",
        shape=tuple(int(size) for size in re.findall(r"\d+", fields["shape"])),
        body=raw[start + length :],
    )


def _read_array(raw: bytes, part: str) -> np.ndarray:
    header = _read_header(raw, part)
    if not _WHOLE_NUMBERS.fullmatch(header.descr):
        raise SpeakerFileError(
            f'The part "{part}" of this speaker file does not hold whole numbers '
            f"(its type is {header.descr!r}), so no voice can be read from it."
        )
    kind = np.dtype(header.descr)
    if not 1 <= len(header.shape) <= 2 or max(header.shape) > MAX_LENGTH:
        raise SpeakerFileError(
            f'The part "{part}" of this speaker file has the shape {header.shape}; a voice has one '
            f"or two dimensions and at most {MAX_LENGTH:,} steps."
        )
    if len(header.body) != math.prod(header.shape) * kind.itemsize:
        raise SpeakerFileError(damaged(f'the part "{part}" has {len(header.body):,} bytes'))
    array = np.frombuffer(header.body, kind).reshape(
        header.shape, order="F" if header.fortran else "C"
    )
    if kind == np.uint64 and array.size:
        array = np.minimum(array, np.iinfo(np.int64).max)  # far out of every range all the same
    return np.ascontiguousarray(array, dtype=np.int64)


def _read_metadata(raw: bytes | None) -> tuple[SpeakerMetadata, tuple[str, ...]]:
    if raw is None:
        return SpeakerMetadata(), ()
    try:
        return metadata_from_json(_decode_text(raw)), ()
    except ValueError:
        return SpeakerMetadata(), ("The notes in this speaker file cannot be read; left out.",)


def _decode_text(raw: bytes) -> str:
    """Read a .npy that holds one text.

    Raises:
        SpeakerFileError: it holds something else.
        ValueError: its letters are broken.
    """
    header = _read_header(raw, "metadata")
    found = _TEXT.fullmatch(header.descr)
    if not found or header.shape not in ((), (1,)):
        raise SpeakerFileError(
            'The part "metadata" of this speaker file is not text. Files like that can carry '
            "programs, so it was not opened."
        )
    width = 4 if found["kind"] == "U" else 1
    if len(header.body) != int(found["length"]) * width:
        raise SpeakerFileError(damaged('the part "metadata" has a wrong length'))
    order = "be" if header.descr.startswith(">") else "le"
    return header.body.decode(f"utf-32-{order}" if width == 4 else "utf-8").rstrip("\0")


def _fit_together(
    arrays: dict[str, np.ndarray], limits: SpeakerLimits, repair: bool
) -> tuple[Speaker, tuple[str, ...]]:
    """Check the numbers, then make the parts last equally long."""
    semantic, fine = arrays["semantic"], arrays["fine"]
    coarse = arrays.get("coarse")
    if coarse is None:
        coarse = fine[: limits.coarse_codebooks] if fine.ndim == 2 else fine
    check_ranges(semantic, coarse, fine, limits)
    return even_lengths(semantic, coarse, fine, limits, repair=repair)
