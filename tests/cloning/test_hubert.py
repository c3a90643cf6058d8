"""The encoder: the features of transformers' own HuBERT, aligned with the sound."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.cloning.listeners import WIDTH, make_hubert, quantizer_state, write_published
from webui.cloning.hubert import HubertEncoder, encoder_layers, load_hubert, load_listener
from webui.errors import AudioFileError, CheckpointError

HOP, FIELD = 640, 865


def sound(samples: int = 20 * HOP) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(samples)).astype(np.float32)


def reference(model: object, waveform: np.ndarray, layer: int) -> np.ndarray:
    """transformers' features of the sound with what a frame sees beyond its hop around it."""
    before = (FIELD - HOP) // 2
    padded = np.pad(waveform, (before, FIELD - HOP - before))
    with torch.no_grad():
        found = model(torch.from_numpy(padded)[None], output_hidden_states=True)  # type: ignore[operator]
    return found.hidden_states[layer][0].numpy()


def test_the_ninth_layer_of_a_base_encoder_is_read_though_later_ones_are_left_out(
    tmp_path: Path,
) -> None:
    model = make_hubert(tmp_path / "hubert")
    encoder = load_hubert(tmp_path / "hubert")
    assert np.allclose(encoder.features(sound(), 16_000), reference(model, sound(), 9), atol=1e-5)
    whole = sum(each.nbytes for each in model.parameters())
    assert encoder.nbytes < whole


def test_an_encoder_says_how_many_layers_it_has_and_which_is_read(tmp_path: Path) -> None:
    make_hubert(tmp_path / "base")
    assert encoder_layers(tmp_path / "base") == (9, 12)
    make_hubert(tmp_path / "own", stable=True, layer=4)
    assert encoder_layers(tmp_path / "own") == (4, 4)
    (tmp_path / "own" / "config.json").write_text('{"model_type": "hubert"}')
    assert encoder_layers(tmp_path / "own") == (4, 12)
    (tmp_path / "own" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="no HuBERT encoder"):
        encoder_layers(tmp_path / "own")


def test_a_stack_that_ends_in_a_norm_is_kept_whole(tmp_path: Path) -> None:
    model = make_hubert(tmp_path / "hubert", stable=True, layer=4)
    encoder = load_hubert(tmp_path / "hubert")
    assert np.allclose(encoder.features(sound(), 16_000), reference(model, sound(), 4), atol=1e-5)


def test_old_names_of_weight_normalisation_are_read(tmp_path: Path) -> None:
    model = make_hubert(tmp_path / "hubert")
    old = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): each
        for key, each in model.state_dict().items()
    }
    assert "encoder.pos_conv_embed.conv.weight_g" in old
    (tmp_path / "hubert" / "model.safetensors").unlink()
    torch.save({f"hubert.{key}": each for key, each in old.items()},
               tmp_path / "hubert" / "pytorch_model.bin")  # fmt: skip
    encoder = load_hubert(tmp_path / "hubert")
    assert np.allclose(encoder.features(sound(), 16_000), reference(model, sound(), 9), atol=1e-5)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> HubertEncoder:
    folder = tmp_path_factory.mktemp("encoder") / "hubert"
    make_hubert(folder)
    return load_hubert(folder)


@pytest.mark.parametrize("samples", [1, HOP - 1, HOP, HOP + 1, 7 * HOP + 3])
def test_there_is_a_frame_for_each_hop_begun(encoder: HubertEncoder, samples: int) -> None:
    assert encoder.features(sound(samples), 16_000).shape == (-(-samples // HOP), WIDTH)


def test_other_rates_are_resampled_to_the_same_frames(encoder: HubertEncoder) -> None:
    assert encoder.features(sound(48_000), 48_000).shape == (25, WIDTH)


def test_empty_and_endless_sounds_are_told_in_words(encoder: HubertEncoder) -> None:
    with pytest.raises(AudioFileError, match="seconds"):
        encoder.features(np.zeros(0, np.float32), 16_000)
    with pytest.raises(AudioFileError, match="shorter part"):
        encoder.features(np.zeros(16_000 * 61, np.float32), 16_000)


def test_the_builtin_encoder_gives_the_features_of_transformers_own_loading() -> None:
    from transformers import HubertModel

    folder = Path("models/mini/hubert")
    theirs = HubertModel.from_pretrained(folder, dtype=torch.float32).eval()
    ours = load_hubert(folder)
    found = reference(theirs, sound(), len(theirs.encoder.layers))
    assert np.allclose(ours.features(sound(), 16_000), found, atol=1e-4)


def test_damaged_folders_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no HuBERT encoder"):
        load_hubert(tmp_path)
    make_hubert(tmp_path / "hubert")
    weights = tmp_path / "hubert" / "model.safetensors"
    config = tmp_path / "hubert" / "config.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        load_hubert(tmp_path / "hubert")
    weights.unlink()
    with pytest.raises(CheckpointError, match="no model.safetensors"):
        load_hubert(tmp_path / "hubert")
    weights.write_bytes(whole)
    values = json.loads(config.read_text())
    config.write_text(json.dumps({**values, "hidden_size": 24}))
    with pytest.raises(CheckpointError, match="damaged"):
        load_hubert(tmp_path / "hubert")
    config.write_text(json.dumps({**values, "num_hidden_layers": 3}))
    with pytest.raises(CheckpointError, match="no layer 9"):
        load_hubert(tmp_path / "hubert")


def test_an_encoder_and_a_quantizer_that_do_not_belong_together_are_refused(
    tmp_path: Path,
) -> None:
    make_hubert(tmp_path / "hubert")
    good = write_published(tmp_path / "good.pth", quantizer_state())
    other = write_published(tmp_path / "other.pth", quantizer_state(inputs=WIDTH + 4))
    listener = load_listener(tmp_path / "hubert", good)
    tokens = listener.semantics(sound(), 16_000)
    assert (tokens.shape, tokens.dtype) == ((20,), np.int64)
    assert listener.quantizer_name == "good"
    with pytest.raises(CheckpointError, match="trained with it"):
        load_listener(tmp_path / "hubert", other)


def test_a_quantizer_that_names_its_layer_is_given_the_features_of_that_one(
    tmp_path: Path,
) -> None:
    make_hubert(tmp_path / "hubert")
    for layer, notes in ((3, {"layer": "3"}), (9, {}), (9, {"layer": "the third"})):
        path = tmp_path / "q.safetensors"
        save_file(quantizer_state(), path, metadata=notes)
        assert load_listener(tmp_path / "hubert", path).encoder.layer == layer
