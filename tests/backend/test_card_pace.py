"""How far many cards are, and how long the rest will take."""

import pytest

from webui.backend.card_pace import REMEMBERED, CardPace
from webui.events import Progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def spoken(pace: CardPace, clock: Clock, card: str, seconds: float) -> None:
    """Let a card wait for a minute, then be worked on for so long."""
    pace.hear(card, Progress("queued", 0.0))
    clock.now += 60
    pace.hear(card, Progress("semantic", 0.0))
    clock.now += seconds
    pace.end(card, is_made=True)


def test_the_rest_is_reckoned_by_what_was_measured_and_waiting_does_not_count():
    clock = Clock()
    pace = CardPace({"a": 2.0, "b": 2.0, "c": 6.0}, clock=clock)
    assert pace.progress("queued") == Progress("queued", 0.0, None, 0, 3)
    spoken(pace, clock, "a", 4.0)
    told = pace.progress("codec")
    assert told.fraction == pytest.approx(0.2)
    assert told.seconds_left == pytest.approx(16.0)
    assert (told.chunk, told.chunks) == (1, 3)
    half = pace.hear("c", Progress("coarse", 0.5))
    assert half.fraction == pytest.approx(0.5)
    assert half.seconds_left == pytest.approx(10.0)
    assert half.stage == "coarse"


def test_several_at_once_take_less_time_and_what_fails_says_nothing_about_the_pace():
    clock = Clock()
    pace = CardPace(dict.fromkeys("abcd", 1.0), at_once=2, clock=clock)
    pace.hear("a", Progress("semantic", 0.0))
    clock.now += 100
    pace.end("a", is_made=False)
    assert pace.progress("codec").seconds_left is None
    spoken(pace, clock, "b", 3.0)
    assert pace.progress("codec").seconds_left == pytest.approx(3.0)


def test_only_the_last_cards_tell_the_pace_and_the_end_is_the_end():
    clock = Clock()
    names = [f"{number}" for number in range(2 * REMEMBERED)]
    pace = CardPace(dict.fromkeys(names, 1.0), clock=clock)
    for name in names[:-1]:
        spoken(pace, clock, name, 9.0 if int(name) < REMEMBERED - 1 else 1.0)
    assert pace.progress("codec").seconds_left == pytest.approx(1.0)
    spoken(pace, clock, names[-1], 1.0)
    last = pace.progress("codec")
    assert (last.fraction, last.seconds_left) == (pytest.approx(1.0), pytest.approx(0.0))
    assert last.chunk == len(names) - 1
