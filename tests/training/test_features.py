"""Features: half precision, any layer, and sound that is varied by its seed."""

import numpy as np
import pytest
import torch

from tests.cloning.listeners import WIDTH, make_hubert
from webui.cloning.hubert import load_hubert
from webui.errors import CheckpointError
from webui.training.features import Augmentation, features_of, varied

SOUND = (0.2 * np.sin(np.arange(16_000) * 0.07)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("encoder") / "hubert"
    make_hubert(made)
    return made


def test_features_are_those_of_the_encoder_in_half_precision(folder):
    encoder = load_hubert(folder)
    heard = features_of(encoder, SOUND, 16_000)
    assert heard.dtype == np.float16
    assert heard.shape == (25, WIDTH)
    assert np.allclose(heard, encoder.features(SOUND, 16_000), atol=1e-2)


def test_each_layer_hears_something_else_and_a_layer_that_is_not_there_is_refused(folder):
    usual, third = load_hubert(folder), load_hubert(folder, layer=3)
    assert (usual.layer, third.layer) == (9, 3)
    one, other = features_of(usual, SOUND, 16_000), features_of(third, SOUND, 16_000)
    assert not np.allclose(one, other, atol=1e-2)
    with pytest.raises(CheckpointError, match="no layer 13"):
        load_hubert(folder, layer=13)


def test_varied_sound_follows_from_its_seed(folder):
    encoder = load_hubert(folder)
    heard = [
        features_of(encoder, SOUND, 16_000, Augmentation(), torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(heard[0], heard[1])
    assert not np.array_equal(heard[0], heard[2])


def test_noise_lies_as_far_below_the_sound_as_is_asked_for():
    always = Augmentation(1.0, 20.0, 20.0, 0.0)
    noisy = varied(SOUND, always, torch.Generator().manual_seed(3))
    power = np.square(SOUND, dtype=np.float64).mean() / np.square(noisy - SOUND).mean()
    assert 10 * np.log10(power) == pytest.approx(20.0, abs=0.3)


def test_without_noise_only_the_level_changes_and_never_by_more_than_is_asked_for():
    quiet = Augmentation(noise_share=0.0, level_db=6.0)
    gains = []
    for seed in range(20):
        changed = varied(SOUND, quiet, torch.Generator().manual_seed(seed))
        gains.append(float(changed[100] / SOUND[100]))
        assert np.allclose(changed, SOUND * gains[-1], atol=1e-6)
    assert 10 ** (-6 / 20) <= min(gains) < 0.8
    assert 1.25 < max(gains) <= 10 ** (6 / 20)
