"""What the Speaker Library's buttons do, and that strangers can press none of them."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from tests.ui.bare_page import BarePage
from webui.errors import SettingsError, SpeakerFileError, StorageError, UserError
from webui.ui.library_tab import LibraryTab
from webui.ui.speak_tab import SpeakTab
from webui.ui.studio import ANY_VOICE, open_studio
from webui.ui.take_voice import keep_take, keeping_updates
from webui.ui.takes import Take, new_owner

ADA, BOB, CID = "ada-11111111", "bob-22222222", "cid-33333333"


def tab_of(studio) -> LibraryTab:
    with BarePage():
        return LibraryTab(studio)


@pytest.fixture
def tab(studio):
    return tab_of(studio)


@pytest.fixture
def actions(tab):
    return tab.actions


@pytest.fixture
def shown(tab):
    return tab.widgets


def test_a_favourite_is_marked_in_the_list_and_unmarked_again(tab, actions, shown, service):
    assert actions.toggle_favourite(ADA)[shown.favourite].value == "♥ No longer a favourite"
    assert tab.filter("favourites")[0].value["data"][0][0] == "Ada ♥"
    actions.toggle_favourite(ADA)
    assert not service.voices()[0].favourite


def test_what_was_typed_is_kept_and_shown(actions, shown, service):
    card = actions.save_about(BOB, "Robert", "warm, low,,warm", "de", "from the radio")
    assert card[shown.about.name] == "Robert"
    assert card[shown.about.tags] == "warm, low"
    assert card[shown.status] == "Saved\\."
    assert service.library.details(BOB).metadata.notes == "from the radio"


@pytest.mark.parametrize(
    "values",
    [
        (BOB, "", "", "en", ""), (BOB, "Ada", "", "en", ""), (BOB, "B", "", "klingon", ""),
        (BOB, ["x"], "", "en", ""), (BOB, "B", None, "en", ""), (ADA, "Eve", "", "en", ""),
        ("gone", "Eve", "", "en", ""), (None, "Eve", "", "en", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_in_words(actions, service, values):
    with pytest.raises(UserError):
        actions.save_about(*values)
    assert [voice.name for voice in service.voices()] == ["Ada", "Bob", "Cid"]


def test_a_deleted_voice_leaves_an_undo_that_brings_it_back(tab, actions, shown):
    gone = actions.delete(BOB)
    assert gone[shown.chosen] is None
    assert gone[shown.undo_row].visible
    assert gone[shown.undo_timer].active
    assert BOB not in tab.filter()[-1]
    back = actions.undo(gone[shown.deleted])
    assert back[shown.chosen] == BOB
    assert not back[shown.undo_row].visible
    assert BOB in tab.filter()[-1]
    with pytest.raises(StorageError):
        actions.undo(None)


def test_the_undo_goes_after_a_while(actions, shown):
    ended = actions.end_undo()
    assert (ended[shown.undo_row].visible, ended[shown.deleted]) == (False, None)


def test_a_copy_a_part_and_a_blend_are_chosen_when_they_are_made(actions, shown, service):
    assert "Ada \\(copy\\)" in actions.duplicate(ADA)[shown.details]
    part = actions.keep_cut(BOB, 1, 3, " End ")
    assert "End" in part[shown.details]
    assert part[shown.cut.end] == 2
    assert "Bob \\+ Ada" in actions.keep_blend(BOB, ADA, 0.5, "")[shown.details]
    assert len(service.voices()) == 6


def test_a_part_and_a_blend_are_heard_before_they_are_kept(tab, shown, service):
    *_, part = tab.hearing.hear_cut(BOB, 1, 3)
    assert part[shown.player].label == "Bob, 1.0 to 3.0 s"
    *_, blend = tab.hearing.hear_blend(BOB, ADA, 0.25)
    assert blend[shown.player].label == "75% Bob, 25% Ada"
    assert len(service.voices()) == 3


@pytest.mark.parametrize(
    ("start", "end"), [("1", 3), (None, 3), (True, 3), (-1, 3), (1, float("nan")), (1, 1e9)]
)
def test_a_part_whose_times_are_none_is_refused(tab, start, end):
    with pytest.raises(SettingsError):
        list(tab.hearing.hear_cut(BOB, start, end))


def test_a_part_that_is_not_there_is_told_in_the_status(tab, shown):
    *_, told = tab.hearing.hear_cut(BOB, 3, 1)
    assert "ends after it begins" in told[shown.status]
    assert not told[shown.player].visible


def test_a_blend_without_a_second_voice_is_refused(tab, actions):
    with pytest.raises(SettingsError, match="other voice"):
        list(tab.hearing.hear_blend(BOB, None, 0.5))
    with pytest.raises(SpeakerFileError, match="itself"):
        actions.keep_blend(BOB, BOB, 0.5, "")


def test_a_line_is_read_in_the_chosen_voice(tab, shown, service):
    told = list(tab.hearing.read_line(gr.Request(session_hash="p"), BOB))
    assert told[-1][shown.player].label == "Bob reads: Good morning to you all."
    assert service.orders[0].voice == BOB
    service.failure = "The card is full."
    told = list(tab.hearing.read_line(gr.Request(session_hash="p"), BOB))
    assert "card is full" in told[-1][shown.status]
    assert not tab.studio.desk._tokens


def test_a_repaired_voice_says_what_was_cut(actions, shown):
    card = actions.repair(CID)
    assert "cut by 9 tokens" in card[shown.status]
    assert card[shown.use].visible


def test_files_are_imported_and_the_refused_ones_named(actions, shown, tmp_path):
    good, bad = tmp_path / "good.npz", tmp_path / "b_a_d.npz"
    good.write_bytes(b"PK...")
    bad.write_bytes(b"no voice")
    card = actions.import_files([str(good), str(bad)])
    assert card[shown.chosen].startswith("new-")
    assert "1 of 2 imported" in card[shown.status]
    assert "b\\_a\\_d\\.npz" in card[shown.status]
    assert actions.import_files([str(bad)])[shown.chosen] is None
    for wrong in (None, [], "x", [str(good)] * 201):
        with pytest.raises(StorageError):
            actions.import_files(wrong)


def test_the_file_of_the_chosen_voice_lies_ready_under_its_name(actions, shown):
    value = actions.card(actions.studio.visible_voice(BOB))[shown.export].value
    path = Path(value["path"] if isinstance(value, dict) else value)
    assert path.name == "bob.npz"


def test_on_a_public_page_who_has_no_key_changes_and_keeps_nothing(service, settings, tmp_path):
    public = open_studio(service, replace(settings, public=True), tmp_path / "takes")
    tab = tab_of(public)
    actions = tab.actions
    assert tab.filter()[-1] == (ADA,)
    for act in (
        lambda: actions.toggle_favourite(ADA),
        lambda: actions.save_about(ADA, "x", "", "", ""),
        lambda: actions.duplicate(ADA),
        lambda: actions.repair(BOB),
        lambda: actions.delete(BOB),
        lambda: actions.undo("token"),
        lambda: actions.keep_cut(ADA, 0, 2, ""),
        lambda: actions.keep_blend(ADA, BOB, 0.5, ""),
        lambda: actions.import_files(["x"]),
        lambda: keep_take(public, new_owner(), 1, "x"),
    ):
        with pytest.raises(UserError):
            act()
    assert len(service.voices()) == 3
    assert list((tmp_path / "takes").glob("**/*.npz")) == []


# A take that becomes a voice


def spoken_take(studio, owner: str) -> Take:
    from webui.synthesis.controls import SpeechControls
    from webui.ui.speak_form import with_controls

    with BarePage():
        tab = SpeakTab(studio)
    form = replace(with_controls(SpeechControls()), text="Good morning.", family="mini")
    list(tab.speak(gr.Request(session_hash="p"), owner, *form.values()))
    return studio.shelf.list(owner)[0]


def test_a_take_is_kept_as_a_voice_with_what_was_said_last(studio, service):
    owner = new_owner()
    take = spoken_take(studio, owner)
    fold, number, _ = keeping_updates(studio, take)
    assert (fold.visible, number) == (True, 1)
    assert "**Morning** is in your library" in keep_take(studio, owner, 1, " Morning ")
    assert [each.text for each in service.library.kept[0]] == [
        "Good morning. (1)", "Good morning. (2)",
    ]  # fmt: skip
    assert "Morning" in {voice.name for voice in service.voices()}


@pytest.mark.parametrize(
    ("number", "name"), [(1, ""), (1, None), (2, "x"), ("1", "x"), (None, "x"), (1, "a\u202eb")]
)
def test_a_take_that_cannot_be_kept_is_refused(studio, service, number, name):
    owner = new_owner()
    spoken_take(studio, owner)
    with pytest.raises(UserError):
        keep_take(studio, owner, number, name)
    with pytest.raises(StorageError):
        keep_take(studio, new_owner(), 1, "x")
    assert len(service.voices()) == 3


def test_a_take_without_arrays_is_not_offered_as_a_voice(studio):
    fold, number, _ = keeping_updates(studio, None)
    assert (fold.visible, number) == (False, None)


def test_a_new_voice_is_offered_where_texts_are_spoken(studio, tab, actions):
    with BarePage():
        speak_tab = SpeakTab(studio)
    actions.duplicate(ADA)
    offer = tab.offered(speak_tab)("", "mini", BOB)
    assert "Ada (copy)" in " ".join(label for label, _ in offer.choices)
    assert offer.value == BOB
    actions.delete(BOB)
    assert tab.offered(speak_tab)("", "mini", BOB).value == ANY_VOICE
