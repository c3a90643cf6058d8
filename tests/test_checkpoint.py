"""Weights come through one door: whole, of the right shape, and without running anything."""

import hashlib
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests import tiny_family as tiny
from webui.checkpoint import check_network, load_known, load_part, load_suno, safetensors_bytes
from webui.errors import CheckpointError
from webui.family import NetworkConfig, read_family


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.trace),)


SIZES = {"n_layer": 2, "n_head": 4, "n_embd": 32, "block_size": 96, "vocab_size": 40}


@pytest.fixture
def family(tmp_path: Path) -> Path:
    return tiny.make_tiny_family(tmp_path / "tiny")


def test_each_part_has_its_own_names(family: Path) -> None:
    for part in ("semantic", "coarse", "fine", "codec"):
        state = load_part(family, part)
        assert state
        assert not any(name.startswith(("semantic.", "codec_model.")) for name in state)
    assert load_part(family, "semantic")["lm_head.weight"].shape == (48, 32)


def test_sharded_weights_are_the_same_as_whole_ones(family: Path) -> None:
    state = load_file(family / "model.safetensors")
    whole = load_part(family, "fine")
    (family / "model.safetensors").unlink()
    halves = (dict(list(state.items())[::2]), dict(list(state.items())[1::2]))
    index = {}
    for number, half in enumerate(halves):
        name = f"model-{number}.safetensors"
        save_file(half, family / name)
        index |= dict.fromkeys(half, name)
    (family / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    again = load_part(family, "fine")
    assert again.keys() == whole.keys()
    assert all(torch.equal(again[name], whole[name]) for name in whole)
    (family / "model-1.safetensors").unlink()
    with pytest.raises(CheckpointError, match="model-1.safetensors is missing"):
        load_part(family, "fine")


def test_torch_files_are_read_like_safetensors(family: Path) -> None:
    state = load_file(family / "model.safetensors")
    whole = load_part(family, "coarse")
    (family / "model.safetensors").unlink()
    torch.save(state, family / "pytorch_model.bin")
    again = load_part(family, "coarse")
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="weights .* are missing"):
        load_part(tmp_path, "semantic")


def test_a_truncated_file_is_refused_at_every_length(family: Path) -> None:
    path = family / "model.safetensors"
    content = path.read_bytes()
    for length in (0, 7, 8, 9, 200, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            load_part(family, "semantic")


def test_a_header_that_promises_the_moon_is_refused(family: Path) -> None:
    path = family / "model.safetensors"
    header = {"semantic.x": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 2**62]}}
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + b"\0" * 64)
    with pytest.raises(CheckpointError, match="damaged"):
        load_part(family, "semantic")


@pytest.mark.parametrize("suffix", [".pt", ".bin"])
@pytest.mark.parametrize("depth", ["top", "inside"])
def test_a_pickle_bomb_does_not_go_off(tmp_path: Path, suffix: str, depth: str) -> None:
    trace = tmp_path / "trace"
    content: Any = Bomb(trace)
    if depth == "inside":
        content = {"model": {"w": torch.zeros(2), "bomb": Bomb(trace)}, "model_args": SIZES}
    torch.save(content, tmp_path / f"pytorch_model{suffix}")
    with pytest.raises(CheckpointError, match="It was not loaded"):
        load_suno(tmp_path / f"pytorch_model{suffix}")
    if suffix == ".bin":
        with pytest.raises(CheckpointError, match="It was not loaded"):
            load_part(tmp_path, "semantic")
    assert not trace.exists()


def test_a_bare_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.pt"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "trace")))
    with pytest.raises(CheckpointError, match="damaged"):
        load_suno(path)
    assert not (tmp_path / "trace").exists()


def test_a_compressed_archive_is_refused_before_it_swells(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain.pt", tmp_path / "text.pt"
    torch.save({"model": {"w": torch.zeros(1_000_000)}, "model_args": SIZES}, plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    with pytest.raises(CheckpointError, match="damaged"):
        load_suno(path)


@pytest.mark.parametrize(
    "content",
    [
        {"model": {}},
        {"model": 3, "model_args": SIZES},
        {"model": {}, "model_args": {**SIZES, "n_embd": 10**9}},
        {"model": {}, "model_args": {**SIZES, "n_head": 5}},
        {"model": {}, "model_args": {"n_layer": 2}},
        [torch.zeros(2)],
    ],
)
def test_what_is_no_bark_checkpoint_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "text.pt")
    with pytest.raises(CheckpointError, match=r"text\.pt"):
        load_suno(tmp_path / "text.pt")


def test_numpy_numbers_beside_the_weights_are_welcome(tmp_path: Path) -> None:
    extras = {"best_val_loss": np.float32(1.5), "iter_num": np.int64(7), "loss": np.float64(2.0)}
    state = {"_orig_mod.transformer.h.0.ln_1.weight": torch.ones(32)}
    torch.save({"model": state, "model_args": SIZES, **extras}, tmp_path / "text.pt")
    config, renamed = load_suno(tmp_path / "text.pt")
    assert config == NetworkConfig(40, 40, 96, 32, 2, 4, bias=False)
    assert list(renamed) == ["layers.0.layernorm_1.weight"]


@pytest.mark.parametrize("fault", ["missing", "shape", "nan", "integers"])
def test_weights_that_do_not_fit_are_named(family: Path, fault: str) -> None:
    config = read_family(family).semantic.network
    state = load_part(family, "semantic")
    assert config is not None
    check_network(config, state, "the text stage")
    name = "layers.1.mlp.in_proj.weight"
    if fault == "missing":
        del state[name]
    elif fault == "shape":
        state[name] = state[name][:-1]
    elif fault == "nan":
        state[name] = state[name].clone().fill_(float("nan"))
    else:
        state[name] = state[name].long()
    with pytest.raises(CheckpointError, match=name):
        check_network(config, state, "the text stage")


def test_the_header_tells_how_much_memory_a_part_needs(family: Path) -> None:
    path = family / "model.safetensors"
    state = load_part(family, "fine")
    assert safetensors_bytes(path, "fine_acoustics.") == sum(t.nbytes for t in state.values())
    with pytest.raises(CheckpointError):
        safetensors_bytes(family / "vocab.txt")


def test_a_known_file_is_read_in_torchs_old_layout_too(tmp_path: Path) -> None:
    file = tmp_path / "known.pt"
    torch.save({"a": torch.ones(2)}, file, _use_new_zipfile_serialization=False)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert load_known(file, digest)["a"].tolist() == [1, 1]


def test_a_known_file_with_one_other_bit_is_refused_unread(tmp_path: Path) -> None:
    file, trace = tmp_path / "known.pt", tmp_path / "trace"
    torch.save({"a": torch.ones(2)}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(CheckpointError, match=r"known\.pt is damaged"):
        load_known(file, digest)
    assert not trace.exists()


def test_a_known_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"known\.pt"):
        load_known(tmp_path / "known.pt", "0" * 64)
