"""XHTML and XML of strangers -> elements and blocks of text; no entity is ever expanded."""

import html
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from xml.parsers import expat

MAX_DEPTH = 500
MAX_ELEMENTS = 200_000
MAX_LETTERS = 2**24  # of all elements of one file, those within others counted again
_BLOCKS = frozenset(
    ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "section", "article")
    + ("header", "footer", "aside", "figcaption", "figure", "tr", "td", "th", "dt", "dd", "pre")
    + ("hr", "ul", "ol", "table", "body", "nav", "main", "address")
)
_UNSAID = frozenset(
    ("script", "style", "head", "svg", "math", "rt", "rp", "audio", "video", "img", "nav")
)
_NOTES = ("noteref", "footnote", "endnote", "rearnote", "pagebreak", "doc-noteref", "doc-footnote")
_TAG = re.compile(r"<[^<>]*>")
_TAG_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)")


class UnreadableMarkup(ValueError):
    """It is no XML, or it tries what no document needs."""


@dataclass(frozen=True)
class Element:
    """An element with all the text that is in it; names in small letters, without namespaces."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass(frozen=True)
class Block:
    """A paragraph of a page; or, without text, a place in it that was asked for."""

    text: str
    kind: str = "p"
    place: str = ""


def elements_of(data: bytes) -> list[Element]:
    """All elements of an XML file, in the order in which they end, with their text.

    Raises:
        UnreadableMarkup: it is no XML, is too deep or too long, or declares entities.
    """
    found: list[Element] = []
    letters = 0  # that are kept
    above: list[tuple[Element, list[str]]] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        above.append((Element(name, attributes), []))
        if len(above) > MAX_DEPTH or len(found) > MAX_ELEMENTS:
            raise UnreadableMarkup("too many elements")

    def end(_: str) -> None:
        nonlocal letters
        element, pieces = above.pop()
        text = "".join(pieces)
        letters += len(text)
        if letters > MAX_LETTERS:
            raise UnreadableMarkup("too much text")
        found.append(Element(element.name, element.attributes, text))
        if above and len(text) <= 1_000:  # names and titles are short
            above[-1][1].append(text)

    def say(text: str) -> None:
        if above:
            above[-1][1].append(text)

    _parse(data, begin, end, say)
    return found


def blocks_of(data: bytes, places: Collection[str] = ()) -> list[Block]:
    """The paragraphs of a page; one that is no XML is read as well as it can be.

    Args:
        data: the page.
        places: marks (`id`) that are to be found among its paragraphs.
    """
    reader = _PageReader(places)
    try:
        _parse(data, reader.begin, reader.end, reader.say)
    except UnreadableMarkup:
        return _loose_blocks(data)
    return reader.blocks()


class _PageReader:
    """Collects the paragraphs of one page while it is parsed."""

    def __init__(self, places: Collection[str]) -> None:
        self._places = places
        self._found: list[Block] = []
        self._pieces: list[str] = []
        self._kind = "p"
        self._depth = 0
        self._silent_from = 0  # the depth at which something unsaid began; 0: nothing did

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH or len(self._found) > MAX_ELEMENTS:
            raise UnreadableMarkup("too many elements")
        kind = f"{attributes.get('type', '')} {attributes.get('role', '')}".split()
        if not self._silent_from and (name in _UNSAID or any(each in _NOTES for each in kind)):
            self._silent_from = self._depth
        if name in _BLOCKS:
            self._close()
            self._kind = name
        elif name == "br":
            self._pieces.append("\n")
        place = attributes.get("id", "")
        if place in self._places:
            self._close()
            self._found.append(Block("", "mark", place))

    def end(self, name: str) -> None:
        if self._silent_from == self._depth:
            self._silent_from = 0
        self._depth -= 1
        if name in _BLOCKS:
            self._close()
            self._kind = "p"

    def say(self, text: str) -> None:
        if not self._silent_from:
            self._pieces.append(text.replace("\n", " "))

    def blocks(self) -> list[Block]:
        self._close()
        return self._found

    def _close(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        text = "\n".join(line for line in lines if line)
        self._pieces = []
        if text:
            self._found.append(Block(text, self._kind))


def _parse(
    data: bytes,
    begin: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    """Read XML once from the front; named letters of HTML (&nbsp;) are known, others are left out.

    Raises:
        UnreadableMarkup: it is no XML, or declares entities of its own.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.UseForeignDTD(True)  # letters that it does not know are told instead of refused

    def refuse(*_: object) -> None:
        raise UnreadableMarkup("it declares entities")

    def skipped(name: str, is_parameter: int) -> None:
        letter = html.unescape(f"&{name};")
        if not is_parameter and not letter.startswith("&"):
            say(letter)

    def started(name: str, attributes: dict[str, str]) -> None:
        begin(_local(name), {_local(key): value for key, value in attributes.items()})

    parser.EntityDeclHandler = refuse
    parser.SkippedEntityHandler = skipped
    parser.ExternalEntityRefHandler = lambda *_: 1  # nothing outside is ever opened
    parser.StartElementHandler = started
    parser.EndElementHandler = lambda name: end(_local(name))
    parser.CharacterDataHandler = say
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as fault:
        raise UnreadableMarkup(str(fault)) from fault


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _loose_blocks(data: bytes) -> list[Block]:
    """The paragraphs of a page that is not well formed: tags are cut out, blocks part the text."""
    text = data.decode("utf-8", "replace")
    pieces: list[str] = []
    last, silent = 0, ""
    for tag in _TAG.finditer(text):
        if not silent:
            pieces.append(text[last : tag.start()].replace("\n", " "))
        last = tag.end()
        found = _TAG_NAME.match(tag.group())
        name = found.group(1).lower() if found else ""
        closes = tag.group().startswith("</")
        if name in ("script", "style", "head", "svg"):
            silent = "" if closes else silent or name
        elif name in _BLOCKS or name == "br":
            pieces.append("\n")
    pieces.append("" if silent else text[last:])
    lines = (" ".join(html.unescape(each).split()) for each in "".join(pieces).split("\n"))
    return [Block(line) for line in lines if line]
