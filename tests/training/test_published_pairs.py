"""Pairs of others: both layouts, what is dropped, and what is refused."""

import io
import zipfile

import numpy as np
import pytest

from webui.audio import encode_audio
from webui.errors import CheckpointError
from webui.training.published_pairs import pairs_in_files, pairs_in_zip
from webui.training_results import PairDropped, PairMade

RATE, TOKENS = 49.9, 10_000
SEMANTIC = np.arange(100, 200)


def npy(array=SEMANTIC):
    memory = io.BytesIO()
    np.lib.format.write_array(memory, array, allow_pickle=True)
    return memory.getvalue()


def wav(seconds=2.0, rate=24_000):
    waves = 0.3 * np.sin(np.arange(int(seconds * rate)) * 0.05)
    return encode_audio(waves.astype(np.float32), rate, "wav")


def folder(count=12):
    files = {}
    for number in range(count):
        files[f"data/{number}_semantic.npy"] = npy(SEMANTIC + number)
        files[f"data/{number}_wav.wav"] = wav()
    return files


def zipped(files, method=zipfile.ZIP_DEFLATED):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return memory.getvalue()


def shared():
    """The layout of the zips that people share."""
    sides = {f"set/semantic/{number}.npy": npy(SEMANTIC + number) for number in range(12)}
    return {**sides, **{f"set/wav/{number}.wav": wav() for number in range(12)}}


@pytest.mark.parametrize(
    "read",
    [
        lambda: pairs_in_files(folder(), RATE, TOKENS, 5),
        lambda: pairs_in_zip(zipped(folder()), RATE, TOKENS, 5),
        lambda: pairs_in_zip(zipped(shared()), RATE, TOKENS, 5),
        lambda: pairs_in_zip(io.BytesIO(zipped(shared(), zipfile.ZIP_STORED)), RATE, TOKENS, 5),
    ],
    ids=["folder", "zipped folder", "shared zip", "open file"],
)
def test_every_layout_gives_the_pairs_in_the_order_of_their_numbers(read):
    pairs = list(read())
    assert [each.number for each in pairs] == list(range(5, 17))
    assert [each.text for each in pairs] == [str(number) for number in range(12)]
    for number, each in enumerate(pairs):
        assert isinstance(each, PairMade)
        assert np.array_equal(each.semantic, SEMANTIC + number)
        assert (len(each.waveform), each.sample_rate) == (48_000, 24_000)


def test_files_without_a_mate_and_prepared_features_are_left_out():
    files = {
        **folder(2), "data/9_semantic.npy": npy(), "data/8_wav.wav": wav(), "notes.txt": b"",
        "data/0_semantic_features.npy": npy(np.zeros((3, 2))), "__MACOSX/data/._0_wav.wav": b"x",
    }  # fmt: skip
    assert [each.number for each in pairs_in_files(files, RATE, TOKENS)] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data/1_semantic.npy": b"\x93NUMPY damaged"}, "damaged"),
        ({"data/1_semantic.npy": npy(np.array([{}], object))}, "damaged"),
        ({"data/1_semantic.npy": npy(np.ones(100))}, "damaged"),
        ({"data/1_semantic.npy": npy(np.ones((2, 50), int))}, "damaged"),
        ({"data/1_semantic.npy": npy(np.ones(20_000, int))}, "damaged"),
        ({"data/1_wav.wav": b"RIFF nothing"}, "damaged"),
        ({"data/1_wav.wav": b"#!/bin/sh"}, "damaged"),
        ({"data/1_wav.wav": wav(2.4)}, "length"),
        ({"data/1_semantic.npy": npy(np.ones(5, int))}, "unspoken"),
        ({"data/1_semantic.npy": npy(np.ones(3_050, int)), "data/1_wav.wav": wav(61, 8_000)},
         "length"),
    ],
)  # fmt: skip
def test_a_pair_that_cannot_be_learned_from_is_dropped_and_the_others_stay(changes, why):
    first, second, third = pairs_in_zip(zipped({**folder(3), **changes}), RATE, TOKENS)
    assert second == PairDropped(1, why)
    assert isinstance(first, PairMade)
    assert isinstance(third, PairMade)


def test_a_member_that_swells_is_not_unpacked():
    files = folder(2)
    files["data/1_wav.wav"] = wav()[:44] + bytes(2**26)
    packed = zipped(files)
    assert len(packed) < 2**20
    assert list(pairs_in_zip(packed, RATE, TOKENS))[1] == PairDropped(1, "damaged")


def test_pairs_of_another_family_are_refused():
    with pytest.raises(CheckpointError, match="this family has only 150"):
        list(pairs_in_zip(zipped(folder(1)), RATE, 150))


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 100, zipped({})])
def test_what_is_no_zip_is_refused(data):
    with pytest.raises(CheckpointError, match="not a zip of pairs"):
        list(pairs_in_zip(data, RATE, TOKENS))


def test_a_zip_without_pairs_says_what_a_pair_is():
    with pytest.raises(CheckpointError, match=r"7_semantic\.npy and 7_wav\.wav"):
        list(pairs_in_zip(zipped({"a.txt": b""}), RATE, TOKENS))


def test_a_zip_with_too_many_members_is_refused_before_its_table_is_read():
    end = zipped({"a.txt": b""})
    place = end.rfind(b"PK\x05\x06")
    many = end[: place + 8] + b"\xff\xff\xff\xff" + end[place + 12 :]
    with pytest.raises(CheckpointError, match="not a zip of pairs"):
        list(pairs_in_zip(many, RATE, TOKENS))
