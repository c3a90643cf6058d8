"""Progress: fractions only rise, and what is said about the time left comes true."""

import pytest

from webui.events import Progress
from webui.synthesis.progress import STAGES, SpeechProgress

SHARES = {"semantic": 1.0, "coarse": 3.0, "fine": 1.0, "codec": 0.1}
TRUE_COSTS = {"semantic": 0.2, "coarse": 0.9, "fine": 0.1, "codec": 0.02}  # seconds a second


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def speak(
    estimated: list[float], true: list[float], costs: dict[str, float] = TRUE_COSTS
) -> tuple[list[Progress], list[float]]:
    """Pretend to speak; gives the events and the moment of each."""
    clock = Clock()
    progress = SpeechProgress(estimated, SHARES, clock)
    events, moments = [], []
    for chunk, seconds in enumerate(true):
        for stage in STAGES:
            for step in range(1, 11):
                clock.now += costs[stage] * seconds / 10
                events.append(progress.update(chunk, stage, step / 10))
                moments.append(clock.now)
            if stage == "semantic":
                progress.learn_length(chunk, seconds)
    return events, moments


def test_the_fraction_rises_from_nothing_to_all() -> None:
    events, _ = speak([3.0, 8.0, 5.0], [4.0, 6.0, 5.0])
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < 0.05
    assert fractions[-1] == pytest.approx(1.0)
    assert (events[0].stage, events[0].chunk, events[0].chunks) == ("semantic", 0, 3)
    assert events[-1].chunk == 2


def test_a_chunk_in_which_nothing_is_said_ends_without_a_guess() -> None:
    clock = Clock()
    progress = SpeechProgress([3.0], SHARES, clock)
    clock.now += 5.0
    progress.update(0, "semantic", 1.0)
    progress.learn_length(0, 0.0)
    assert progress.update(0, "coarse", 1.0).seconds_left is None


def test_nothing_is_said_about_the_rest_too_early() -> None:
    events, moments = speak([5.0], [5.0])
    early = [e for e, moment in zip(events, moments, strict=True) if moment < 0.49]
    assert early
    assert all(event.seconds_left is None for event in early)


def test_the_time_left_is_right_once_every_stage_was_measured() -> None:
    events, moments = speak([4.0] * 6, [5.0] * 6)
    for event, moment in zip(events, moments, strict=True):
        if event.chunk >= 1:
            assert event.seconds_left == pytest.approx(moments[-1] - moment, rel=0.05, abs=0.01)


def test_the_time_left_is_of_the_right_size_in_the_first_chunk() -> None:
    events, moments = speak([5.0], [5.0])
    guesses = [
        (event.seconds_left, moments[-1] - moment)
        for event, moment in zip(events, moments, strict=True)
        if event.seconds_left is not None and event.stage in ("semantic", "coarse")
    ]
    assert guesses
    assert all(abs(guess - true) < 0.3 * moments[-1] for guess, true in guesses)


def test_nothing_is_left_at_the_end() -> None:
    events, _ = speak([5.0, 5.0], [5.0, 5.0])
    assert events[-1].seconds_left == pytest.approx(0.0, abs=1e-6)


def test_the_listeners_time_is_not_ours() -> None:
    clock = Clock()
    progress = SpeechProgress([5.0, 5.0], SHARES, clock)
    clock.now = 1.0
    before = progress.update(0, "semantic", 1.0)
    clock.now = 100.0
    progress.resume()
    after = progress.update(0, "semantic", 1.0)
    assert after.seconds_left == pytest.approx(before.seconds_left)
