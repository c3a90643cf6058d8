"""kNN-VC on a tiny encoder and a tiny vocoder with random weights."""

import json

import numpy as np
import pytest
import torch

from tests.cloning.converters import TINY_VOCODER, make_vocoder, make_wavlm, wavlm_values
from webui.cloning.conversion.converter import Converter
from webui.cloning.conversion.knn_vc import load_knn_vc, nearest_means
from webui.cloning.conversion.vocoder import VocoderConfig
from webui.cloning.conversion.wavlm import load_wavlm
from webui.errors import CheckpointError, CloneError

RATE = 16_000


def noise(seconds, seed=0, rate=RATE):
    dice = np.random.default_rng(seed)
    return dice.normal(0, 0.1, int(seconds * rate)).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("knn-vc")
    model = make_wavlm(folder / "wavlm")
    make_vocoder(folder / "prematch.pt")
    return folder / "wavlm", folder / "prematch.pt", model


@pytest.fixture(scope="module")
def converter(files):
    return load_knn_vc(files[0], files[1], config=TINY_VOCODER)


def test_the_features_are_transformers_sixth_layer(files):
    sound = noise(0.5)
    padded = torch.from_numpy(np.pad(sound, (0, 80))).unsqueeze(0)
    with torch.inference_mode():
        states = files[2](padded, output_hidden_states=True).hidden_states
    found = load_wavlm(files[0]).features(sound)
    assert len(found) == 25
    torch.testing.assert_close(found, states[6][0])


def test_layers_behind_the_one_that_is_read_are_left_out(files):
    assert load_wavlm(files[0]).nbytes < sum(each.nbytes for each in files[2].parameters())


def test_a_long_sound_is_listened_to_in_parts(files):
    encoder = load_wavlm(files[0])
    long, short = noise(25), noise(25)[20 * RATE :]
    torch.testing.assert_close(encoder.features(long)[20 * 50 :], encoder.features(short))


def test_each_moment_becomes_the_mean_of_its_four_nearest():
    directions = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    pool = torch.cat([directions[:1] * scale for scale in (1, 2, 3, 4)])
    pool = torch.cat([pool, directions[1:] * torch.tensor([[10.0], [20.0], [30.0], [40.0]])])
    found = nearest_means(torch.tensor([[9.0, 0.1], [0.001, 0.1]]), pool)
    torch.testing.assert_close(found, torch.tensor([[2.5, 0.0], [0.0, 25.0]]))


def test_fewer_than_four_moments_are_all_taken():
    pool = torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    torch.testing.assert_close(nearest_means(pool[:1], pool), torch.tensor([[2.0, 0.0]]))


@pytest.mark.parametrize("samples", [16_000, 16_001, 8_319])
@pytest.mark.parametrize("rates", [(16_000, 16_000), (24_000, 44_100)])
def test_length_and_level_stay(converter, samples, rates):
    own = noise(1.2, rate=rates[0])[:samples]
    made, rate = converter.convert(own, rates[0], noise(1, seed=1, rate=rates[1]), rates[1])
    assert rate == RATE
    assert abs(len(made) / rate - len(own) / rates[0]) < 0.001
    level = float(np.sqrt(np.mean(made**2)))
    assert level > 0.5 * np.sqrt(np.mean(own**2)) * min(1.0, rates[0] / rate)
    assert np.abs(made).max() <= 1.0


def test_the_target_decides_the_sound(converter):
    own, first, second = noise(0.5), noise(1, seed=1), 0.5 * np.sin(np.arange(RATE) / 5)
    sounds = [converter.convert(own, RATE, each.astype(np.float32), RATE)[0] for each in
              (first, first, second)]  # fmt: skip
    assert np.array_equal(sounds[0], sounds[1])
    assert not np.allclose(sounds[0], sounds[2], atol=1e-3)


def test_a_target_of_almost_nothing_is_refused_in_words(converter):
    with pytest.raises(CloneError, match="too little speech"):
        converter.convert(noise(1), RATE, noise(0.3), RATE)


def test_it_is_a_converter_that_tells_its_licence_and_its_size(converter):
    assert isinstance(converter, Converter)
    assert (converter.name, converter.licence) == ("knn-vc", "MIT")
    parameters = [*converter.vocoder.parameters(), *converter.encoder._model.parameters()]
    assert converter.nbytes == sum(each.nbytes for each in parameters)


def test_a_vocoder_for_other_features_is_refused(files, tmp_path):
    other = VocoderConfig(features=24, width=12, channels=32, block_kernels=(3,), dilations=(1,))
    make_vocoder(tmp_path / "other.pt", other)
    with pytest.raises(CheckpointError, match="reads 24 values for each 320 samples"):
        load_knn_vc(files[0], tmp_path / "other.pt", config=other)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, "no readable config"),
        ({"model_type": "hubert"}, "no WavLM encoder"),
        (wavlm_values(layers=6), "no layer 6 in its middle"),
        (wavlm_values(), "no model.safetensors"),
    ],
)
def test_a_folder_without_an_encoder_is_refused_in_words(tmp_path, values, words):
    if values is not None:
        (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=words):
        load_wavlm(tmp_path)


def test_damaged_weights_of_the_encoder_are_refused(tmp_path):
    make_wavlm(tmp_path / "wavlm")
    state = torch.load(tmp_path / "wavlm" / "pytorch_model.bin", weights_only=True)
    state["encoder.layers.2.attention.q_proj.weight"][0, 0] = float("inf")
    torch.save(state, tmp_path / "wavlm" / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"layers\.2\.attention\.q_proj"):
        load_wavlm(tmp_path / "wavlm")
