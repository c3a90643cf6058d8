"""The mark is heard where it was put, nowhere else, and survives what is done to files."""

import numpy as np
import pytest

from webui.audio import encode_audio, read_audio_bytes, resample
from webui.quality import watermark as module
from webui.quality.watermark import MARKED, watermark, watermark_weights

RATE = 24_000


def voiced(seconds: float, seed: int = 0) -> np.ndarray:
    """Something like a voice: harmonics of a wandering pitch, in syllables."""
    dice = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    pitch = 110 + 20 * seed + 15 * np.sin(2 * np.pi * (2 + seed) * times)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(number * phase) / number for number in range(1, 20))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * times)
    return (0.1 * tone * syllables + 0.002 * dice.standard_normal(len(times))).astype(np.float32)


@pytest.fixture(scope="module")
def mark():
    if watermark_weights() is None:
        pytest.skip("resemble-perth is not installed")
    found = watermark()
    assert found is not None
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_marked_sound_is_told_from_the_same_sound_without(mark, seed):
    sound = voiced(3, seed)
    marked = mark.put(sound, RATE)
    assert (marked.shape, marked.dtype) == (sound.shape, sound.dtype)
    assert mark.heard(sound, RATE) < MARKED <= mark.heard(marked, RATE)


def test_the_mark_is_quieter_than_the_sound(mark):
    sound = voiced(3)
    change = mark.put(sound, RATE) - sound
    assert 0 < np.sqrt(np.mean(change**2)) < 0.3 * np.sqrt(np.mean(sound**2))


@pytest.mark.parametrize("audio_format", ["flac", "mp3", "opus"])
def test_the_mark_survives_in_files(mark, audio_format):
    data = encode_audio(mark.put(voiced(4), RATE), RATE, audio_format)
    assert mark.heard(*read_audio_bytes(data)) >= MARKED


def test_the_mark_survives_a_cut_another_rate_and_another_level(mark):
    marked = mark.put(voiced(5), RATE)
    assert mark.heard(marked[20_011:70_001], RATE) >= MARKED
    assert mark.heard(resample(marked, RATE, 16_000), 16_000) >= MARKED
    assert mark.heard(0.3 * marked, RATE) >= MARKED


def test_noise_silence_and_nearly_nothing_carry_no_mark(mark):
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    assert mark.heard(noise, RATE) < MARKED
    for length in (0, 100, RATE):
        silence = np.zeros(length, np.float32)
        assert mark.heard(silence, RATE) < MARKED
        assert np.array_equal(mark.put(silence, RATE), silence)


def test_a_long_sound_is_marked_in_parts_that_do_not_show(mark, monkeypatch):
    sound = voiced(6)
    whole = mark.put(sound, RATE)
    monkeypatch.setattr(module, "BLOCK", 2 * module.RATE)
    parts = mark.put(sound, RATE)
    assert np.abs(whole - parts).max() < 0.02
    assert mark.heard(parts, RATE) >= MARKED


def test_without_its_weights_there_is_no_watermark(monkeypatch, tmp_path):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert watermark() is None
    broken = tmp_path / "weights"
    broken.write_bytes(b"others")
    monkeypatch.setattr(module, "watermark_weights", lambda: broken)
    assert watermark() is None
