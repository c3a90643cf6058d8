"""The sample of a training on disk: the newest only, whole or not at all."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.backend.scripted_training import RATE, pair_of, sample_of
from webui.audio import read_audio
from webui.backend import sample_files
from webui.backend.sample_files import SampleFiles
from webui.backend.training_facts import TrainingSample
from webui.errors import StorageError
from webui.training_results import SampleKept, SampleMissed

SPOKEN = pair_of(7, "sun and moon", "Ada")


@pytest.fixture
def files(tmp_path):
    return SampleFiles(tmp_path / "sample")


def names(tmp_path):
    return sorted(each.name for each in (tmp_path / "sample").iterdir())


def test_both_sounds_come_back_with_what_is_known_of_them(files, tmp_path):
    assert files.newest() is None
    kept = files.keep(sample_of(4), SPOKEN, has_text=True)
    folder = tmp_path / "sample"
    assert kept == SampleKept(4, str(folder / "spoken.flac"), str(folder / "heard-4.flac"))
    newest = SampleFiles(folder).newest()
    assert newest == TrainingSample(4, 0.4, "sun and moon", "Ada", kept.spoken, kept.heard)
    for path, sound in ((newest.spoken, SPOKEN.waveform), (newest.heard, sample_of(4).waveform)):
        waveform, rate = read_audio(folder / path)
        assert rate == RATE
        np.testing.assert_allclose(waveform, sound, atol=1e-4)


def test_only_the_newest_one_is_kept_and_the_speech_is_written_once(files, tmp_path):
    files.keep(sample_of(2), SPOKEN, has_text=True)
    spoken = tmp_path / "sample" / "spoken.flac"
    written = spoken.stat().st_mtime_ns
    files.keep(sample_of(4), SPOKEN, has_text=True)
    assert names(tmp_path) == ["heard-4.flac", "sample.json", "spoken.flac"]
    assert spoken.stat().st_mtime_ns == written
    files.keep(sample_of(6), pair_of(8), has_text=True)  # another speech
    np.testing.assert_allclose(read_audio(spoken)[0], pair_of(8).waveform, atol=1e-4)


def test_what_nobody_knows_the_words_of_has_none(files):
    files.keep(sample_of(2), SPOKEN, has_text=False)
    assert files.newest().text == ""


def test_one_that_was_missed_is_said_and_the_one_before_is_kept(files):
    files.note(SampleMissed(2, "Full."))
    assert files.newest() == TrainingSample(missed="Full.")
    files.keep(sample_of(4), SPOKEN, has_text=True)
    assert files.newest().missed == ""
    files.note(SampleMissed(6, "Full again."))
    assert (files.newest().step, files.newest().missed) == (4, "Full again.")


def test_a_full_disk_costs_the_sample_only(files, monkeypatch):
    files.keep(sample_of(2), SPOKEN, has_text=True)

    def full(*_, **__):
        raise StorageError("Not enough disk.")

    with monkeypatch.context() as patched:
        patched.setattr(sample_files, "save_file", full)
        assert files.keep(sample_of(4), SPOKEN, True) == SampleMissed(4, "Not enough disk.")
        files.note(SampleMissed(4, "Not enough disk."))
    assert files.newest().step == 2
    empty = replace(sample_of(4), waveform=np.zeros(0, np.float32))
    assert "no sound" in files.keep(empty, SPOKEN, True).words


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"step": "x"}', '{"step": 2, "accuracy": []}', "\x00", '{"step": "../2"}'],
)
def test_damaged_facts_count_as_none(files, tmp_path, content):
    files.keep(sample_of(2), SPOKEN, has_text=True)
    (tmp_path / "sample" / "sample.json").write_text(content)
    assert files.newest() is None


def test_facts_without_their_sounds_tell_nothing(files, tmp_path):
    files.keep(sample_of(2), SPOKEN, has_text=True)
    (tmp_path / "sample" / "heard-2.flac").unlink()
    assert files.newest() is None


def test_what_a_killed_process_left_is_swept(files, tmp_path):
    files.sweep()
    files.keep(sample_of(2), SPOKEN, has_text=True)
    for left in (".heard-4.flac.0123456789ab.part", "heard-1.flac"):
        (tmp_path / "sample" / left).write_bytes(b"x")
    files.sweep()
    assert names(tmp_path) == ["heard-2.flac", "sample.json", "spoken.flac"]
    assert json.loads((tmp_path / "sample" / "sample.json").read_text())["pair"] == 7
