"""Weights of strangers: none runs a program, each is refused in words by every reader."""

import contextlib

import pytest

from tests.hostile_checkpoints import WEIGHTS, hostile_checkpoints
from webui.checkpoint import load_part, load_suno, load_tensors, read_notes, safetensors_bytes
from webui.errors import CheckpointError

FOLDER_NAMES = {".pt": "pytorch_model.bin", ".safetensors": "model.safetensors"}


def test_no_hostile_checkpoint_is_loaded_and_nothing_in_it_runs(tmp_path):
    marker, seen = tmp_path / "was_run", 0
    for ending, why, data in hostile_checkpoints(marker):
        path = tmp_path / f"weights{ending}"
        path.write_bytes(data)
        family = tmp_path / "family"
        family.mkdir(exist_ok=True)
        (family / FOLDER_NAMES[ending]).write_bytes(data)
        readers = {load_tensors: path, lambda each: load_part(each, "semantic"): family}
        for read, where in readers.items():
            found = None
            with contextlib.suppress(CheckpointError):
                found = read(where)
            if found is None:
                continue
            # What was damaged only in numbers is still numbers, of the shapes that it had.
            assert {tuple(each.shape) for each in found.values()} <= {(4, 3), (5,)}, why
            assert "program" not in why
        if ending == ".pt":
            with pytest.raises(CheckpointError):
                load_suno(path)
        (family / FOLDER_NAMES[ending]).unlink()
        assert not marker.exists(), why
        seen += 1
    assert seen >= 60


def test_notes_and_sizes_are_read_without_believing_the_file(tmp_path):
    for ending, _, data in hostile_checkpoints(tmp_path / "was_run"):
        path = tmp_path / f"weights{ending}"
        path.write_bytes(data)
        for read in (read_notes, safetensors_bytes):
            with contextlib.suppress(CheckpointError):
                found = read(path)
                assert found == {} if read is read_notes else 0 <= found <= len(data)
    assert not (tmp_path / "was_run").exists()


def test_the_weights_that_were_spoilt_are_good_before(tmp_path):
    from safetensors.torch import save

    path = tmp_path / "weights.safetensors"
    path.write_bytes(save(WEIGHTS))
    assert load_tensors(path).keys() == WEIGHTS.keys()
