"""Visitors of a public page keep voices of their own: apart from each other, and for a day."""

import inspect
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.backend.scripted_cloning import WINDOWS, recording
from tests.backend.voice_files import add_voice
from tests.fake_visitors import FakeShelf, FakeShelves
from webui.backend import visitor_voices
from webui.backend.requests import CloneOrder, SpeakOrder
from webui.backend.visitor_voices import (
    MAX_AGE_SECONDS,
    MOST_DELETED,
    VisitorShelf,
    VisitorVoices,
)
from webui.clone_results import CloneCandidate, CloneOutcome, RecordingCheck
from webui.errors import SpeakerFileError, StorageError, VoiceNotFoundError

ANNA, BOB = "a" * 32, "b" * 32


@pytest.fixture
def shelves(service, tmp_path) -> VisitorVoices:
    return service.visitor_voices(tmp_path / "visitors")


@pytest.fixture
def builtin(models):
    return add_voice(models / "tiny" / "speakers" / "cid.npz", name="Cid", family="tiny")


@pytest.fixture
def of_the_owner(own):
    return add_voice(own / "owner.npz", name="Owner", family="tiny")


@pytest.fixture
def file_of(tmp_path):
    def bytes_of(name: str) -> bytes:
        return add_voice(tmp_path / f"{name}.npz", name=name, family="tiny").read_bytes()

    return bytes_of


def names(shelf) -> list[str]:
    return [each.name for each in shelf.voices()]


def id_of(shelf, name: str) -> str:
    (found,) = [each.id for each in shelf.voices() if each.name == name]
    return found


def added(shelf, file_of, name: str) -> str:
    (info,) = shelf.library.import_files([(f"{name}.npz", file_of(name))]).added
    return info.id


def test_each_visitor_sees_the_built_in_voices_and_only_their_own(
    shelves, builtin, of_the_owner, file_of
):
    added(shelves.of(ANNA), file_of, "Anna")
    added(shelves.of(BOB), file_of, "Bob")
    assert names(shelves.of(ANNA)) == ["Anna", "Cid"]
    assert names(shelves.of(BOB)) == ["Bob", "Cid"]


def test_a_voice_of_another_visitor_is_not_there_by_its_id_either(shelves, builtin, file_of):
    voice = added(shelves.of(ANNA), file_of, "Anna")
    stranger = shelves.of(BOB)
    for use in (
        lambda: stranger.speaker(voice, "tiny"),
        lambda: stranger.preview(voice),
        lambda: stranger.library.details(voice),
        lambda: stranger.library.export(voice),
        lambda: stranger.library.delete(voice),
        lambda: stranger.library.rename(voice, "Mine"),
    ):
        with pytest.raises(VoiceNotFoundError):
            use()
    assert names(shelves.of(ANNA)) == ["Anna", "Cid"]


def test_an_undo_of_another_visitors_deletion_brings_nothing_back(shelves, file_of):
    voice = added(shelves.of(ANNA), file_of, "Anna")
    token = shelves.of(ANNA).library.delete(voice).token
    with pytest.raises(VoiceNotFoundError):
        shelves.of(BOB).library.undelete(token)
    assert shelves.of(ANNA).library.undelete(token).name == "Anna"


def test_two_files_of_one_name_and_time_are_two_voices(shelves, own, file_of, service):
    """The owner's file and a visitor's may have the same name: what was read is not mixed up."""
    add_voice(own / "same.npz", seed=1, name="Hidden", family="tiny")
    service.voices()
    shelf = shelves.of(ANNA)
    shelf.folder.mkdir(parents=True)
    (shelf.folder / "same.npz").write_bytes((own / "same.npz").read_bytes())
    assert names(shelf) == ["Hidden"]
    (shelf.folder / "same.npz").unlink()
    assert names(shelf) == []


def test_favourites_are_each_visitors_own(shelves, builtin):
    shelf = shelves.of(ANNA)
    shelf.library.set_favourite(id_of(shelf, "Cid"), True)
    assert [each.favourite for each in shelves.of(ANNA).voices()] == [True]
    assert [each.favourite for each in shelves.of(BOB).voices()] == [False]


