"""Chunks of a long text: nothing lost, nothing altered, everything fits."""

import random
import re
import time

import pytest

from webui.errors import TextError
from webui.synthesis.chunking import ChunkLimits, TextChunk, estimate_seconds, split_into_chunks
from webui.synthesis.text import normalise

WIDE = ChunkLimits(tokens=256, seconds=13.0)
NARROW = ChunkLimits(tokens=48, seconds=6.0)


def count(text: str) -> int:
    """A stand-in for a tokenizer: one token for three letters of a word, one for each sign."""
    return sum((len(word) + 2) // 3 for word in re.findall(r"\w+|[^\w\s]", text))


def split(text: str, limits: ChunkLimits = NARROW, language: str = "en") -> tuple[TextChunk, ...]:
    return split_into_chunks(normalise(text), limits, count, language)


def texts(text: str, limits: ChunkLimits = NARROW, language: str = "en") -> list[str]:
    return [chunk.text for chunk in split(text, limits, language)]


STORY = (
    "The ship left the harbour at dawn, while the town was still asleep. Nobody waved! Why should "
    "they? Dr. Smith, who had paid 3.5 crowns for his passage, stood at the rail and counted the "
    "houses, one by one, until the last of them was gone behind the hill and there was nothing "
    "left to count but waves. He sighed. Then he went below, for it was cold."
)


def test_a_short_text_is_one_chunk() -> None:
    assert texts("Hello there. How are you?", WIDE) == ["Hello there. How are you?"]


@pytest.mark.parametrize("limits", [NARROW, WIDE, ChunkLimits(12, 2.0), ChunkLimits(5, 99.0)])
def test_nothing_is_lost_and_everything_fits(limits: ChunkLimits) -> None:
    chunks = split(STORY, limits)
    assert " ".join(chunk.text for chunk in chunks) == STORY
    assert all(count(chunk.text) <= limits.tokens for chunk in chunks)
    assert all(estimate_seconds(chunk.text) <= limits.seconds for chunk in chunks)


def test_sentences_stay_whole_where_they_fit() -> None:
    assert (
        texts("One two three four. " * 8, ChunkLimits(14, 99.0))
        == ["One two three four. One two three four."] * 4
    )


def test_a_long_sentence_is_cut_at_a_clause() -> None:
    sentence = "When the rain had stopped at last, we opened the door and went out into the garden."
    parts = texts(sentence, ChunkLimits(256, 5.0))
    assert parts == [
        "When the rain had stopped at last,",
        "we opened the door and went out into the garden.",
    ]


def test_a_sentence_without_clauses_is_cut_between_words() -> None:
    parts = texts("word " * 60, ChunkLimits(256, 5.0))
    assert len(parts) > 3
    assert all(set(part.split()) == {"word"} for part in parts)


def test_a_word_without_end_is_cut_between_letters() -> None:
    parts = texts("é" * 300 + "e\u0323\u0302" * 50, ChunkLimits(20, 99.0))
    assert "".join(parts) == normalise("é" * 300 + "e\u0323\u0302" * 50)
    assert all(count(part) <= 20 for part in parts)
    assert not any(part[0] in "\u0323\u0302" for part in parts)


def test_chunks_of_a_paragraph_are_about_equally_long() -> None:
    seconds = [chunk.seconds for chunk in split("This is a sentence of a story. " * 30, WIDE)]
    assert max(seconds[1:]) < 2 * min(seconds[1:])


def test_the_first_chunk_of_a_long_text_is_short() -> None:
    chunks = split("This is a sentence of a story. " * 30, WIDE)
    assert 2.0 < chunks[0].seconds < 6.0
    assert chunks[0].seconds < chunks[1].seconds


def test_paragraphs_are_never_joined_and_their_ends_are_known() -> None:
    chunks = split("A title\n\nFirst part. Second part.\n\n* * *\n\nThe end.", WIDE)
    assert [chunk.text for chunk in chunks] == ["A title", "First part. Second part.", "The end."]
    assert all(chunk.ends_paragraph for chunk in chunks)
    ends = [chunk.ends_paragraph for chunk in split(STORY)]
    assert ends == [False] * (len(ends) - 1) + [True]


@pytest.mark.parametrize(
    "text",
    [
        "Well [clears throat] I did not, " * 12,
        "MAN: Where have you been? WOMAN: I was at the old market hall. " * 6,
        "I am SO happy... really [laughs] so very happy — truly. " * 6,
        "Listen: ♪ In the jungle. The lion sleeps. ♪ That was it. " * 6,
    ],
)
def test_marks_of_bark_are_never_cut_nor_altered(text: str) -> None:
    parts = texts(text)
    assert " ".join(parts) == text.strip()
    for part in parts:
        assert part.count("[") == part.count("]")
        assert part.count("♪") % 2 == 0
        assert not part.endswith(":")


def test_a_song_longer_than_a_chunk_is_sung_in_every_part() -> None:
    song = "♪ " + "in the mighty jungle the lion sleeps tonight " * 8 + "♪"
    parts = texts(f"He sang: {song} And left.")
    sung = [part for part in parts if "jungle" in part or "lion" in part]
    assert len(sung) > 2
    assert all(part.count("♪") == 2 for part in sung)
    assert all(count(part) <= NARROW.tokens for part in parts)
    assert " ".join(" ".join(parts).replace("♪", " ").split()) == " ".join(
        f"He sang: {song} And left.".replace("♪", " ").split()
    )


def test_abbreviations_end_no_sentence_in_the_language_of_the_voice() -> None:
    limits = ChunkLimits(9, 99.0)
    assert texts("Das ist z. B. gut. Ja!", limits, "de") == ["Das ist z. B. gut.", "Ja!"]


def test_text_without_spaces_is_cut_at_its_own_stops() -> None:
    parts = texts("今天天气很好，我们去公园。你想来吗？" * 6, NARROW, "zh")
    assert "".join(parts) == "今天天气很好，我们去公园。你想来吗？" * 6
    assert all(part[-1] in "，。？" for part in parts)
    assert len(parts) > 3


def test_parts_with_nothing_to_say_are_left_out() -> None:
    assert texts("...\n\nHello.\n\n♪ ♪", WIDE) == ["Hello."]
    with pytest.raises(TextError, match="nothing to say"):
        split_into_chunks("...", WIDE, count)


def test_estimates_know_that_scripts_differ() -> None:
    assert estimate_seconds("a" * 14) == pytest.approx(1.0)
    assert estimate_seconds("今天天气") == pytest.approx(1.0)
    assert estimate_seconds("123") > 3 * estimate_seconds("abc")
    assert estimate_seconds("[laughs]") == pytest.approx(1.0)


@pytest.mark.parametrize(
    "unit", ["a", "a ", "a. ", "“a ", "♪ a ", "[a ", "MAN: a ", "A ", ", a", "今", "a\n\n", "(a) "]
)
def test_hostile_texts_are_cut_in_bounded_time(unit: str) -> None:
    text = normalise(unit * (20_000 // len(unit)))
    start = time.perf_counter()
    chunks = split_into_chunks(text, NARROW, count)
    assert time.perf_counter() - start < 10.0
    assert all(count(chunk.text) <= NARROW.tokens for chunk in chunks)


def test_random_texts_are_never_altered() -> None:
    dice = random.Random(0)
    alphabet = ["ab", "c", " ", " ", ". ", ", ", "!", "[x]", "[", "]", "MAN: ", "…", "—", "(", "é"]
    for _ in range(300):
        text = "a" + "".join(dice.choices(alphabet, k=dice.randint(1, 120)))
        chunks = split(text, ChunkLimits(20, 2.5))
        said = "".join("".join(chunk.text.split()) for chunk in chunks)
        # parts of signs only are left out; every letter is there, in order
        assert [c for c in said if c.isalnum()] == [c for c in text if c.isalnum()]
        assert all(count(chunk.text) <= 20 for chunk in chunks)
