"""How far a cloning job is and how long the rest takes, told by what was measured."""

import pytest

from webui.backend.clone_pace import WEIGHTS, ClonePace

STEPS = ("check", "load", "quantizer", "report", "quantizer", "report")
TOTAL = sum(WEIGHTS[each] for each in STEPS)


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return ClonePace(STEPS, 2, clock)


def do(pace, clock, seconds):
    """The next step, from its beginning to its end."""
    begun = pace.begin("x")
    clock.now += seconds
    pace.end()
    return begun


def test_the_fraction_goes_from_nothing_to_all_and_never_back(pace, clock):
    seen = []
    for _ in STEPS:
        seen.append(do(pace, clock, 1.0).fraction)
        seen += [pace.within(0.5, "x").fraction, pace.within(1.0, "x").fraction]
    assert seen[0] == 0.0
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    assert pace.within(0.1, "x").fraction == pytest.approx(1.0)


def test_nothing_is_said_of_the_rest_before_something_was_measured(pace, clock):
    assert pace.begin("check").seconds_left is None
    clock.now += 10
    assert pace.within(0.9, "check").seconds_left is None
    pace.end()
    assert pace.begin("load").seconds_left is not None


def test_a_step_that_was_measured_predicts_the_next_of_its_kind(pace, clock):
    for seconds in (1.0, 4.0, 3.0, 7.0):
        do(pace, clock, seconds)
    assert pace.begin("listen").seconds_left == pytest.approx(3.0 + 7.0)
    clock.now += 1.0
    assert pace.within(0.1, "listen").seconds_left == pytest.approx(2.0 + 7.0)


def test_a_step_that_is_well_on_its_way_is_reckoned_by_its_own_pace(pace, clock):
    for seconds in (1.0, 4.0, 3.0, 7.0):
        do(pace, clock, seconds)
    pace.begin("listen")
    clock.now += 6.0
    assert pace.within(0.5, "listen").seconds_left == pytest.approx(6.0 + 7.0)
    assert pace.within(1.0, "listen").seconds_left == pytest.approx(7.0)


def test_a_kind_that_was_not_measured_is_reckoned_by_its_weight(pace, clock):
    do(pace, clock, 2.0)
    rest = sum(WEIGHTS[each] for each in STEPS[1:])
    assert pace.begin("load").seconds_left == pytest.approx(2.0 * rest / WEIGHTS["check"])


def test_a_step_that_is_left_out_counts_as_done(pace, clock):
    for _ in range(3):
        do(pace, clock, 1.0)
    pace.skip()
    done = sum(WEIGHTS[each] for each in STEPS[:4])
    assert pace.begin("listen", clone=1).fraction == pytest.approx(done / TOTAL)


def test_a_plan_that_turns_out_shorter_never_goes_back(pace, clock):
    before = do(pace, clock, 1.0)
    pace.plan(("check", "load", "quantizer"), 1)
    now = pace.begin("load", "Loading", clone=0)
    assert (now.stage, now.message, now.chunk, now.chunks) == ("load", "Loading", 0, 1)
    assert before.fraction < now.fraction == pytest.approx(1 / 7)
