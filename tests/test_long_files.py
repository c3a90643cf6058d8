"""Sounds longer than the memory, written part by part."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from webui.audio import long_files, read_audio, read_metadata
from webui.audio.long_files import Mark, write_long_audio
from webui.errors import AudioFileError, StorageError

RATE = 16_000
FACTS = {"title": "The Sea; a #1 tale = x", "voices": {"": "ada"}}


def blocks(count: int = 5, samples: int = 3_200):
    for number in range(count):
        yield (0.3 * np.sin(np.arange(samples) * 0.05 * (number + 1))).astype(np.float32)


@pytest.mark.parametrize(("kind", "rate"), [("wav", 16_000), ("flac", 44_100), ("mp3", 16_000)])
def test_parts_become_one_sound_with_what_it_was_made_of(tmp_path, kind, rate):
    path = tmp_path / f"a.{kind}"
    write_long_audio(path, blocks(), rate, kind, FACTS)
    sound, found_rate = read_audio(path)
    whole = np.concatenate(list(blocks()))
    assert found_rate == rate
    assert abs(len(sound) - len(whole)) < 0.15 * rate
    if kind != "mp3":
        np.testing.assert_allclose(sound, whole, atol=1e-4)
    assert read_metadata(path) == FACTS
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_rate_that_mp3_does_not_have_is_changed_on_the_way(tmp_path):
    write_long_audio(tmp_path / "a.mp3", blocks(samples=17_000), 17_000, "mp3")
    sound, rate = read_audio(tmp_path / "a.mp3")
    assert rate == 48_000
    assert len(sound) / rate == pytest.approx(5.0, abs=0.15)


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffmpeg is not installed")
def test_a_book_has_its_chapters(tmp_path):
    marks = [Mark("One = 1; #", 0.0, 0.4), Mark("Two\n[CHAPTER]", 0.4, 1.0)]
    write_long_audio(tmp_path / "a.m4b", blocks(), RATE, "m4b", FACTS, marks)
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", "-show_format"]
    done = subprocess.run([*command, tmp_path / "a.m4b"], capture_output=True, check=True)
    found = json.loads(done.stdout)
    chapters = [(each["tags"]["title"], float(each["end_time"])) for each in found["chapters"]]
    assert chapters == [("One = 1; #", 0.4), ("Two [CHAPTER]", 1.0)]
    assert found["format"]["tags"]["title"] == FACTS["title"]
    assert float(found["format"]["duration"]) == pytest.approx(1.0, abs=0.2)
    assert [each.name for each in tmp_path.iterdir()] == ["a.m4b"]


def test_without_ffmpeg_a_book_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(AudioFileError, match="needs the program ffmpeg"):
        write_long_audio(tmp_path / "a.m4b", blocks(), RATE, "m4b")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    old = tmp_path / "a.wav"
    old.write_bytes(b"old")

    def broken():
        yield from blocks(2)
        raise ValueError("a card is damaged")

    with pytest.raises(ValueError, match="damaged"):
        write_long_audio(old, broken(), RATE, "wav")
    with pytest.raises(AudioFileError, match="no sound to write"):
        write_long_audio(old, [], RATE, "wav")
    with pytest.raises(AudioFileError, match="none of them"):
        write_long_audio(old, blocks(), RATE, "exe")
    with pytest.raises(StorageError):
        write_long_audio(tmp_path / "no" / "a.wav", blocks(), RATE, "wav")
    monkeypatch.setattr(long_files, "MAX_WAV_BYTES", 10_000)
    with pytest.raises(AudioFileError, match="too long for a wav"):
        write_long_audio(old, blocks(), RATE, "wav")
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]
