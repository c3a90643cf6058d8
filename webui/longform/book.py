"""A long text as it is spoken: chapters of passages, whatever file it came from."""

from dataclasses import dataclass

MAX_BOOK_BYTES = 2**26  # of a file
MAX_BOOK_CHARACTERS = 5_000_000  # five thick novels
MAX_CHAPTERS = 2_000
MAX_PASSAGES = 200_000
MAX_TITLE_CHARACTERS = 120
UNTITLED = "Text"  # the only chapter of a text without headings


@dataclass(frozen=True)
class Passage:
    """A paragraph, a turn of a dialogue or a subtitle: one speaker says it in one go or in several.

    `start_seconds` is where subtitles say that it begins. Line feeds part the lines of the file.
    """

    text: str
    speaker: str = ""  # empty: the narrator
    start_seconds: float | None = None
    ends_paragraph: bool = True


@dataclass(frozen=True)
class Chapter:
    """Passages below one heading; what the heading says is among them where it is to be spoken."""

    title: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Book:
    """A whole text."""

    title: str
    chapters: tuple[Chapter, ...]

    @property
    def characters(self) -> int:
        """How long it is."""
        return sum(len(each.text) for chapter in self.chapters for each in chapter.passages)


def short_title(text: str) -> str:
    """A heading in one line, cut where it is too long to be one."""
    words = " ".join(text.split())
    if len(words) <= MAX_TITLE_CHARACTERS:
        return words
    return f"{words[: MAX_TITLE_CHARACTERS - 1].rstrip()}…"
