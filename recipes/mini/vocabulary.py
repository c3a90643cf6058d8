"""The text tokens of `mini`: common words whole, everything else in letters and letter groups."""

from collections import Counter

from recipes.mini.sentences import normalised

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
SIGNS = list(".,?!'-:;\"()[]&%$")
GROUPS = [
    "th",
    "sh",
    "ch",
    "wh",
    "ph",
    "gh",
    "ck",
    "ng",
    "nk",
    "qu",
    "tch",
    "dge",
    "oo",
    "ee",
    "ea",
    "ai",
    "ay",
    "oa",
    "ou",
    "ow",
    "oi",
    "oy",
    "au",
    "aw",
    "ew",
    "ie",
    "ei",
    "ey",
    "igh",
    "tion",
    "sion",
    "ture",
    "er",
    "ar",
    "or",
    "ir",
    "ur",
    "ear",
    "air",
    "oor",
    "ing",
    "ed",
    "es",
    "ly",
    "ll",
    "ss",
    "tt",
    "ff",
    "pp",
    "nn",
    "mm",
    "rr",
    "dd",
    "gg",
    "bb",
    "zz",
    "cc",
    "kn",
    "wr",
    "ight",
    "ould",
    "ble",
    "tle",
    "ous",
    "ate",
    "ive",
    "ment",
    "ness",
    "able",
]
"""Letters that are read together; they keep the text short and the spelling easy."""
WHOLE_WORDS = 300


def vocabulary(sentences: list[str]) -> list[str]:
    """The lines of `vocab.txt`, most special first."""
    counts = Counter(
        word for text in sentences for word in normalised(text).split() if word.isalpha()
    )
    common = [word for word, _ in counts.most_common(WHOLE_WORDS) if len(word) > 1]
    starts = [*LETTERS, *SIGNS, *[g for g in GROUPS if g not in common], *common]
    inside = [f"##{piece}" for piece in [*LETTERS, *GROUPS]]
    return [*SPECIAL, *starts, *inside]


class WordPieces:
    """BERT's greedy longest-match tokenizer, with the place of every piece in the text."""

    def __init__(self, lines: list[str]) -> None:
        self.index = {piece: number for number, piece in enumerate(lines)}
        self.longest = max(map(len, lines))

    def tokenise(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of the pieces, and where in `text` each begins and ends."""
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        lower, at = text.lower(), 0
        while at < len(lower):
            if lower[at].isspace():
                at += 1
                continue
            end = at + 1
            if lower[at].isalnum():
                while end < len(lower) and lower[end].isalnum():
                    end += 1
            self._word(lower[at:end], at, ids, spans)
            at = end
        return ids, spans

    def _word(self, word: str, offset: int, ids: list[int], spans: list[tuple[int, int]]) -> None:
        start = 0
        while start < len(word):
            for end in range(min(len(word), start + self.longest), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self.index:
                    ids.append(self.index[piece])
                    spans.append((offset + start, offset + end))
                    start = end
                    break
            else:
                ids.append(self.index["[UNK]"])
                spans.append((offset + start, offset + len(word)))
                return
