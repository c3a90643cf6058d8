"""Plain text, Markdown, subtitles and scripts as books."""

import re

import pytest

from webui.errors import TextError
from webui.longform.book import MAX_BOOK_CHARACTERS, MAX_TITLE_CHARACTERS, Passage
from webui.longform.books import read_book, read_pasted
from webui.longform.script import speakers_of, with_speakers


def read(name: str, text: str) -> dict[str, list[str]]:
    book = read_book(name, text.encode())
    return {chapter.title: [each.text for each in chapter.passages] for chapter in book.chapters}


def turns(text: str, *listed: str) -> list[tuple[str, str]]:
    book = with_speakers(read_pasted("Play", text), listed)
    passages = (each for chapter in book.chapters for each in chapter.passages)
    return [(each.speaker, each.text) for each in passages]


# Plain text


def test_a_text_without_headings_is_one_chapter_of_its_paragraphs():
    assert read("tale.txt", "It was\ncold.\r\n\r\nIt was late.\n") == {
        "Text": ["It was\ncold.", "It was late."]
    }
    assert read_book("a/tale.txt", b"Red.").title == "tale"


@pytest.mark.parametrize(
    "heading",
    ["CHAPTER ONE", "Chapter 12: The Sea", "Kapitel 3", "Prologue", "第三章 海", "Глава 2"],
)
def test_a_line_that_reads_like_a_heading_begins_a_chapter_and_is_spoken(heading):
    found = read("a.txt", f"Before.\n\n{heading}\n\nAfter.")
    assert found == {"Text": ["Before."], heading: [heading, "After."]}


@pytest.mark.parametrize(
    "line",
    ["Part of me knew.", "Part of me knew", "Booking a room", "Chapter 1 was good."],
)
def test_a_sentence_is_no_heading(line):
    assert read("a.txt", f"Before.\n\n{line}\n\nAfter.") == {"Text": ["Before.", line, "After."]}


def test_form_feeds_part_chapters_and_scene_breaks_are_not_spoken():
    assert read("a.txt", "One.\n\n* * *\n\nTwo.\fThree.") == {
        "Text": ["One.", "Two."],
        "Part 2": ["Three."],
    }


def test_the_frame_of_a_gutenberg_text_is_left_out():
    text = "Licence.\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\nTale.\n*** END OF THE PROJECT"
    assert read("a.txt", f"{text} GUTENBERG EBOOK X ***\nMore.") == {"Text": ["Tale."]}


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "cp1252"])
def test_older_codings_are_read(coding):
    book = read_book("a.txt", "Größe “x”".encode(coding))
    assert book.chapters[0].passages == (Passage("Größe “x”"),)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"a\0b", "not a text file"),
        ("a.pdf", b"%PDF-1.7", "no kind that can be read"),
        ("a.txt", b" \n ...", "nothing to say"),
        ("a.txt", b"a" * (MAX_BOOK_CHARACTERS + 1), "5,000,000 can be spoken"),
        ("a.txt", bytes(2**26 + 1), "at most 64 MB"),
        ("a.txt", b"a\n\n" * 21, "too many parts"),
        ("a.srt", b"hello", "no subtitles"),
    ],
    ids=["nul", "pdf", "no words", "long", "large", "many parts", "no cues"],
)
def test_what_cannot_be_spoken_is_refused_in_words(name, data, words, monkeypatch):
    monkeypatch.setattr("webui.longform.books.MAX_PASSAGES", 20)
    with pytest.raises(TextError, match=re.escape(words)):
        read_book(name, data)


def test_long_titles_are_cut():
    title = read_pasted("x" * 500, "Red.").title
    assert len(title) == MAX_TITLE_CHARACTERS
    assert title.endswith("…")


@pytest.mark.parametrize("mark", ["*a", "[", "<", "A ", "- ", "{\\", "_x *", "**"])
def test_texts_made_to_hold_a_reader_up_are_read(mark):
    # Quadratic work on so many letters would take longer than any test may.
    hard = "Red " + mark * (400_000 // len(mark))
    for name in ("a.md", "a.txt"):
        assert sum(map(len, read(name, hard)["Text"])) > 4
    assert read("a.srt", f"0:01.0 --> 0:02.0\n{hard}")["a"][0].startswith("Red")
    assert turns(hard)[0][0] == ""


# Markdown


def test_markdown_headings_begin_chapters_and_its_marks_are_not_spoken():
    text = (
        "---\ntitle: x\n---\n# The Sea\nBy **the** _shore_ of [Lea](http://x.y).\n\n"
        "Storm\n-----\n> Wind and `rain`.\n\n- one\n- two\n\n```\ncode\n\ncode\n```\n"
        "### Inside\n\n***"
    )
    assert read("a.md", text) == {
        "The Sea": ["The Sea", "By the shore of Lea."],
        "Storm": ["Storm", "Wind and rain.", "one\ntwo", "Inside"],
    }
    assert read_book("a.md", text.encode()).title == "The Sea"


def test_underscores_within_words_stay():
    assert read("a.md", "A file_name_here and 2 * 3 * 4.") == {
        "Text": ["A file_name_here and 2 * 3 * 4."]
    }


# Scripts


def test_names_in_capitals_before_colons_speak_and_lines_without_a_name_go_on():
    text = "It is night.\n\nANNA: Who is there?\nSpeak!\nOLD BOB: Me.\n\nThey laugh."
    assert turns(text) == [
        ("", "It is night."),
        ("ANNA", "Who is there?\nSpeak!"),
        ("OLD BOB", "Me."),
        ("", "They laugh."),
    ]


def test_barks_own_marks_stay_in_the_text_unless_they_are_used_as_names():
    once = "MAN: Hello there."
    assert turns(once) == [("", once)]
    assert turns(once, "Man") == [("MAN", "Hello there.")]
    assert turns("MAN: Hello.\nWOMAN: Hi.\nMAN: Bye.") == [
        ("MAN", "Hello.\nWOMAN: Hi."),
        ("MAN", "Bye."),
    ]


def test_names_in_small_letters_speak_when_there_are_two_of_them():
    talk = "Anna: One.\nBob: Two.\nAnna: Three.\nBob: Four."
    assert [who for who, _ in turns(talk)] == ["Anna", "Bob", "Anna", "Bob"]
    notes = "Note: One.\nNote: Two.\nHe said: Three.\nHe said: Four."
    assert turns(notes) == [("", notes)]
    assert [who for who, _ in turns(notes, "note")] == ["Note", "Note"]


def test_the_narrator_may_be_named_and_a_time_of_day_is_no_name():
    assert turns("NARRATOR: Night.\nANNA: Oh.\n\nAt 10: 30 it ends.") == [
        ("", "Night."),
        ("ANNA", "Oh."),
        ("", "At 10: 30 it ends."),
    ]
    book = with_speakers(read_pasted("x", "Red.\n\nANNA: One.\nBOB: Two.\nANNA: Three."))
    assert speakers_of(book) == ("", "ANNA", "BOB")


def test_a_turn_ends_a_paragraph_only_where_the_paragraph_ends():
    book = with_speakers(read_pasted("x", "ANNA: One.\nBOB: Two.\n\nThree."))
    assert [each.ends_paragraph for each in book.chapters[0].passages] == [False, True, True]
