"""An EPUB's bytes -> a book: read within bounds, its pages in reading order, no link followed."""

import io
import posixpath
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from urllib.parse import unquote

from webui.errors import TextError
from webui.longform.book import (
    MAX_BOOK_CHARACTERS,
    MAX_CHAPTERS,
    Book,
    Chapter,
    Passage,
    short_title,
)
from webui.longform.markup import Block, Element, blocks_of, elements_of

MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 2**21  # the list of them: room for long names
MAX_DOCUMENT_BYTES = 2**23  # of one page, unpacked
MAX_READ_BYTES = 2**27  # of all pages together
CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_END = struct.Struct("<4s4H2LH")  # of an archive; PKWARE APPNOTE 4.3.16
_END_MARK, _FAR_END_MARK = b"PK\x05\x06", b"PK\x06\x07"
_PAGES = ("application/xhtml+xml", "text/html", "application/xml", "text/xml")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError, OSError,
    NotImplementedError, OverflowError, struct.error,
)  # fmt: skip
_HEADINGS = ("h1", "h2", "h3")


def read_epub(title: str, data: bytes) -> Book:
    """Read an EPUB.

    Args:
        title: of the book, where the file itself has none.
        data: the file.

    Raises:
        TextError: it is damaged, protected, too large, or holds no text.
    """
    try:
        _check_directory(data)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            package = _package(_Files(archive))
            return _book(title, package)
    except _BROKEN as fault:
        raise _damaged() from fault


def _check_directory(data: bytes) -> None:
    """Look at how long the list of files is before it is read: a million entries fill the memory.

    Raises:
        ValueError: it is too long, or not where it should be.
    """
    place = data.rfind(_END_MARK, max(0, len(data) - _END.size - 2**16))
    if place < 0 or _FAR_END_MARK in data[max(0, place - 20) : place]:  # of more than 4 GB
        raise ValueError("no list of files")
    size = _END.unpack_from(data, place)[5]
    if size > MAX_DIRECTORY_BYTES:
        raise ValueError("too many files")


class _Files:
    """The files of an archive, unpacked one by one and never beyond the bounds."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        members = archive.infolist()
        if len(members) > MAX_ENTRIES:
            raise TextError(f"This book has {len(members):,} files in it; that is no plain EPUB.")
        self._known = {each.filename: each for each in members}
        self._left = MAX_READ_BYTES

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def read(self, name: str) -> bytes:
        """Give a file's bytes; what it declares of its size is not believed."""
        member = self._known[name]
        if member.flag_bits & 1:
            raise TextError("This book is locked with a password. Open it, and save it without.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("packed in a way that no EPUB is")
        most = min(MAX_DOCUMENT_BYTES, self._left)
        with self._archive.open(member) as file:
            found = file.read(most + 1)
        if len(found) > most:
            raise TextError("A page of this book is larger than any page can be. It is refused.")
        self._left -= len(found)
        return found


@dataclass(frozen=True)
class _Package:
    """What the package's file says: the title, the pages in order, the table of contents."""

    files: _Files
    title: str
    pages: tuple[str, ...]
    contents: dict[str, dict[str, str]] = field(default_factory=dict)  # page -> place in it -> name


def _package(files: _Files) -> _Package:
    roots = [each for each in elements_of(files.read(CONTAINER)) if each.name == "rootfile"]
    if not roots:
        raise _damaged()
    root = _inside("", roots[0].attributes.get("full-path", ""))
    items: dict[str, Element] = {}
    spine: list[str] = []
    title, toc = "", ""
    for each in elements_of(files.read(root)):
        if each.name == "item":
            items[each.attributes.get("id", "")] = each
        elif each.name == "itemref" and each.attributes.get("linear") != "no":
            spine.append(each.attributes.get("idref", ""))
        elif each.name == "spine":
            toc = each.attributes.get("toc", "")
        elif each.name == "title" and not title:
            title = short_title(each.text)
    pages = [
        _inside(root, items[each].attributes.get("href", ""))
        for each in dict.fromkeys(spine)
        if each in items and items[each].attributes.get("media-type", _PAGES[0]) in _PAGES
    ]
    there = tuple(each for each in pages if each in files)
    _refuse_protected(files, there)
    return _Package(files, title, there, _contents(files, root, items, toc))


def _refuse_protected(files: _Files, pages: tuple[str, ...]) -> None:
    """Refuse a book whose pages are encrypted; fonts often are, and are not needed."""
    if ENCRYPTION not in files:
        return
    named = (each for each in elements_of(files.read(ENCRYPTION)) if each.name == "cipherreference")
    hidden = {_inside("", each.attributes.get("uri", "")) for each in named}
    if hidden & set(pages):
        raise TextError(
            "This book is protected against being read by programs (DRM), so it cannot be spoken."
        )


def _contents(
    files: _Files, root: str, items: dict[str, Element], toc: str
) -> dict[str, dict[str, str]]:
    """The table of contents: for each page the names of the chapters that begin in it.

    The place is the mark in the page at which a chapter begins, empty for the page's start.
    """
    navigation = [e for e in items.values() if "nav" in e.attributes.get("properties", "").split()]
    chosen = navigation[:1] or ([items[toc]] if toc in items else [])
    found: dict[str, dict[str, str]] = {}
    for item in chosen:
        path = _inside(root, item.attributes.get("href", ""))
        if path not in files:
            continue
        name = ""
        for each in elements_of(files.read(path)):
            # EPUB 3 has links with their words; EPUB 2 the words first, then where they lead.
            if each.name == "text":
                name = each.text
            link = each.attributes.get("href" if each.name == "a" else "src", "")
            if each.name not in ("a", "content") or not link:
                continue
            page, _, place = link.partition("#")
            target = _inside(path, page) if page else path
            words = short_title(each.text if each.name == "a" else name)
            if words:
                found.setdefault(target, {}).setdefault(unquote(place), words)
        break
    return found


def _book(title: str, package: _Package) -> Book:
    chapters: list[tuple[str, list[Passage]]] = []
    characters = 0
    for page in package.pages:
        begins = package.contents.get(page, {})
        blocks = blocks_of(package.files.read(page), begins.keys() - {""})
        places = {block.place for block in blocks}
        # A mark that the page does not have stands for its start.
        lost = next((name for place, name in begins.items() if place not in places), "")
        name = begins.get("", lost) or ("" if package.contents else _first_heading(blocks))
        if name or not chapters or not package.contents:
            chapters.append((name, []))
        for block in blocks:
            if block.place and block.place in begins:
                chapters.append((begins[block.place], []))
            if block.text:
                chapters[-1][1].append(Passage(block.text))
                characters += len(block.text)
        if characters > MAX_BOOK_CHARACTERS or len(chapters) > MAX_CHAPTERS:
            raise TextError("This book is longer than can be spoken. Cut it into several files.")
    spoken = [(name, passages) for name, passages in chapters if passages]
    return Book(
        package.title or title,
        tuple(
            Chapter(name or f"Part {number}", tuple(passages))
            for number, (name, passages) in enumerate(spoken, 1)
        ),
    )


def _first_heading(blocks: list[Block]) -> str:
    return next((short_title(each.text) for each in blocks if each.kind in _HEADINGS), "")


def _inside(base: str, link: str) -> str:
    """The name in the archive that a link in one of its files leads to."""
    folder = posixpath.dirname(base)
    return posixpath.normpath(posixpath.join(folder, unquote(link.partition("#")[0])))


def _damaged() -> TextError:
    return TextError("This is not an EPUB that can be read, or it is damaged.")
