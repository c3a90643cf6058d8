"""Long texts of a public page's visitors: apart from each other, bounded, and gone after a day."""

import pytest

from tests.fake_projects import FakeProjects
from webui.backend import visitor_projects
from webui.backend.visitor_projects import MAX_AGE_SECONDS, VisitorProjects
from webui.errors import StorageError

TEXT = "The sun is up. The moon is down."


class ClosingProjects(FakeProjects):
    """Remembers its folder, and whether it was closed."""

    def __init__(self, folder, owner) -> None:
        super().__init__()
        self.folder, self.owner, self.closed = folder, owner, False

    def close(self) -> None:
        super().close()
        self.closed = True


@pytest.fixture
def shelves(tmp_path):
    return VisitorProjects(tmp_path, ClosingProjects)


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [1_000.0]
    monkeypatch.setattr(visitor_projects.time, "monotonic", lambda: now[0])
    return now


def test_each_visitor_has_a_desk_in_a_folder_that_their_key_does_not_tell(shelves, tmp_path):
    anna, ben = shelves.of("a" * 32), shelves.of("b" * 32)
    assert anna is shelves.of("a" * 32)
    assert (anna.owner, anna.folder.parent) == ("a" * 32, tmp_path)
    anna.create("Book", TEXT)
    assert ben.all() == []
    names = [each.name for each in tmp_path.iterdir()]
    assert len(names) == 2
    assert not {"a" * 32, "b" * 32} & set(names)


def test_who_is_forgotten_has_nothing_left_and_nothing_running(shelves, tmp_path):
    desk = shelves.of("a" * 32)
    (desk.folder / "sound.flac").write_bytes(b"sound")
    running = desk.render(desk.create("Book", TEXT).id)
    next(running)
    shelves.forget("a" * 32)
    shelves.forget("nobody")
    assert desk.closed
    assert list(tmp_path.iterdir()) == []
    next(running)  # the card that was in work is the last
    assert len(list(running)) <= 1
    assert shelves.of("a" * 32).all() == []


def test_a_text_goes_after_a_day_however_often_it_is_looked_at(shelves, clock):
    desk = shelves.of("a" * 32)
    desk.create("Old", TEXT)
    shelves.sweep()
    clock[0] += MAX_AGE_SECONDS / 2
    desk.create("New", TEXT)
    shelves.sweep()
    clock[0] += MAX_AGE_SECONDS / 2 + 1
    shelves.sweep()
    assert [each.name for each in desk.all()] == ["New"]


def test_an_old_text_that_is_being_spoken_is_stopped_and_goes_at_the_next_sweep(shelves, clock):
    desk = shelves.of("a" * 32)
    running = desk.render(desk.create("Old", TEXT).id)
    next(running)
    shelves.sweep()
    clock[0] += MAX_AGE_SECONDS + 1
    shelves.sweep()
    assert len(desk.all()) == 1
    list(running)
    shelves.sweep()
    assert desk.all() == []


def test_a_visitor_who_fills_the_disk_loses_the_oldest_text(shelves, clock, monkeypatch):
    desk = shelves.of("a" * 32)
    desk.create("First", TEXT)
    shelves.sweep()
    clock[0] += 1
    desk.create("Second", TEXT)
    (desk.folder / "sound.flac").write_bytes(b"x" * 101)
    monkeypatch.setattr(visitor_projects, "MAX_BYTES_OF_ONE", 100)
    shelves.sweep()
    assert [each.name for each in desk.all()] == ["Second"]


def test_too_many_visitors_take_the_place_of_those_who_keep_nothing(shelves, monkeypatch):
    monkeypatch.setattr(visitor_projects, "MOST_DESKS", 2)
    shelves.of("a" * 32).create("Book", TEXT)
    empty = shelves.of("b" * 32)
    shelves.of("c" * 32).create("Book", TEXT)
    assert empty.closed
    with pytest.raises(StorageError, match="come back later"):
        shelves.of("d" * 32)
    assert len(shelves.of("a" * 32).all()) == 1


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match="no room"):
        VisitorProjects(tmp_path / "taken", ClosingProjects).of("a" * 32)


def test_closing_ends_the_work_of_all(shelves):
    desks = [shelves.of("a" * 32), shelves.of("b" * 32)]
    shelves.close()
    assert all(each.closed for each in desks)
