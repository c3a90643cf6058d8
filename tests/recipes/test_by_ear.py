"""The fine stage and the decoder learn together from how what the stage names sounds."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from recipes.mini import by_ear, checkpoints, fine
from recipes.mini import layout as L
from recipes.mini.by_ear import FRAMES, SHOWN, EarTraining, Heard, Windows, heard_part
from recipes.mini.clips import VALIDATION_EVERY, read_clips
from recipes.mini.codec import CODEBOOKS, DIMENSION
from recipes.mini.crops import HOP, REFINED_SHARE
from recipes.mini.hubert import HOP as TOKEN
from recipes.mini.streams import Take
from recipes.mini.tokens import write_tokens
from tests.recipes import test_crops
from tests.recipes.test_refined import keep_untrained, untrained
from tests.recipes.test_together import weights, work  # noqa: F401  (a fixture)

VECTORS = torch.randn(CODEBOOKS, 1_024, DIMENSION, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def exact(monkeypatch):
    """Products of matrices in full precision, on any processor."""
    monkeypatch.setattr(by_ear, "half_where_fast", nullcontext)


def counted(frames, first):
    """A clip whose sound and codes count its frames from `first`."""
    numbers = first + np.arange(frames)
    codes = np.broadcast_to(numbers, (CODEBOOKS, frames)).copy()
    take = Take("", ("one", 0), np.zeros(frames // L.TOKEN_FRAMES, np.int64), codes)
    return Heard(take, None, np.repeat(numbers, HOP).astype(np.int16))


def some(count=2, seed=0):
    clips = [counted(120, 1), counted(300, 200), counted(FRAMES - 2, 900)]
    return next(Windows(clips, np.random.default_rng(seed)).batches(count))


def test_what_is_heard_is_the_sound_of_the_windows_new_frames():
    given = some(200)
    heard = heard_part(given.codes, given.start)
    assert torch.equal(heard[..., 0], (given.sound[:, ::HOP] * 32_768).round().long())
    assert torch.equal(heard, given.true)
    assert bool(heard_part(given.new.unsqueeze(-1), given.start).all())
    assert int(heard.max()) < 900, "a clip shorter than what is heard"
    begins = given.new.float().argmax(1)
    assert {0, L.FINE_HISTORY} <= set(begins.tolist()), "without a voice, and behind one"
    later = (given.codes[range(200), begins, 0] > 200) & (begins == L.FINE_HISTORY)
    assert 0.1 < float(later.float().mean()) < 0.6, "windows in the midst of a clip"


def test_most_windows_begin_with_what_the_coarse_stage_says_of_the_same_sound():
    clips = [counted(120, 1), counted(120, 200)]
    said = clips[1].take.codes.copy()
    said[: L.COARSE_CODEBOOKS] += 500
    clips[1] = clips[1]._replace(said=said)
    given = next(Windows(clips, np.random.default_rng(0)).batches(300))
    heard = heard_part(given.codes, given.start)
    asked = heard[:, 0, 0] > 500
    assert abs(float(asked.float().mean()) - (1 + REFINED_SHARE) / 2) < 0.07
    assert torch.equal(heard[asked][..., :2], given.true[asked][..., :2] + 500)
    assert torch.equal(heard[asked][..., 2:], given.true[asked][..., 2:])
    assert torch.equal(given.true[..., 0], (given.sound[:, ::HOP] * 32_768).round().long())
    assert bool((given.codes[~given.new] <= L.FINE_UNKNOWN).all()), "a voice is what was heard"
    before = given.codes[..., 0][~given.new & (given.codes[..., 0] != L.FINE_UNKNOWN)]
    assert int(before.max()) < 500


def test_the_later_codes_shall_mend_what_the_coarse_stage_says_wrong():
    model, given = untrained(fine.network), some(2)
    codes = given.codes.clone()
    codes[..., 0] = torch.where(given.new, (codes[..., 0] + 1) % 1_024, codes[..., 0])
    with torch.no_grad():
        told, _, left = by_ear.name(model, VECTORS, given._replace(codes=codes))
    first = heard_part(codes, given.start)[..., : L.COARSE_CODEBOOKS]
    wanted = sum(VECTORS[book][given.true[..., book]] for book in range(CODEBOOKS))
    begun = sum(VECTORS[book][first[..., book]] for book in range(L.COARSE_CODEBOOKS))
    expected = (wanted - told).square().sum() / (wanted - begun).square().sum()
    assert float(left) == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.usefixtures("exact")
def test_the_codes_are_those_that_speaking_names():
    model, given = untrained(fine.network), some(3)
    with torch.no_grad():
        told, nearness, left = by_ear.name(model, VECTORS, given)
        codes = given.codes.clone()
        for book, _, drawn in fine.filled_in(model, given.codes, given.new):
            codes[:, :, book][given.new] = drawn
        found, shares = fine.losses(model, VECTORS, given.codes, given.new)
    heard = heard_part(codes, given.start)
    expected = sum(VECTORS[book][heard[..., book]] for book in range(CODEBOOKS))
    assert torch.allclose(told, expected, atol=1e-3)
    assert float(nearness) == pytest.approx(float(found.mean()), rel=0.05)
    assert float(left) == pytest.approx(float(shares[-1]), rel=0.05)


@pytest.mark.usefixtures("exact")
def test_a_name_is_learnt_from_like_the_mean_of_all_that_it_could_have_been():
    model, given = untrained(fine.network), some(1)
    wanted = torch.randn(1, FRAMES, DIMENSION, generator=torch.Generator().manual_seed(2))
    (by_ear.name(model, VECTORS, given)[0] * wanted).sum().backward()
    slopes = [each.attn["att_proj"].weight.grad.clone() for each in model.layers]
    model.zero_grad()
    codes = given.codes.clone()
    codes[:, :, L.COARSE_CODEBOOKS :][given.new] = L.FINE_UNKNOWN
    for book in range(L.COARSE_CODEBOOKS, CODEBOOKS):
        scores = model(codes, book)[..., :1_024]
        means = heard_part(scores, given.start).softmax(-1) @ VECTORS[book]
        (means * wanted).sum().backward()
        codes = codes.clone()
        codes[:, :, book][given.new] = scores.argmax(-1)[given.new]
    for slope, layer in zip(slopes, model.layers, strict=True):
        expected = layer.attn["att_proj"].weight.grad
        assert float((slope - expected).norm()) < 1e-3 * float(expected.norm())


def test_both_learn_and_what_the_codes_mean_stays(work):  # noqa: F811
    keep_untrained(work)
    training = EarTraining(work)
    parts = training.parts
    codes = parts["quantizer"].codes.clone()
    names = [each.weight.clone() for each in training.fine.input_embeds_layers]
    layers, decoder = weights(training.fine.layers), weights(parts["decoder"])
    given = some(2)
    given = given._replace(sound=0.1 * torch.randn_like(given.sound))
    training.set_rates(0.0, 400)
    found = [training.step(given) for _ in range(5)]
    assert found[0].shape == (len(SHOWN),)
    assert found[-1][0] < found[0][0]
    assert torch.equal(parts["quantizer"].codes, codes)
    for each, was in zip(training.fine.input_embeds_layers, names, strict=True):
        assert torch.equal(each.weight, was)
    assert not torch.equal(weights(training.fine.layers), layers)
    assert not torch.equal(weights(parts["decoder"]), decoder)


def keep_semantic(folder):
    tokens = np.zeros(test_crops.FRAMES * HOP // TOKEN, np.int64)
    (folder / "semantic").mkdir()
    write_tokens(folder / "semantic" / "000.npz", [tokens, tokens], 0)


def test_clips_kept_out_are_kept_out(tmp_path, monkeypatch):
    folder = test_crops.work_folder(tmp_path)
    keep_semantic(folder)
    ((take, said, sound),) = by_ear.heard_clips(folder)
    assert take.text == "two", f"every {VALIDATION_EVERY}th clip from the first on is kept out"
    assert said is None
    assert len(sound) == HOP * take.codes.shape[1] == HOP * test_crops.FRAMES
    test_crops.write_codes(folder, "refined", "000.npz", 3)
    ((_, said, _),) = by_ear.heard_clips(folder)
    assert said.shape == take.codes.shape
    assert set(said.flatten().tolist()) == {3}
    monkeypatch.setattr(by_ear, "clearer", lambda heard, share: heard + np.float32(share / 16))
    ((_, _, clear),) = by_ear.heard_clips(folder, 0.25)
    assert clear.dtype == sound.dtype
    samples = len(read_clips(folder)[1].samples)
    assert set((clear - sound)[:samples].tolist()) == {512}
    assert not (clear - sound)[samples:].any(), "what is added to whole frames is silence"


def test_training_goes_on_where_both_were(work, monkeypatch):  # noqa: F811
    keep_untrained(work)
    keep_semantic(work)
    for _ in range(2):
        by_ear.train(work, 0.01, batch=1)
    stage, decoder = (checkpoints.load(work / f"{name}.pt") for name in ("fine", "codec_decoder"))
    steps = stage["step"] - 1
    assert steps >= 2
    assert decoder["step"] == 7 + steps
    assert decoder["seconds"] - 60 == pytest.approx(stage["seconds"])
    assert stage["seconds"] > 1.2
    assert not any(name.startswith("encoder") for name in decoder["parts"])


@pytest.mark.parametrize("missing", ["fine", "codec_decoder"])
def test_without_one_of_them_there_is_nothing_to_go_on_from(work, missing):  # noqa: F811
    keep_untrained(work)
    (work / f"{missing}.pt").unlink()
    with pytest.raises(SystemExit, match="first"):
        by_ear.train(work, 0.01)
