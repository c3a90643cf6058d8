"""The drift guard: a chunk must sound like its voice, by the voice's own measure."""

import numpy as np
import pytest

from tests.quality.listeners import RATE, ToneEncoder, silence, tone
from webui.arrays import Speaker
from webui.quality.drift import HIGHEST, LOWEST, MOST_BELOW, DriftGuard
from webui.synthesis.judging import Attempt

HOP = 320  # samples of a frame


def voice(first: float = 200.0, second: float | None = None, frames: int = 150) -> Speaker:
    """A voice whose codes are the pitches of its two halves in Hz."""
    fine = np.full((8, frames), int(first), np.int64)
    fine[:, frames // 2 :] = int(second or first)
    return Speaker(np.zeros(frames, np.int64), fine[:2], fine)


def decode(fine):
    pitches = [int(fine[0, 0]), int(fine[0, -1])]
    half = fine.shape[1] * HOP / RATE / 2
    return np.concatenate([tone(half, pitch) for pitch in pitches])


@pytest.fixture
def encoder():
    return ToneEncoder()


@pytest.fixture
def guard(encoder):
    return DriftGuard(encoder, decode)


def attempt(sound, speaker):
    return Attempt("Good morning.", sound, RATE, speaker)


def test_a_chunk_in_its_own_voice_is_right(guard):
    judged = guard.judge(attempt(tone(2.0), voice()))
    assert judged.is_right
    assert judged.similarity == pytest.approx(1.0, abs=0.01)


def test_a_chunk_in_another_voice_has_drifted_and_is_scored_by_how_far(guard):
    known = voice()
    near, far = (guard.judge(attempt(tone(2.0, pitch), known)) for pitch in (900.0, 990.0))
    assert not near.is_right
    assert near.is_drifted
    assert near.similarity == pytest.approx(np.cos(0.7), abs=0.01)
    assert far.score < near.score < 1
    assert near.notes == (
        "It sounds less like the voice than it should (similarity 0.76, at least "
        f"{HIGHEST:.2f} is usual).",
    )


def test_what_is_asked_for_follows_the_voices_own_level(guard):
    uneven = voice(200.0, 850.0)
    level = np.cos(0.65) - MOST_BELOW  # of its halves to each other, and what a chunk must have
    assert LOWEST < level < HIGHEST
    assert guard.judge(attempt(tone(2.0, 900.0), uneven)).is_right  # cos 0.7
    assert not guard.judge(attempt(tone(2.0, 900.0), voice())).is_right
    drifted = guard.judge(attempt(tone(2.0, 1_100.0), uneven))  # cos 0.9
    assert drifted.is_drifted
    assert f"at least {level:.2f} is usual" in drifted.notes[0]


def test_without_a_voice_or_with_too_little_sound_nothing_is_judged(guard, encoder):
    for sound, speaker in (
        (tone(2.0), None),
        (tone(0.9, 990.0), voice()),
        (tone(2.0, 990.0), voice(frames=90)),
    ):
        judged = guard.judge(attempt(sound, speaker))
        assert (judged.is_right, judged.similarity, judged.score) == (True, None, 1.0)
    assert encoder.heard == 0


def test_a_voice_is_listened_to_once_and_silence_is_no_voice(guard, encoder):
    known = voice()
    guard.judge(attempt(tone(2.0), known))
    before = encoder.heard
    guard.judge(attempt(tone(2.0), known))
    assert encoder.heard == before + 1
    assert guard.judge(attempt(silence(2.0), known)).similarity == pytest.approx(np.cos(0.2))
