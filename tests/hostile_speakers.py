"""Speaker files that no sound tool would make, each with a name that says what is wrong."""

import gzip
import io
import pickle
import random
import struct
import tarfile
import zipfile
from collections.abc import Iterator

import numpy as np


class Bomb:
    """Runs when it is unpickled: leaves a file that the test looks for."""

    marker = ""

    def __reduce__(self):
        return (open, (Bomb.marker, "w"))


def arrays(tokens: int = 200, frames: int = 301) -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(0)
    fine = numbers.integers(0, 1_024, (8, frames))
    semantic = numbers.integers(0, 10_000, tokens)
    return {"semantic_prompt": semantic, "coarse_prompt": fine[:2], "fine_prompt": fine}


def npz(members: dict[str, np.ndarray], *, pickled: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=pickled, **members)
    return buffer.getvalue()


def zipped(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            # `writestr` itself stumbles over an empty name in some versions of Python.
            archive.writestr(name or zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00", length: int = -1) -> bytes:
    head = header.encode("latin-1") + b"\n"
    size = len(head) if length < 0 else length
    return b"\x93NUMPY" + version + struct.pack("<H", size) + head + body


def good_members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(npz(arrays()))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_member(name: str, data: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    return zipped(list({**good_members(), name: data}.items()), method)


def wrong_arrays() -> Iterator[tuple[str, bytes]]:
    good = arrays()
    for name in good:
        yield (
            f"{name} missing" if name != "coarse_prompt" else "only coarse",
            npz(
                {
                    key: value
                    for key, value in good.items()
                    if (key == name) == (name == "coarse_prompt")
                }
            ),
        )
        for kind in ("f4", "f8", "c16", "?", "M8[s]", "S4", "U4", "f2"):
            yield f"{name} as {kind}", npz({**good, name: good[name].astype(kind)})
        for value in (-1, 10_000, 2**31, -(2**40), 2**62):
            changed = good[name].copy()
            changed.flat[-1] = value
            yield f"{name} with {value}", npz({**good, name: changed})
        yield f"{name} with 2^64-1", npz({**good, name: np.full(good[name].shape, 2**64 - 1, "u8")})
        yield f"{name} empty", npz({**good, name: good[name][..., :0]})
        yield f"{name} scalar", npz({**good, name: np.array(3)})
        yield f"{name} deep", npz({**good, name: good[name][None, None]})
        yield f"{name} structured", npz({**good, name: np.zeros(5, "i4,i4")})
    for rows in (1, 3, 7, 9):
        yield f"{rows} rows", npz({**good, "fine_prompt": np.zeros((rows, 301), int)})
    for tokens, frames in ((200, 100), (200, 600), (1, 9_000), (9_000, 1), (200, 330)):
        yield f"{tokens} tokens {frames} frames", npz(arrays(tokens, frames))
    yield "coarse short", npz({**good, "coarse_prompt": good["coarse_prompt"][:, :100]})
    yield "too long", npz(arrays(20_000, 30_060))
    yield "twice", npz({**good, "semantic": good["semantic_prompt"]})


def pickles() -> Iterator[tuple[str, bytes]]:
    good, thing = arrays(), np.array([Bomb()], dtype=object)
    for name in (*good, "metadata", "arr_0", "extra"):
        yield f"pickle as {name}", npz({**good, name: thing}, pickled=True)
        yield f"bare pickle as {name}", with_member(f"{name}.npy", pickle.dumps(Bomb()))
    yield "a pickle", pickle.dumps(Bomb())
    yield "a pickle in npy", npz({"x": thing}, pickled=True)
    yield "a padded pickle", pickle.dumps(Bomb()) + b"\0" * 200


def wrong_headers() -> Iterator[tuple[str, bytes]]:
    body = np.zeros(4, "<i8").tobytes()
    shapes = [
        "(4)", "4", "(-4,)", "(1e3,)", "(4,,)", "(,)", "(4,4)", "(5,)", "(3,)", "(999999999,)",
        "(4, 999999999, 999999999)", "[4]", "(0x4,)", "(True,)", "(4,) * 9", "(None,)", "(9" * 99,
    ]  # fmt: skip
    for shape in shapes:
        header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}"
        yield f"shape {shape[:20]}", with_member("semantic_prompt.npy", npy(header, body))
    for descr in (
        "'|O'",
        "'O8'",
        "[('a', '<i8')]",
        "'<i3'",
        "'<i16'",
        "('<i8', (2,))",
        "8",
        "'V8'",
    ):
        header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (4,), }}"
        yield f"descr {descr}", with_member("fine_prompt.npy", npy(header, body))
    odd = {
        "calls": "{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (4,)}",
        "no braces": "import os", "nested": "(" * 400, "minus": "-" * 900 + "1", "empty": "",
        "twice": "{'descr': '<i8', 'descr': '<i8', 'shape': (4,)}",
        "more": "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), 'x': 1}",
    }  # fmt: skip
    for name, header in odd.items():
        yield f"header {name}", with_member("semantic_prompt.npy", npy(header, body))
    fair = "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }"
    for length in (0, 5, 60_000, 65_535):
        yield f"length {length}", with_member("semantic_prompt.npy", npy(fair, body, length=length))
    yield "version 9", with_member("semantic_prompt.npy", npy(fair, body, b"\x09\x00"))
    yield "long header", with_member("semantic_prompt.npy", npy(fair + " " * 9_000, body))
    for name, metadata in {"numbers": np.arange(5), "rows": np.array(["a", "b"]),
                           "dates": np.array("2020", "M8[s]")}.items():  # fmt: skip
        yield f"metadata {name}", npz({**arrays(), "metadata": metadata})


