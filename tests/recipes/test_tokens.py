"""Codes of many clips at once, and how long a training took on which device."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recipes.mini import tokens
from recipes.mini.codec import DIMENSION, SpectrumReader
from recipes.mini.hubert import HOP, MOMENTS
from recipes.mini.layout import TOKEN_FRAMES
from recipes.mini.resume import resume
from recipes.mini.spelling import PHONES
from recipes.mini.training import spent_before, spent_now

MINI = Path(__file__).parents[2] / "models" / "mini"


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    resume(MINI, work)
    return tokens.load_codec(work)


def test_codes_of_many_clips_are_those_of_each_alone(codec):
    dice = np.random.default_rng(0)
    clips = [
        (3_000 * dice.standard_normal(count)).astype(np.int16)
        for count in (8 * HOP, 5 * HOP + 7, 8 * HOP - 3, 5 * HOP + 600)
    ]
    together = tokens.codes_of_all(*codec, clips)
    frames = [codes.shape[1] for codes in together]
    assert frames == [TOKEN_FRAMES * tokens for tokens in (8, 6, 8, 6)]
    for codes, clip in zip(together, clips, strict=True):
        alone = tokens.codes_of(*codec, clip)
        assert (codes[:2] == alone[:2]).mean() > 0.95
    assert (together[0] != together[2]).any()


@torch.no_grad()
def test_a_reader_that_tells_the_right_phones_mishears_nothing():
    reader = SpectrumReader()
    reader.phones.weight.zero_()
    z = torch.randn(2, DIMENSION, 5 * TOKEN_FRAMES)
    told = reader.phones.bias.repeat(TOKEN_FRAMES).unflatten(-1, (MOMENTS, len(PHONES)))
    heard = told.log_softmax(-1).expand(2, 5, MOMENTS, len(PHONES))
    assert float(reader.misheard(z, heard)) == pytest.approx(0, abs=1e-6)
    assert float(reader.misheard(z, heard.roll(1, -1))) > 0


def test_minutes_of_a_processor_and_of_a_graphics_card_are_counted_apart():
    before = spent_before({"seconds": 60.0, "step": 3})
    assert before == {"seconds": 60.0, "card_seconds": 0.0}
    assert spent_now(before, 5.0) == {"seconds": 65.0, "card_seconds": 0.0}
