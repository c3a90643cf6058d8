"""Nonsense text in a language: what Bark is given to speak, in words or letters like a real text's.

A Markov chain over a text: what follows is what followed there. With `word` a word follows the one
before it or, now and then, any other, so words are real and sentences make no sense; with
`character` a letter follows the few before it, so the words themselves are new, which brings more
sounds into fewer pairs.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from importlib import resources
from typing import Literal

from webui.errors import TextError
from webui.synthesis.chunking import estimate_seconds

LANGUAGES = ("de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh")
"""Bark's languages, for each of which there is a small corpus of our own."""

LEAST_DISTINCT = {"word": 20, "character": 12}  # words or letters, to make nonsense of
LONGEST_CORPUS = 2_000_000  # characters
LETTERS_BEFORE = 3  # decide the next one
SYLLABLES_BEFORE = 1  # and ideographs; a corpus holds too many different ones for more
LEAP = 6  # one word of so many follows nothing; a small corpus would repeat its sentences
TRIES = 20  # for every text that is wanted
ENDS = ".!?。！？।"
_IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_SYLLABLE = re.compile(f"[{_IDEOGRAPH}\uac00-\ud7a3]")
_UNSPOKEN_SPACE = re.compile(rf"(?<=[{_IDEOGRAPH}、，。！？]) (?=[{_IDEOGRAPH}])")
_UNIT = re.compile(rf" ?[{_IDEOGRAPH}][、，。！？]?| ?[^\s{_IDEOGRAPH}]+")


@dataclass(frozen=True)
class NonsenseText:
    """Makes texts of nonsense; the same ones for the same corpus and seed, on every machine.

    `shortest` and `longest` count characters.
    """

    corpus: str
    order: Literal["word", "character"] = "word"
    seed: int = 0
    shortest: int = 30
    longest: int = 120

    def texts(self, count: int) -> list[str]:
        """Make different texts; more of them begin with the same ones.

        Raises:
            TextError: the corpus is too small or too large, or the lengths make no sense.
        """
        chain = _Chain(self._units(), self.order)
        made: dict[str, None] = {}
        for number in range(count * TRIES):
            if len(made) == count:
                break
            text = self._text(chain, _dice(self.seed, number))
            if text is not None:
                made.setdefault(text)
        if len(made) < count:
            raise TextError(
                f"This text gives only {len(made):,} different pieces of nonsense instead of "
                f"{count:,}. Give a longer text, or make fewer pairs."
            )
        return list(made)

    def _units(self) -> list[str]:
        corpus = " ".join(self.corpus[: LONGEST_CORPUS + 1].split())
        corpus = _UNSPOKEN_SPACE.sub("", corpus)
        if len(corpus) > LONGEST_CORPUS:
            raise TextError(
                f"This text has more than {LONGEST_CORPUS:,} characters. Give a part of it."
            )
        if not 0 < self.shortest <= self.longest:
            raise TextError("The shortest text must have a letter, and the longest be no shorter.")
        units = _UNIT.findall(corpus) if self.order == "word" else list(corpus)
        distinct = {unit.strip().strip(ENDS).casefold() for unit in units}
        if len(distinct) < LEAST_DISTINCT[self.order]:
            kind = "words" if self.order == "word" else "letters"
            raise TextError(
                f"This text has only {len(distinct)} different {kind}. Give at least a page of "
                "text in the language."
            )
        return units

    def _text(self, chain: "_Chain", dice: Iterator[int]) -> str | None:
        """Go along the chain until the text is as long as this one is to be."""
        wanted = self.shortest + next(dice) % (self.longest - self.shortest + 1)
        made = chain.start(dice)
        text = "".join(made).strip()
        while len(text) < wanted:
            following = chain.next(made, dice)
            longer = "".join([*made, following]).strip()
            if len(longer) > self.longest - (longer[-1] not in ENDS):
                break
            made.append(following)
            text = longer
        closed = _closed(text)
        return closed if self.shortest <= len(closed) <= self.longest else None


class _Chain:
    """What follows what, and what sentences begin with."""

    def __init__(self, units: list[str], order: str) -> None:
        self._units, self._leaps = units, order == "word"
        are_syllables = 2 * sum(map(bool, map(_SYLLABLE.match, units))) > len(units)
        letters = SYLLABLES_BEFORE if are_syllables else LETTERS_BEFORE
        self._before = size = letters if order == "character" else 1
        self._following: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._starts: list[tuple[str, ...]] = []
        for place in range(len(units) - size + 1):
            window = tuple(units[place : place + size])
            if place == 0 or units[place - 1][-1] in ENDS:
                self._starts.append(window)
            self._following[window].append(units[(place + size) % len(units)])

    def start(self, dice: Iterator[int]) -> list[str]:
        """Begin as a sentence begins."""
        return list(self._starts[next(dice) % len(self._starts)])

    def next(self, made: list[str], dice: Iterator[int]) -> str:
        """What follows the last units, or anything."""
        found = self._following.get(tuple(made[-self._before :]), self._units)
        if self._leaps and next(dice) % LEAP == 0:
            found = self._units
        return found[next(dice) % len(found)]


def corpus(language: str) -> str:
    """Give our own small corpus of a language: plain sentences, in the public domain.

    Raises:
        TextError: Bark does not speak the language.
    """
    if language not in LANGUAGES:
        raise TextError(
            f'There is no text of our own in the language "{language[:20]}". Give a text in it, or '
            f"choose one of {', '.join(LANGUAGES)}."
        )
    file = resources.files("webui.training") / "corpora" / f"{language}.txt"
    return file.read_text("utf-8")


def characters_for(text: str, seconds: float) -> int:
    """How many characters of such a text take so long to say."""
    return max(1, round(seconds * len(text) / max(estimate_seconds(text), 1e-3)))


def _closed(text: str) -> str:
    """End a text as a sentence ends."""
    if text[-1:] in tuple(ENDS):
        return text
    text = text.rstrip(" ,;:-–—、，")
    end = "।" if "\u0900" <= text[-1:] <= "\u097f" else "."
    return f"{text}{'。' if re.search(f'[{_IDEOGRAPH}]$', text) else end}"


def _dice(seed: int, number: int) -> Iterator[int]:
    """Endless whole numbers that follow from a seed, the same on every machine."""
    throw = 0
    while True:
        digest = blake2b(f"{seed}/{number}/{throw}".encode(), digest_size=64).digest()
        for place in range(0, 64, 8):
            yield int.from_bytes(digest[place : place + 8], "big")
        throw += 1
