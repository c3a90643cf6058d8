import os
from dataclasses import replace

import pytest

from tests.fake_service import RATE, sine
from webui.backend.requests import SpeakOrder
from webui.errors import StorageError
from webui.synthesis.controls import SpeechControls
from webui.ui import takes
from webui.ui.takes import Take, TakeShelf, is_owner, new_owner


@pytest.fixture
def shelf(tmp_path):
    return TakeShelf(tmp_path / "shelf")


def put(shelf, owner, **changes) -> Take:
    order = SpeakOrder("Hello.", "mini", None, SpeechControls(seed=5))
    number = shelf.next_number(owner)
    take = Take(number, order, "mini", "Ada", 0.4, 0.1, shelf.new_folder())
    take = replace(take, **changes)
    shelf.put(owner, take, sine(), RATE)
    return take


def test_a_take_is_found_by_its_owner_only(shelf):
    mine, other = new_owner(), new_owner()
    take = put(shelf, mine)
    assert shelf.find(mine, 1) is take
    with pytest.raises(StorageError, match="no longer there"):
        shelf.find(other, 1)


def test_old_takes_go_with_their_files_and_numbers_are_not_used_twice(shelf, monkeypatch):
    monkeypatch.setattr(takes, "MAX_TAKES_OF_ONE", 2)
    owner = new_owner()
    first = put(shelf, owner)
    for _ in range(3):
        put(shelf, owner)
    assert [take.number for take in shelf.list(owner)] == [4, 3]
    assert not first.folder.exists()


def test_takes_of_yesterday_are_deleted(shelf):
    owner = new_owner()
    old = put(shelf, owner, made_at=1.0)
    put(shelf, owner)
    assert old.number not in [take.number for take in shelf.list(owner)]
    assert not old.folder.exists()


def test_a_take_that_cannot_stay_in_the_users_folder_is_still_there_to_hear(tmp_path):
    blocked = tmp_path / "kept"
    blocked.write_text("a file, not a folder")
    shelf = TakeShelf(tmp_path / "shelf", blocked)
    owner = new_owner()
    take = Take(1, SpeakOrder("Hi"), "mini", "Ada", 0.4, 0.1, shelf.new_folder())
    assert "could not be kept" in shelf.put(owner, take, sine(), RATE)
    assert take.file("wav").exists()


def test_folders_of_takes_cannot_be_guessed(shelf):
    names = {shelf.new_folder().name for _ in range(20)}
    assert len(names) == 20
    assert all(len(name) == 32 for name in names)


@pytest.mark.parametrize("value", [None, "", "x" * 32, "0" * 31, "0" * 33, 5, ["0" * 32], "../x"])
def test_what_is_not_a_secret_of_ours_is_no_owner(value):
    assert not is_owner(value)
    assert is_owner("0" * 32)
    assert os.sep not in new_owner()
