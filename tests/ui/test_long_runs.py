"""Long texts that are being spoken are followed to their ends, a bounded number at a time."""

import threading

import pytest

from webui.errors import EngineError, TextError
from webui.events import Done, Failed, Progress
from webui.ui.long_runs import LongRuns

ANNA, BEN = ("anna", "book"), ("ben", "book")


@pytest.fixture
def gate():
    made = threading.Event()
    yield made
    made.set()


def held(gate):
    """A rendering that waits until the gate opens."""

    def events():
        yield Progress("render", 0.0)
        gate.wait(10)
        yield Done()

    return events


def test_one_text_is_spoken_once_at_a_time_and_a_bounded_number_of_all(gate):
    runs = LongRuns(most=1)
    runs.start(ANNA, held(gate))
    with pytest.raises(EngineError, match="already"):
        runs.start(ANNA, held(gate))
    with pytest.raises(EngineError, match="Yours is kept"):
        runs.start(BEN, held(gate))
    assert not runs.wait(ANNA, 0)
    gate.set()
    assert runs.wait(ANNA, 10)
    runs.start(BEN, held(gate))
    assert runs.wait(BEN, 10)


def test_what_cannot_begin_takes_no_place(gate):
    runs = LongRuns(most=1)

    def refused():
        raise TextError("There is nothing to say.")

    with pytest.raises(TextError):
        runs.start(ANNA, refused)
    gate.set()
    runs.start(BEN, held(gate))
    assert runs.wait(BEN, 10)
    assert runs.fault(ANNA) == ""


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Failed("The card is full.", "DeviceMemoryError"), "The card is full."),
        (TextError("No words."), "No words."), (ValueError("secret"), "Something went wrong"),
    ],
)  # fmt: skip
def test_how_a_text_ended_badly_is_remembered_until_it_is_begun_again(gate, fault, words):
    runs = LongRuns()

    def events():
        yield Progress("render", 0.0)
        if isinstance(fault, Exception):
            raise fault
        yield fault

    runs.start(ANNA, events)
    assert runs.wait(ANNA, 10)
    assert words in runs.fault(ANNA)
    assert "secret" not in runs.fault(ANNA)
    assert runs.fault(BEN) == ""
    gate.set()
    runs.start(ANNA, held(gate))
    assert runs.wait(ANNA, 10)
    assert runs.fault(ANNA) == ""
