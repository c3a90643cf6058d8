"""With which ends a voice may speak: cut at quiet moments, never shorter than what Bark hears."""

from pathlib import Path

import numpy as np
import pytest

from webui.arrays import Speaker
from webui.clone_results import MOST_ENDINGS
from webui.cloning.endings import AROUND_SECONDS, SHARES, endings_of
from webui.speaker_limits import check_ranges, even_lengths, limits_of
from webui.synthesis.models import BarkModels, load_models

MINI = Path("models/mini")
RATE, TOKEN = 16_000, 640  # of its codec: samples a second, samples of a semantic token


@pytest.fixture(scope="module")
def models() -> BarkModels:
    return load_models(MINI)


def hum(seconds: float, quiet: tuple[float, ...] = ()) -> np.ndarray:
    """A steady sound in -1..1 with 80 ms of silence from each of some moments on."""
    times = np.arange(round(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * 120 * n * times) / n for n in range(1, 12)) * 0.1
    for moment in quiet:
        sound[round(moment * RATE) : round((moment + 0.08) * RATE)] = 0
    return sound.astype(np.float32)


def voice(models: BarkModels, sound: np.ndarray) -> Speaker:
    fine = models.codec.encode(sound)
    semantic = np.arange(fine.shape[1] // 2) % 500
    return Speaker(semantic, fine[:2], fine)


def test_a_voice_comes_first_and_its_cuts_end_where_it_is_quiet(models: BarkModels) -> None:
    whole = voice(models, hum(8.0, quiet=(6.2, 4.96)))
    found = endings_of(models, whole)
    assert len(found) == MOST_ENDINGS == len(SHARES)
    assert found[0] is whole
    for cut, quiet in zip(found[1:], (6.2, 4.96), strict=True):
        assert abs(len(cut.semantic) * TOKEN / RATE - (quiet + 0.06)) <= 0.06
        assert np.array_equal(cut.semantic, whole.semantic[: len(cut.semantic)])
        assert np.array_equal(cut.fine, whole.fine[:, : cut.fine.shape[1]])
        assert np.array_equal(cut.coarse, cut.fine[:2])


def test_a_cut_is_a_voice_that_the_family_takes(models: BarkModels) -> None:
    limits = limits_of(models.family)
    for cut in endings_of(models, voice(models, hum(7.3))):
        check_ranges(cut.semantic, cut.coarse, cut.fine, limits)
        _, notes = even_lengths(cut.semantic, cut.coarse, cut.fine, limits)
        assert notes == ()


@pytest.mark.parametrize(("seconds", "endings"), [(8.0, 3), (4.0, 3), (2.5, 2), (2.0, 1), (1.0, 1)])
def test_nothing_is_cut_that_the_coarse_stage_hears(
    models: BarkModels, seconds: float, endings: int
) -> None:
    whole = voice(models, hum(seconds))
    found = endings_of(models, whole)
    assert len(found) == endings
    heard = models.family.coarse.max_history / models.family.coarse_per_semantic  # two seconds
    assert all(len(cut.semantic) >= heard for cut in found[1:])
    lengths = [len(each.semantic) for each in found]
    assert lengths == sorted(set(lengths), reverse=True), "all of them differ"


def test_ends_lie_near_their_shares(models: BarkModels) -> None:
    whole = voice(models, hum(8.0))
    for cut, share in zip(endings_of(models, whole), SHARES, strict=True):
        away = len(cut.semantic) * TOKEN / RATE - share * 8.0
        assert abs(away) <= AROUND_SECONDS + TOKEN / RATE


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_more_are_given_than_wanted(models: BarkModels, count: int) -> None:
    assert len(endings_of(models, voice(models, hum(8.0)), count)) == count
