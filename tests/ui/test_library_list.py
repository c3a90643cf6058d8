"""The Speaker Library's list: what passes the filters, in which order, and what one row shows."""

from dataclasses import replace

import gradio as gr
import pytest

from tests.ui.bare_page import BarePage
from webui.backend.facts import VoiceInfo
from webui.speaker_metadata import SpeakerMetadata
from webui.ui.library_tab import LibraryTab, VoiceFilter
from webui.ui.library_words import BUILT_IN, FAVOURITES, MINE, card_words

EVERYTHING = "all"
ADA, BOB, CID = "ada-11111111", "bob-22222222", "cid-33333333"


@pytest.fixture
def tab(studio):
    with BarePage():
        return LibraryTab(studio)


def listed(tab, *values) -> tuple[str, ...]:
    return tab.filter(*values)[-1]


def row(number: int) -> gr.SelectData:
    return gr.SelectData(None, {"index": [number, 0], "value": "x"})


def test_own_voices_come_first_and_a_broken_one_is_marked(tab):
    table, nothing, clear, ids = tab.filter()
    assert ids == (BOB, CID, ADA)
    assert table.value["data"] == [
        ["Bob", "English", "Your own · mini"],
        ["⚠ Cid", "German", "Not usable · mini"],
        ["Ada", "English", "Built in · mini · warm"],
    ]
    assert not nothing.visible
    assert not clear.visible


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((MINE,), (BOB, CID)),
        ((BUILT_IN,), (ADA,)),
        ((FAVOURITES,), ()),
        ((EVERYTHING, "WARM english"), (ADA,)),
        ((EVERYTHING, "warm german"), ()),
        ((EVERYTHING, "", "bark-small"), ()),
        ((EVERYTHING, "", EVERYTHING, "de"), (CID,)),
        ((MINE, "", EVERYTHING, EVERYTHING, "length"), (BOB, CID)),
        ((EVERYTHING, "", EVERYTHING, EVERYTHING, "language"), (BOB, ADA, CID)),
        ((["x"], None, {}, 3, object()), ()),
    ],
)
def test_the_list_holds_what_passes_the_filters(tab, values, expected):
    assert listed(tab, *values) == expected


def test_the_newest_voice_comes_first_when_asked(tab, service):
    service._voices[CID] = replace(service._voices[CID], created="2026-02-01")
    service._voices[ADA] = replace(service._voices[ADA], created="2026-01-01")
    assert listed(tab, EVERYTHING, "", EVERYTHING, EVERYTHING, "date") == (CID, ADA, BOB)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((EVERYTHING, "<b>xyz"), "No voice matches ‘&lt;b\\>xyz’"),
        ((FAVOURITES,), "No favourites yet"),
        ((EVERYTHING, "", EVERYTHING, "xx"), "Choose other filters"),
    ],
)
def test_an_empty_list_says_why(tab, values, words):
    table, nothing, clear, _ = tab.filter(*values)
    assert words in nothing.value
    assert nothing.visible
    assert clear.visible
    assert not table.visible


def test_without_own_voices_the_ways_to_one_are_named(tab, service):
    for voice_id in (BOB, CID):
        del service._voices[voice_id]
    words = tab.filter(MINE)[1].value
    assert "no voices of your own" in words
    assert "Voice Clone" in words
    assert ".npz" in words


def test_a_chosen_voice_shows_its_card_and_is_played(tab):
    shown = tab.widgets
    card = tab.choose(row(0), (ADA,))
    assert card[shown.chosen] == ADA
    assert "Ada" in card[shown.details]
    assert card[shown.use].visible
    assert not card[shown.delete].visible
    assert not card[shown.about.fold].visible
    *_, heard = tab.hearing.play(ADA)
    assert heard[shown.player].visible
    assert heard[shown.player].label == "Ada"


def test_an_own_voice_can_be_changed(tab):
    shown = tab.widgets
    card = tab.choose(row(0), (BOB,))
    for each in (shown.delete, shown.about.fold, shown.cut.fold, shown.blend.fold):
        assert card[each].visible
    assert (card[shown.about.name], card[shown.cut.end]) == ("Bob", 4.0)
    assert card[shown.blend.other].choices == [("Ada · English · warm", ADA)]
    assert not card[shown.repair].visible


def test_a_broken_voice_says_why_and_offers_its_repair(tab):
    shown = tab.widgets
    card = tab.choose(row(0), (CID,))
    assert "does not fit together" in card[shown.details]
    assert card[shown.repair].visible
    for each in (shown.use, shown.line, shown.cut.fold, shown.blend.fold, shown.player):
        assert not card[each].visible


def test_a_voice_that_cannot_be_heard_says_why_beside_its_card(tab, service, monkeypatch):
    monkeypatch.setattr(service, "preview", lambda voice_id: service.speaker("gone"))
    *_, heard = tab.hearing.play(ADA)
    assert not heard[tab.widgets.player].visible
    assert "no longer there" in heard[tab.widgets.status]


def test_the_card_tells_how_a_voice_was_made_and_nothing_of_it_is_markup(service):
    service._voices[BOB] = replace(service._voices[BOB], name="<img src=x>", tags=("**low**",))
    service.library.said[BOB] = SpeakerMetadata(
        method="quantizer", quantizer="mini-en", window="1.40-8.10", reference_seconds=9.5,
        similarity=0.834, consent=True, consent_text="I agree.", created="2026-03-04T05:06:07Z",
        notes="[x](http://evil)", other={"made_from": "75% Ada, 25% Bob"},
    )  # fmt: skip
    words = card_words(service.library.details(BOB))
    for part in (
        "Cloned with the quantizer", "mini\\-en",
        "1\\.40\\-8\\.10", "9\\.5 s of recording", "0\\.83",
        "The speaker agreed: I agree", "2026\\-03\\-04", "75% Ada, 25% Bob",
    ):  # fmt: skip
        assert part in words
    assert "<img" not in words
    assert "**low**" not in words
    assert "](http" not in words


@pytest.mark.parametrize("ids", [(), ("gone",), ["ada-11111111"], None])
def test_a_row_that_is_not_there_is_refused(tab, ids):
    from webui.errors import VoiceNotFoundError

    with pytest.raises(VoiceNotFoundError, match="no longer there"):
        tab.choose(row(0), ids)


def test_the_filter_of_a_page_that_opens_lets_everything_through():
    voice = VoiceInfo("x-1", "X", "f", "", "preset")
    assert VoiceFilter().lets_through(voice)
