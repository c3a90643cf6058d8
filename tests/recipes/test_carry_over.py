"""The coarse stage carried over to new codes knows what the new codes mean."""

import numpy as np
import pytest
import torch

from recipes.mini import carry_over as carrying
from recipes.mini import checkpoints, coarse
from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOK_SIZE, CODEBOOKS


def write_codes(folder, codes):
    (folder / "codes").mkdir(parents=True)
    np.savez(folder / "codes" / "000.npz", values=codes.astype(np.int16), counts=[codes.shape[1]])


def test_codes_that_only_changed_their_numbers_keep_their_embeddings(tmp_path):
    dice = np.random.default_rng(0)
    renamed = np.stack([dice.permutation(CODEBOOK_SIZE) for _ in range(CODEBOOKS)])
    old = np.tile(np.arange(CODEBOOK_SIZE), (CODEBOOKS, 400))
    write_codes(tmp_path / "old", old)
    write_codes(tmp_path / "new", np.take_along_axis(renamed, old, 1))
    model = coarse.network()
    checkpoints.save(tmp_path / "old" / "coarse.pt", {"model": model.state_dict(), "step": 7})
    carrying.carry_over(tmp_path / "old", tmp_path / "new")
    moved = checkpoints.load(tmp_path / "new" / "coarse.pt")
    for name in ("input_embeds_layer.weight", "lm_head.weight"):
        before, after = model.state_dict()[name], moved["model"][name]
        for book in range(L.COARSE_CODEBOOKS):
            first = L.COARSE_OFFSET + book * CODEBOOK_SIZE
            codes = slice(first, first + CODEBOOK_SIZE)
            near = dict(atol=2e-3, rtol=0.05)
            torch.testing.assert_close(after[codes][renamed[book]], before[codes], **near)
        torch.testing.assert_close(after[: L.COARSE_OFFSET], before[: L.COARSE_OFFSET])
        torch.testing.assert_close(after[L.COARSE_PAD :], before[L.COARSE_PAD :])
    assert moved["step"] == 7


def test_a_code_never_seen_means_what_all_of_them_mean():
    table = carrying.meanings(np.array([1, 1, 2]), np.array([5, 5, 5]))
    assert table.sum(1) == pytest.approx(1.0)
    assert table[9, 1] == pytest.approx(2 / 3)
    assert table[9, 2] == pytest.approx(1 / 3)


def test_codes_of_other_clips_are_refused(tmp_path):
    write_codes(tmp_path / "old", np.zeros((CODEBOOKS, 10)))
    write_codes(tmp_path / "new", np.zeros((CODEBOOKS, 11)))
    with pytest.raises(SystemExit, match="no codes of the same clips"):
        carrying.carry_over(tmp_path / "old", tmp_path / "new")
