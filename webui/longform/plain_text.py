"""Plain text and Markdown -> a book: its headings, its paragraphs, without the marks."""

import re
from collections.abc import Iterator, Sequence

from webui.errors import TextError
from webui.longform.book import UNTITLED, Book, Chapter, Passage, short_title

# A line of its own that begins like this is a heading, in the languages of Bark that have letters
# for it, when a number, a name or nothing follows.
_HEADING = re.compile(
    r"(?:chapter|part|book|prologue|epilogue|introduction|preface|kapitel|teil|prolog|epilog|"
    r"vorwort|chapitre|partie|épilogue|capítulo|capitulo|parte|prólogo|epílogo|capitolo|prologo|"
    r"epilogo|rozdział|bölüm|глава|часть|пролог|эпилог)\b[\s.:–—-]*(.{0,80})",
    re.IGNORECASE,
)
_ASIAN_HEADING = re.compile(r"第[0-9〇零一二三四五六七八九十百千]{1,8}[章回節节部][^\n]{0,60}")
_MOST_HEADING_CHARACTERS = 80
_SCENE_BREAK = re.compile(r"[\s*_\-–—~=#.•·⁂]+")
_GUTENBERG_START = re.compile(r"\*\*\* ?START OF TH[^\n*]{1,200}\*\*\*")
_GUTENBERG_END = re.compile(r"\*\*\* ?END OF TH[^\n*]{1,200}\*\*\*")
_ATX = re.compile(r"(#{1,6})[ \t]+([^\n]*?)[ \t]*#*")
_FENCE = re.compile(r"[ \t]{0,3}(```|~~~)")
_LIST_MARK = re.compile(r"\A[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_QUOTE_MARK = re.compile(r"\A[ \t]{0,3}(?:>[ \t]?)+")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,1000})\]\([^()\n]{0,2000}\)")
_MARKED = re.compile(r"(?<!\w)(\*\*|__|\*|_|`|~~)(?=\S)([^\n*_`~]{1,2000}?)(?<=\S)\1(?!\w)")
_CHAPTER_LEVELS = 2  # headings of Markdown down to this depth begin a chapter


def decode_text(data: bytes) -> str:
    """Read the letters of a text file: UTF-8, UTF-16 with its mark, or the old western coding.

    Raises:
        TextError: it is no text.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise TextError("This is not a text file. Save it as plain text in UTF-8.")


def read_plain(title: str, text: str) -> Book:
    """Cut a plain text into chapters and paragraphs.

    A chapter begins at a form feed, or at a line that stands alone and reads like a heading.
    """
    begin, end = _GUTENBERG_START.search(text), _GUTENBERG_END.search(text)
    text = text[begin.end() if begin else 0 : end.start() if end else len(text)]
    chapters = _Chapters()
    for page_number, page in enumerate(text.split("\f")):
        if page_number:
            chapters.begin("")
        for block in _blocks(page.split("\n")):
            if len(block) <= 2 and _is_heading(block[0]) and _is_short(block):
                chapters.begin(" ".join(block))
            if not _SCENE_BREAK.fullmatch("".join(block)):
                chapters.add("\n".join(block))
    return chapters.book(title)


def read_markdown(title: str, text: str) -> Book:
    """Cut Markdown into chapters at its headings, and leave out what nobody says."""
    chapters = _Chapters()
    lines = text.split("\n")
    if lines and lines[0].strip() == "---":  # what stands before the text is for programs
        end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)
        lines = lines[end + 1 :] if end else lines
    found_title = ""
    for block in _blocks(list(_without_code(lines))):
        level, heading, rest = _heading_of(block)
        if heading:
            found_title = found_title or (heading if level == 1 else "")
            if level <= _CHAPTER_LEVELS:
                chapters.begin(heading)
            chapters.add(heading)
        words = "\n".join(_plain_line(line) for line in rest)
        if words.strip() and not _SCENE_BREAK.fullmatch(words):
            chapters.add(words)
    return chapters.book(found_title or title)


class _Chapters:
    """The chapters of a text while it is read from the top."""

    def __init__(self) -> None:
        self._done: list[Chapter] = []
        self._title = ""
        self._passages: list[Passage] = []

    def begin(self, title: str) -> None:
        self._close()
        self._title = short_title(title)

    def add(self, text: str) -> None:
        self._passages.append(Passage(text))

    def book(self, title: str) -> Book:
        self._close()
        return Book(title, tuple(self._done))

    def _close(self) -> None:
        if self._passages:
            number = len(self._done) + 1
            fallback = UNTITLED if number == 1 else f"Part {number}"
            self._done.append(Chapter(self._title or fallback, tuple(self._passages)))
        self._passages, self._title = [], ""


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Lines that follow each other without an empty one between them."""
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line.strip())
        elif block:
            yield block
            block = []


def _is_heading(line: str) -> bool:
    if _ASIAN_HEADING.fullmatch(line):
        return True
    found = _HEADING.fullmatch(line)
    if found is None:
        return False
    rest = found.group(1)
    return not rest or rest[0].isdigit() or rest[0].isupper()


def _is_short(block: Sequence[str]) -> bool:
    """Whether a block can be a heading: short, and no sentence that ends in a full stop."""
    words = " ".join(block)
    return len(words) <= _MOST_HEADING_CHARACTERS and not words.endswith((".", ",", ";", "。"))


def _without_code(lines: Sequence[str]) -> Iterator[str]:
    """The lines of a text without its fenced blocks of code."""
    fence = ""
    for line in lines:
        found = _FENCE.match(line)
        if found and not fence:
            fence = found.group(1)
        elif found and found.group(1) == fence:
            fence = ""
        elif not fence:
            yield line


def _heading_of(block: list[str]) -> tuple[int, str, list[str]]:
    """The level and the words of a block's heading (0 and nothing without one), and the rest."""
    found = _ATX.fullmatch(block[0])
    if found:
        return len(found.group(1)), _plain_line(found.group(2)).strip(), block[1:]
    if len(block) > 1 and re.fullmatch(r"={3,}|-{3,}", block[1]):
        return (1 if block[1][0] == "=" else 2), _plain_line(block[0]).strip(), block[2:]
    return 0, "", block


def _plain_line(line: str) -> str:
    """A line without the marks of Markdown."""
    line = _QUOTE_MARK.sub("", line)
    line = _LIST_MARK.sub("", line)
    line = _LINK.sub(r"\1", line)
    for _ in range(2):  # bold in italics
        line = _MARKED.sub(r"\2", line)
    return line
