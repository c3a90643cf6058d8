"""A long text -> chunks that the text stage can say in one go, cut where a reader pauses."""

import bisect
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from webui.errors import TextError
from webui.family import FamilyConfig
from webui.synthesis.text import is_pronounceable

ROOM_TO_END = 0.85  # of the longest duration is filled with text; voices differ in pace
FIRST_SECONDS = 3.0  # of a long text's first chunk, so that the first sound comes soon
SECONDS_PER_LETTER = 1 / 14  # English as Bark reads it
SECONDS_PER_IDEOGRAPH = 0.25
SECONDS_PER_SYLLABLE = 0.15  # kana and hangul
SECONDS_PER_DIGIT = 0.3  # a digit is a word
SECONDS_PER_PAUSE = 0.2
SECONDS_PER_TAG = 1.0  # [laughs]
SEGMENT_CHARACTERS = 5_000  # sentencex takes quadratic time on some texts, so it gets parts

TAG = r"\[[^\[\]]{1,40}\]"  # [laughs], [clears throat]
SONG = r"♪[^♪]*♪"
ROLE = r"(?<!\w)[A-Z][A-Z0-9 ]{0,30}:\s*\S"  # MAN: and the first letter of what he says
WHOLE = re.compile(f"{TAG}|{SONG}|{ROLE}")
CLAUSE_END = re.compile(r"[,;:،؛][\"'”’)\]]*\s+|\s[-–—]+\s+|—|[，、；：…。！？]")
SPACE = re.compile(r"\s+")

Span = tuple[int, int]


@dataclass(frozen=True)
class ChunkLimits:
    """What one chunk may be at most."""

    tokens: int  # text positions of the family
    seconds: float  # of speech, as estimated from the text


@dataclass(frozen=True)
class TextChunk:
    """A part of a text that is spoken in one go."""

    text: str
    seconds: float  # estimated
    ends_paragraph: bool


def chunk_limits(family: FamilyConfig, max_seconds: float) -> ChunkLimits:
    """Say what a family speaks in one go, at most so many seconds of it."""
    config = family.semantic
    longest = min(max_seconds, config.max_tokens / config.rate_hz) * ROOM_TO_END
    seconds = min(longest, family.chunk_seconds or longest)
    return ChunkLimits(tokens=config.text_positions, seconds=seconds)


def split_into_chunks(
    text: str,
    limits: ChunkLimits,
    count_tokens: Callable[[str], int],
    language: str = "en",
    *,
    soon: bool = True,
) -> tuple[TextChunk, ...]:
    """Cut a normalised text into chunks of about equal length that fit the limits.

    Sentences stay whole where they fit; longer ones are cut at clauses, then words, then letters.
    Bark's own marks ([laughs], ♪ … ♪, MAN:) are never cut; only a song that is longer than a chunk
    is, and then every part of it is sung.

    Args:
        text: paragraphs parted by line feeds, as `normalise` gives it.
        limits: what one chunk may be at most.
        count_tokens: how many text positions a text takes.
        language: ISO 639 code, for the ends of sentences.
        soon: the first chunk of a long text is short, so that its sound comes soon.

    Raises:
        TextError: no part of the text can be spoken.
    """
    chunks: list[TextChunk] = []
    for paragraph in text.split("\n"):
        splitter = _Paragraph(paragraph, limits, count_tokens)
        spans = splitter.chunk_spans(language, is_first=soon and not chunks)
        said = [part for part in map(splitter.text_of, spans) if is_pronounceable(part)]
        chunks += [TextChunk(part, estimate_seconds(part), part is said[-1]) for part in said]
    if not chunks:
        raise TextError("This text holds no letters or digits, so there is nothing to say.")
    return tuple(chunks)


def estimate_seconds(text: str) -> float:
    """About how long a text takes to say, before anything is known about the voice."""
    seconds = 0.0
    for tag in re.findall(TAG, text):
        seconds += SECONDS_PER_TAG
        text = text.replace(tag, "", 1)
    for character in text:
        if character.isdigit():
            seconds += SECONDS_PER_DIGIT
        elif "\u3040" <= character <= "\u30ff" or "\uac00" <= character <= "\ud7a3":
            seconds += SECONDS_PER_SYLLABLE
        elif "\u3400" <= character <= "\u9fff" or character >= "\U00020000":
            seconds += SECONDS_PER_IDEOGRAPH
        elif character.isalpha() or character.isspace():
            seconds += SECONDS_PER_LETTER
        elif character in ".!?,;:…。！？，、；：":
            seconds += SECONDS_PER_PAUSE
    return seconds


