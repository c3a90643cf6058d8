"""In which order several workers take the files of tests."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import pytest_collection_modifyitems

ROOT = Path(__file__).parents[1]


class Found:
    """A test as pytest collects it."""

    def __init__(self, path: str, name: str, *markers: str) -> None:
        self.path, self.name, self._markers = Path(path), name, markers

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self._markers else None


@pytest.fixture
def found():
    return [
        Found("a.py", "1"), Found("b.py", "2"), Found("b.py", "3", "slow"), Found("c.py", "4"),
        Found("d.py", "5", "slow"), Found("d.py", "6", "slow"),
    ]  # fmt: skip


def test_workers_begin_with_the_files_that_hold_slow_tests(found):
    pytest_collection_modifyitems(SimpleNamespace(workerinput={}), found)
    assert [each.name for each in found] == ["5", "6", "2", "3", "1", "4"]


def test_one_process_keeps_the_order_of_the_files(found):
    pytest_collection_modifyitems(SimpleNamespace(), found)
    assert [each.name for each in found] == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("program", ["install.sh", "scripts/check"])
def test_workers_keep_this_order(program):
    assert "--dist loadfile --no-loadscope-reorder" in (ROOT / program).read_text()
