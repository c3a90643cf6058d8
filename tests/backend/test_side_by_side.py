"""Several jobs at once: every event comes once, faults are raised, a stop reaches the parts."""

import threading

import pytest

from webui.backend.side_by_side import PartToken, side_by_side
from webui.events import CancelToken, Done, Progress


def line(count):
    jobs = iter(range(count))
    return lambda: next(jobs, None)


def three_events(job):
    for step in range(3):
        yield Progress("pairs", step / 3, message=str(job))


@pytest.mark.parametrize("at_once", [1, 3])
def test_every_job_is_done_once_and_its_events_come_in_order(at_once):
    told = list(side_by_side(line(7), three_events, at_once))
    for job in range(7):
        mine = [event for each, event in told if each == job]
        assert [event and event.fraction for event in mine] == [0, 1 / 3, 2 / 3, None]
        assert {event.message for event in mine[:-1]} == {str(job)}
    assert len(told) == 28


def test_as_many_jobs_run_at_once_as_are_wanted():
    together = threading.Barrier(3, timeout=30)

    def meet(job):
        together.wait()
        yield Done()

    told = list(side_by_side(line(6), meet, 3))
    assert sorted(each for each, event in told if event is None) == list(range(6))


def test_one_job_at_a_time_computes_only_while_it_is_read():
    done = []

    def work(job):
        done.append(job)
        yield Done()

    stream = side_by_side(line(3), work, 1)
    assert done == []
    next(stream)
    assert done == [0]


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_fault_of_a_job_is_raised_where_the_events_are_read(at_once):
    def broken(job):
        yield Done()
        if job == 1:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        list(side_by_side(line(4), broken, at_once))


def test_a_part_stops_alone_or_with_the_whole():
    whole = CancelToken()
    first, second = PartToken(whole=whole), PartToken(whole=whole)
    first.cancel()
    assert (first.cancelled, second.cancelled, whole.cancelled) == (True, False, False)
    whole.cancel()
    assert second.cancelled
