"""Text: what is cleaned, what is refused, and whose tokenizer is trusted."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from webui.errors import CheckpointError, TextError
from webui.synthesis.text import TextTokenizer, load_tokenizer, normalise

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz", *".,?!'-:[]\""]
VOCABULARY = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS[:26]), "hello", "世"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def tokenizer(folder: Path) -> TextTokenizer:
    return load_tokenizer(folder, room=len(VOCABULARY))


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("  Hello \t there  ", "Hello there"),
        ("wrapped\nat the\r\nmargin", "wrapped at the margin"),
        ("One.\n\n\n  \nTwo.", "One.\nTwo."),
        ("cafe\u0301", "caf\u00e9"),
        ("a\x00b\x07c\x1b[31md", "abc[31md"),
        ("zero\u200bwidth \u202ebidi\ufeff", "zerowidth bidi"),
        ("lone \ud800surrogate", "lone surrogate"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("non\u00a0breaking\u3000space", "non breaking space"),
        ("[laughs] ♪ La la ♪ MAN: WOW… — ok", "[laughs] ♪ La la ♪ MAN: WOW… — ok"),
    ],
)
def test_a_text_is_cleaned_and_otherwise_left_alone(written: str, cleaned: str) -> None:
    assert normalise(written) == cleaned


@pytest.mark.parametrize("nothing", ["", "   \n\t ", "\x00\x07", "\u200b"])
def test_an_empty_text_is_refused(nothing: str) -> None:
    with pytest.raises(TextError, match="no text"):
        normalise(nothing)


@pytest.mark.parametrize("nothing", ["...", "♪ ♪", "?!", "—", "🎉"])
def test_a_text_without_letters_is_refused(nothing: str) -> None:
    with pytest.raises(TextError, match="nothing to say"):
        normalise(nothing)


@pytest.mark.parametrize("unit", ["a", "ab. ", "\n", "\ud800", "é🎉"])
def test_five_megabytes_are_refused_at_once_in_one_sentence(unit: str) -> None:
    text = unit * (5_000_000 // len(unit))
    start = time.perf_counter()
    with pytest.raises(TextError, match="characters; at most 100,000") as caught:
        normalise(text)
    assert time.perf_counter() - start < 0.05
    assert len(str(caught.value)) < 200


def test_ids_are_those_of_transformers(folder: Path, tokenizer: TextTokenizer) -> None:
    from transformers import BertTokenizer

    theirs = BertTokenizer.from_pretrained(folder)
    for text in ("Hello, how's it going?", "[laughs] hello世 Zoë!", "MAN: wait - what", "a" * 99):
        expected = theirs(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.encode(text).tolist() == expected
        assert tokenizer.count(text) == len(expected)


def test_both_kinds_of_tokenizer_files_give_the_same_ids(
    folder: Path, tokenizer: TextTokenizer
) -> None:
    from transformers import BertTokenizer

    BertTokenizer.from_pretrained(folder).save_pretrained(folder / "fast")
    fast = load_tokenizer(folder / "fast", room=len(VOCABULARY))
    assert (folder / "fast" / "tokenizer.json").is_file()
    for text in ("Hello there.", "What? [sighs]"):
        np.testing.assert_array_equal(fast.encode(text), tokenizer.encode(text))


def test_ids_carry_no_special_tokens_and_keep_words_whole(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode("Hello!").tolist() == [VOCABULARY.index("hello"), VOCABULARY.index("!")]


def test_case_follows_the_tokenizer_settings(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    cased = load_tokenizer(folder, room=len(VOCABULARY))
    assert cased.encode("hello").tolist() == [VOCABULARY.index("hello")]
    assert cased.unknown_words("Hello hello") == ("Hello",)


def test_typographic_signs_become_plain_only_where_the_family_lacks_them(folder: Path) -> None:
    plain = load_tokenizer(folder, room=99)
    assert plain.encode("don’t").tolist() == plain.encode("don't").tolist()
    (folder / "vocab.txt").write_text("\n".join([*VOCABULARY, "’"]), encoding="utf-8")
    rich = load_tokenizer(folder, room=99)
    assert len(VOCABULARY) in rich.encode("don’t").tolist()


def test_unknown_words_are_named_once(tokenizer: TextTokenizer) -> None:
    assert tokenizer.unknown_words("hello мир and 7 мир") == ("мир", "7")


def test_a_text_of_unknown_words_only_is_refused(tokenizer: TextTokenizer) -> None:
    with pytest.raises(TextError, match="none of its words"):
        tokenizer.encode("привет мир")


def test_a_family_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json or vocab\.txt is missing"):
        load_tokenizer(tmp_path, room=100)


def test_a_tokenizer_of_special_tokens_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(SPECIAL))
    with pytest.raises(CheckpointError, match=r"knows 5 tokens.*119,547"):
        load_tokenizer(tmp_path, room=119_547)


def test_a_tokenizer_larger_than_the_model_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="same family"):
        load_tokenizer(folder, room=len(VOCABULARY) - 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b'{"version": "1.0", "model": {"type": "Exec"}}'),
        ("tokenizer.json", b"\xff\xfe\x00"),
        ("vocab.txt", b"\xff\xfe\x00"),
    ],
)
def test_damaged_tokenizer_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{name}. is damaged"):
        load_tokenizer(tmp_path, room=100)


def test_an_oversized_tokenizer_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate(2**30)
    start = time.perf_counter()
    with pytest.raises(CheckpointError, match="damaged"):
        load_tokenizer(tmp_path, room=100)
    assert time.perf_counter() - start < 0.5
