"""The codec's decoder learns on any device what is heard, and can be taught by judges."""

import numpy as np
import pytest
import torch
from pystoi import stoi

from recipes.mini import checkpoints, discriminator
from recipes.mini.codec import RATE as SOUND_RATE
from recipes.mini.codec import new_parts
from recipes.mini.crops import CROP, HOP
from recipes.mini.decoder import DecoderTraining, train_decoder
from recipes.mini.devices import fed, here, use_device
from recipes.mini.discriminator import Discriminator, deceiving_losses, judge_loss
from recipes.mini.layout import TOKEN_FRAMES
from recipes.mini.spectra import EnvelopeLoss
from tests.recipes.test_crops import work_folder, write_codes


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def syllables(seconds=2):
    """Noise that swells four times a second, like speech."""
    time = torch.arange(seconds * SOUND_RATE) / SOUND_RATE
    return 0.1 * noise(1, len(time)) * torch.sin(4 * torch.pi * time).abs()


@pytest.mark.parametrize("level", [0.0, 0.03, 0.1, 0.3])
def test_the_envelope_loss_says_what_stoi_says(level):
    true = syllables()
    made = true + level * noise(*true.shape, seed=1)
    measured = stoi(true[0].numpy(), made[0].numpy(), SOUND_RATE)
    assert abs((1 - float(EnvelopeLoss()(made, true))) - measured) < 0.1


def test_the_envelope_loss_asks_for_the_shape_and_not_for_the_level():
    true, loss = syllables(), EnvelopeLoss()
    assert float(loss(0.2 * true, true)) < 0.01
    assert float(loss(0.1 * noise(*true.shape, seed=2), true)) > 0.3


@pytest.fixture
def one_judge(monkeypatch):
    """Three of them would take their time."""
    monkeypatch.setattr(discriminator, "WINDOWS", (256,))


def test_judges_learn_to_tell_true_from_made_and_then_teach(one_judge):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        judges = Discriminator()
    true, made = syllables(1)[:, 2_000:4_000], 0.1 * noise(1, 2_000, seed=3)
    made.requires_grad_()
    optimizer = torch.optim.Adam(judges.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        loss = judge_loss(judges(true), judges(made.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    told, far = deceiving_losses(judges(true), judges(made))
    assert far.item() > 0
    told.backward()
    assert made.grad.abs().sum() > 0


def test_the_decoder_gets_nearer_to_the_sound_with_and_without_judges(one_judge):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = new_parts()
        parts["quantizer"].codes.normal_()
        training = DecoderTraining(parts)
    frames = 12 * TOKEN_FRAMES
    codes, sound = torch.zeros(1, 8, frames, dtype=torch.long), syllables(1)[:, : frames * HOP]
    alone = [training.step(codes, sound, deceive=False) for _ in range(10)]
    assert alone[-1][0] < alone[0][0]
    assert not alone[-1][3:].any(), "nobody else was asked"
    judged = training.step(codes, sound, deceive=True)
    assert (judged[5:] > 0).all()
    assert training.adversary_optimizer.state_dict()["state"]


def test_training_the_decoder_goes_on_where_it_was(tmp_path, monkeypatch, one_judge):
    work = work_folder(tmp_path)
    write_codes(work, "codes", "000.npz", 1)
    monkeypatch.setattr("recipes.mini.training.SAVE_SECONDS", 0)
    train_decoder(work, 0.01, batch=1, adversarial=1.0)
    first = checkpoints.load(work / "codec_decoder.pt")
    train_decoder(work, 0.01, batch=1)
    second = checkpoints.load(work / "codec_decoder.pt")
    assert second["step"] > first["step"] > 0
    assert second["seconds"] > first["seconds"] > 0
    assert first["adversary_optimizer"]["state"]
    assert set(new_parts().state_dict()) >= set(second["parts"])


def numbers(generator):
    while True:
        yield torch.from_numpy(generator.integers(0, 10**6, 4)), {"one": torch.zeros(CROP)}


def test_batches_are_the_same_for_the_same_seed_and_come_from_other_processes_too():
    assert use_device("cpu").type == "cpu"
    first, _ = next(fed(numbers, 3))
    again, _ = next(fed(numbers, 3))
    assert torch.equal(first, again)
    feed = fed(numbers, 3, feeders=2)
    found = {tuple(next(feed)[0].tolist()) for _ in range(4)}
    assert len(found) == 4
    feed.close()


def test_an_array_is_put_where_the_training_is():
    with torch.device("meta"):
        assert here(np.zeros(3)).device.type == "meta"
    assert here(np.zeros(3)).device.type == "cpu"
