"""More speakers: the teachers' clips played faster and slower."""

import numpy as np
import pytest

from recipes.mini import played
from recipes.mini.clips import Clip, read_shard
from recipes.mini.speakers import TRAINING_SPEAKERS, WIDE_SPEAKERS, is_nearly_kept_out
from recipes.mini.teacher import write_shard

RATE = 16_000


def a_tone(text, speaker):
    hertz = 200.0 * (speaker + 1)
    sound = 8_000 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    return {
        "samples": sound.astype(np.int16),
        "phones": np.array([0, 2, 0], np.int16),
        "ends": np.array([4_000, 12_000, RATE], np.int32),
        "letters": np.array([-1, 0, -1], np.int16),
    }


def loudest_hertz(samples):
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_pitch_and_pace_move_together(factor):
    made = played.played(Clip("a", 0, **a_tone("a", 0)), factor)
    assert len(made["samples"]) == pytest.approx(RATE / factor, abs=2)
    assert loudest_hertz(made["samples"]) == pytest.approx(200 * factor, abs=2)
    assert made["ends"] == pytest.approx(np.array([4_000, 12_000, RATE]) / factor, abs=1)


def test_a_shard_keeps_texts_and_gives_each_speaker_a_number_of_its_own(tmp_path):
    (tmp_path / "wide").mkdir()
    shard = tmp_path / "wide" / "000.npz"
    write_shard(shard, [("one", 0), ("two", 1), ("three", 0)], a_tone)
    played.write_played(tmp_path / "made.npz", shard)
    clips = read_shard(tmp_path / "made.npz")
    assert [clip.text for clip in clips] == ["one", "two", "three"]
    assert [clip.speaker for clip in clips] == [1_000, 1_001, 1_000]
    first, _, third = (loudest_hertz(clip.samples) for clip in clips)
    assert first == pytest.approx(third, abs=1), "one speaker has one pitch"
    assert first == pytest.approx(200 * played.factor_of("wide", 0), abs=2)


@pytest.mark.parametrize(
    ("teacher", "speakers"), [("teacher", TRAINING_SPEAKERS), ("wide", WIDE_SPEAKERS)]
)
def test_nobody_becomes_a_speaker_that_is_kept_out(teacher, speakers):
    factors = [played.factor_of(teacher, number) for number in range(len(speakers))]
    octaves = np.abs(np.log2(factors))
    assert octaves.min() >= played.LEAST
    assert octaves.max() <= played.MOST
    assert not any(
        is_nearly_kept_out(played.moved(speaker, factor))
        for speaker, factor in zip(speakers, factors, strict=True)
    )
