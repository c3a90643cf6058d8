"""The audio door: what goes in comes back, what is hostile or broken is refused in one sentence."""

import io
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from webui import audio
from webui.errors import AudioFileError, StorageError

RATE = 16_000
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def tone(seconds: float = 0.5, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(
        np.float32
    )


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    audio.write_audio(path, tone(), RATE)
    return path


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_a_lossless_file_gives_the_same_samples_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"tone.{ending}"
    audio.write_audio(path, tone(), RATE)
    back, rate = audio.read_audio(path)
    assert rate == RATE
    np.testing.assert_allclose(back, tone(), atol=1 / 32_000)


def test_an_mp3_keeps_the_tone(tmp_path: Path) -> None:
    path = tmp_path / "tone.mp3"
    audio.write_audio(path, tone(2.0), RATE)
    back, rate = audio.read_audio(path)
    spectrum = np.abs(np.fft.rfft(back))
    assert rate == RATE
    assert np.argmax(spectrum) * rate / len(back) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(back**2)) == pytest.approx(0.4 / np.sqrt(2), rel=0.1)


def test_an_mp3_of_an_odd_rate_is_resampled(tmp_path: Path) -> None:
    path = tmp_path / "tone.mp3"
    audio.write_audio(path, tone(1.0, 10_000), 10_000)
    assert audio.read_audio(path)[1] == 48_000


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
@pytest.mark.parametrize("length", [10, 20_000])
def test_settings_come_back_from_the_file(tmp_path: Path, ending: str, length: int) -> None:
    path = tmp_path / f"speech.{ending}"
    settings = {"text": "Grüße ♪ 日本\n\0" * length, "seed": 7, "controls": {"temperature": 0.7}}
    audio.write_audio(path, tone(), RATE, metadata=settings)
    assert audio.read_metadata(path) == settings
    assert audio.read_audio(path)[0].size >= tone().size


def test_other_programs_see_the_settings_in_a_wav(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    audio.write_audio(path, tone(), RATE, metadata={"seed": 7})
    with soundfile.SoundFile(path) as sound:
        assert json.loads(sound.comment) == {"seed": 7}
        assert sound.subtype == "PCM_16"


def test_a_wav_of_another_program_gives_its_settings_too(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    with soundfile.SoundFile(path, "w", RATE, 1) as sound:
        sound.title = "odd"
        sound.comment = '{"a": 1}'
        sound.write(tone())
    assert audio.read_metadata(path) == {"a": 1}


@pytest.mark.parametrize("comment", [" ", "hello", "[1]", "[" * 100_000, "{"])
def test_a_comment_that_is_not_ours_is_no_settings(tmp_path: Path, comment: str) -> None:
    path = tmp_path / "other.flac"
    with soundfile.SoundFile(path, "w", RATE, 1) as sound:
        sound.comment = comment
        sound.write(tone())
    assert audio.read_metadata(path) == {}


def test_broken_chunks_of_a_wav_give_no_settings(wav: Path) -> None:
    data = wav.read_bytes()
    for tail in (
        b"LIST",
        b"LIST\xff\xff\xff\xff",
        b"LIST" + struct.pack("<I", 9) + b"INFOICMT\xff",
    ):
        wav.write_bytes(data + tail)
        assert audio.read_metadata(wav) == {}


def test_settings_beyond_the_bound_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="too long"):
        audio.write_audio(
            tmp_path / "a.wav", tone(), RATE, metadata={"text": "x" * audio.MAX_METADATA_BYTES}
        )
    assert list(tmp_path.iterdir()) == []


def test_memory_can_be_written_instead_of_a_file() -> None:
    memory = io.BytesIO()
    audio.write_audio(memory, tone(), RATE, "flac")
    assert memory.getvalue().startswith(b"fLaC")


def test_loud_samples_are_clipped_not_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    audio.write_audio(path, np.array([3.0, -3.0] * 100, dtype=np.float32), RATE)
    back, _ = audio.read_audio(path)
    assert back[0] > 0.99
    assert back[1] < -0.99


@pytest.mark.parametrize("bad", [np.array([], np.float32), np.array([0.1, np.nan], np.float32)])
def test_nothing_and_nan_are_not_written(tmp_path: Path, bad: np.ndarray) -> None:
    with pytest.raises(AudioFileError):
        audio.write_audio(tmp_path / "a.wav", bad, RATE)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="wav, flac, mp3"):
        audio.write_audio(tmp_path / "a.exe", tone(), RATE)


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        audio.write_audio(tmp_path / "no" / "a.wav", tone(), RATE)


