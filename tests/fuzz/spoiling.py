"""What can be done to bytes, and to the members of a zip before it is packed again."""

import io
import struct
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Way = Literal["turn", "number", "cut", "repeat", "insert", "end", "digits", "word"]
WAYS: tuple[Way, ...] = ("turn", "number", "cut", "repeat", "insert", "end", "digits", "word")
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
           2**40, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
WORDS = (
    b"",
    b"'|O'",
    b"'descr'",
    b"True",
    b"\x93NUMPY\x03\x00",
    b"(1000000000,)",
    b"(-1,)",
    b"nan",
    b"1e999",
    b"\0" * 64,
    b"[" * 2_000,
    b"{" * 2_000,
    b'{"a":' * 500,
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"data:",
    b"<!ENTITY a 'aaaa'>",
    b"&a;",
    b"../../x",
    b"00:00:00,000 --> 99:99:99,999",
    b"cbuiltins\neval\n",
    b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",
    b"OggS",
    b"fLaC",
    b"RIFF\xff\xff\xff\xffWAVE",
    b"\x80\x02c",
    b"PK\x01\x02",
)
TOO_LARGE = 2**21  # bytes of a spoilt file; readers bound what they read, and so does the search


@dataclass(frozen=True)
class Spoiling:
    """One change: to which member of a zip (if it is one), how, where, and with what."""

    member: int
    way: Way
    place: int  # 0..65535, a share of the length
    amount: int  # 0..65535, what the way makes of it

    def applied(self, data: bytes) -> bytes:
        """The bytes with this change."""
        at = self.place * len(data) // 65_536
        if self.way == "turn" and data:
            return data[:at] + bytes([data[at] ^ (self.amount % 255 + 1)]) + data[at + 1 :]
        if self.way == "number":
            size = (1, 2, 4, 8)[self.amount % 4]
            value = NUMBERS[self.amount // 4 % len(NUMBERS)] % 256**size
            order = "<" if self.amount & 4_096 else ">"
            written = struct.pack(f"{order}{'BHIQ'[(1, 2, 4, 8).index(size)]}", value)
            return data[:at] + written + data[at + size :]
        if self.way == "cut":
            return data[:at] + data[at + 1 + self.amount % 200 :]
        if self.way == "repeat":
            part = data[at : at + 1 + self.amount % 4_000]
            return data[:at] + part * 3 + data[at:]
        if self.way == "insert":
            return data[:at] + bytes([self.amount % 256]) * (self.amount % 300) + data[at:]
        if self.way == "end":
            return data[:at]
        if self.way == "digits":
            return _other_digits(data, at, str(NUMBERS[self.amount % len(NUMBERS)]).encode())
        return data[:at] + WORDS[self.amount % len(WORDS)] + data[at:]


def spoilt(data: bytes, spoilings: Sequence[Spoiling]) -> bytes:
    """Do all of it; what is in a zip is spoilt and packed again, so that its sums are right.

    A negative member spoils the bytes of the whole file, as they are then.
    """
    if data[:4] == b"PK\x03\x04":
        inside = [each for each in spoilings if each.member >= 0]
        data = _spoilt_zip(data, inside) if inside else data
        spoilings = [each for each in spoilings if each.member < 0]
    for each in spoilings:
        data = each.applied(data)[:TOO_LARGE]
    return data


def _spoilt_zip(data: bytes, spoilings: Sequence[Spoiling]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        kinds = {each.filename: each.compress_type for each in archive.infolist()}
        members = [(each, archive.read(each)) for each in kinds]
    for each in spoilings:
        at = each.member % len(members)
        name, content = members[at]
        if each.way == "word" and each.place % 8 == 0:  # one that nobody expects
            members[at] = f"{name}{each.amount}", content
        elif each.way == "repeat" and each.place % 8 == 0:
            members.append((f"{name[:-1]}{each.amount % 9}", content))
        else:
            members[at] = name, each.applied(content)[:TOO_LARGE]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, about names that come twice: they are meant to
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, kinds.get(name, zipfile.ZIP_DEFLATED))
    return packed.getvalue()


def _other_digits(data: bytes, at: int, digits: bytes) -> bytes:
    """The next number that stands in the data as text, replaced."""
    start = next(
        (n for n in range(at, min(len(data), at + 2_000)) if data[n : n + 1].isdigit()), -1
    )
    if start < 0:
        return data
    end = start
    while data[end : end + 1].isdigit():
        end += 1
    return data[:start] + digits + data[end:]
