"""The handlers of the Long text tab as Gradio calls them."""

from dataclasses import replace

import gradio as gr
import pytest

from tests.ui.bare_page import BarePage
from tests.ui.long_values import ended, made, row, values
from webui.errors import EngineError, SettingsError, StorageError, TextError, VoiceNotFoundError
from webui.ui.long_form import MAX_PUBLIC_TEXTS
from webui.ui.long_tab import LongTab
from webui.ui.long_view import Place, Seen
from webui.ui.studio import Studio, open_studio
from webui.ui.takes import new_owner
from webui.ui.visiting import visited

ADA, BOB = "ada-11111111", "bob-22222222"


@pytest.fixture
def tab(studio):
    with BarePage():
        return LongTab(studio)


@pytest.fixture
def desk(service):
    return service.projects


def test_a_pasted_text_becomes_chapters_of_cards_and_is_shown(tab):
    shown = tab.make_of_text(*values())
    assert shown[tab.widgets.texts.table].value["data"] == [["One", "0 of 4 cards", ""]]
    status = shown[tab.widgets.texts.status]
    assert "2 chapters, 4 cards, about 3 s of speech" in status.replace("\\", "")
    cards = shown[tab.widgets.cards.table].value["data"]
    assert [each[2] for each in cards] == ["The sun is up.", "ANNA is here.", "ANNA: Good day."]
    assert cards[2] == ["3", "to speak", "ANNA: Good day.", ""]
    chapters = shown[tab.widgets.cards.chapter].choices
    assert chapters == [("1 · One (0 of 3)", 0), ("2 · Two (0 of 1)", 1)]
    assert shown[tab.widgets.new.text] == ""


def test_a_dropped_file_is_made_with_its_name_and_bytes(tab, desk, tmp_path):
    file = tmp_path / "The Sea.txt"
    file.write_text("The sea is calm.")
    tab.make_of_file(*values(file=str(file), voice=BOB))
    (info,) = desk.all()
    assert (info.name, info.cards) == ("The Sea", 1)
    assert desk.details(info.id).voices[""] == BOB


def test_what_is_chosen_for_a_text_reaches_its_making(tab, desk):
    made(tab, name=" My book ", seed=7, pause_seconds=1, verify=True)
    details = desk.details(desk.all()[0].id)
    controls = details.controls
    assert details.info.name == "My book"
    assert (controls.seed, controls.pause_seconds, controls.verify) == (7, 1.0, True)
    assert (details.family, details.language) == ("mini", "en")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"text": " "}, TextError), ({"text": None}, TextError),
        ({"text": "a" * 5_000_001}, TextError),
        ({"name": "n" * 65}, SettingsError), ({"voice": "cid-33333333"}, VoiceNotFoundError),
        ({"voice": ["x"]}, VoiceNotFoundError), ({"seed": 0.5}, SettingsError),
        ({"seed": "1"}, SettingsError), ({"pause_seconds": 9}, SettingsError),
        ({"pause_seconds": float("nan")}, SettingsError), ({"verify": "no"}, SettingsError),
    ],
)  # fmt: skip
def test_values_that_cannot_be_used_are_refused_before_anything_is_made(tab, desk, change, fault):
    with pytest.raises(fault):
        tab.make_of_text(*values(**change))
    assert desk.all() == []


@pytest.mark.parametrize("file", [None, "", "/nowhere/book.txt", 3])
def test_a_file_that_is_not_there_is_refused(tab, file):
    with pytest.raises((TextError, StorageError)):
        tab.make_of_file(*values(file=file))


def test_start_speaks_everything_and_goes_on_without_the_page(tab, desk):
    place = made(tab)
    begun = tab.start(place)
    assert begun[tab.widgets.timer].active
    shown = ended(tab, place)
    assert desk.spoken == ["The sun is up.", "ANNA is here.", "Good day.", "The end."]
    assert shown[tab.widgets.texts.status].startswith("Done: **One**")
    assert shown[tab.widgets.texts.start].interactive is False
    assert shown[tab.widgets.timer].active is False


def test_a_chapter_can_be_spoken_alone(tab, desk):
    place = made(tab)
    chosen = tab.cards.choose_chapter(place, 1)[tab.view.place]
    tab.start_chapter(chosen)
    shown = ended(tab, chosen)
    assert desk.spoken == ["The end."]
    assert "Stopped" in shown[tab.widgets.texts.status]


def test_while_it_is_spoken_it_can_be_paused_and_nothing_is_spoken_twice(tab, desk):
    desk.pace = 0.1
    place = made(tab)
    running = tab.start(place)
    assert running[tab.widgets.texts.pause].visible
    assert running[tab.widgets.texts.start].interactive is False
    with pytest.raises(EngineError, match="being spoken"):
        tab.start(place)
    tab.pause(place)
    ended(tab, place)
    desk.pace, before = 0.0, list(desk.spoken)
    assert len(before) < 4
    tab.start(place)
    ended(tab, place)
    assert sorted(desk.spoken) == sorted(set(desk.spoken))
    assert len(desk.spoken) == 4


def test_a_fault_while_it_is_spoken_is_said_until_the_next_start(tab, desk):
    place = made(tab)
    desk.failure = "The graphics <card> is full."
    tab.start(place)
    assert "**The graphics &lt;card> is full" in ended(tab, place)[
        tab.widgets.texts.status
    ].replace("\\", "")
    desk.failure = None
    tab.start(place)
    assert "graphics" not in ended(tab, place)[tab.widgets.texts.status]


def test_cards_that_failed_are_counted(tab):
    place = made(tab, text="Good day. It is unspeakable.")
    tab.start(place)
    assert "1 card failed" in ended(tab, place)[tab.widgets.texts.status]


