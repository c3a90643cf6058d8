"""Files that pretend to be weights: programs, bombs, lies about sizes, and damage of all kinds."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

WEIGHTS = {"semantic.a": torch.ones(4, 3), "semantic.b": torch.zeros(5)}
SIZES = {"n_embd": 32, "n_layer": 1, "n_head": 4, "vocab_size": 40, "block_size": 96}


class Runs:
    """Whoever brings it to life runs a program."""

    def __init__(self, call, *words) -> None:
        self.call = call, words

    def __reduce__(self):
        return self.call


def programs(marker: Path) -> Iterator[object]:
    """Objects that leave a file behind when a pickle brings them to life."""
    code = f"open({str(marker)!r}, 'w').close()"
    yield Runs(Path.touch, marker)
    yield Runs(eval, f"__import__('pathlib').Path({str(marker)!r}).touch()")
    yield Runs(exec, code)
    yield Runs(open, str(marker), "w")
    yield Runs(__import__("os").system, f"touch {marker}")
    yield Runs(__import__("subprocess").Popen, ["touch", str(marker)])
    yield Runs(getattr, Runs(__import__, "os"), "system")
    yield Runs(pickle.loads, pickle.dumps(Runs(exec, code)))


def torch_bytes(content: object, **options) -> bytes:
    memory = io.BytesIO()
    torch.save(content, memory, **options)
    return memory.getvalue()


def torch_files(marker: Path) -> Iterator[tuple[str, bytes]]:
    for number, each in enumerate(programs(marker)):
        yield f"program {number} on top", torch_bytes(each)
        yield f"program {number} among weights", torch_bytes({**WEIGHTS, "model_args": each})
        yield (
            f"program {number} in torch's old layout",
            torch_bytes({**WEIGHTS, "x": each}, _use_new_zipfile_serialization=False),
        )
        yield f"program {number}, a bare pickle", pickle.dumps(each)
    whole = torch_bytes(WEIGHTS)
    for share in (0.01, 0.3, 0.6, 0.95):
        yield f"cut off at {share}", whole[: int(len(whole) * share)]
    for at in np.random.default_rng(0).integers(30, len(whole) - 30, 6):
        yield f"bytes at {at} turned", whole[:at] + bytes(b ^ 0xFF for b in whole[at : at + 16])
    yield "compressed", repacked(whole, zipfile.ZIP_DEFLATED)
    yield "compressed otherwise", repacked(whole, zipfile.ZIP_BZIP2)
    yield "no pickle in it", repacked(whole, zipfile.ZIP_STORED, without="data.pkl")
    yield "a list", torch_bytes([torch.ones(2)])
    yield "an old layout", torch_bytes(WEIGHTS, _use_new_zipfile_serialization=False)


def safetensors_files() -> Iterator[tuple[str, bytes]]:
    whole = save(WEIGHTS)
    (length,) = struct.unpack("<Q", whole[:8])
    head = json.loads(whole[8 : 8 + length])
    body = whole[8 + length :]

    def changed(**entry) -> bytes:
        return packed({**head, "semantic.a": {**head["semantic.a"], **entry}}, body)

    yield "a shape of petabytes", changed(shape=[2**40, 2**20])
    yield "a shape that wraps around", changed(shape=[2**32, 2**32])
    yield "a shape below nothing", changed(shape=[-4, 3])
    yield "a shape of words", changed(shape=["4", "3"])
    yield "offsets beyond the end", changed(data_offsets=[0, 2**40])
    yield "offsets backwards", changed(data_offsets=[48, 0])
    yield "offsets that overlap", changed(data_offsets=[4, 52])
    yield "an unknown kind of number", changed(dtype="PYOBJ")
    yield "an entry that is none", packed({**head, "semantic.a": 5}, body)
    yield "a head that is a list", packed([1, 2], body)
    yield "a head that is no JSON", struct.pack("<Q", 4) + b"{{{{" + body
    yield "a head of a hundred thousand brackets", struct.pack("<Q", 10**5) + b"[" * 10**5 + body
    yield "a head longer than the file", struct.pack("<Q", 2**40) + whole[8:]
    yield "a head as long as can be said", struct.pack("<Q", 2**64 - 1) + whole[8:]
    yield "bytes between the tensors", packed(head, body[:10] + b"\0" * 8 + body[10:])
    yield "bytes behind the last", whole + b"\0" * 100
    yield "no byte", b""
    yield "seven bytes", whole[:7]
    yield "a pickle under a wrong name", pickle.dumps(Runs(exec, "raise SystemExit"))


def hostile_checkpoints(marker: Path) -> Iterator[tuple[str, str, bytes]]:
    """(ending, what is wrong with it, bytes) of each."""
    yield from ((".pt", why, data) for why, data in torch_files(marker))
    yield from ((".safetensors", why, data) for why, data in safetensors_files())


def packed(head: object, body: bytes) -> bytes:
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + body


def repacked(whole: bytes, method: int, without: str = "") -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(memory, "w", method) as new:
        for member in old.infolist():
            if not (without and member.filename.endswith(without)):
                new.writestr(member.filename, old.read(member))
    return memory.getvalue()
