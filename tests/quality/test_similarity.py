"""How alike two voices are."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from webui.audio import resample
from webui.quality import similarity
from webui.quality.similarity import RATE, SpeakerEncoder, mel_filters, speaker_encoder

FIGURES = json.loads(Path(__file__).with_name("speaker_embedding.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    found = speaker_encoder()
    if found is None:
        pytest.skip("the weights (requirements-nodeps.txt) are not installed")
    return found


def voice(hz=120.0, seconds=4.0, rate=RATE, formants=(600, 1_200, 2_500)):
    """A vowel that comes and goes four times a second, the same everywhere without a library."""
    times = np.arange(round(seconds * rate)) / rate
    swing = hz * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * times))
    phase = 2 * np.pi * np.cumsum(swing) / rate
    sound = np.zeros(len(times))
    for harmonic in range(1, int(6_000 / hz)):
        gains = [1 / (1 + ((harmonic * hz - formant) / 120) ** 2) for formant in formants]
        sound += sum(gains) * np.cos(harmonic * phase)
    sound *= 0.5 + 0.5 * np.cos(2 * np.pi * 4 * times)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def test_an_embedding_has_length_one_and_no_negative_part(encoder):
    found = encoder.embed(voice(), RATE)
    assert found.dtype == np.float32
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert found.min() >= 0


def test_the_embedding_is_that_of_resemblyzers_own_code_kept_as_figures(encoder):
    kept = np.array(FIGURES["embedding"])
    assert encoder.embed_speech(voice()) @ kept > 0.9999


def test_the_embedding_is_that_of_resemblyzers_own_code(encoder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of its dependencies asks for pkg_resources
        package = pytest.importorskip("resemblyzer", exc_type=ImportError)
        theirs = package.VoiceEncoder("cpu", verbose=False)
        for seconds in (0.3, 1.6, 2.7, 4.0, 7.3):
            speech = voice(seconds=seconds)
            assert encoder.embed_speech(speech) @ theirs.embed_utterance(speech) > 0.99999
        prepared = package.preprocess_wav(voice(), RATE)
        assert encoder.embed(voice(), RATE) @ theirs.embed_utterance(prepared) > 0.98


def test_the_bands_are_those_of_librosa():
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=40)
    assert np.allclose(mel_filters(), theirs, atol=1e-6)


def test_one_voice_is_nearer_to_itself_than_to_another(encoder):
    low, low_again = encoder.embed(voice(110), RATE), encoder.embed(voice(115, 3.0), RATE)
    high = encoder.embed(voice(240, formants=(750, 1_500, 2_900)), RATE)
    assert low @ low_again > low @ high + 0.1


def test_level_and_rate_and_pauses_change_little(encoder):
    speech = voice()
    base = encoder.embed(speech, RATE)
    pause = np.zeros(2 * RATE, np.float32)
    assert base @ encoder.embed(speech * np.float32(0.01), RATE) > 0.995
    assert base @ encoder.embed(resample(speech, RATE, 44_100), 44_100) > 0.995
    assert base @ encoder.embed(np.concatenate([pause, speech, pause]), RATE) > 0.97


@pytest.mark.parametrize("samples", [0, 1, 100, 479, 480, 30_000])
def test_silence_of_any_length_is_no_error(encoder, samples):
    found = encoder.embed(np.zeros(samples, np.float32), RATE)
    assert np.isfinite(found).all()


def test_a_long_recording_is_heard_in_batches_with_the_same_result(encoder, monkeypatch):
    whole = encoder.embed(voice(), RATE)
    monkeypatch.setattr(similarity, "PARTS_AT_ONCE", 2)
    assert np.allclose(encoder.embed(voice(), RATE), whole, atol=1e-6)


def test_loading_the_encoder_imports_nothing_of_the_package():
    already = {name for name in sys.modules if name.startswith("resemblyzer")}
    speaker_encoder()
    assert {name for name in sys.modules if name.startswith("resemblyzer")} == already


def test_without_the_package_there_is_no_encoder(monkeypatch):
    monkeypatch.setattr(similarity.importlib.util, "find_spec", lambda name: None)
    assert speaker_encoder() is None


def test_weights_of_other_bytes_are_not_loaded(monkeypatch, tmp_path):
    other = tmp_path / "pretrained.pt"
    other.write_bytes(b"something else")
    monkeypatch.setattr(similarity, "encoder_weights", lambda: other)
    assert speaker_encoder() is None
