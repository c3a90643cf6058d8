"""What is done with single cards on the Long text tab, and with chapters and files."""

import json
from dataclasses import astuple, replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from tests.fake_projects import FAILING_WORD
from tests.ui.bare_page import BarePage
from tests.ui.long_values import ended, made, row
from webui.errors import EngineError, SettingsError, TextError, UserError, VoiceNotFoundError
from webui.ui.long_form import CardForm
from webui.ui.long_tab import LongTab
from webui.ui.long_view import CARDS_SHOWN, Place, Seen
from webui.ui.long_widgets import CHAPTER, SPEAKERS_VOICE, WHOLE
from webui.ui.long_words import card_row, said_words

ADA, BOB = "ada-11111111", "bob-22222222"
PLAIN = CardForm("The sun is up.", "", "", -1, None)


@pytest.fixture
def tab(studio):
    with BarePage():
        return LongTab(studio)


@pytest.fixture
def desk(service):
    return service.projects


@pytest.fixture
def request_like():
    return gr.Request(session_hash="p")


@pytest.fixture
def spoken(tab):
    """The place of a text that is spoken, with its first card chosen."""
    place = made(tab)
    tab.start(place)
    seen = ended(tab, place)[tab.view.seen]
    return tab.cards.choose(row(0), place, seen)[tab.view.place]


def fields(**changes):
    return astuple(replace(PLAIN, **changes))


def card(tab, place):
    return next(
        each
        for chapter in tab.studio.projects.details(place.project).chapters
        for each in chapter.cards
        if each.id == place.card
    )


def texts(desk, place):
    return [each.text for each in desk.details(place.project).chapters[0].cards]


def test_choosing_a_card_shows_its_fields_and_plays_it(tab, spoken):
    shown = tab.look(spoken)
    text, speaker, voice, seed, pause = (shown[each] for each in tab.widgets.cards.form)
    assert (text, speaker.value, voice.value, seed, pause) == ("The sun is up.", "", "", -1, None)
    assert voice.choices[:2] == [(SPEAKERS_VOICE, ""), ("Ada · English · warm", ADA)]
    assert "Card 1 · done" in shown[tab.widgets.cards.title].replace("\\", "")
    player = tab.cards.play(spoken)[tab.widgets.cards.player]
    assert player.visible
    assert player.autoplay


def test_a_card_without_sound_plays_nothing(tab):
    place = made(tab)
    seen = tab.look(place)[tab.view.seen]
    chosen = tab.cards.choose(row(1), place, seen)[tab.view.place]
    assert tab.cards.play(chosen)[tab.widgets.cards.player].visible is False
    for index in (-1, 3, "1", None):
        with pytest.raises(TextError):
            tab.cards.choose(row(index), place, seen)
    with pytest.raises(TextError):
        tab.cards.choose(row(0), place, Seen())


def test_only_a_card_that_was_changed_is_spoken_again(tab, desk, spoken):
    shown = tab.cards.save(spoken, *fields(text="The moon is up."))
    assert card(tab, spoken).state == "changed"
    assert shown[tab.widgets.texts.start].interactive
    tab.start(spoken)
    ended(tab, spoken)
    assert desk.spoken[4:] == ["The moon is up."]


def test_speaking_one_card_keeps_its_changes_and_plays_it(tab, desk, spoken, request_like):
    *_, last = tab.cards.speak(request_like, spoken, *fields(text="The moon.", seed=7, voice=BOB))
    assert desk.spoken[4:] == ["The moon."]
    assert (card(tab, spoken).seed, card(tab, spoken).voice) == (7, BOB)
    assert last[tab.widgets.cards.player].visible
    assert tab.studio.desk.is_busy("p long") is False


def test_another_take_can_be_undone(tab, spoken, request_like):
    before, _ = tab.studio.projects.card_sound(spoken.project, spoken.card)
    *_, last = tab.cards.again(request_like, spoken)
    after, _ = tab.studio.projects.card_sound(spoken.project, spoken.card)
    assert not np.array_equal(before, after)
    assert "1 earlier take" in last[tab.widgets.cards.title]
    assert last[tab.widgets.cards.undo].interactive
    back = tab.cards.undo(spoken)
    assert back[tab.widgets.cards.undo].interactive is False
    restored, _ = tab.studio.projects.card_sound(spoken.project, spoken.card)
    assert np.array_equal(before, restored)


