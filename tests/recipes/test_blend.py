"""Two decoders become one whose weights lie between theirs."""

import pytest
import torch

from recipes.mini import checkpoints
from recipes.mini.blend import blend


def checkpoint(folder, values):
    folder.mkdir(exist_ok=True)
    parts = {"decoder.weight": torch.tensor(values)}
    state = {"parts": parts, "step": 7, "seconds": 3.0, "optimizer": {"state": {0: 1}}}
    checkpoints.save(folder / "codec_decoder.pt", state)
    return folder / "codec_decoder.pt"


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, [0.0, 2.0]), (0.25, [1.0, 2.0]), (1.0, [4.0, 2.0])]
)
def test_the_weights_lie_between_those_of_both(tmp_path, share, expected):
    path = checkpoint(tmp_path / "work", [4.0, 2.0])
    blend(tmp_path / "work", checkpoint(tmp_path / "before", [0.0, 2.0]), share)
    state = checkpoints.load(path)
    assert state["parts"]["decoder.weight"].tolist() == expected
    assert (state["step"], state["seconds"]) == (7, 3.0)
    assert "optimizer" not in state, "its moments belong to other weights"


def test_what_cannot_be_blended_is_said_and_changes_nothing(tmp_path):
    path = checkpoint(tmp_path / "work", [4.0, 2.0])
    before = path.read_bytes()
    with pytest.raises(SystemExit, match="no checkpoint"):
        blend(tmp_path / "work", tmp_path / "nowhere.pt", 0.5)
    with pytest.raises(SystemExit, match="different sizes"):
        blend(tmp_path / "work", checkpoint(tmp_path / "wide", [0.0, 0.0, 0.0]), 0.5)
    assert path.read_bytes() == before
