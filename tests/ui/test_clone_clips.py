import os

import pytest

from tests.ui.clone_values import clip
from webui.errors import AudioFileError
from webui.ui.clone_clips import MAX_CLIPS, ClipReader


@pytest.fixture
def reader():
    return ClipReader()


def test_a_file_is_read_once_until_it_changes(reader, tmp_path):
    path = clip(tmp_path)
    first = reader.read(path)
    assert (first.name, first.rate) == ("anna.wav", 16_000)
    assert first.seconds == pytest.approx(6.5)
    assert reader.read(path) is first
    clip(tmp_path, seconds=2.0)
    os.utime(path, ns=(1, 1))
    assert reader.read(path).seconds == pytest.approx(2.0)


def test_memory_is_bounded_and_the_last_one_always_fits(tmp_path):
    reader = ClipReader(kept_bytes=10)
    one, two = clip(tmp_path, name="one.wav"), clip(tmp_path, name="two.wav")
    first = reader.read(one)
    second = reader.read(two)
    assert reader.read(two) is second
    assert reader.read(one) is not first


def test_a_fault_names_its_file_when_there_are_several(reader, tmp_path):
    good, bad = clip(tmp_path), tmp_path / "notes.wav"
    bad.write_text("This is a text.")
    with pytest.raises(AudioFileError, match=r"notes\.wav: This file is not a recording"):
        reader.read_all([good, str(bad)])
    with pytest.raises(AudioFileError, match=r"^This file is not a recording"):
        reader.read_all([str(bad)])


def test_a_file_that_is_gone_is_told(reader, tmp_path):
    with pytest.raises(AudioFileError, match="no longer there"):
        reader.read(str(tmp_path / "gone.wav"))


def test_too_many_recordings_are_refused_unread(reader):
    with pytest.raises(AudioFileError, match="at most"):
        reader.read_all(["x"] * (MAX_CLIPS + 1))
