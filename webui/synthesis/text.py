"""Text as a person writes it -> clean text -> the token ids of a family's own tokenizer."""

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from webui.arrays import TextTokens
from webui.errors import CheckpointError, TextError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_TEXT_CHARACTERS = 100_000  # in one speech: about two hours
MAX_TOKENIZER_BYTES = 2**26
JOINERS = "\u200c\u200d"  # invisible, but they belong to the spelling of Persian and Indian words
# What a family's alphabet may lack -> what it says instead; only used where it is lacking.
PLAIN_FORMS = {
    "\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u00ab": '"',
    "\u00bb": '"', "\u2013": "-", "\u2014": "-", "\u2026": "...",
}  # fmt: skip


def normalise(text: str) -> str:
    """Clean a text: NFC, no control characters, single spaces, one line a paragraph.

    A blank line parts paragraphs; a single line break is a space, as in text that was wrapped.

    Raises:
        TextError: the text is empty, too long, or holds nothing that can be said.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        raise TextError(
            f"This text has {len(text):,} characters; at most {MAX_TEXT_CHARACTERS:,} are spoken "
            "at once. Speak it in parts."
        )
    lines = [_clean_line(line) for line in text.replace("\r\n", "\n").splitlines()]
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    cleaned = "\n".join(" ".join(paragraph) for paragraph in paragraphs if paragraph)
    if not cleaned:
        raise TextError("There is no text to speak. Type a sentence.")
    if not is_pronounceable(cleaned):
        raise TextError("This text holds no letters or digits, so there is nothing to say.")
    return cleaned


def is_pronounceable(text: str) -> bool:
    """Whether a text holds at least one letter or digit, of any script."""
    return any(character.isalnum() for character in text)


def _clean_line(line: str) -> str:
    """One line in NFC, with single spaces and without characters that nobody sees or says."""
    kept = (
        character
        for character in unicodedata.normalize("NFC", line)
        if character.isspace()
        or character in JOINERS
        or unicodedata.category(character)[0]
        != "C"  # control, format, surrogate, private, unassigned
    )
    return " ".join("".join(kept).split())


class TextTokenizer:
    """A family's tokenizer: text to ids, without special tokens and without the family's offset."""

    def __init__(self, tokenizer: "Tokenizer") -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._unknown = tokenizer.token_to_id("[UNK]")
        lacking = {fancy for fancy in PLAIN_FORMS if tokenizer.token_to_id(fancy) is None}
        self._plain = str.maketrans({fancy: PLAIN_FORMS[fancy] for fancy in lacking})

    @property
    def vocabulary_size(self) -> int:
        """How many ids there are; every id is below it."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, text: str) -> TextTokens:
        """The ids of a text.

        Raises:
            TextError: the family knows no part of the text.
        """
        ids = self._encode(text)
        if all(number == self._unknown for number in ids):
            raise TextError(
                "The chosen model family was not made for the characters of this text: it knows "
                "none of its words. Choose another family."
            )
        return np.asarray(ids, dtype=np.int64)

    def count(self, text: str) -> int:
        """How many text positions a text takes."""
        return len(self._encode(text))

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """The words of a text that the family cannot read, in order, each once."""
        words = (word for word in text.split() if self._unknown in self._encode(word))
        return tuple(dict.fromkeys(words))

    def _encode(self, text: str) -> list[int]:
        encoding = self._tokenizer.encode(text.translate(self._plain), add_special_tokens=False)
        return list(encoding.ids)


def load_tokenizer(folder: Path, room: int) -> TextTokenizer:
    """Load a family's tokenizer from `tokenizer.json` or `vocab.txt` (BERT's WordPiece).

    Loaders that cannot find a vocabulary hand out one of five special tokens without a word, and
    the family then says noise to everything; so the vocabulary's size is compared with the model's.

    Args:
        folder: the family's folder.
        room: how many ids the family's text stage has for words (`text_pad_token` minus
            `text_encoding_offset`).

    Raises:
        CheckpointError: the files are missing, damaged, or of another family.
    """
    path = next((p for p in (folder / "tokenizer.json", folder / "vocab.txt") if p.is_file()), None)
    if path is None:
        raise CheckpointError(
            f'The family "{folder.name}" has no tokenizer: tokenizer.json or vocab.txt is missing. '
            "Download the family again."
        )
    try:
        if path.stat().st_size > MAX_TOKENIZER_BYTES:
            raise ValueError("larger than any tokenizer")
        is_fast = path.name == "tokenizer.json"
        tokenizer = TextTokenizer(_read_fast(path) if is_fast else _read_vocabulary(path))
    except Exception as fault:  # the tokenizers library raises nothing narrower
        raise CheckpointError(
            f'The tokenizer of the family "{folder.name}" ({path.name}) is damaged. '
            "Download the family again."
        ) from fault
    size = tokenizer.vocabulary_size
    if not room // 10 < size <= room:
        raise CheckpointError(
            f'The tokenizer of the family "{folder.name}" knows {size:,} tokens, but the model was '
            f"made for {room:,}. They are not of the same family; download it again."
        )
    return tokenizer


def _read_fast(path: Path) -> "Tokenizer":
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def _read_vocabulary(path: Path) -> "Tokenizer":
    """BERT's tokenizer from its older files: one token a line, and settings for the letters."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    tokens = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    vocabulary = {token.rstrip("\r"): number for number, token in enumerate(tokens)}
    settings: Mapping[str, Any] = {}
    if (config := path.with_name("tokenizer_config.json")).is_file():
        settings = json.loads(config.read_text(encoding="utf-8"))
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=bool(settings.get("tokenize_chinese_chars", True)),
        strip_accents=settings.get("strip_accents"),
        lowercase=bool(settings.get("do_lower_case", True)),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer
