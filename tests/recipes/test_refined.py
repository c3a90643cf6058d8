"""Codes as the stages make them: of the right clips, and those that speaking makes."""

from contextlib import nullcontext

import numpy as np
import torch

from recipes.mini import checkpoints, coarse, fine, refined
from recipes.mini import layout as L
from recipes.mini.hubert import HOP as TOKEN
from recipes.mini.refined import write_refined
from recipes.mini.streams import Take, read_takes
from recipes.mini.teacher import write_shard
from recipes.mini.tokens import write_tokens
from tests.recipes.test_crops import FRAMES, HOP, said, write_codes
from tests.recipes.test_windows import FAMILY, GREEDY, run, speaker_of
from webui.synthesis.coarse import emitted_ranges, generate_coarse
from webui.synthesis.transformer import CausalTransformer

TOKENS = FRAMES * HOP // TOKEN


def untrained(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval()


def keep_untrained(work):
    for name, stage in (("coarse", coarse), ("fine", fine)):
        state = {"model": untrained(stage.network).state_dict(), "step": 1}
        checkpoints.save(work / f"{name}.pt", state)


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
    keep_untrained(tmp_path)
    write_refined(tmp_path, 2, said=0.0)
    (written,) = (tmp_path / "refined").iterdir()
    assert written.name == "001.npz"
    with np.load(written) as archive:
        made = archive["values"]
    given = codes["001.npz"]
    assert np.array_equal(made[: L.COARSE_CODEBOOKS], given[: L.COARSE_CODEBOOKS])
    assert not np.array_equal(made[L.COARSE_CODEBOOKS :], given[L.COARSE_CODEBOOKS :])


def a_take(frames, seed):
    dice = np.random.default_rng(seed)
    codes = dice.integers(1_024, size=(8, frames))
    return Take("", ("one", 0), dice.integers(500, size=frames // L.TOKEN_FRAMES), codes)


def test_what_the_coarse_stage_says_reaches_as_far_as_the_fine_stages_window():
    takes = [a_take(20, 1), a_take(200, 2)]
    voice = a_take(256, 3)
    said = refined.say(untrained(coarse.network), [(voice.semantic, voice.codes)] * 2, takes)
    reach = L.FINE_WINDOW - L.FINE_HISTORY
    for take, true in zip(said, takes, strict=True):
        assert np.array_equal(take.codes[2:], true.codes[2:])
        assert np.array_equal(take.codes[:, reach:], true.codes[:, reach:])
        assert take.codes[:2].max() < 1_024
        different = (take.codes[:2, :reach] != true.codes[:2, :reach]).mean(0)
        assert different.min() > 0, "an untrained stage says nothing right"


def test_with_as_many_rounds_as_codes_it_is_what_speaking_makes_with_the_likeliest(monkeypatch):
    take, voice = a_take(4, 1), a_take(256, 3)
    model = untrained(coarse.network)
    monkeypatch.setattr(refined, "half_where_fast", nullcontext)
    monkeypatch.setattr(refined, "ROUNDS", 8)
    monkeypatch.setattr(refined, "STRIDE", L.COARSE_WINDOW)  # as speaking moves on
    (said,) = refined.say(model, [(voice.semantic, voice.codes)], [take])
    speaker = speaker_of(voice.semantic, voice.codes)
    stage = CausalTransformer(FAMILY.coarse.network, model.state_dict(), emitted_ranges(FAMILY))
    (made,) = run(generate_coarse(stage, FAMILY, [take.semantic], speaker, GREEDY))
    assert np.array_equal(said.codes[:2], made)


def test_every_shard_asked_for_is_written_and_in_some_clips_all_codes_are_the_stages(tmp_path):
    (tmp_path / "teacher").mkdir()
    dice = np.random.default_rng(0)
    for name in ("000.npz", "001.npz", "002.npz"):
        write_shard(tmp_path / "teacher" / name, [("one", 4), ("two", 4)], said)
        write_codes(tmp_path, "codes", name, dice.integers(1_024, size=(8, 2 * FRAMES)))
        semantic = [dice.integers(500, size=TOKENS) for _ in range(2)]
        write_tokens(tmp_path / "semantic" / name, semantic, 0)
    keep_untrained(tmp_path)
    write_refined(tmp_path, 2, said=0.5)
    kept = []
    for name in ("000.npz", "001.npz"):
        with (
            np.load(tmp_path / "refined" / name) as made,
            np.load(tmp_path / "codes" / name) as true,
        ):
            parts = [np.split(each["values"][:2], 2, 1) for each in (made, true)]
        kept += [np.array_equal(*pair) for pair in zip(*parts, strict=True)]
    assert sorted(set(kept)) == [False, True]
    assert not (tmp_path / "refined" / "002.npz").exists()