class _Paragraph:
    """One paragraph while it is being cut; chunks are spans of it, so that nothing is altered."""

    def __init__(self, text: str, limits: ChunkLimits, count_tokens: Callable[[str], int]) -> None:
        self._text = text
        self._limits = limits
        self._count_tokens = count_tokens
        self._whole = [match.span() for match in WHOLE.finditer(text)]
        self._songs = [span for span in self._whole if text[span[0]] == "♪"]

    def text_of(self, span: Span) -> str:
        """The words of a span; a part of a song gets the song's marks."""
        words = self._text[span[0] : span[1]].strip()
        opens = "♪ " if _inside(self._songs, span[0]) else ""
        closes = " ♪" if _inside(self._songs, span[1]) else ""
        return f"{opens}{words}{closes}"

    def chunk_spans(self, language: str, is_first: bool) -> list[Span]:
        """The spans of the chunks, in order, of about equal length."""
        pieces = [
            piece for sentence in self._sentences(language) for piece in self._pieces(sentence)
        ]
        texts = [self.text_of(piece) for piece in pieces]
        sizes = [(self._count_tokens(text), estimate_seconds(text)) for text in texts]
        groups = self._group(sizes, self._limits.seconds, is_first)
        low, high = self._limits.seconds / 2, self._limits.seconds
        for _ in range(6):  # as even as possible in the same number of chunks
            middle = (low + high) / 2
            tried = self._group(sizes, middle, is_first)
            if len(tried) <= len(groups):
                groups, high = tried, middle
            else:
                low = middle
        return [span for group in groups for span in self._joined([pieces[i] for i in group])]

    def _joined(self, pieces: list[Span]) -> list[Span]:
        """One span over all pieces, or the pieces again where the tokenizer joins them badly."""
        span = (pieces[0][0], pieces[-1][1])
        return [span] if self._count_tokens(self.text_of(span)) <= self._limits.tokens else pieces

    def _group(
        self, sizes: Sequence[tuple[int, float]], most_seconds: float, is_first: bool
    ) -> list[list[int]]:
        """Fill chunks one after the other, each up to the limits."""
        groups: list[list[int]] = [[]]
        tokens, seconds = 0, 0.0
        short = is_first and sum(size[1] for size in sizes) > self._limits.seconds
        for number, (more_tokens, more_seconds) in enumerate(sizes):
            is_full = tokens + more_tokens > self._limits.tokens
            is_full |= seconds + more_seconds > most_seconds
            is_full |= short and len(groups) == 1 and seconds >= FIRST_SECONDS
            if is_full and groups[-1]:
                groups.append([])
                tokens, seconds = 0, 0.0
            groups[-1].append(number)
            tokens, seconds = tokens + more_tokens, seconds + more_seconds
        return groups

    def _sentences(self, language: str) -> list[Span]:
        """The sentences of the paragraph; no end of one lies within a mark of Bark."""
        ends = [end for end in _sentence_ends(self._text, language) if self._may_cut(end)]
        return list(itertools.pairwise([0, *ends, len(self._text)]))

    def _may_cut(self, place: int) -> bool:
        return not _inside(self._whole, place) and 0 < place < len(self._text)

    def _fits(self, span: Span) -> bool:
        text = self.text_of(span)
        return (
            estimate_seconds(text) <= self._limits.seconds
            and self._count_tokens(text) <= self._limits.tokens
        )

    def _pieces(self, span: Span) -> Iterator[Span]:
        """Cut a span at the best place near its middle, and the halves again, until they fit."""
        if self._fits(span):
            yield span
            return
        place = self._best_cut(span)
        if place is None:  # a single letter
            yield span
            return
        yield from self._pieces((span[0], place))
        yield from self._pieces((place, span[1]))

    def _best_cut(self, span: Span) -> int | None:
        """Where to cut: at a clause near the middle, else a word, a word of a song, a letter.

        A mark of Bark that is longer than the family can hold is cut last of all.
        """
        start, end = span
        middle = (start + end) / 2
        text = self._text[start:end]
        for boundaries in (_clause_ends, _word_starts):
            reach = (end - start) / (4 if boundaries is _clause_ends else 2)
            places = (start + place for place in boundaries(text))
            near = [p for p in places if self._may_cut(p) and abs(p - middle) < reach]
            if near:
                return min(near, key=lambda place: abs(place - middle))
        words = (p + start for p in _word_starts(text) if p < len(text))
        sung = [place for place in words if _inside(self._songs, place)]
        letters = [p + start for p in _letter_starts(text)]
        free = [place for place in letters if self._may_cut(place)]
        return min(sung or free or letters, key=lambda place: abs(place - middle), default=None)


def _clause_ends(text: str) -> Iterator[int]:
    return (match.end() for match in CLAUSE_END.finditer(text))


def _word_starts(text: str) -> Iterator[int]:
    return (match.end() for match in SPACE.finditer(text))


def _letter_starts(text: str) -> Iterator[int]:
    """Where letters begin, rather than the accents of the ones before."""
    for place in range(1, len(text)):
        is_accent = unicodedata.category(text[place])[0] == "M"
        if not is_accent and "\u200d" not in text[place - 1 : place + 1]:
            yield place


def _inside(spans: Sequence[Span], place: int) -> bool:
    """Whether a place lies within one of the sorted spans, not at its edge."""
    number = bisect.bisect_left(spans, (place, 0)) - 1
    return number >= 0 and spans[number][0] < place < spans[number][1]


def _sentence_ends(text: str, language: str) -> Iterator[int]:
    """The ends of the sentences of a paragraph."""
    from sentencex import get_sentence_boundaries

    code = language.split("-")[0].lower()
    start = 0
    while start < len(text):
        end = start + SEGMENT_CHARACTERS
        if end < len(text):
            end = text.rfind(" ", start + 1, end) + 1 or end
        for boundary in get_sentence_boundaries(code, text[start:end]):
            yield start + int(boundary["end_index"])
        start = end
