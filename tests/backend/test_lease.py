"""The line for a device: one job has it, the others wait in the order they came."""

import threading

import pytest

from webui.backend.lease import Lease, Ticket
from webui.errors import EngineError
from webui.events import CancelToken, Done, Progress


def taken(lease: Lease, cancel: CancelToken | None = None) -> Ticket | None:
    """Wait to the end of the line; what is told meanwhile is thrown away."""
    line = lease.take(cancel or CancelToken())
    while True:
        try:
            next(line)
        except StopIteration as end:
            return end.value


def waiting(lease: Lease):
    """A job that stands in the line and has said so."""
    line = lease.take(CancelToken())
    assert isinstance(next(line), Progress)
    return line


def test_a_free_device_is_had_without_a_word():
    lease = Lease()
    line = lease.take(CancelToken())
    with pytest.raises(StopIteration) as end:
        next(line)
    assert isinstance(end.value.value, Ticket)
    assert lease.running
    assert lease.waiting == 0


def test_who_waits_is_told_how_many_are_before_and_told_again_when_that_changes():
    lease = Lease()
    first, second = taken(lease), waiting(lease)
    third = lease.take(CancelToken())
    assert next(third) == Progress("queued", 0.0, message="2 before you")
    assert lease.waiting == 2
    second.close()
    assert next(third) == Progress("queued", 0.0, message="1 before you")
    lease.release(first)
    with pytest.raises(StopIteration):
        next(third)


def test_the_device_goes_to_who_came_first():
    lease, order = Lease(), []
    first = taken(lease)
    lines = [waiting(lease) for _ in range(3)]
    threads = []
    for number, line in reversed(list(enumerate(lines))):

        def work(number=number, line=line) -> None:
            while True:
                try:
                    next(line)
                except StopIteration as end:
                    order.append(number)
                    lease.release(end.value)
                    return

        threads.append(threading.Thread(target=work))
        threads[-1].start()
    lease.release(first)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2]
    assert not lease.running


def test_a_cancel_takes_a_job_out_of_the_line():
    lease, cancel = Lease(), CancelToken()
    first, line = taken(lease), lease.take(cancel)
    next(line)
    cancel.cancel()
    with pytest.raises(StopIteration) as end:
        next(line)
    assert end.value.value is None
    assert lease.waiting == 0
    lease.release(first)
    assert not lease.running


def test_a_job_that_was_cancelled_before_it_came_never_has_the_device():
    lease, cancel = Lease(), CancelToken()
    cancel.cancel()
    assert taken(lease, cancel) is None
    assert not lease.running


def test_leaving_twice_takes_nothing_from_the_next_one():
    lease = Lease()
    first = taken(lease)
    lease.release(first)
    second = taken(lease)
    lease.release(first)
    assert lease.running
    lease.release(second)
    assert not lease.running


def test_too_many_waiting_are_counted_in_words_and_keep_no_place():
    lease = Lease(most_waiting=2)
    first, lines = taken(lease), [waiting(lease) for _ in range(2)]
    with pytest.raises(EngineError, match="^2 jobs are waiting already"):
        next(lease.take(CancelToken()))
    assert lease.waiting == 2
    lines[0].close()
    assert isinstance(next(lease.take(CancelToken())), Progress)
    lease.release(first)


def test_trying_never_waits_and_never_passes_the_line():
    lease = Lease()
    ticket = lease.try_take()
    assert ticket is not None
    assert lease.try_take() is None
    line = waiting(lease)
    lease.release(ticket)
    assert lease.try_take() is None
    line.close()
    assert lease.try_take() is not None


def test_the_progress_is_that_of_the_job_which_has_the_device():
    lease = Lease()
    first, line = taken(lease), waiting(lease)
    lease.report(Progress("coarse", 0.5))
    lease.report(Done())
    assert lease.progress == Progress("coarse", 0.5)
    line.close()
    assert lease.progress == Progress("coarse", 0.5)
    lease.release(first)
    assert lease.progress is None


def test_as_many_jobs_have_a_device_as_there_are():
    lease = Lease(devices=2)
    first, second = taken(lease), taken(lease)
    assert (lease.running, lease.waiting, lease.free) == (True, 0, 0)
    third = lease.take(CancelToken())
    assert next(third) == Progress("queued", 0.0, message="1 before you")
    assert lease.try_take() is None
    lease.release(second)
    with pytest.raises(StopIteration):
        next(third)
    lease.release(first)
    assert lease.free == 1


def test_a_device_that_joins_goes_to_who_waits_and_one_that_leaves_is_kept_until_the_job_ends():
    lease = Lease()
    first, line = taken(lease), waiting(lease)
    lease.resize(2)
    with pytest.raises(StopIteration) as end:
        next(line)
    lease.resize(1)
    third = lease.take(CancelToken())
    assert next(third) == Progress("queued", 0.0, message="2 before you")
    lease.release(first)
    assert next(third) == Progress("queued", 0.0, message="1 before you")
    lease.release(end.value.value)
    with pytest.raises(StopIteration):
        next(third)


def test_without_any_device_the_line_still_counts_one():
    lease = Lease(devices=3)
    lease.resize(0)
    assert lease.free == 1