def wrong_zips() -> Iterator[tuple[str, bytes]]:
    good, members = npz(arrays()), list(good_members().items())
    yield "no bytes", b""
    yield "text", b"voice " * 100
    yield "zeros", b"\0" * 5_000
    yield "head only", b"PK\x03\x04" + b"\0" * 200
    for share in (3, 30, 60, 90, 99):
        yield f"cut at {share} %", good[: len(good) * share // 100]
    yield "comment", good[:-2] + b"\x05\x00hello"
    yield "tail", good + b"x"
    yield "in front", b"#!/bin/sh\n" + good
    for name in ("../semantic_prompt.npy", "/etc/passwd", "semantic_prompt", "a.npy", "x.pkl",
                 "semantic_prompt.npy.npy", "SEMANTIC_PROMPT.npy", "sub/fine_prompt.npy",
                 "a\0fine_prompt.npy", "\u202efine.npy", "__init__.py"):  # fmt: skip
        yield f"member {name!r}", zipped([*members, (name, members[0][1])])
    yield "many members", zipped([(f"m{n}.npy", b"") for n in range(20_000)])
    yield "no members", zipped([])
    doubled = zipped([*members, ("xine_prompt.npy", members[2][1])])
    yield "the same member twice", doubled.replace(b"xine_prompt", b"fine_prompt")
    for method, name in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        yield name, zipped(members, method)
    bomb = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (16384,), }", b"\0" * 2**26)
    for name in ("semantic_prompt", "fine_prompt", "metadata"):
        yield f"bomb {name}", with_member(f"{name}.npy", bomb, zipfile.ZIP_DEFLATED)
    lying = bytearray(with_member("semantic_prompt.npy", bomb, zipfile.ZIP_DEFLATED))
    entry = lying.index(b"PK\x01\x02")
    lying[entry + 24 : entry + 28] = struct.pack("<L", 1_000)
    yield "bomb that says 1,000 bytes", bytes(lying)
    renamed = bytearray(good)  # the directory says fine_prompt, the member itself fine_PROMPT
    first = good.index(b"fine_prompt")
    renamed[first : first + 11] = b"fine_PROMPT"
    yield "two names of one member", bytes(renamed)
    yield "a folder", zipped([*members, ("fine_prompt/", b"")])
    yield "a nameless member", zipped([*members, ("", b"x")])
    yield "an npz in an npz", with_member("metadata.npy", good)
    yield "an empty member", with_member("fine_prompt.npy", b"")
    yield "gzip", gzip.compress(good)
    yield "a bare array", members[0][1]
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        for name, data in members:
            head = tarfile.TarInfo(name)
            head.size = len(data)
            archive.addfile(head, io.BytesIO(data))
    yield "tar", tape.getvalue()
    directory = good.index(b"PK\x01\x02")
    for name, at, value in (
        ("encrypted", directory + 8, 1), ("method 99", directory + 10, 99),
        ("wrong sum", directory + 16, 7), ("wrong size", directory + 20, 1),
        ("far offset", directory + 44, 255), ("entries", len(good) - 12, 200),
        ("disk", len(good) - 18, 3),
    ):  # fmt: skip
        changed = bytearray(good)
        changed[at] ^= value
        yield name, bytes(changed)


def flipped_bits(count: int = 30) -> Iterator[tuple[str, bytes]]:
    """Flip a byte of the arrays' own bytes: the zip's checksum must notice."""
    good, numbers = npz(arrays()), random.Random(1)
    last = good.index(b"PK\x01\x02")
    for _ in range(count):
        at = numbers.randrange(300, last)
        if any(good[max(0, at - 200) : at + 4].count(mark) for mark in (b"PK\x03\x04",)):
            continue
        changed = bytearray(good)
        changed[at] ^= 0xFF
        yield f"flipped byte {at}", bytes(changed)


def hostile_files(marker: str) -> Iterator[tuple[str, bytes]]:
    Bomb.marker = marker
    for source in (wrong_arrays, pickles, wrong_headers, wrong_zips, flipped_bits):
        yield from source()
