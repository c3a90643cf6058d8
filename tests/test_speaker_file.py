"""Speaker files: every honest one is read, every hostile one is refused in words."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.hostile_speakers import arrays, hostile_files, npz
from webui.arrays import Speaker
from webui.errors import SpeakerFileError, StorageError
from webui.file_saving import save_file, sweep_leftovers
from webui.speaker_file import (
    BARK_LIMITS,
    MismatchedSpeakerError,
    SpeakerLimits,
    SpeakerMetadata,
    check_speaker_fits,
    read_npy_array,
    read_speaker,
    read_speaker_arrays,
    write_speaker,
)

ROOT = Path(__file__).parents[1]
DEFAULT_PROMPTS = ROOT.parent / "shared" / "reference" / "bark-prompts"
PROMPTS = Path(os.environ.get("WEBUI_TEST_PROMPTS", DEFAULT_PROMPTS))


def a_speaker(tokens: int = 200, frames: int = 301) -> Speaker:
    made = arrays(tokens, frames)
    return Speaker(made["semantic_prompt"], made["coarse_prompt"], made["fine_prompt"])


def test_all_published_voices_are_accepted_as_they_are():
    voices = sorted(PROMPTS.rglob("*.npz")) if PROMPTS.is_dir() else []
    if not voices:
        pytest.skip(f"no published voices in {PROMPTS}; set WEBUI_TEST_PROMPTS")
    for path in voices:
        found = read_speaker(path)
        with np.load(path) as plain:
            assert np.array_equal(found.speaker.semantic, plain["semantic_prompt"]), path.name
            assert np.array_equal(found.speaker.fine, plain["fine_prompt"]), path.name
        assert found.notes == (), path.name
        assert found.speaker.fine.dtype == np.int64


def test_hostile_files_are_refused_in_words_quickly_and_run_nothing(tmp_path):
    marker, seen, slowest = tmp_path / "ran", 0, 0.0
    for name, data in hostile_files(str(marker)):
        start = time.perf_counter()
        with pytest.raises(SpeakerFileError) as refusal:
            read_speaker(data)
        slowest = max(slowest, time.perf_counter() - start)
        words = str(refusal.value)
        assert not marker.exists(), name
        assert len(words) > 40, name
        assert words.endswith("."), (name, words)
        assert "Traceback" not in words, name
        seen += 1
    assert seen >= 200
    assert slowest < 0.25


def test_refusing_hostile_files_takes_little_memory(tmp_path):
    files = list(hostile_files(str(tmp_path / "ran")))
    tracemalloc.start()
    try:
        for _, data in files:
            with pytest.raises(SpeakerFileError):
                read_speaker(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


@pytest.mark.parametrize("kind", ["<i2", "<i4", "<u2", "<u4", ">i4", ">i8", ">u2", "<u8"])
def test_every_kind_of_whole_number_is_read(kind):
    plain = arrays()
    found = read_speaker(npz({name: array.astype(kind) for name, array in plain.items()}))
    assert np.array_equal(found.speaker.fine, plain["fine_prompt"])
    assert np.array_equal(found.speaker.semantic, plain["semantic_prompt"])


def test_fortran_order_compression_and_old_keys_are_read():
    plain = arrays()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, semantic=plain["semantic_prompt"], fine=np.asfortranarray(plain["fine_prompt"])
    )
    found = read_speaker(buffer.getvalue())
    assert np.array_equal(found.speaker.fine, plain["fine_prompt"])
    assert np.array_equal(found.speaker.coarse, plain["coarse_prompt"])
    assert found.notes == ()


def test_metadata_of_another_tool_is_kept():
    text = '{"_version": "0.0.1", "text": "hi", "seed": 7, "language": "EN", "tags": 3}'
    found = read_speaker(npz({**arrays(), "metadata": np.array(text)}))
    assert found.metadata.language == "EN"
    assert found.metadata.tags == ()
    assert found.metadata.other == {"_version": "0.0.1", "text": "hi", "seed": 7, "tags": 3}


DEEP = f'{{"a": {"[" * 900}{"]" * 900}}}'


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "[" * 50_000, DEEP, '{"a": NaN}', '{"a": 1e999}', "9" * 5_000]
)
def test_unreadable_notes_do_not_cost_the_voice(text):
    found = read_speaker(npz({**arrays(), "metadata": np.array(text)}))
    assert found.metadata == SpeakerMetadata()
    assert found.notes == ("The notes in this speaker file cannot be read; left out.",)


@pytest.mark.parametrize("seconds", ["9" * 400, "-1", "true", '"6"', "1e300"])
def test_an_impossible_length_of_the_recording_is_not_believed_and_can_be_saved(tmp_path, seconds):
    text = f'{{"reference_seconds": {seconds}, "name": "Ada"}}'
    found = read_speaker(npz({**arrays(), "metadata": np.array(text)}))
    assert found.metadata.reference_seconds is None
    write_speaker(tmp_path / "ada.npz", found.speaker, found.metadata)
    assert read_speaker(tmp_path / "ada.npz").metadata == found.metadata


@pytest.mark.parametrize("similarity", ["9" * 400, "1.01", "-2", "true", '"0.8"'])
def test_an_impossible_similarity_is_not_believed_and_can_be_saved(tmp_path, similarity):
    text = f'{{"similarity": {similarity}, "name": "Ada"}}'
    found = read_speaker(npz({**arrays(), "metadata": np.array(text)}))
    assert found.metadata.similarity is None
    write_speaker(tmp_path / "ada.npz", found.speaker, found.metadata)
    assert read_speaker(tmp_path / "ada.npz").metadata == found.metadata


def test_invisible_and_turning_characters_are_dropped_from_metadata():
    text = '{"name": "Ad\\u202ea\\u0000\\u200b", "notes": "a\\nb"}'
    metadata = read_speaker(npz({**arrays(), "metadata": np.array(text)})).metadata
    assert (metadata.name, metadata.notes) == ("Ada", "a\nb")


def test_a_few_frames_too_many_are_cut_and_told():
    plain = arrays()
    plain["coarse_prompt"] = plain["coarse_prompt"][:, :-3]
    found = read_speaker(npz(plain))
    assert found.speaker.fine.shape == (8, 298)
    assert found.speaker.coarse.shape == (2, 298)
    assert found.notes == ("Its longer sound part was cut by 3 frames to fit.",)
    short = read_speaker(npz(arrays(40, 64)))
    assert short.speaker.fine.shape == (8, 60)
    assert "cut by 4 frames to fit its words" in short.notes[0]


def test_a_speaker_with_unequal_lengths_is_refused_in_seconds_and_can_be_repaired():
    data = npz(arrays(200, 400))
    with pytest.raises(MismatchedSpeakerError, match=r"words last 4\.0 s and its sound 5\.3 s"):
        read_speaker(data)
    repaired = read_speaker(data, repair=True)
    assert repaired.speaker.fine.shape == (8, 301)
    assert len(repaired.speaker.semantic) == 200
    assert repaired.notes


def test_a_coarse_part_that_differs_gives_way_to_the_fine_part():
    plain = arrays()
    found = read_speaker(npz({**plain, "coarse_prompt": plain["coarse_prompt"][::-1]}))
    assert np.array_equal(found.speaker.coarse, plain["fine_prompt"][:2])
    assert "fine part is used" in found.notes[0]


def test_the_limits_of_another_family_decide():
    small = SpeakerLimits(8, 2, 1_024, 300, 25.0, 25.0)
    speaker = Speaker(np.arange(90) % 300, np.zeros((2, 90), int), np.zeros((8, 90), int))
    check_speaker_fits(speaker, small)
    with pytest.raises(SpeakerFileError, match="another model family"):
        check_speaker_fits(speaker, BARK_LIMITS)
    with pytest.raises(SpeakerFileError, match="allowed are 0 to 299"):
        check_speaker_fits(a_speaker(), small)


def test_only_a_plain_file_is_opened(tmp_path):
    (tmp_path / "voice.npz").write_bytes(npz(arrays()))
    (tmp_path / "link.npz").symlink_to(tmp_path / "voice.npz")
    os.mkfifo(tmp_path / "fifo.npz")
    (tmp_path / "folder.npz").mkdir()
    with (tmp_path / "huge.npz").open("wb") as file:
        file.truncate(2**40)
    for name in ("link", "fifo", "folder", "huge", "gone", "nul\0"):
        with pytest.raises(SpeakerFileError):
            read_speaker(tmp_path / f"{name}.npz")
    assert read_speaker(tmp_path / "voice.npz").notes == ()


def test_a_voice_in_three_npy_files_is_read(tmp_path):
    plain = arrays()
    paths = [tmp_path / f"en_speaker_0_{name}.npy" for name in plain]
    for path, array in zip(paths, plain.values(), strict=True):
        np.save(path, array)
    found = read_speaker_arrays(*paths)
    assert np.array_equal(found.speaker.fine, plain["fine_prompt"])
    np.save(paths[0], np.array([{}], dtype=object))
    with pytest.raises(SpeakerFileError, match="neither numbers nor text|whole numbers"):
        read_npy_array(paths[0], dimensions=1)
    with pytest.raises(SpeakerFileError, match="2 dimensions instead of 1"):
        read_npy_array(paths[1], dimensions=1)


def test_what_is_written_is_read_by_us_and_by_numpy(tmp_path):
    path, speaker = tmp_path / "ada-0123abcd.npz", a_speaker()
    metadata = SpeakerMetadata(
        name="Ada ♪", family="bark", language="en", method="clone_with_quantizer",
        reference_seconds=6.5, consent=True, tags=("warm", "low"), other={"seed": 7},
        consent_text="The speaker agreed.", converter="builtin", window="1.40-8.10", similarity=0.9,
    )  # fmt: skip
    write_speaker(path, speaker, metadata)
    found = read_speaker(path)
    assert found.metadata == metadata
    assert found.notes == ()
    with np.load(path) as plain:
        assert set(plain) == {"semantic_prompt", "coarse_prompt", "fine_prompt", "metadata"}
        for part in ("semantic", "coarse", "fine"):
            assert np.array_equal(plain[f"{part}_prompt"], getattr(speaker, part))
            assert np.array_equal(getattr(found.speaker, part), getattr(speaker, part))


def test_a_taken_name_is_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "ada.npz"
    write_speaker(path, a_speaker(), SpeakerMetadata(name="first"))
    with pytest.raises(StorageError, match='"ada.npz" is taken'):
        write_speaker(path, a_speaker(), SpeakerMetadata(name="second"))
    assert read_speaker(path).metadata.name == "first"
    write_speaker(path, a_speaker(), SpeakerMetadata(name="third"), replace=True)
    assert read_speaker(path).metadata.name == "third"
    assert [each.name for each in tmp_path.iterdir()] == ["ada.npz"]


def test_a_broken_voice_is_not_written(tmp_path):
    speaker = a_speaker()
    other = Speaker(speaker.semantic, speaker.coarse[::-1], speaker.fine)
    below = Speaker(-speaker.semantic, speaker.coarse, speaker.fine)
    for broken in (other, below):
        with pytest.raises(SpeakerFileError):
            write_speaker(tmp_path / "ada.npz", broken, SpeakerMetadata())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "ada.npz"
    write_speaker(path, a_speaker(), SpeakerMetadata(name="first"))

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="Not enough disk"):
        write_speaker(path, a_speaker(), SpeakerMetadata(name="second"), replace=True)
    monkeypatch.undo()
    assert read_speaker(path).metadata.name == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["ada.npz"]


def _race(path, number, start, wins):
    start.wait(30)
    try:
        save_file(path, f"writer {number}".encode())
    except StorageError:
        return
    wins.put(number)


def test_of_eight_racing_writers_exactly_one_wins(tmp_path):
    spawn = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    path, start, wins = tmp_path / "ada.npz", spawn.Event(), spawn.Queue()
    writers = [spawn.Process(target=_race, args=(path, n, start, wins)) for n in range(8)]
    for writer in writers:
        writer.start()
    start.set()
    for writer in writers:
        writer.join(30)
    winner = wins.get(timeout=5)
    assert wins.empty()
    assert path.read_text() == f"writer {winner}"
    assert [each.name for each in tmp_path.iterdir()] == ["ada.npz"]


SAVE_FOR_EVER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from webui.file_saving import save_file
folder, data = Path({folder!r}), Path({source!r}).read_bytes()
print("ready", flush=True)
for number in range(10**6):
    save_file(folder / f"new-{{number:06}}.npz", data)
    save_file(folder / "same.npz", data, replace=True)
"""


def test_a_kill_in_mid_save_leaves_no_corrupt_file(tmp_path):
    source, folder = tmp_path / "source.npz", tmp_path / "speakers"
    write_speaker(source, a_speaker(), SpeakerMetadata(name="Ada"))
    folder.mkdir()
    code = SAVE_FOR_EVER.format(root=str(ROOT), folder=str(folder), source=str(source))
    for kill in range(10):
        for old in folder.glob("new-*.npz"):
            old.unlink()
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.02 + 0.013 * kill)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        child.stdout.close()
        for saved in folder.glob("*.npz"):
            assert read_speaker(saved).metadata.name == "Ada"
    sweep_leftovers(folder, older_than_seconds=-1.0)
    assert not [each for each in folder.iterdir() if each.name.endswith(".part")]
    assert (folder / "same.npz").exists()
