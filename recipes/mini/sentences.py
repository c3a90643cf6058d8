"""What the teacher says: short sentences from Debian's `fortunes`, and loose words for the spelling.

For reading alone there are also the examples of Debian's `wordnet-base`: how each of many thousand words is used.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np

FORTUNES = Path("/usr/share/games/fortunes")
WORDNET = Path("/usr/share/wordnet")
BENCH_SENTENCES = Path(__file__).parents[2] / "bench" / "sentences.txt"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z' ,]*[.?!]")
_EXAMPLE = re.compile(r'"([^"]*)"')
LONGEST_LETTERS = 56
_SPLIT = re.compile(r"(?<=[.?!])\s+|\n[%\s]*\n|\t|\"|--|;|:")


def normalised(text: str) -> str:
    """Only the letters and spaces, lower case: what makes two sentences the same."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def held_out_sentences() -> list[str]:
    """The sentences of the quality bench, which training must not contain."""
    return BENCH_SENTENCES.read_text(encoding="utf-8").splitlines()


def fortune_sentences(longest_words: int = 10, longest_letters: int = LONGEST_LETTERS) -> list[str]:
    """All different plain sentences of two to `longest_words` words, in a fixed order."""
    seen = {normalised(text) for text in held_out_sentences()}
    found: list[str] = []
    for path in sorted(FORTUNES.glob("*")):
        if path.suffix:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore").replace("%\n", "\n\n")
        for raw in _SPLIT.split(text):
            sentence = " ".join(raw.split())
            words = sentence.split()
            key = normalised(sentence)
            if not (2 <= len(words) <= longest_words and len(sentence) <= longest_letters):
                continue
            if key in seen or not _is_plain(sentence):
                continue
            seen.add(key)
            found.append(sentence)
    return found


def cut_sentences(shortest_words: int = 4, longest_words: int = 8) -> list[str]:
    """Pieces of the sentences that are too long: natural runs of words, each closed with a stop."""
    generator = np.random.default_rng(7)
    seen = {normalised(text) for text in held_out_sentences()}
    found: list[str] = []
    for path in sorted(FORTUNES.glob("*")):
        if path.suffix:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore").replace("%\n", "\n\n")
        for raw in _SPLIT.split(text):
            words = raw.split()
            if not (10 < len(words) <= 60):
                continue
            at = 0
            while len(words) - at >= shortest_words:
                size = int(generator.integers(shortest_words, longest_words + 1))
                piece = " ".join(words[at : at + size]).rstrip(" ,.?!'") + "."
                at += size
                key = normalised(piece)
                if key in seen or not _is_plain(piece) or len(piece) > LONGEST_LETTERS:
                    continue
                seen.add(key)
                found.append(piece[0].upper() + piece[1:])
    return found


def wordnet_sentences(longest_words: int = 10) -> list[str]:
    """All different examples of two to `longest_words` words in WordNet, in a fixed order, each closed with a stop.

    Some are sentences and some are only parts of one. Those that `fortunes` holds too are left out.
    """
    seen = {normalised(t) for t in held_out_sentences() + fortune_sentences() + cut_sentences()}
    found: list[str] = []
    for path in sorted(WORDNET.glob("data.*")):
        for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
            for raw in _EXAMPLE.findall(line.partition("|")[2]):
                text = " ".join(raw.split()).rstrip(" .,;!?") + "."
                words, key = text.split(), normalised(text)
                if not 2 <= len(words) <= longest_words or len(text) > LONGEST_LETTERS:
                    continue
                if key in seen or not _is_plain(text):
                    continue
                seen.add(key)
                found.append(text[0].upper() + text[1:])
    return found


def word_phrases(sentences: list[str], count: int, generator: np.random.Generator) -> list[str]:
    """`count` phrases of one to four loose words; rare words come oftener than in sentences."""
    counts = Counter(word for text in sentences for word in normalised(text).split())
    words = [word for word in sorted(counts) if len(word) > 1 and word.strip("'") == word]
    weight = np.array([counts[word] for word in words], dtype=np.float64) ** 0.4
    weight /= weight.sum()
    phrases = []
    for _ in range(count):
        picked = generator.choice(
            len(words), size=int(generator.integers(1, 5)), replace=False, p=weight
        )
        phrases.append(" ".join(words[index] for index in picked).capitalize() + ".")
    return phrases


def _is_plain(text: str) -> bool:
    words = text.split()
    is_spelt = _PLAIN.fullmatch(text) is not None
    return is_spelt and not _has_repeat(words) and not _is_shouted(words)


def _has_repeat(words: list[str]) -> bool:
    return any(
        a.strip(".,?!").lower() == b.strip(".,?!").lower()
        for a, b in zip(words, words[1:], strict=False)
    )


def _is_shouted(words: list[str]) -> bool:
    return any(word.isupper() and len(word.strip(".,?!'")) > 1 for word in words)
