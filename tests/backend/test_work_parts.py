"""A long list of work in small parts: nothing is handed out twice, and what is left comes again."""

from webui.backend.work_parts import WorkParts
from webui.events import CancelToken, Progress


def parts(count=5, size=2):
    cancel = CancelToken()
    return WorkParts(list(range(count)), size, cancel), cancel


def test_everything_is_handed_out_once_in_order():
    line, _ = parts()
    found = [line.take().items for _ in range(3)]
    assert found == [[0, 1], [2, 3], [4]]
    assert line.take() is None
    assert line.is_empty


def test_the_rest_of_a_part_is_handed_out_first():
    line, _ = parts()
    line.put_back(line.take(), [1])
    assert line.take().items == [1, 2]


def test_what_is_left_counts_what_parts_at_work_have_not_given_yet():
    line, _ = parts()
    part = line.take()
    assert line.left == 5
    part.results.append(Progress("pairs", 0.5))
    assert line.left == 4
    line.put_back(part, [])
    assert line.left == 3


def test_after_a_stop_nothing_is_handed_out_and_parts_are_told():
    line, cancel = parts()
    part = line.take()
    line.stop()
    assert part.token.cancelled
    assert not cancel.cancelled
    again = line.take()
    cancel.cancel()
    assert again.token.cancelled
    assert line.take() is None
    assert not line.is_empty
