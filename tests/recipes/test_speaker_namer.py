"""Who speaks is learned by name, and taught to the decoder."""

import numpy as np
import pytest
import torch

from recipes.mini import checkpoints, decoder, speaker_namer
from recipes.mini.clips import Clip
from recipes.mini.codec import new_parts
from recipes.mini.crops import CROP, HOP
from recipes.mini.decoder import LOSSES, DecoderTraining
from recipes.mini.layout import TOKEN_FRAMES
from recipes.mini.speaker_namer import (
    BATCH,
    SpeakerCrops,
    SpeakerNamer,
    VoiceLoss,
    load_voices,
    numbered_clips,
    train_namer,
)
from recipes.mini.teacher import write_shard
from tests.recipes.test_crops import said

FRAMES = 12 * TOKEN_FRAMES


def clip_of(samples):
    return Clip("", 0, samples.astype(np.int16), *[np.zeros(0, np.int64)] * 3)


def buzz(pitch, seconds=0.5, phase=0.0):
    """A voice of one vowel."""
    time = np.arange(int(seconds * CROP)) / CROP
    return 0.1 * np.sign(np.sin(2 * np.pi * (pitch * time + phase))).astype(np.float32)


@pytest.fixture
def namer():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SpeakerNamer(2)


@pytest.fixture
def voices():
    return torch.from_numpy(np.stack([buzz(90), buzz(220)]))


def test_a_voice_is_like_itself_however_loud_and_not_like_another(namer, voices):
    loss = VoiceLoss(namer)
    assert float(loss(voices, voices)) == pytest.approx(0, abs=1e-5)
    assert float(loss(0.3 * voices, voices)) < 0.3 * float(loss(voices.flip(0), voices))


def test_the_maker_learns_and_not_who_names(namer, voices):
    made = voices.flip(0).requires_grad_()
    VoiceLoss(namer)(made, voices).backward()
    assert made.grad.abs().sum() > 0
    assert all(each.grad is None for each in namer.parameters())


def test_the_decoder_learns_to_keep_the_voice(namer, monkeypatch):
    monkeypatch.setattr(decoder, "WEIGHTS", [float(each == "voices") for each in LOSSES])
    sound = torch.from_numpy(np.stack([buzz(hertz)[: FRAMES * HOP] for hertz in (90, 220)]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = new_parts()
        parts["quantizer"].codes.normal_()
        training = DecoderTraining(parts, voices=VoiceLoss(namer))
        codes = torch.zeros(2, 8, FRAMES, dtype=torch.long)
        codes[1] = 1
        found = [training.step(codes, sound, deceive=False) for _ in range(6)]
    voice = LOSSES.index("voices")
    assert 0 < found[-1][voice] < found[0][voice]
    assert not found[0][LOSSES.index("heard")]


def test_a_crop_is_a_second_of_the_speaker_it_is_named_after():
    clips = [
        (
            number,
            Clip("", 0, np.full(CROP // 2 * (number + 1), 9_000 * number, np.int16), *[None] * 3),
        )
        for number in range(3)
    ]
    sounds, numbers = next(SpeakerCrops(clips, np.random.default_rng(0)).batches(BATCH))
    assert sounds.shape == (BATCH, CROP)
    assert set(numbers.tolist()) == {0, 1, 2}
    is_silent = sounds.abs().mean(1) < 0.05
    assert torch.equal(is_silent, numbers == 0)


def test_speakers_of_two_teachers_are_two_though_they_have_one_number(tmp_path):
    for teacher in ("teacher", "espeak"):
        (tmp_path / teacher).mkdir()
        write_shard(tmp_path / teacher / "000.npz", [("one", 4), ("two", 6)], said)
    clips, speakers = numbered_clips(tmp_path)
    numbers = {number for number, _ in clips}
    assert numbers == {0, 1, 2, 3}
    assert speakers == 4


def test_it_learns_to_name_them_and_is_kept(tmp_path, monkeypatch, capsys):
    clips = [(n, clip_of(32_768 * buzz(90 + 130 * n, 1.2))) for n in (0, 1)] * 60
    monkeypatch.setattr(speaker_namer, "numbered_clips", lambda work: (clips, 2))
    assert load_voices(tmp_path) is None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        train_namer(tmp_path, 0.02, batch=4)
    assert "right of 2 speakers" in capsys.readouterr().out
    state = checkpoints.load(tmp_path / "speaker_namer.pt")
    assert state["accuracy"] > 0.9
    loaded = load_voices(tmp_path).namer
    assert torch.equal(loaded.names.bias, state["model"]["names.bias"])
