from dataclasses import replace

import pytest

from tests.fake_cloning import FakeCloning
from tests.ui.clone_values import recording
from webui.backend.requests import CloneOrder
from webui.errors import StorageError
from webui.events import Cloned
from webui.speaker_file import read_speaker
from webui.ui.clone_file import voice_file
from webui.ui.clone_shelf import CloneShelf, MadeClones
from webui.ui.takes import new_owner


@pytest.fixture
def shelf(tmp_path):
    return CloneShelf(tmp_path / "clones")


def made(**changes) -> MadeClones:
    order = CloneOrder((recording(),))
    service = FakeCloning()
    service.failure = None
    outcome = next(event.outcome for event in service.clone(order) if isinstance(event, Cloned))
    return replace(MadeClones(order, outcome, "Anna", ("warm",), "I agreed."), **changes)


def test_clones_are_found_by_their_owner_only(shelf):
    mine, other = new_owner(), new_owner()
    clones = made()
    shelf.put(mine, clones)
    assert shelf.find(mine, clones.key) is clones
    assert shelf.newest(mine) is clones
    assert shelf.newest(other) is None
    with pytest.raises(StorageError, match="no longer there"):
        shelf.find(other, clones.key)
    with pytest.raises(StorageError):
        shelf.find(mine, ["x"])


def test_what_was_kept_is_not_brought_back_but_can_still_be_heard(shelf):
    owner, clones = new_owner(), made()
    shelf.put(owner, clones)
    shelf.mark_kept(clones)
    assert shelf.newest(owner) is None
    assert shelf.find(owner, clones.key) is clones


def test_an_owner_has_a_few_and_everybody_together_a_bounded_amount(tmp_path):
    owner, first = new_owner(), made()
    shelf = CloneShelf(tmp_path, max_bytes=first.nbytes + 1)
    shelf.put(owner, first)
    latest = made()
    shelf.put(new_owner(), latest)
    assert shelf.newest(owner) is None
    roomy = CloneShelf(tmp_path)
    for _ in range(3):
        roomy.put(owner, latest := made())
    assert roomy.newest(owner) is latest
    assert sum(len(each) for each in roomy._made.values()) == 2


def test_the_last_clones_stay_however_large_they_are(tmp_path):
    shelf, owner = CloneShelf(tmp_path, max_bytes=1), new_owner()
    shelf.put(owner, clones := made())
    assert shelf.find(owner, clones.key) is clones


def test_old_and_dropped_clones_go_with_their_files(shelf):
    owner = new_owner()
    old, dropped = made(made_at=1.0), made()
    for each in (old, dropped):
        shelf.put(owner, each)
        voice_file(each, 0, shelf.folder(each))
    assert not shelf._folder.joinpath(old.key).exists()
    shelf.drop(owner, dropped.key)
    assert list(shelf._folder.iterdir()) == []
    assert shelf.newest(owner) is None


@pytest.mark.parametrize("index", [-1, 1, None, "0", True, [0]])
def test_a_clone_that_is_not_there_is_refused(index):
    clones = made()
    assert clones.candidate(0) is clones.outcome.candidates[0]
    with pytest.raises(StorageError):
        clones.candidate(index)


def test_the_file_to_take_away_says_who_and_how_and_that_they_agreed(shelf):
    clones = made(name="Ann / <b>")
    path = voice_file(clones, 0, shelf.folder(clones))
    assert path.name == "ann-b-1.npz"
    found = read_speaker(path).metadata
    assert (found.name, found.family, found.method) == ("Ann / <b>", "mini", "quantizer")
    assert (found.consent, found.consent_text) == (True, "I agreed.")
    assert found.reference_sha256 == clones.order.recordings[0].digest
    assert found.tags == ("warm",)
    assert voice_file(clones, 0, shelf.folder(clones)) == path
