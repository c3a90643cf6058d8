"""Lines of a script, `ANNA: words`, -> who says what."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from webui.longform.book import Book, Chapter, Passage

# A name of one to three words, then a colon, then what is said.
_TURN = re.compile(r"([^\W\d_][\w.'’-]{0,23}(?: [\w.'’-]{1,24}){0,2})[ \t]*[:：][ \t]*(\S.*)")
BARKS_OWN = frozenset({"MAN", "WOMAN"})  # marks that Bark itself understands
NARRATORS = frozenset({"NARRATOR", "NARRATION", "ERZÄHLER", "ERZÄHLERIN"})
MOST_SPEAKERS = 200


def with_speakers(book: Book, listed: Iterable[str] = ()) -> Book:
    """Cut the passages of a book at the names of those who speak.

    A name in capitals speaks wherever it stands before a colon; one of Bark's own marks, or a name
    in small letters, only when it does so twice at least, and names in small letters only when
    there are two of them, because "Note:" is nobody. Names that are `listed` always speak.

    Args:
        book: whose passages hold the lines of the file.
        listed: names, in any case.
    """
    names = _speakers(book, {each.casefold() for each in listed})
    if not names:
        return book
    chapters = (
        Chapter(
            chapter.title,
            tuple(turn for passage in chapter.passages for turn in _turns(passage, names)),
        )
        for chapter in book.chapters
    )
    return Book(book.title, tuple(chapters))


def speakers_of(book: Book) -> tuple[str, ...]:
    """Who speaks, in the order in which they first do."""
    passages = (each for chapter in book.chapters for each in chapter.passages)
    return tuple(dict.fromkeys(each.speaker for each in passages))


def _speakers(book: Book, listed: set[str]) -> frozenset[str]:
    """The names before colons that are taken for speakers."""
    found: Counter[str] = Counter()
    for chapter in book.chapters:
        for passage in chapter.passages:
            for line in passage.text.split("\n"):
                turn = _TURN.fullmatch(line.strip())
                if turn and not passage.speaker:
                    found[turn.group(1)] += 1
    wanted = {name for name in found if name.casefold() in listed}
    loud = {name for name in found if name == name.upper()}
    wanted |= {name for name in loud if found[name] >= (2 if name in BARKS_OWN else 1)}
    quiet = {name for name in found.keys() - loud if found[name] >= 2 and _is_name(name)}
    wanted |= quiet if len(quiet) > 1 else set()
    return frozenset(name for name, _ in found.most_common(MOST_SPEAKERS) if name in wanted)


def _is_name(words: str) -> bool:
    """Whether small letters spell a name: "Old Anna", not "He said"."""
    return all(word[0].isupper() for word in words.split())


def _turns(passage: Passage, names: frozenset[str]) -> Iterator[Passage]:
    """The parts of a passage that one speaker says; a line without a name goes on."""
    speaker, lines = passage.speaker, list[str]()
    parts: list[tuple[str, str]] = []
    for line in passage.text.split("\n"):
        turn = _TURN.fullmatch(line.strip())
        if turn and turn.group(1) in names and not passage.speaker:
            if lines:
                parts.append((speaker, "\n".join(lines)))
            name = turn.group(1)
            speaker, lines = "" if name.upper() in NARRATORS else name, [turn.group(2)]
        else:
            lines.append(line)
    parts.append((speaker, "\n".join(lines)))
    for number, (who, text) in enumerate(parts):
        ends = passage.ends_paragraph and number == len(parts) - 1
        start = passage.start_seconds if number == 0 else None
        yield replace(passage, text=text, speaker=who, start_seconds=start, ends_paragraph=ends)
