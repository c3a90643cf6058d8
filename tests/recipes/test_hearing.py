"""The decoder is taught by what a trained encoder hears."""

import pytest
import torch

from recipes.mini import checkpoints, decoder
from recipes.mini.codec import new_parts
from recipes.mini.decoder import LOSSES, DecoderTraining
from recipes.mini.hearing import HearingLoss, load_hearing
from recipes.mini.hubert import HOP, PhoneNamer
from recipes.mini.layout import TOKEN_FRAMES

FRAMES = 12


@pytest.fixture(scope="module")
def listener():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return PhoneNamer()


@pytest.fixture
def sounds():
    dice = torch.Generator().manual_seed(1)
    return 0.1 * torch.randn(2, FRAMES * HOP, generator=dice)


def test_a_sound_is_heard_as_itself_and_not_as_another(listener, sounds):
    hearing = HearingLoss(listener)
    assert float(hearing(sounds, sounds)) == pytest.approx(0, abs=1e-5)
    assert float(hearing(sounds.flip(0), sounds)) > 0.01


def test_each_frame_of_the_tokens_is_listened_to_once(listener, sounds):
    named, layers = HearingLoss(listener)._heard(sounds)
    assert named.shape[:2] == (2, FRAMES)
    assert {each.shape[:2] for each in layers} == {(2, FRAMES)}


def test_what_is_heard_teaches_the_maker_and_not_the_listener(listener, sounds):
    made = sounds.flip(0).requires_grad_()
    HearingLoss(listener)(made, sounds).backward()
    assert made.grad.abs().sum() > 0
    assert all(each.grad is None for each in listener.parameters())


def test_the_decoder_learns_to_be_heard(listener, sounds, monkeypatch):
    heard = LOSSES.index("heard")
    weights = [float(index == heard) for index in range(len(LOSSES))]
    monkeypatch.setattr(decoder, "WEIGHTS", weights)  # what else it learns has its own tests
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = new_parts()
        parts["quantizer"].codes.normal_()
        training = DecoderTraining(parts, HearingLoss(listener))
        codes = torch.zeros(2, 8, FRAMES * TOKEN_FRAMES, dtype=torch.long)
        found = [training.step(codes, sounds, deceive=False) for _ in range(25)]
    assert found[-1][heard] < found[0][heard]


def test_the_encoder_comes_from_its_checkpoint_where_there_is_one(tmp_path, listener):
    assert load_hearing(tmp_path) is None
    checkpoints.save(tmp_path / "hubert.pt", {"model": listener.state_dict(), "step": 1})
    loaded = load_hearing(tmp_path).listener
    assert torch.equal(loaded.heads.weight, listener.heads.weight)