def test_an_order_carries_the_arrays_of_a_visitors_voice(shelves, service, engine, file_of):
    shelf = shelves.of(ANNA)
    voice = added(shelf, file_of, "Anna")
    speaker = shelf.speaker(voice, "tiny")
    list(service.speak(SpeakOrder("Hello.", "tiny", voice, speaker=speaker)))
    np.testing.assert_array_equal(engine.asked[-1].speaker.fine, speaker.fine)
    with pytest.raises(VoiceNotFoundError):
        service.speak(SpeakOrder("Hello.", "tiny", voice))


def test_arrays_that_the_family_does_not_know_are_refused(shelves, service, file_of):
    shelf = shelves.of(ANNA)
    speaker = shelf.speaker(added(shelf, file_of, "Anna"), "tiny")
    strange = replace(speaker, semantic=speaker.semantic + 100_000)
    with pytest.raises(SpeakerFileError):
        service.speak(SpeakOrder("Hello.", "tiny", speaker=strange))


def test_a_kept_clone_is_a_voice_with_its_consent(shelves, builtin, service):
    speaker = shelves.of(BOB).speaker(id_of(shelves.of(BOB), "Cid"), "tiny")
    made = CloneCandidate(speaker, "quantizer", WINDOWS[0], seed=5, seconds=1.0)
    check = RecordingCheck(10.0, 8.0, -22.0, 30.0, 0.0)
    outcome = CloneOutcome("tiny", (made,), check, recording().waveform, 16_000)
    order = CloneOrder((recording(),), family="tiny")
    kept = shelves.of(ANNA).keep_clone(order, outcome, 0, name="Anna", consent="I may.")
    said = shelves.of(ANNA).library.details(kept.id).metadata
    assert (said.name, said.consent, said.consent_text) == ("Anna", True, "I may.")
    assert names(shelves.of(BOB)) == ["Cid"]
    assert [each.name for each in service.voices()] == ["Cid"]


def test_forgetting_removes_every_file_at_once(shelves, tmp_path, file_of):
    voice = added(shelves.of(ANNA), file_of, "Anna")
    added(shelves.of(ANNA), file_of, "Deleted")
    shelves.of(ANNA).library.delete(id_of(shelves.of(ANNA), "Deleted"))
    added(shelves.of(BOB), file_of, "Bob")
    shelves.forget(ANNA)
    left = [each for each in (tmp_path / "visitors").rglob("*.npz")]
    assert [each.parent for each in left] == [shelves.of(BOB).folder]
    assert names(shelves.of(ANNA)) == []
    with pytest.raises(VoiceNotFoundError):
        shelves.of(ANNA).speaker(voice, "tiny")


def test_a_voice_leaves_after_a_day_and_a_younger_one_stays(shelves, file_of, monkeypatch):
    shelf, start = shelves.of(ANNA), time.monotonic()
    added(shelf, file_of, "Old")
    shelves.sweep()
    monkeypatch.setattr(visitor_voices.time, "monotonic", lambda: start + MAX_AGE_SECONDS / 2)
    added(shelf, file_of, "Young")
    shelves.sweep()
    monkeypatch.setattr(visitor_voices.time, "monotonic", lambda: start + MAX_AGE_SECONDS + 60)
    shelves.sweep()
    assert names(shelf) == ["Young"]


def test_a_shelf_that_lasts_elsewhere_leaves_here_when_nobody_comes(
    service, tmp_path, file_of, monkeypatch
):
    class Backup:
        restored = 0

        def keeps(self, owner):
            return True

        def restore(self, owner, folder):
            self.restored += 1

        def changed(self, owner, folder):
            pass

        def forget(self, owner):
            raise AssertionError("nobody asked for that")

    backup, start = Backup(), time.monotonic()
    folder = tmp_path / "visitors"
    library = service._library, service._looking, service._hear
    shelves = VisitorVoices(folder, *library, backup)
    added(shelves.of(ANNA), file_of, "Anna")
    shelves.sweep()
    monkeypatch.setattr(visitor_voices.time, "monotonic", lambda: start + MAX_AGE_SECONDS + 60)
    assert names(shelves.of(ANNA)) == ["Anna"]
    shelves.sweep()
    assert names(shelves.of(ANNA)) == ["Anna"]
    monkeypatch.setattr(visitor_voices.time, "monotonic", lambda: start + 3 * MAX_AGE_SECONDS)
    shelves.sweep()
    assert list(folder.rglob("*.npz")) == []
    shelves.of(ANNA)
    assert backup.restored == 2


