"""The decoder learns mostly from codes as the fine stage fills them in."""

from dataclasses import replace

import numpy as np

from recipes.mini import crops
from recipes.mini.crops import CROP, ESPEAK_SHARE, HOP, REFINED_SHARE, Crops, StoredCrops
from recipes.mini.teacher import write_shard

FRAMES = 60


def said(text, speaker):
    return {
        "samples": np.full(FRAMES * HOP - 5, speaker + 1, np.int16),
        "phones": np.array([0], np.int16),
        "ends": np.array([FRAMES * HOP - 5], np.int32),
        "letters": np.array([-1], np.int16),
    }


def write_codes(work, kind, name, value):
    (work / kind).mkdir(exist_ok=True)
    values = np.full((8, 2 * FRAMES), value, np.int16)
    np.savez(work / kind / name, values=values, counts=[FRAMES, FRAMES])


def work_folder(tmp_path):
    (tmp_path / "teacher").mkdir()
    write_shard(tmp_path / "teacher" / "000.npz", [("one", 4), ("two", 4)], said)
    write_codes(tmp_path, "codes", "000.npz", 1)
    return tmp_path


def test_most_crops_have_refined_codes_where_there_are_any(tmp_path):
    work = work_folder(tmp_path)
    plain, _ = StoredCrops(work, np.random.default_rng(0)).batch(20)
    assert set(plain.flatten().tolist()) == {1}
    write_codes(work, "refined", "000.npz", 2)
    codes, sound = StoredCrops(work, np.random.default_rng(0)).batch(400)
    assert codes.shape == (400, 8, CROP // HOP)
    assert sound.shape == (400, CROP)
    share = float((codes[:, 0, 0] == 2).float().mean())
    assert abs(share - REFINED_SHARE) < 0.07


def test_crops_come_from_both_teachers_at_many_levels(tmp_path):
    quiet = crops.read_shard(work_folder(tmp_path) / "teacher" / "000.npz")
    loud = [replace(clip, samples=np.full_like(clip.samples, 3_000)) for clip in quiet]
    levels = Crops(quiet, loud, np.random.default_rng(0)).batch(200)[:, CROP // 2].numpy()
    assert abs(float((levels > 0.01).mean()) - ESPEAK_SHARE) < 0.1
    assert len(set(levels.round(6))) > 60
    alone = Crops(quiet, [], np.random.default_rng(0)).batch(20)
    assert alone.shape == (20, CROP)
    assert float(alone[:, CROP // 2].max()) < 0.01
