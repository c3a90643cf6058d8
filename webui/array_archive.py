"""Arrays and what is to be known of them in one file: a plain zip that is read within bounds.

For the app's own unfinished work. Members are stored, never packed, so that nothing can swell while
it is read; the heads of arrays are read as literals, and an array of objects is refused.
"""

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from webui.errors import StorageError

FACTS = "facts.json"
MAX_FILE_BYTES = 2**31
MAX_MEMBERS = 20_000
MAX_FACTS_BYTES = 2**24
MAX_HEAD_BYTES = 1_024
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, TypeError,
    RuntimeError, NotImplementedError, RecursionError, OSError, SyntaxError,
)  # fmt: skip


def pack_arrays(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> bytes:
    """Make the bytes of a file: arrays by name, and facts as JSON."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(dict(facts), ensure_ascii=False).encode()
        archive.writestr(zipfile.ZipInfo(FACTS), text)
        for name, array in arrays.items():
            raw = BytesIO()
            npy.write_array(raw, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), raw.getvalue())
    return buffer.getvalue()


def read_facts(path: Path) -> dict[str, Any]:
    """Read the facts of a file, and none of its arrays.

    Raises:
        StorageError: it is gone or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _facts(archive)
    except _BROKEN as fault:
        raise _damaged(path, fault) from fault


def read_arrays(path: Path, ending: str = "") -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file: its arrays by name, and its facts.

    Args:
        path: the file.
        ending: of the names of the arrays that are wanted; the others are not read.

    Raises:
        StorageError: it is gone or damaged.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("too large")
        with zipfile.ZipFile(path) as archive:
            facts = _facts(archive)
            names = [each.filename.removesuffix(".npy") for each in archive.infolist()]
            wanted = [each for each in names if each != FACTS and each.endswith(ending)]
            arrays = {name: _array(archive, name) for name in wanted}
    except _BROKEN as fault:
        raise _damaged(path, fault) from fault
    return arrays, facts


def _facts(archive: zipfile.ZipFile) -> dict[str, Any]:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise ValueError("it is not a file of this app")
    if archive.getinfo(FACTS).file_size > MAX_FACTS_BYTES:
        raise ValueError("its facts are too long")
    found = json.loads(archive.read(FACTS))
    if not isinstance(found, dict):
        raise TypeError("its facts are no object")
    return found


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    raw = BytesIO(archive.read(f"{name}.npy"))
    if npy.read_magic(raw) != (1, 0):
        raise ValueError(f'"{name[:40]}" is no array')
    shape, fortran, kind = npy.read_array_header_1_0(raw, max_header_size=MAX_HEAD_BYTES)
    if kind.hasobject or fortran:
        raise ValueError(f'"{name[:40]}" holds no plain numbers')
    return np.frombuffer(bytearray(raw.read()), kind).reshape(shape)  # to be written in


def _damaged(path: Path, fault: Exception) -> StorageError:
    if isinstance(fault, FileNotFoundError):
        return StorageError(f'"{path.name}" is not there any more.')
    words = " ".join(str(fault).split())[:120] or type(fault).__name__
    return StorageError(f'"{path.name}" is damaged ({words}).')
