"""A sound that is sent while it is made: its pieces are a file that everybody reads."""

import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from webui import audio
from webui.audio.streaming import PCM_RATE, SoundStream
from webui.errors import AudioFileError

RATE = 16_000
RECIPE = {"text": "Good morning — to you.", "seed": 7}
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def tone(seconds: float = 1.0, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    times = np.arange(int(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def streamed(
    audio_format: str, sound: np.ndarray, rate: int = RATE, pieces: int = 5
) -> list[bytes]:
    stream = SoundStream(audio_format, rate, RECIPE)
    parts = [stream.add(each) for each in np.array_split(sound, 5)]
    return [*parts, stream.finish()]


def pitch(sound: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * rate / len(sound))


def decoded_by_ffmpeg(data: bytes, *given: str) -> np.ndarray:
    line = ["ffmpeg", "-loglevel", "error", *given, "-i", "pipe:0", "-ac", "1", "-f", "f32le", "-"]
    done = subprocess.run(line, input=data, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32)


def test_raw_samples_have_openais_rate_whatever_the_family_has():
    sound = np.frombuffer(b"".join(streamed("pcm", tone())), "<i2") / 32_767
    assert len(sound) == PCM_RATE
    assert pitch(sound, PCM_RATE) == pytest.approx(440, abs=2)
    assert np.abs(np.diff(sound)).max() < 0.06  # no click where pieces meet


@needs_ffmpeg
def test_a_wav_file_of_unknown_length_is_read_to_its_end():
    parts = streamed("wav", tone())
    assert parts[0][:4] == b"RIFF"
    sound = decoded_by_ffmpeg(b"".join(parts))
    np.testing.assert_allclose(sound, tone(), atol=1 / 16_000)


def test_a_streamed_wav_file_keeps_how_it_was_made_and_our_own_reader_reads_it(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"".join(streamed("wav", tone())))
    assert audio.read_metadata(path) == RECIPE
    back, rate = audio.read_audio(path)
    assert (len(back), rate) == (RATE, RATE)


@pytest.mark.parametrize(("rate", "sent_rate"), [(RATE, RATE), (24_000, 24_000), (10_000, 48_000)])
def test_mp3_frames_come_while_the_sound_is_made(tmp_path, rate, sent_rate):
    parts = streamed("mp3", tone(4.0, rate), rate)
    assert sum(len(part) > 0 for part in parts) >= 4  # not all at the end
    path = tmp_path / "a.mp3"
    path.write_bytes(b"".join(parts))
    back, read_rate = audio.read_audio(path)
    assert read_rate == sent_rate
    assert len(back) / sent_rate == pytest.approx(4.0, abs=0.2)
    assert pitch(back, sent_rate) == pytest.approx(440, abs=2)
    assert audio.read_metadata(path) == RECIPE


@needs_ffmpeg
def test_other_programs_read_a_streamed_mp3():
    sound = decoded_by_ffmpeg(b"".join(streamed("mp3", tone(3.0))))
    assert len(sound) / RATE == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("audio_format", ["flac", "opus", "exe"])
def test_a_format_that_is_made_whole_is_refused(audio_format):
    with pytest.raises(AudioFileError, match="made whole"):
        SoundStream(audio_format, RATE)


@pytest.mark.parametrize("rate", [16_000, 24_000, 22_050])
def test_an_opus_file_keeps_the_tone_and_how_it_was_made(tmp_path, rate):
    path = tmp_path / "a.opus"
    audio.write_audio(path, tone(2.0, rate), rate, metadata=RECIPE)
    assert soundfile.info(str(path)).subtype == "OPUS"
    back, read_rate = audio.read_audio(path)
    assert pitch(back, read_rate) == pytest.approx(440, abs=3)
    assert audio.read_metadata(path) == RECIPE


@needs_ffmpeg
def test_an_aac_file_keeps_the_tone(tmp_path):
    path = tmp_path / "a.aac"
    audio.write_audio(path, tone(2.0), RATE)
    back, rate = audio.read_audio(path)
    assert len(back) / rate == pytest.approx(2.0, abs=0.2)
    assert pitch(back, rate) == pytest.approx(440, abs=3)


def test_without_ffmpeg_aac_is_refused_with_what_to_choose_instead(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(AudioFileError, match="ffmpeg, which is not installed; choose wav"):
        audio.encode_audio(tone(), RATE, "aac")
