"""The family's own codec says the clips again, and the encoder hears them beside the teachers'."""

import numpy as np
import pytest
import torch

from recipes.mini import hubert
from recipes.mini.clips import Clip, read_clips
from recipes.mini.codec import new_parts
from recipes.mini.made import say_again, write_made
from tests.recipes.test_crops import FRAMES, HOP, work_folder, write_codes


@pytest.fixture(scope="module")
def parts():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = new_parts().eval()
        made["quantizer"].codes.normal_()
    return made


def test_each_clip_gets_the_sound_of_its_own_codes_whatever_it_is_made_beside(parts):
    dice = np.random.default_rng(0)
    codes = [dice.integers(0, 1_024, (8, frames)) for frames in (9, 4, 7)]
    together = say_again(parts, codes)
    assert [len(each) for each in together] == [9 * HOP, 4 * HOP, 7 * HOP]
    (alone,) = say_again(parts, codes[:1])
    assert np.abs(together[0].astype(int) - alone).max() <= 1
    assert len({each[:HOP].tobytes() for each in together}) == 3


def test_a_made_clip_is_the_teachers_in_all_but_its_sound(tmp_path):
    work = work_folder(tmp_path)
    write_made(work, 1)
    assert read_clips(work, "made") == [], "there were no refined codes"
    write_codes(work, "refined", "000.npz", 2)
    write_made(work, 1)
    for true, made in zip(read_clips(work), read_clips(work, "made"), strict=True):
        assert (made.text, made.speaker) == (true.text, true.speaker)
        assert np.array_equal(made.ends, true.ends)
        assert len(made.samples) == len(true.samples) == FRAMES * HOP - 5
        assert not np.array_equal(made.samples, true.samples)


def test_what_is_made_stays_as_it_is(tmp_path):
    work = work_folder(tmp_path)
    write_codes(work, "refined", "000.npz", 2)
    write_made(work, 1)
    file = work / "made" / "000.npz"
    before = file.stat().st_mtime_ns
    write_made(work, 1)
    assert file.stat().st_mtime_ns == before


def test_the_encoder_hears_made_clips_in_their_share():
    def clip(value):
        sound = np.full(1_280, value, np.int16)
        return Clip("a", 0, sound, np.zeros(1, np.int16), np.array([1_280]), np.zeros(1))

    clips = {"flite": [clip(0)] * 3, "espeak": [], "made": [clip(30_000)] * 3}
    feed = hubert.feed_of(clips, 0, np.random.default_rng(0))
    is_made = [float(next(feed)[0].abs().mean()) > 0.03 for _ in range(300)]
    assert np.mean(is_made) == pytest.approx(hubert.MADE_SHARE, abs=0.09)
