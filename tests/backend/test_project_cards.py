"""Books cut into cards, and voices given to those who speak."""

import pytest

from tests.backend.project_stock import stock
from webui.backend.project_cards import (
    CARD_SECONDS,
    CardCutter,
    card_cutter,
    chosen_voices,
    cut_book,
)
from webui.errors import TextError
from webui.longform.book import Book, Chapter, Passage
from webui.synthesis.chunking import ChunkLimits, estimate_seconds
from webui.synthesis.controls import SpeechControls

CUTTER = CardCutter(ChunkLimits(tokens=200, seconds=5.0), len, "en")


def test_chapters_without_words_are_left_out_and_ids_go_on_through_the_book():
    book = Book(
        "x",
        (
            Chapter("One", (Passage("Red."), Passage("..."), Passage("Green.", "ANNA"))),
            Chapter("Empty", (Passage("* * *"),)),
            Chapter("Two", (Passage("Blue."),)),
        ),
    )
    chapters = cut_book(book, CUTTER)
    assert [each.title for each in chapters] == ["One", "Two"]
    found = [(card.id, card.text, card.speaker) for each in chapters for card in each.cards]
    assert found == [("c0", "Red.", ""), ("c1", "Green.", "ANNA"), ("c2", "Blue.", "")]


def test_a_long_passage_begins_at_its_time_and_ends_its_paragraph_once():
    text = "This sentence takes about three seconds to say. " * 4
    (chapter,) = cut_book(Book("x", (Chapter("x", (Passage(text, "", 2.5),)),)), CUTTER)
    assert len(chapter.cards) == 4
    assert [card.start_seconds for card in chapter.cards] == [2.5, None, None, None]
    assert [card.ends_paragraph for card in chapter.cards] == [False, False, False, True]


@pytest.mark.parametrize("word", ["word ", "wordword. ", "字", "word\n"])
def test_a_text_without_paragraphs_is_cut_whole_however_long_it_is(word, monkeypatch):
    monkeypatch.setattr("webui.backend.project_cards._STRETCH", 1_500)
    text = word * (4_000 // len(word))
    cards = list(CUTTER.texts(text))
    letters = "".join(card for card, _ in cards).replace(" ", "")
    assert letters == "".join(text.split())
    assert max(estimate_seconds(card) for card, _ in cards) <= 5.0


def test_too_many_cards_are_refused(monkeypatch):
    monkeypatch.setattr("webui.backend.project_cards.MAX_CARDS", 2)
    book = Book("x", (Chapter("x", tuple(Passage(f"Part {n}.") for n in range(3))),))
    with pytest.raises(TextError, match="too long"):
        cut_book(book, CUTTER)


def test_a_familys_cutter_obeys_the_family_and_never_makes_long_cards():
    family = stock().whole("mini")
    cutter = card_cutter(family, SpeechControls(), "en")
    assert cutter.limits.seconds == family.chunk_seconds
    assert cutter.limits.seconds < CARD_SECONDS
    assert cutter.count_tokens("good morning") >= 2


def test_everybody_gets_another_voice_while_there_are_others():
    known = ("a", "b", "c")
    assert chosen_voices(("ANNA", "BOB"), {}, None, known) == {"": "a", "ANNA": "b", "BOB": "c"}
    assert chosen_voices(("ANNA", "BOB"), {"BOB": "a"}, "b", known) == {
        "": "b", "ANNA": "c", "BOB": "a",
    }  # fmt: skip
    many = chosen_voices(("A", "B", "C", "D"), {}, None, known)
    assert set(many) == {"", "A", "B", "C", "D"}
    assert chosen_voices(("A",), {}, None, ()) == {}
