"""Arrays and facts in one file: what comes back, and what is refused."""

import io
import json
import zipfile

import numpy as np
import pytest

from webui.array_archive import pack_arrays, read_arrays, read_facts
from webui.errors import StorageError

ARRAYS = {
    "0.semantic": np.arange(5, dtype=np.int32),
    "0.sound": np.arange(6, dtype=np.int16).reshape(2, 3),
    "1.features": np.full((2, 2), 0.5, np.float16),
    "empty": np.zeros(0, np.float32),
}
FACTS = {"pairs": [{"text": "żółć"}], "count": 3}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "0.npz"
    path.write_bytes(pack_arrays(ARRAYS, FACTS))
    return path


def zipped(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return path


def npy(array, **how):
    raw = io.BytesIO()
    np.lib.format.write_array(raw, array, **how)
    return raw.getvalue()


def test_arrays_and_facts_come_back_as_they_were(file):
    arrays, facts = read_arrays(file)
    assert facts == FACTS == read_facts(file)
    assert arrays.keys() == ARRAYS.keys()
    for name, wanted in ARRAYS.items():
        assert arrays[name].dtype == wanted.dtype
        np.testing.assert_array_equal(arrays[name], wanted)
        assert arrays[name].flags.writeable


def test_only_the_arrays_that_are_wanted_are_read(file):
    arrays, facts = read_arrays(file, ".semantic")
    assert list(arrays) == ["0.semantic"]
    assert facts == FACTS


def test_numpy_itself_reads_the_file(file):
    with np.load(file) as found:
        np.testing.assert_array_equal(found["0.sound"], ARRAYS["0.sound"])


def test_a_transposed_array_keeps_its_shape(tmp_path):
    given = np.arange(6).reshape(2, 3).T
    path = tmp_path / "t.npz"
    path.write_bytes(pack_arrays({"t": given}, {}))
    np.testing.assert_array_equal(read_arrays(path)[0]["t"], given)


@pytest.mark.parametrize("length", [0, 3, 100, -1])
def test_a_file_that_was_cut_off_is_refused(file, length):
    file.write_bytes(file.read_bytes()[:length])
    for read in (read_arrays, read_facts):
        with pytest.raises(StorageError, match="damaged"):
            read(file)


def test_a_changed_byte_of_an_array_is_noticed(file):
    data = bytearray(file.read_bytes())
    at = data.index(ARRAYS["0.semantic"].tobytes())
    data[at] ^= 1
    file.write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        read_arrays(file)


def test_a_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(StorageError, match="not there any more"):
        read_arrays(tmp_path / "0.npz")


def test_nothing_packed_is_opened_so_nothing_can_swell(tmp_path):
    facts = json.dumps({"a": "b" * 1_000_000})
    path = zipped(tmp_path / "bomb.npz", {"facts.json": facts}, zipfile.ZIP_DEFLATED)
    with pytest.raises(StorageError, match="not a file of this app"):
        read_arrays(path)


def hostile():
    objects = np.array([{"a": 1}, None], dtype=object)
    head = b"\x93NUMPY\x01\x00"
    words = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000,), }"
    huge = head + len(words).to_bytes(2, "little") + words
    code = b"{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }"
    return {
        "objects": npy(objects, allow_pickle=True),
        "no array": b"not an array at all",
        "huge": huge,
        "code": head + len(code).to_bytes(2, "little") + code,
        "version 2": npy(np.zeros(3), version=(2, 0)),
        "order": npy(np.asfortranarray(np.zeros((2, 3)))),
    }


@pytest.mark.parametrize("kind", list(hostile()))
def test_what_is_no_plain_array_is_refused(tmp_path, kind):
    path = zipped(tmp_path / "x.npz", {"facts.json": b"{}", "a.npy": hostile()[kind]})
    with pytest.raises(StorageError, match="damaged"):
        read_arrays(path)


@pytest.mark.parametrize("facts", [b"[]", b"{", b"\xff", b"1" * 10])
def test_facts_that_are_none_are_refused(tmp_path, facts):
    path = zipped(tmp_path / "x.npz", {"facts.json": facts})
    with pytest.raises(StorageError, match="damaged"):
        read_facts(path)
