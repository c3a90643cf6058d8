"""Quantizers as files: what is written is what cloning and other tools read."""

import json
import zipfile

import numpy as np
import pytest
import torch

from tests.cloning.listeners import quantizer_state
from webui.checkpoint import load_training, read_notes
from webui.cloning.quantizer import (
    Quantizer,
    QuantizerConfig,
    load_quantizer,
    quantizer_of,
    sizes_of,
)
from webui.errors import CheckpointError, StorageError
from webui.quantizer_file import pack_training, write_published, write_quantizer
from webui.training_results import QuantizerWeights

CONFIGS = {
    0: QuantizerConfig(16, 12, 40),
    1: QuantizerConfig(16, 12, 40, 20),
    2: QuantizerConfig(16, 12, 40, blocks=2, kernel=5),
}
ROWS = np.random.default_rng(0).standard_normal((30, 16)).astype(np.float32)


def weights_of(version, shift=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(version)
        model = Quantizer(CONFIGS[version])
    state = {key: each.detach().numpy() for key, each in model.state_dict().items()}
    return QuantizerWeights(sizes_of(CONFIGS[version]), state, shift, 10, 0.5, True)


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_our_own_file_is_read_back_as_the_same_quantizer(tmp_path, version, shift):
    weights = weights_of(version, shift)
    path = tmp_path / "mine.safetensors"
    write_quantizer(path, weights, {"family": "mini", "layer": "4"})
    loaded = load_quantizer(path)
    assert (loaded.config, loaded.shift) == (CONFIGS[version], shift)
    assert np.array_equal(loaded.tokens_of(ROWS), quantizer_of(weights).tokens_of(ROWS))
    notes = read_notes(path)
    assert (notes["family"], notes["layer"], notes["version"]) == ("mini", "4", str(version))


@pytest.mark.parametrize("version", [0, 1])
def test_the_published_kind_of_file_is_read_by_us_and_has_the_layout_of_the_others(
    tmp_path, version
):
    weights = weights_of(version, 1)
    path = tmp_path / "finnish_9.pth"
    write_published(path, weights)
    loaded = load_quantizer(path)
    assert (loaded.config, loaded.shift) == (CONFIGS[version], 1)
    assert np.array_equal(loaded.tokens_of(ROWS), quantizer_of(weights).tokens_of(ROWS))
    with zipfile.ZipFile(path) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"finnish_9"}
        info = json.loads(archive.read("finnish_9/.info"))
    assert info == {
        "input_size": 16, "hidden_size": 12, "output_size": 40, "version": version, "shift": 1,
    }  # fmt: skip
    plain = torch.load(path, weights_only=True)
    assert {*plain} == {*quantizer_state(between=20 if version else None)}


def test_version_2_is_not_written_for_tools_that_do_not_know_it(tmp_path):
    with pytest.raises(StorageError, match="do not know version 2"):
        write_published(tmp_path / "q.pth", weights_of(2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("write", "name"), [
    (lambda path, **more: write_quantizer(path, weights_of(0), {}, **more), "q.safetensors"),
    (lambda path, **more: write_published(path, weights_of(0), **more), "q.pth"),
])  # fmt: skip
def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(tmp_path, write, name):
    path = tmp_path / name
    path.write_bytes(b"mine")
    with pytest.raises(StorageError):
        write(path)
    assert path.read_bytes() == b"mine"
    write(path, replace=True)
    assert load_quantizer(path).config == CONFIGS[0]


def test_what_a_training_goes_on_from_comes_back_whole():
    content = {"model": {"a": torch.arange(5)}, "step": 7, "best_accuracy": None, "name": "x"}
    back = load_training(pack_training(content))
    assert torch.equal(back["model"]["a"], torch.arange(5))
    assert (back["step"], back["best_accuracy"], back["name"]) == (7, None, "x")


def test_a_program_in_what_a_training_goes_on_from_is_refused_and_nothing_of_it_runs(tmp_path):
    marker = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return type(marker).touch, (marker,)

    with pytest.raises(CheckpointError, match="is damaged"):
        load_training(pack_training({"model": Trap()}))
    assert not marker.exists()
