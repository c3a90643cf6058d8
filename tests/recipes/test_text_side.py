"""What the teacher says and how it is spelt: sentences, letters of phones, word pieces."""

import numpy as np
import pytest

from recipes.mini import sentences
from recipes.mini.spelling import PHONES, letters_of_phones
from recipes.mini.vocabulary import SPECIAL, WordPieces, vocabulary

FORTUNES = """A short plain line.
%
GOOD MORNING, how are you today?
%
This one is far too long for a single short clip of the teacher because it goes on and on.
%
Say it it again.
%
42 is a number.
%
A short, plain line!
"""


@pytest.fixture
def fortunes(tmp_path, monkeypatch):
    (tmp_path / "some").write_text(FORTUNES)
    (tmp_path / "some.dat").write_bytes(b"\0\1")
    monkeypatch.setattr(sentences, "FORTUNES", tmp_path)


@pytest.mark.usefixtures("fortunes")
def test_sentences_are_plain_short_different_and_never_those_of_the_bench():
    assert sentences.fortune_sentences() == ["A short plain line."]


@pytest.mark.usefixtures("fortunes")
def test_long_sentences_are_cut_into_runs_of_words():
    pieces = sentences.cut_sentences()
    assert pieces
    assert all(4 <= len(piece.split()) <= 8 and piece.endswith(".") for piece in pieces)
    whole = sentences.normalised(FORTUNES)
    assert all(sentences.normalised(piece) in whole for piece in pieces)


def test_the_bench_holds_fifty_different_sentences_that_training_leaves_out():
    held_out = sentences.held_out_sentences()
    assert len({sentences.normalised(each) for each in held_out}) == len(held_out) == 50


def test_phrases_of_loose_words_are_the_same_for_the_same_dice():
    texts = ["The cat saw the dog.", "A dog ran to the sea."]
    one, two = (sentences.word_phrases(texts, 5, np.random.default_rng(3)) for _ in range(2))
    assert one == two
    assert all(1 <= len(phrase.split()) <= 4 for phrase in one)


@pytest.mark.parametrize(
    ("word", "phones", "letters"),
    [
        ("cat", "k ae t", [0, 1, 2]),
        ("ship", "sh ih p", [0, 2, 3]),
        ("thing", "th ih ng", [0, 2, 3]),
        ("make", "m ey k", [0, 1, 2]),
        ("box", "b aa k s", [0, 1, 2, 2]),
    ],
)
def test_each_phone_comes_from_a_letter_that_can_sound_so(word, phones, letters):
    assert letters_of_phones(word, phones.split()) == letters


@pytest.mark.parametrize("word", ["through", "people", "a", "women", "queue", "onion"])
def test_letters_never_go_back(word):
    found = letters_of_phones(word, ["p", "iy", "p", "ax", "l"])
    assert found == sorted(found)
    assert max(found) < len(word)


def test_the_phones_are_all_different():
    assert len(set(PHONES)) == len(PHONES) == 41


TEXTS = [
    "Good morning, how are you today?", "Don't you think it's strange?", "The shipwright's ox.",
    "Zymurgy, quixotic; (yes) 42 times!", "a  b\tc",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_our_word_pieces_are_those_of_transformers(text, tmp_path):
    from transformers import BertTokenizer

    lines = vocabulary(["The old man and the sea.", "The sea was cold and the man was old."])
    assert lines[: len(SPECIAL)] == SPECIAL
    assert len(set(lines)) == len(lines)
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(lines) + "\n")
    theirs = BertTokenizer(vocab=str(path), do_lower_case=True)
    ids, spans = WordPieces(lines).tokenise(text)
    assert ids == theirs.encode(text, add_special_tokens=False)
    for number, (start, end) in zip(ids, spans, strict=True):
        assert lines[number].removeprefix("##") in (text[start:end].lower(), "[UNK]")


EXAMPLES = """  1 This software is provided "AS IS"
00001740 breathe @ | draw; "I can breathe better when the air is clean"; "hold it"
00002573 29 v 01 respire 0 @ | act; "A short plain line!"; "the 3 patients rest"; "rest"
00002724 29 v 01 choke 0 001 @ | stop; "hold it;"
"""


@pytest.mark.usefixtures("fortunes")
def test_examples_of_a_dictionary_are_read_once_and_closed_with_a_stop(tmp_path, monkeypatch):
    (tmp_path / "data.verb").write_text(EXAMPLES)
    monkeypatch.setattr(sentences, "WORDNET", tmp_path)
    assert sentences.wordnet_sentences() == [
        "I can breathe better when the air is clean.",
        "Hold it.",
    ]
