"""The codec: the same codes and samples as transformers' EnCodec, and no trust in sizes."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import EncodecConfig, EncodecModel

from webui.errors import AudioFileError, CheckpointError, SpeakerFileError
from webui.synthesis.codec import Codec, build_codec

SETTINGS: dict[str, Any] = {
    "model_type": "encodec",
    "_attn_implementation_autoset": True,
    "sampling_rate": 16_000,
    "num_filters": 2,
    "hidden_size": 8,
    "codebook_dim": 8,
    "codebook_size": 16,
    "num_lstm_layers": 1,
    "upsampling_ratios": [4, 4, 4, 4],
    "target_bandwidths": [1.008, 2.016],  # 63 frames a second of 4 bits: 4 and 8 codebooks
}


@pytest.fixture(scope="module")
def theirs() -> EncodecModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = EncodecModel(EncodecConfig(**{k: v for k, v in SETTINGS.items() if k[0] != "_"}))
        for layer in model.quantizer.layers:
            layer.codebook.embed.normal_()
    return model.eval()


@pytest.fixture(scope="module")
def codec(theirs: EncodecModel) -> Codec:
    return build_codec(SETTINGS, theirs.state_dict(), codebooks=8)


def sound(seconds: float = 0.5) -> np.ndarray:
    dice = np.random.default_rng(0)
    return dice.uniform(-0.5, 0.5, int(16_000 * seconds)).astype(np.float32)


def test_codes_become_the_samples_of_transformers(codec: Codec, theirs: EncodecModel) -> None:
    fine = np.random.default_rng(1).integers(0, 16, (8, 20))
    with torch.inference_mode():
        codes = torch.from_numpy(fine)[None, None]
        expected = theirs.decode(codes, [None]).audio_values[0, 0].numpy()
    ours = codec.decode(fine)
    assert ours.shape == (20 * codec.frame_samples,)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_samples_become_the_codes_of_transformers(codec: Codec, theirs: EncodecModel) -> None:
    with torch.inference_mode():
        waveform = torch.from_numpy(sound())[None, None]
        expected = theirs.encode(waveform, bandwidth=2.016).audio_codes[0, 0].numpy()
    np.testing.assert_array_equal(codec.encode(sound()), expected)


def test_fewer_codebooks_can_be_encoded_and_decoded(theirs: EncodecModel) -> None:
    small = build_codec(SETTINGS, theirs.state_dict(), codebooks=4)
    fine = small.encode(sound())
    assert fine.shape == (4, 32)
    assert small.decode(fine).shape == (32 * 256,)


def test_a_codec_knows_its_rates_and_its_memory(codec: Codec, theirs: EncodecModel) -> None:
    assert codec.frame_samples == 256
    assert codec.frame_rate == 62.5
    weights = sum(tensor.nbytes for tensor in theirs.state_dict().values())
    assert weights * 0.9 < codec.nbytes < weights * 1.1


def test_no_frames_are_no_samples(codec: Codec) -> None:
    assert codec.decode(np.zeros((8, 0), np.int64)).size == 0


def test_sound_shorter_than_a_frame_is_refused(codec: Codec) -> None:
    assert codec.encode(sound()[:256]).shape == (8, 1)
    with pytest.raises(AudioFileError, match="too short"):
        codec.encode(sound()[:255])


@pytest.mark.parametrize(
    "fine",
    [np.full((8, 3), 16), np.full((8, 3), -1), np.zeros((9, 3), np.int64)],
)
def test_codes_of_another_family_are_refused(codec: Codec, fine: np.ndarray) -> None:
    with pytest.raises(SpeakerFileError, match="8 codebooks of 16 values"):
        codec.decode(fine)


def test_prefixes_and_names_of_older_files_are_understood(
    codec: Codec, theirs: EncodecModel
) -> None:
    older = {
        "codec_model."
        + name.replace(".parametrizations.weight.original0", ".weight_g").replace(
            ".parametrizations.weight.original1", ".weight_v"
        ): tensor
        for name, tensor in theirs.state_dict().items()
    }
    assert any(name.endswith(".weight_g") for name in older)
    fine = np.random.default_rng(2).integers(0, 16, (8, 5))
    ours = build_codec(SETTINGS, older, codebooks=8).decode(fine)
    np.testing.assert_array_equal(ours, codec.decode(fine))


def test_building_a_codec_leaves_the_global_dice_alone(theirs: EncodecModel) -> None:
    before = torch.random.get_rng_state()
    build_codec(SETTINGS, theirs.state_dict(), codebooks=8)
    assert torch.equal(before, torch.random.get_rng_state())


def test_missing_and_misshapen_weights_are_named(theirs: EncodecModel) -> None:
    weights = dict(theirs.state_dict())
    name = "quantizer.layers.0.codebook.embed"
    weights[name] = weights[name][:5]
    with pytest.raises(CheckpointError, match=rf"{name} has the shape \(5, 8\)"):
        build_codec(SETTINGS, weights, codebooks=8)
    del weights[name]
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        build_codec(SETTINGS, weights, codebooks=8)


@pytest.mark.parametrize(
    "change",
    [
        {"num_filters": 10**9},
        {"hidden_size": 10**9},
        {"codebook_size": 10**9},
        {"codebook_size": 0},
        {"num_lstm_layers": 10**6},
        {"upsampling_ratios": [2] * 1_000},
        {"upsampling_ratios": []},
        {"upsampling_ratios": [0]},
        {"target_bandwidths": [10**9]},
        {"target_bandwidths": []},
        {"kernel_size": 0},
        {"audio_channels": 2},
        {"norm_type": "os.system"},
        {"sampling_rate": "16000"},
        {"hidden_size": None},
    ],
)
def test_unreasonable_sizes_are_refused_before_memory_is_taken(
    theirs: EncodecModel, change: dict[str, Any]
) -> None:
    with pytest.raises(CheckpointError):
        build_codec(SETTINGS | change, theirs.state_dict(), codebooks=8)
