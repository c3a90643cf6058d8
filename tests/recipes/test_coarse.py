"""The coarse stage's training: it goes on from its own slips and is asked for what is right."""

import numpy as np
import torch

from recipes.mini import coarse
from recipes.mini import layout as L
from recipes.mini.streams import Take


def a_batch(count=6):
    dice = np.random.default_rng(3)
    takes = []
    for number in range(6):
        codes = dice.integers(1_024, size=(8, 60 * L.TOKEN_FRAMES))
        takes.append(Take("words", ("teacher", number % 2), dice.integers(500, size=60), codes))
    return next(coarse.batches(takes, dice, count))


def test_codes_apart_are_those_that_were_interleaved():
    codes = np.random.default_rng(0).integers(1_024, size=(8, 7))
    assert np.array_equal(coarse.apart(coarse.interleaved(codes)), codes[: L.COARSE_CODEBOOKS])


def test_some_of_the_clips_own_codes_are_drawn_by_the_stage_and_no_voices():
    torch.manual_seed(1)
    batch = a_batch()
    heard = coarse.slipped(coarse.network(), batch)
    other = heard != batch.coarse
    assert other[:3].any()
    assert not other[3:].any()
    assert not other[~batch.own].any()
    books = (torch.arange(heard.shape[1]) % L.COARSE_CODEBOOKS).expand_as(heard)
    assert torch.equal((heard[other] - L.COARSE_OFFSET) // 1_024, books[other])


def test_what_is_asked_after_a_slip_is_still_the_true_code():
    torch.manual_seed(1)
    model, batch = coarse.network(), a_batch()
    heard = coarse.slipped(model, batch)
    true, _, _ = coarse.losses(model, batch)
    after, _, _ = coarse.losses(model, batch, heard)
    swapped, _, _ = coarse.losses(model, batch._replace(coarse=heard))
    assert not torch.allclose(after, true)
    assert not torch.allclose(after, swapped)


def test_a_code_is_the_clips_own_from_its_first_on():
    batch = a_batch(40)
    voiceless = (batch.coarse[:, 0] != -100) & batch.own[:, 0]
    assert voiceless.any()
    assert not batch.own[batch.coarse == -100].any()
    begun = batch.own.int().diff(dim=1)[batch.coarse[:, 1:] != -100]
    assert bool((begun >= 0).all())