def test_a_visitor_whose_voices_are_slow_to_come_keeps_no_other_waiting(service, tmp_path, file_of):
    came = threading.Event()

    class Slow:
        def keeps(self, owner):
            return owner == ANNA

        def restore(self, owner, folder):
            assert came.wait(20)
            folder.mkdir(parents=True)
            (folder / "anna-00000000.npz").write_bytes(file_of("Anna"))

        def changed(self, owner, folder):
            pass

        def forget(self, owner):
            pass

    library = service._library, service._looking, service._hear
    shelves = VisitorVoices(tmp_path / "visitors", *library, Slow())
    seen = []
    pages = [threading.Thread(target=lambda: seen.append(names(shelves.of(ANNA)))) for _ in "12"]
    for page in pages:
        page.start()
    assert names(shelves.of(BOB)) == []
    assert seen == []
    came.set()
    for page in pages:
        page.join()
    assert seen == [["Anna"], ["Anna"]]


def test_a_deleted_voice_leaves_the_disk_an_hour_later(shelves, tmp_path, file_of, monkeypatch):
    shelf, now = shelves.of(ANNA), time.time()
    shelf.library.delete(added(shelf, file_of, "Anna"))
    shelves.sweep()
    assert len(list(shelf.folder.rglob("*.npz"))) == 1
    monkeypatch.setattr(visitor_voices.time, "time", lambda: now + 3_700)
    shelves.sweep()
    assert list(shelf.folder.rglob("*.npz")) == []


def test_a_visitor_has_a_bounded_number_of_voices(shelves, file_of, monkeypatch):
    monkeypatch.setattr(visitor_voices, "MOST_VOICES", 2)
    shelf = shelves.of(ANNA)
    for name in ("One", "Two"):
        added(shelf, file_of, name)
    with pytest.raises(StorageError, match="You have 2 voices here"):
        added(shelf, file_of, "Three")
    with pytest.raises(StorageError, match="You have 2 voices here"):
        shelf.library.duplicate(id_of(shelf, "One"))
    added(shelves.of(BOB), file_of, "One")


def test_all_visitors_together_have_a_bounded_number_of_bytes(shelves, file_of, monkeypatch):
    added(shelves.of(BOB), file_of, "Bob")
    monkeypatch.setattr(visitor_voices, "MAX_BYTES_OF_ALL", 1_000)
    with pytest.raises(StorageError, match="no room for more voices"):
        added(shelves.of(ANNA), file_of, "Anna")


def test_making_and_deleting_for_ever_does_not_fill_the_disk(shelves, file_of):
    shelf = shelves.of(ANNA)
    for number in range(MOST_DELETED + 3):
        shelf.library.delete(added(shelf, file_of, f"Voice {number}"))
    assert len(shelf.library.deleted()) == MOST_DELETED


def test_shelves_without_a_voice_are_forgotten_when_there_are_many(shelves, file_of, monkeypatch):
    monkeypatch.setattr(visitor_voices, "MOST_SHELVES", 3)
    first = shelves.of(ANNA)
    added(first, file_of, "Anna")
    empty = shelves.of(BOB)
    for number in range(4):
        shelves.of(f"{number:032x}")
    assert shelves.of(ANNA) is first
    assert shelves.of(BOB) is not empty


@pytest.mark.parametrize(
    ("fake", "real"), [(FakeShelf, VisitorShelf), (FakeShelves, VisitorVoices)]
)
def test_the_shelves_of_the_tests_have_the_names_of_the_real_ones(fake, real):
    def public(kind: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: list(inspect.signature(each).parameters)
            for name, each in methods
            if name[0] != "_" and name not in ("expire", "all_there", "wait_until_there")
        }

    assert public(fake) == public(real)
