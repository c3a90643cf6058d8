"""Codes that the fine stage has filled in belong to the clips whose first codes they have."""

import numpy as np
import torch

from recipes.mini import checkpoints, fine
from recipes.mini import layout as L
from recipes.mini.hubert import HOP as TOKEN
from recipes.mini.refined import write_refined
from recipes.mini.streams import read_takes
from recipes.mini.teacher import write_shard
from recipes.mini.tokens import write_tokens
from tests.recipes.test_crops import FRAMES, HOP, said, write_codes

TOKENS = FRAMES * HOP // TOKEN


def test_a_shard_without_semantic_tokens_moves_no_codes_to_other_clips(tmp_path):
    (tmp_path / "teacher").mkdir()
    dice = np.random.default_rng(0)
    codes = {}
    for name in ("000.npz", "001.npz"):
        write_shard(tmp_path / "teacher" / name, [("one", 4), ("two", 4)], said)
        codes[name] = dice.integers(1_024, size=(8, 2 * FRAMES))
        write_codes(tmp_path, "codes", name, codes[name])
    semantic = [dice.integers(500, size=TOKENS) for _ in range(2)]
    write_tokens(tmp_path / "semantic" / "001.npz", semantic, 0)
    assert [take.semantic.shape for take in read_takes(tmp_path)] == [(TOKENS,)] * 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        checkpoints.save(tmp_path / "fine.pt", {"model": fine.network().state_dict(), "step": 1})
    write_refined(tmp_path, 2)
    (written,) = (tmp_path / "refined").iterdir()
    assert written.name == "001.npz"
    with np.load(written) as archive:
        made = archive["values"]
    given = codes["001.npz"]
    assert np.array_equal(made[: L.COARSE_CODEBOOKS], given[: L.COARSE_CODEBOOKS])
    assert not np.array_equal(made[L.COARSE_CODEBOOKS :], given[L.COARSE_CODEBOOKS :])