def test_a_take_that_fails_or_is_stopped_says_so_and_plays_nothing(tab, desk, spoken, request_like):
    desk.failure = "The card is full."
    *_, last = tab.cards.again(request_like, spoken)
    assert "The card is full" in last[tab.widgets.cards.status]
    assert tab.widgets.cards.player not in last
    desk.failure = None
    steps = tab.cards.again(request_like, spoken)
    next(steps), next(steps)
    with pytest.raises(EngineError, match="still"):
        next(tab.cards.again(request_like, spoken))
    tab.studio.desk.stop("p long")
    *_, last = steps
    assert last[tab.widgets.cards.status] == "Stopped."


def test_a_locked_card_stays_as_it_is(tab, desk, spoken, request_like):
    shown = tab.cards.toggle_lock(spoken)
    assert shown[tab.widgets.cards.lock].value == "Unlock"
    assert shown[tab.widgets.cards.again].interactive is False
    assert "done, locked" in str(shown[tab.widgets.cards.table].value)
    with pytest.raises(UserError, match="locked"):
        list(tab.cards.again(request_like, spoken))
    tab.cards.toggle_lock(spoken)
    assert card(tab, spoken).locked is False


def test_a_card_is_split_where_the_cursor_is(tab, desk, spoken):
    shown = tab.cards.split(spoken, "The sun ", *fields())
    assert texts(desk, spoken)[:2] == ["The sun", "is up."]
    assert shown[tab.view.place].card == spoken.card
    for before in ("", " ", "The sun", "elsewhere", None):
        with pytest.raises(TextError):
            tab.cards.split(spoken, before, *fields(text="The sun"))


def test_cards_are_joined_added_and_deleted(tab, desk, spoken):
    tab.cards.merge(spoken)
    assert texts(desk, spoken) == ["The sun is up. ANNA is here.", "Good day."]
    added = tab.cards.insert(spoken)[tab.view.place]
    assert texts(desk, spoken)[1] == "New words."
    assert added.card != spoken.card
    shown = tab.cards.delete(added)
    assert texts(desk, spoken) == ["The sun is up. ANNA is here.", "Good day."]
    assert shown[tab.view.place].card is None
    assert shown[tab.widgets.cards.fields].visible is False


def test_a_card_moves_up_and_down_and_stays_chosen(tab, desk, spoken):
    before = texts(desk, spoken)
    shown = tab.cards.move_down(spoken)
    assert texts(desk, spoken) == [before[1], before[0], before[2]]
    assert shown[tab.view.place].card == spoken.card
    tab.cards.move_up(spoken)
    assert texts(desk, spoken) == before
    with pytest.raises(TextError):
        tab.cards.move_up(spoken)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"text": " "}, TextError), ({"text": "a" * 2_001}, TextError), ({"text": 3}, TextError),
        ({"speaker": "n" * 65}, SettingsError), ({"speaker": ["x"]}, SettingsError),
        ({"voice": "cid-00000000"}, VoiceNotFoundError), ({"voice": [ADA]}, VoiceNotFoundError),
        ({"seed": 2**32}, SettingsError), ({"seed": True}, SettingsError),
        ({"pause_seconds": -1}, SettingsError), ({"pause_seconds": "1"}, SettingsError),
    ],
)  # fmt: skip
def test_fields_that_cannot_be_used_are_refused_and_change_nothing(tab, spoken, change, fault):
    before = card(tab, spoken)
    with pytest.raises(fault):
        tab.cards.save(spoken, *fields(**change))
    assert card(tab, spoken) == before


@pytest.mark.parametrize("place", [None, Place(), Place("project-0"), Place("project-0", card="x")])
def test_without_a_chosen_card_nothing_is_done(tab, place):
    made(tab)
    for handler in (
        tab.cards.play, tab.cards.undo, tab.cards.merge, tab.cards.move_up, tab.cards.delete,
    ):  # fmt: skip
        with pytest.raises(TextError):
            handler(place)


