"""The one door for files of long texts: .txt, .md, .srt, .vtt and .epub, all within bounds."""

from pathlib import PurePath

from webui.errors import TextError
from webui.longform.book import (
    MAX_BOOK_BYTES,
    MAX_BOOK_CHARACTERS,
    MAX_CHAPTERS,
    MAX_PASSAGES,
    Book,
    short_title,
)
from webui.longform.epub import read_epub
from webui.longform.plain_text import decode_text, read_markdown, read_plain
from webui.longform.subtitles import read_subtitles
from webui.synthesis.text import is_pronounceable

ENDINGS = (".txt", ".md", ".epub", ".srt", ".vtt")


def read_book(file_name: str, data: bytes) -> Book:
    """Read a file of any known kind.

    Args:
        file_name: only its ending and, where the text has no title, its stem are used.
        data: what the file holds.

    Raises:
        TextError: it is of another kind, damaged, too large, or there is nothing to say in it.
    """
    if len(data) > MAX_BOOK_BYTES:
        raise TextError(
            f"This file has {len(data) / 2**20:.0f} MB; at most {MAX_BOOK_BYTES // 2**20} MB are "
            "read. Cut it into several."
        )
    name = PurePath(file_name.replace("\\", "/")).name
    ending = PurePath(name).suffix.lower()
    title = short_title(PurePath(name).stem) or "Text"
    if data[:4] == b"PK\x03\x04" or ending == ".epub":
        return _checked(read_epub(title, data))
    if ending in (".md", ".markdown"):
        return _checked(read_markdown(title, decode_text(data)))
    if ending in (".srt", ".vtt"):
        return _checked(read_subtitles(title, decode_text(data)))
    if ending in (".txt", ".text", ""):
        return _checked(read_plain(title, decode_text(data)))
    raise TextError(f'"{name[-60:]}" is of no kind that can be read: {", ".join(ENDINGS)}.')


def read_pasted(title: str, text: str) -> Book:
    """Read a text that somebody typed or pasted.

    Raises:
        TextError: it is too long, or there is nothing to say in it.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _checked(read_plain(short_title(title) or "Text", plain))


def _checked(book: Book) -> Book:
    passages = sum(len(chapter.passages) for chapter in book.chapters)
    if book.characters > MAX_BOOK_CHARACTERS:
        raise TextError(
            f"This text has {book.characters:,} characters; at most {MAX_BOOK_CHARACTERS:,} can be "
            "spoken. Cut it into several files."
        )
    if passages > MAX_PASSAGES or len(book.chapters) > MAX_CHAPTERS:
        raise TextError("This text has too many parts to be spoken. Cut it into several files.")
    if not any(is_pronounceable(each.text) for part in book.chapters for each in part.passages):
        raise TextError("There is nothing to say in this file: it holds no letters or digits.")
    return book
