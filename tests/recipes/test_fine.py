"""The fine stage's training: it names codes by what they leave out, from its own codes before."""

import numpy as np
import pytest
import torch

from recipes.mini import fine
from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOKS, DIMENSION
from recipes.mini.streams import Take

VECTORS = torch.randn(CODEBOOKS, 1_024, DIMENSION, generator=torch.Generator().manual_seed(4))


def a_batch(count=2):
    dice = np.random.default_rng(3)
    takes = []
    for _ in range(3):
        codes = dice.integers(1_024, size=(CODEBOOKS, 90 * L.TOKEN_FRAMES))
        takes.append(Take("words", ("teacher", 0), dice.integers(500, size=90), codes))
    return next(fine.batches(takes, dice, count))


class KnowsAll:
    """Stands in for the stage: it scores by the true sound, and notes what it was shown."""

    def __init__(self, codes):
        self.sound = sum(VECTORS[book][codes[:, :, book] % 1_024] for book in range(CODEBOOKS))
        self.shown = {}

    def __call__(self, given, book):
        self.shown[book] = given.clone()
        so_far = sum(VECTORS[each][given[:, :, each] % 1_024] for each in range(book))
        table = VECTORS[book]
        energy = table.square().sum(1)
        left = self.sound - so_far
        return fine.SHARPNESS * (left @ table.T - (energy - energy.mean()) / 2) / energy.mean()


def test_who_knows_the_sound_makes_no_error_and_leaves_out_ever_less():
    codes, new = a_batch()
    found, left = fine.losses(KnowsAll(codes), VECTORS, codes, new)
    assert found.max() < 1e-6
    assert bool((left.diff() < 0).all())
    assert left[0] < 1


def test_it_goes_on_from_its_own_codes_in_new_frames_and_from_true_ones_in_the_voice():
    codes, new = a_batch()
    model = KnowsAll(codes)
    fine.losses(model, VECTORS, codes, new)
    last = model.shown[CODEBOOKS - 1]
    assert torch.equal(last[~new], codes[~new])
    assert torch.equal(last[new][:, : L.COARSE_CODEBOOKS], codes[new][:, : L.COARSE_CODEBOOKS])
    assert bool((last[new][:, -1] == L.FINE_UNKNOWN).all())
    drawn = model.shown[3][new][:, 2]
    nearest = model(model.shown[2], 2)[new].argmax(-1)
    assert torch.equal(drawn, nearest)


def begun():
    torch.manual_seed(0)
    model = fine.network()
    fine.begin_with(model, VECTORS, torch.randint(1_024, (CODEBOOKS, 400)))
    return model


def test_codes_are_as_far_apart_in_the_embeddings_as_their_vectors_are():
    model = begun()
    # what the last layer norm makes of an axis is how far the sound spreads on it
    spread = model.layernorm_final.weight.detach()[:DIMENSION]
    for book, embedding in enumerate(model.input_embeds_layers):
        apart = (embedding.weight[5] - embedding.weight[900])[:DIMENSION] * spread
        wanted = (VECTORS[book][5] - VECTORS[book][900]).norm()
        assert float(apart.norm() / wanted) == pytest.approx(0.4, rel=1e-3)
        assert not embedding.weight.requires_grad


def test_the_first_heads_begin_by_looking_at_the_frames_beside():
    model = begun()
    codes = torch.randint(1_024, (1, L.FINE_WINDOW))
    shown = model.input_embeds_layers[0](codes) + model.position_embeds_layer.weight
    block = model.layers[0]
    asked, answered, _ = block.attn["att_proj"](block.layernorm_1(shown))[0].chunk(3, -1)
    for head, away in enumerate(fine.BESIDE):
        part = slice(head * fine.HEAD, (head + 1) * fine.HEAD)
        likeliest = (asked[:, part] @ answered[:, part].T).argmax(-1)
        frames = torch.arange(5, L.FINE_WINDOW - 5)
        assert torch.equal(likeliest[frames], frames + away)
