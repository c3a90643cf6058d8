"""The Long text tab over the real desk for long texts, with an engine that only pretends."""

from dataclasses import astuple
from pathlib import Path

import gradio as gr
import pytest

from tests.backend.project_stock import stock
from tests.backend.talking_engine import TalkingEngine
from tests.ui.bare_page import BarePage
from tests.ui.long_values import ended, made, row
from webui.audio import read_audio
from webui.backend.project_desk import ProjectDesk
from webui.ui.long_form import CardForm
from webui.ui.long_tab import LongTab
from webui.ui.long_widgets import CHAPTER, WHOLE
from webui.ui.service_port import LongTexts

TALE = (
    "Chapter One\n\nThe moon is bright.\n\nANNA: Who is there?\n\nBOB: Me.\n\n"
    "ANNA: Good.\n\nBOB: So."
)


@pytest.fixture
def desk(service, tmp_path):
    made_desk = ProjectDesk(tmp_path / "projects", TalkingEngine(), stock())
    service.projects = made_desk
    yield made_desk
    made_desk.close()


@pytest.fixture
def tab(studio, desk):
    with BarePage():
        return LongTab(studio)


def shown_texts(shown, tab) -> list[str]:
    return [each[2] for each in shown[tab.widgets.cards.table].value["data"]]


def test_the_desk_is_what_the_page_asks_for(desk):
    assert isinstance(desk, LongTexts)


def test_a_text_is_spoken_changed_redone_and_saved(tab, desk):
    place = made(tab, text=TALE, name="Tale")
    tab.start(place)
    shown = ended(tab, place)
    assert shown[tab.widgets.texts.status].startswith("Done: **Tale**")
    speakers = shown[tab.widgets.texts.speaker].choices
    assert speakers == [("Narrator", ""), ("ANNA", "ANNA"), ("BOB", "BOB")]
    moon = shown_texts(shown, tab).index("The moon is bright.")
    place = tab.cards.choose(row(moon), place, shown[tab.view.seen])[tab.view.place]
    assert tab.cards.play(place)[tab.widgets.cards.player].visible
    fields = astuple(CardForm("The sun is bright.", "", "", -1, 1.0))
    request = gr.Request(session_hash="p")
    *_, last = tab.cards.speak(request, place, *fields)
    assert last[tab.widgets.cards.player].visible
    assert last[tab.widgets.texts.status].startswith("Done: **Tale**")
    *_, last = tab.cards.again(request, place)
    assert "1 earlier take" in last[tab.widgets.cards.title]
    assert "earlier" not in tab.cards.undo(place)[tab.widgets.cards.title]
    path = Path(tab.files.prepare(place, WHOLE, "flac")[tab.widgets.files.save].value["path"])
    sound, _ = read_audio(path)
    assert len(sound) > 0
    path = Path(tab.files.prepare(place, CHAPTER, "srt")[tab.widgets.files.save].value["path"])
    assert "The sun is bright." in path.read_text()
    assert tab.files.play_chapter(place)[tab.widgets.cards.player].visible


def test_cards_are_split_joined_added_locked_and_deleted(tab, desk):
    place = made(tab, text=TALE)
    shown = tab.look(place)
    before = shown_texts(shown, tab)
    moon = before.index("The moon is bright.")
    place = tab.cards.choose(row(moon), place, shown[tab.view.seen])[tab.view.place]
    fields = astuple(CardForm("The moon is bright.", "", "", -1, None))
    shown = tab.cards.split(place, "The moon ", *fields)
    assert shown_texts(shown, tab)[moon : moon + 2] == ["The moon", "is bright."]
    shown = tab.cards.merge(shown[tab.view.place])
    assert shown_texts(shown, tab) == before
    added = tab.cards.insert(shown[tab.view.place])
    assert len(shown_texts(added, tab)) == len(before) + 1
    shown = tab.cards.delete(added[tab.view.place])
    assert shown_texts(shown, tab) == before
    shown = tab.cards.toggle_lock(place)
    assert shown[tab.widgets.cards.lock].value == "Unlock"


def test_a_text_that_is_deleted_leaves_nothing(tab, desk, tmp_path):
    place = made(tab, text=TALE)
    tab.start(place)
    ended(tab, place)
    tab.delete(place)
    assert desk.all() == []
    assert list((tmp_path / "projects").glob("*/*.json")) == []