def test_a_full_disk_leaves_the_old_file(wav: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = wav.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no room"):
        audio.write_audio(wav, tone(1.0), RATE)
    assert wav.read_bytes() == before
    assert list(wav.parent.iterdir()) == [wav]


def test_resampling_keeps_the_tone_and_the_length() -> None:
    there = audio.resample(tone(1.0), RATE, 24_000)
    assert len(there) == 24_000
    back = audio.resample(there, 24_000, RATE)
    np.testing.assert_allclose(back[500:-500], tone(1.0)[500:-500], atol=1e-3)


def test_stereo_becomes_the_mean_of_its_channels(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([tone(), np.zeros_like(tone())], axis=1), RATE)
    np.testing.assert_allclose(audio.read_audio(path)[0], tone() / 2, atol=1e-4)


def test_a_high_rate_is_brought_down_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "high.wav"
    soundfile.write(path, tone(2.0, 96_000), 96_000)
    back, rate = audio.read_audio(path)
    assert rate == 48_000
    assert len(back) == pytest.approx(96_000, abs=2)
    np.testing.assert_allclose(back[500:95_000], tone(2.0, 48_000)[500:95_000], atol=1e-3)


def test_float_samples_beyond_one_are_scaled_back(tmp_path: Path) -> None:
    path = tmp_path / "float.wav"
    soundfile.write(path, tone() * 30_000, RATE, subtype="FLOAT")
    assert np.abs(audio.read_audio(path)[0]).max() == pytest.approx(1.0)


# What is refused


def refused(path: Path, words: str) -> None:
    with pytest.raises(AudioFileError, match=words) as caught:
        audio.read_audio(path)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"R", "not a recording"),
        (b"hello, this is a letter to my aunt", "not a recording"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a recording"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a recording"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "damaged"),
        (b"ID3" + b"\0" * 200, "damaged"),
        (b"fLaC" + b"\xff" * 200, "damaged"),
        (b"OggS" + b"\0" * 200, "damaged"),
    ],
)
@pytest.mark.parametrize("ending", ["wav", "mp3", "raw"])
def test_files_that_are_no_recordings_are_refused(
    tmp_path: Path, content: bytes, words: str, ending: str
) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(content)
    refused(path, words)


def test_a_pipe_a_folder_a_device_and_nothing_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    refused(pipe, "not a file")
    refused(tmp_path, "not a file")
    refused(Path("/dev/zero"), "not a file")
    refused(tmp_path / "gone.wav", "not there")
    refused(Path("a\0b.wav"), "not there")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("rate", [RATE, 96_000])
def test_samples_that_are_not_numbers_are_refused(tmp_path: Path, value: float, rate: int) -> None:
    path = tmp_path / "nan.wav"
    samples = tone(0.5, rate)
    samples[70] = value
    soundfile.write(path, samples, rate, subtype="FLOAT")
    refused(path, "not numbers")


def test_a_declared_length_is_not_believed(wav: Path) -> None:
    data = bytearray(wav.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = b"\xff\xff\xff\x7f"
    wav.write_bytes(bytes(data))
    assert audio.read_audio(wav)[0].size == tone().size


def test_a_truncated_flac_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE).astype(np.float32)
    audio.write_audio(path, noise, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    refused(path, "damaged")


@pytest.mark.parametrize(
    ("rate", "channels", "words"), [(4_000, 1, "samples per second"), (RATE, 40, "40 channels")]
)
def test_odd_rates_and_channels_are_refused(
    tmp_path: Path, rate: int, channels: int, words: str
) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros((2_000, channels), np.float32), rate)
    refused(path, words)


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros((0, 1), np.float32), RATE)
    refused(path, "no sound")


def test_only_the_first_minutes_of_a_long_recording_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros(30 * RATE, np.float32), RATE)
    monkeypatch.setattr("webui.audio.reading.MAX_SECONDS", 10)
    assert audio.read_audio(path)[0].size == 10 * RATE


def test_a_file_above_the_size_bound_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.wav"
    with path.open("wb") as file:
        file.truncate(audio.MAX_FILE_BYTES + 1)  # sparse: takes no room
    refused(path, "1.0 GB")


# Formats of ffmpeg


def make_with_ffmpeg(source: Path, target: Path, codec: str) -> Path:
    command = [
        "ffmpeg",
        "-nostdin",
        "-loglevel",
        "error",
        "-i",
        str(source),
        "-c:a",
        codec,
        str(target),
    ]
    subprocess.run(command, check=True)
    return target


@needs_ffmpeg
@pytest.mark.parametrize(
    ("ending", "codec"),
    [("m4a", "aac"), ("webm", "libopus"), ("mp4", "aac"), ("aac", "aac"), ("ogg", "libvorbis")],
)
def test_recordings_of_phones_and_browsers_are_read(
    tmp_path: Path, ending: str, codec: str
) -> None:
    source = tmp_path / "tone.wav"
    audio.write_audio(source, tone(2.0, 48_000), 48_000)
    path = make_with_ffmpeg(source, tmp_path / f"- odd 'name'; $(x).{ending}", codec)
    back, rate = audio.read_audio(path)
    assert rate == 48_000
    assert len(back) / rate == pytest.approx(2.0, abs=0.15)
    assert np.argmax(np.abs(np.fft.rfft(back))) * rate / len(back) == pytest.approx(440, abs=2)
    assert audio.read_metadata(path) == {}


@needs_ffmpeg
def test_a_hostile_container_is_refused(tmp_path: Path) -> None:
    for name, content in (
        ("a.m4a", b"\0\0\0\x18ftypM4A " + os.urandom(2_000)),
        ("b.webm", b"\x1aE\xdf\xa3" + os.urandom(2_000)),
        ("c.aac", b"\xff\xf1" + b"\0" * 2_000),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        refused(path, "damaged")


def test_without_ffmpeg_its_formats_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x18ftypM4A " + b"\0" * 100)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    refused(path, "ffmpeg")
