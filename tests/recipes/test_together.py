"""Encoder, codebooks and decoder learn together from what is heard."""

import pytest
import torch

from recipes.mini import checkpoints, together
from recipes.mini.codec import new_parts
from recipes.mini.crops import HOP
from recipes.mini.hubert import PhoneNamer
from recipes.mini.layout import TOKEN_FRAMES
from recipes.mini.together import SHOWN, CodecTraining, train_together
from tests.recipes.test_crops import work_folder


@pytest.fixture
def work(tmp_path):
    """A folder with clips of one speaker and an untrained codec."""
    folder = work_folder(tmp_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = new_parts()
        parts["quantizer"].codes.normal_()
        parts["quantizer"].sums.copy_(parts["quantizer"].codes)
    state = parts.state_dict()
    for name in ("encoder", "decoder"):
        kept = {key: value for key, value in state.items() if key.startswith((name, "quantizer"))}
        checkpoints.save(folder / f"codec_{name}.pt", {"parts": kept, "step": 7, "seconds": 60.0})
    return folder


def sound(tokens=12):
    return 0.1 * torch.randn(
        2, tokens * TOKEN_FRAMES * HOP, generator=torch.Generator().manual_seed(1)
    )


def weights(part):
    return torch.cat([each.detach().flatten() for each in part.parameters()])


def test_all_of_the_codec_learns_and_who_listens_does_not(work):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        checkpoints.save(work / "hubert.pt", {"model": PhoneNamer().state_dict(), "step": 1})
        training = CodecTraining(work)
        parts = training.parts
        before = {name: weights(parts[name]) for name in ("encoder", "decoder", "reader")}
        codes, listener = parts["quantizer"].codes.clone(), weights(training.hearing)
        found = [training.step(sound(), torch.tensor([8, 2]), False) for _ in range(6)]
    assert all((weights(parts[name]) != was).any() for name, was in before.items())
    assert (parts["quantizer"].codes != codes).any()
    assert torch.equal(weights(training.hearing), listener)
    assert found[0].shape == (len(SHOWN),)
    for name in ("spectra", "reading", "phones"):
        assert found[-1][SHOWN.index(name)] < found[0][SHOWN.index(name)], name


@pytest.mark.parametrize("alone", [True, False])
def test_a_new_reader_teaches_the_encoder_only_when_it_can_read(work, monkeypatch, alone):
    monkeypatch.setattr(together, "COMMITMENT_WEIGHT", 0.0)
    training = CodecTraining(work)
    monkeypatch.setattr(training.decoder, "losses", lambda made, _: [0 * made.sum()] * 5)
    encoder, reader = weights(training.parts["encoder"]), weights(training.parts["reader"])
    training.step(sound(), torch.tensor([8, 2]), reader_learns=alone)
    assert torch.equal(weights(training.parts["encoder"]), encoder) == alone
    assert not torch.equal(weights(training.parts["reader"]), reader)


def test_training_goes_on_where_both_halves_were(work, monkeypatch):
    monkeypatch.setattr("recipes.mini.training.SAVE_SECONDS", 0)
    monkeypatch.setattr("recipes.mini.crops.WARP", 0.2)  # the clip is no longer than that
    for _ in range(2):
        train_together(work, 0.01, batch=1)
    encoder, decoder = (checkpoints.load(work / f"codec_{n}.pt") for n in ("encoder", "decoder"))
    assert encoder["step"] == decoder["step"] > 8
    assert (
        encoder["seconds"] == decoder["seconds"] > 61.2
    )  # two times 0.6 more than the first minute
    assert decoder["optimizer"]["state"]
    assert "reader.read.weight" in encoder["parts"]
    assert not any(name.startswith("decoder") for name in encoder["parts"])


def test_without_a_codec_there_is_nothing_to_go_on_from(tmp_path):
    with pytest.raises(SystemExit, match="first"):
        train_together(work_folder(tmp_path), 0.01)