def test_following_says_nothing_while_nothing_changes_and_leaves_the_fields_alone(tab, desk):
    place = made(tab)
    shown = tab.look(place)
    assert tab.follow(place, shown[tab.view.seen]) == {tab.view.seen: gr.skip()}
    desk.rename(place.project, "New")
    moved = tab.follow(place, shown[tab.view.seen])
    assert "New" in moved[tab.widgets.texts.status]
    assert not {*tab.widgets.cards.form, tab.widgets.texts.name} & set(moved)


def test_a_page_that_opens_shows_the_text_that_is_being_spoken(tab, desk):
    desk.pace = 0.2
    place = made(tab)
    tab.start(place)
    made(tab, name="Newer")
    refilled = dict(zip(map(id, tab.refilled()), tab.refill(), strict=True))
    assert refilled[id(tab.view.place)].project == place.project
    assert refilled[id(tab.widgets.timer)].active
    assert (ADA in str(refilled[id(tab.widgets.new.voice)].choices)) is True
    tab.pause(place)
    ended(tab, place)


def test_a_row_of_the_list_is_shown_and_a_row_that_is_gone_refused(tab):
    first, second = made(tab, name="First"), made(tab, name="Second")
    seen = tab.look(first)[tab.view.seen]
    assert tab.choose(row(0), seen)[tab.view.place].project == second.project
    assert tab.choose(row(1), seen)[tab.view.place].project == first.project
    for index in (-1, 2, "0", None):
        with pytest.raises(TextError):
            tab.choose(row(index), seen)
    with pytest.raises(TextError):
        tab.choose(row(0), Seen())


def test_a_speaker_is_given_a_voice_and_what_they_said_is_to_be_spoken_again(tab, desk):
    place = made(tab)
    tab.start(place)
    ended(tab, place)
    assert tab.choose_speaker(place, "ANNA").value == ADA
    shown = tab.assign(place, "ANNA", BOB)
    assert "ANNA: ★ Bob" in shown[tab.widgets.texts.voices].replace("\\", "")
    tab.start(place)
    ended(tab, place)
    assert desk.spoken[4:] == ["Good day."]
    for speaker, voice in (("NOBODY", ADA), ("ANNA", "gone"), (["ANNA"], ADA)):
        with pytest.raises((TextError, VoiceNotFoundError)):
            tab.assign(place, speaker, voice)


def test_a_text_is_renamed_and_deleted(tab, desk):
    place = made(tab)
    assert tab.rename(place, "  A  new name ")[tab.widgets.texts.name] == "A new name"
    with pytest.raises(SettingsError):
        tab.rename(place, " ")
    shown = tab.delete(place)
    assert desk.all() == []
    assert "No long text yet" in shown[tab.widgets.texts.status]
    assert shown[tab.widgets.texts.parts].visible is False


@pytest.mark.parametrize("place", [None, Place(), "project-0", {"project": "project-0"}])
def test_without_a_chosen_text_nothing_is_done(tab, place):
    made(tab)
    for handler in (tab.start, tab.start_chapter, tab.pause, tab.delete):
        with pytest.raises(TextError):
            handler(place)


def test_a_text_that_is_broken_can_be_looked_at_and_deleted(tab, desk):
    place = made(tab)
    known = desk.known[place.project]
    known.info = replace(known.info, broken="Its file is damaged.")
    shown = tab.look(place)
    assert "Its file is damaged" in shown[tab.widgets.texts.status]
    assert shown[tab.widgets.texts.start].interactive is False
    tab.delete(shown[tab.view.place])
    assert desk.all() == []


@pytest.fixture
def public(service, settings, tmp_path) -> Studio:
    return open_studio(service, replace(settings, public=True), tmp_path / "takes")


@pytest.fixture
def public_tab(public):
    with BarePage():
        return LongTab(public)


def test_visitors_of_a_public_page_have_texts_of_their_own(public_tab, desk):
    anna, stranger = new_owner(), new_owner()
    shown = visited(public_tab.make_of_text)(anna, *values())
    place = shown[public_tab.view.place]
    seen = visited(public_tab.look)(stranger, place)
    assert seen[public_tab.view.seen].projects == ()
    assert seen[public_tab.view.place] == Place()
    assert desk.all() == []
    visited(public_tab.start)(anna, place)
    assert public_tab.studio.long_runs.wait((anna, place.project), 10)
    public_tab.studio.forget(anna)
    assert visited(public_tab.look)(anna, place)[public_tab.view.seen].projects == ()
    with pytest.raises(StorageError, match="reload"):
        visited(public_tab.look)("", place)


def test_a_public_page_bounds_how_long_and_how_many_texts_are(public_tab):
    anna = new_owner()
    make = visited(public_tab.make_of_text)
    with pytest.raises(TextError, match="limit here is 2,000"):
        make(anna, *values(text="word " * 401))
    for _ in range(MAX_PUBLIC_TEXTS):
        make(anna, *values())
    with pytest.raises(StorageError, match="Delete one first"):
        make(anna, *values())


def test_a_public_file_that_turns_out_too_long_is_not_kept(public_tab, tmp_path):
    anna, file = new_owner(), tmp_path / "long.txt"
    file.write_text("word " * 401)
    with pytest.raises(TextError, match="limit here"):
        visited(public_tab.make_of_file)(anna, *values(file=str(file)))
    assert visited(public_tab.look)(anna, None)[public_tab.view.seen].projects == ()


def test_a_visitor_without_a_key_sees_an_empty_tab(public_tab):
    refilled = dict(zip(map(id, public_tab.refilled()), public_tab.refill(), strict=True))
    assert refilled[id(public_tab.view.place)] == gr.skip()