def test_why_a_card_failed_is_said_above_it(tab):
    place = made(tab, text=f"It is {FAILING_WORD}.")
    tab.start(place)
    seen = ended(tab, place)[tab.view.seen]
    shown = tab.cards.choose(row(0), place, seen)
    assert "It cannot be" in shown[tab.widgets.cards.title]


def test_a_long_chapter_is_shown_a_page_at_a_time(tab):
    place = made(tab, text="So it goes. " * (2 * CARDS_SHOWN + 5))
    shown = tab.look(place)
    assert len(shown[tab.widgets.cards.table].value["data"]) == CARDS_SHOWN
    assert [label for label, _ in shown[tab.widgets.cards.page].choices] == [
        "1 to 20 of 45", "21 to 40 of 45", "41 to 45 of 45",
    ]  # fmt: skip
    assert shown[tab.widgets.cards.earlier].interactive is False
    last = tab.cards.later(tab.cards.later(place)[tab.view.place])
    assert [each[0] for each in last[tab.widgets.cards.table].value["data"]] == [
        "41", "42", "43", "44", "45",
    ]  # fmt: skip
    assert last[tab.widgets.cards.later].interactive is False
    for page in (99, -1, "1", None, 1.5):
        assert tab.cards.choose_page(place, page)[tab.view.place].page in (0, 2)


def test_a_chapter_is_heard_from_a_file_that_nobody_can_guess(tab, spoken):
    player = tab.files.play_chapter(spoken)[tab.widgets.cards.player]
    path = Path(player.value["path"])
    assert player.label == "One"
    assert path.read_bytes() == b"flac of [0]"
    assert len(path.parent.name) in (32, 64)
    with pytest.raises(TextError, match="Press Start"):
        tab.files.play_chapter(made(tab))


def test_the_browser_is_told_when_each_card_of_the_chapter_is_heard(tab, spoken):
    captions = tab.widgets.cards.captions
    told = json.loads(tab.files.play_chapter(spoken)[captions])
    details = tab.view.details(spoken)
    cards = details.chapters[0].cards
    assert [each["number"] for each in told] == [1, 2, 3]
    assert [each["text"] for each in told] == [said_words(c.speaker, c.text) for c in cards]
    assert told[0]["start"] == 0
    assert [each["end"] for each in told[:-1]] == [each["start"] for each in told[1:]]
    rows = [card_row(number, card)[2] for number, card in enumerate(cards, 1)]
    assert rows == [each["text"] for each in told]  # the script finds the rows by their words
    assert tab.cards.play(spoken)[captions] == ""
    assert tab.view.shown(replace(spoken, card=None))[captions] == ""


@pytest.mark.parametrize(
    ("part", "kind", "name", "holds"),
    [
        (WHOLE, "mp3", "one.mp3", "mp3 of [0, 1]"), (CHAPTER, "wav", "one-chapter-1.wav", "[0]"),
        (WHOLE, "srt", "one.srt", "Good day."), (CHAPTER, "vtt", "one-chapter-1.vtt", "vtt"),
    ],
)  # fmt: skip
def test_a_file_is_made_of_the_whole_or_of_a_chapter(tab, spoken, part, kind, name, holds):  # noqa: PLR0913
    shown = tab.files.prepare(spoken, part, kind)
    path = Path(shown[tab.widgets.files.save].value["path"])
    assert path.name == name
    assert holds in path.read_text()
    assert f"{name}, 1 MB, is ready" in shown[tab.widgets.files.status].replace("\\", "")


@pytest.mark.parametrize(("part", "kind"), [(WHOLE, "exe"), ("x", "mp3"), (None, None)])
def test_an_unknown_kind_of_file_is_refused(tab, spoken, part, kind):
    with pytest.raises(SettingsError):
        tab.files.prepare(spoken, part, kind)


def test_a_name_in_another_script_still_gives_a_plain_file_name(tab, spoken):
    tab.rename(spoken, "../Война и мир")
    shown = tab.files.prepare(spoken, WHOLE, "wav")
    assert Path(shown[tab.widgets.files.save].value["path"]).name == "long-text.wav"
