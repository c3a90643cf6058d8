"""EPUBs: their chapters and paragraphs, and what strangers may put into one."""

import struct
import tracemalloc
import zipfile

import pytest

from tests.longform.book_files import CONTAINER, epub, navigation, ncx, page
from webui.errors import TextError
from webui.longform.book import Passage
from webui.longform.books import read_book
from webui.longform.epub import MAX_DOCUMENT_BYTES, MAX_ENTRIES
from webui.longform.markup import UnreadableMarkup, elements_of


def texts(book) -> dict[str, list[str]]:
    return {chapter.title: [each.text for each in chapter.passages] for chapter in book.chapters}


def test_chapters_are_named_by_the_contents_and_pages_without_a_name_go_on():
    pages = {
        "a.xhtml": page("<h1>One</h1><p>It was <em>cold</em>,\n and late.</p>"),
        "b.xhtml": page("<p>Still the first.</p>"),
        "c.xhtml": page("<p>Another&#160;day.</p>"),
    }
    book = read_book("x.epub", epub(pages, navigation(("a.xhtml", "First"), ("c.xhtml", "Last"))))
    assert book.title == "The Sea & the Land"
    assert texts(book) == {
        "First": ["One", "It was cold, and late.", "Still the first."],
        "Last": ["Another day."],
    }
    assert book.chapters[1].passages == (Passage("Another day."),)


def test_a_page_with_several_chapters_is_cut_at_their_marks():
    body = '<h2 id="one">One</h2><p>Red.</p><p>Blue <a id="mid"/>sky.</p><h2 id="two">Two</h2>'
    links = navigation(("a.xhtml#one", "First"), ("a.xhtml#two", "Second"))
    book = read_book("x.epub", epub({"a.xhtml": page(f"{body}<p>Green.</p>")}, links))
    assert texts(book) == {
        "First": ["One", "Red.", "Blue sky."],
        "Second": ["Two", "Green."],
    }


def test_a_mark_that_is_not_in_the_page_stands_for_its_start():
    pages = {"a.xhtml": page("<p>Red.</p>"), "b.xhtml": page("<p>Green.</p>")}
    links = navigation(("a.xhtml", "First"), ("b.xhtml#gone", "Second"))
    assert texts(read_book("x.epub", epub(pages, links))) == {
        "First": ["Red."],
        "Second": ["Green."],
    }


def test_books_of_the_older_kind_are_read_by_their_ncx():
    pages = {"a.xhtml": page("<p>Red.</p>"), "sub/b.xhtml": page("<p>Green.</p>")}
    contents = ncx(("a.xhtml", "First"), ("sub/b.xhtml", "Second"))
    assert list(texts(read_book("x.epub", epub(pages, contents, old=True)))) == ["First", "Second"]


def test_without_contents_each_page_is_a_chapter_named_by_its_heading():
    pages = {"a.xhtml": page("<h2>Red</h2><p>x</p>"), "b.xhtml": page("<p>Green.</p>")}
    assert list(texts(read_book("x.epub", epub(pages)))) == ["Red", "Part 2"]


def test_what_nobody_reads_aloud_is_left_out():
    body = (
        "<script>var a = 1;</script><p>Kanji<ruby>字<rt>ji</rt></ruby>"
        '<a epub:type="noteref" href="#n">12</a>.</p>'
        '<aside epub:type="footnote"><p>A note.</p></aside><p>End&nbsp;<br/>here&unknown;.</p>'
    )
    book = read_book("x.epub", epub({"a.xhtml": page(body)}))
    assert texts(book) == {"Part 1": ["Kanji字.", "End\nhere."]}


def test_a_page_that_is_not_well_formed_is_read_all_the_same():
    broken = "<html><head><title>No</title></head><body><p>Red &amp; blue<p>Green<br>sky</body>"
    book = read_book("x.epub", epub({"a.xhtml": broken}))
    assert texts(book) == {"Part 1": ["Red & blue", "Green", "sky"]}


def test_entities_that_a_page_declares_are_never_expanded():
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><html><body><p>&l9;</p></body></html>'
    outside = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><html><p>Red &e;</p></html>'
    data = epub({"a.xhtml": bomb, "b.xhtml": outside, "c.xhtml": page("<p>Ok</p>")})
    tracemalloc.start()
    book = read_book("x.epub", data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    said = str(texts(book))
    assert "Ok" in said
    assert "root:" not in said
    assert "haha" not in said
    assert peak < 2**24


def test_a_page_that_swells_is_refused_without_being_unpacked():
    data = epub({"a.xhtml": page(" " * (MAX_DOCUMENT_BYTES + 1))})
    assert len(data) < 100_000
    tracemalloc.start()
    with pytest.raises(TextError, match="larger than any page"):
        read_book("x.epub", data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MAX_DOCUMENT_BYTES


def test_many_pages_together_are_bounded_too(monkeypatch):
    monkeypatch.setattr("webui.longform.epub.MAX_READ_BYTES", 5_000)
    pages = {f"{number}.xhtml": page("<p>" + "ab " * 300 + "</p>") for number in range(9)}
    with pytest.raises(TextError, match="larger than any page"):
        read_book("x.epub", epub(pages))


def test_a_protected_book_says_so_and_one_with_protected_fonts_is_read():
    def locked(name: str) -> dict[str, str]:
        reference = f'<c:CipherReference xmlns:c="x" URI="{name}"/>'
        return {"META-INF/encryption.xml": f"<encryption>{reference}</encryption>"}

    pages = {"a.xhtml": page("<p>Red.</p>")}
    assert read_book("x.epub", epub(pages, more=locked("OEBPS/font.otf"))).characters == 4
    with pytest.raises(TextError, match="protected"):
        read_book("x.epub", epub(pages, more=locked("OEBPS/a.xhtml")))


DAMAGED = {
    "noise": b"PK\x03\x04" + bytes(100),
    "cut off": epub({"a.xhtml": page("<p>Red.</p>")})[:-40],
    "no package": epub({}, more={"META-INF/container.xml": "<container/>"}),
    "a path outside": epub(
        {}, more={"META-INF/container.xml": CONTAINER.replace("OEBPS/book.opf", "../etc/passwd")}
    ),
    "no xml": epub({}, more={"META-INF/container.xml": "no xml"}),
    "packed strangely": epub({"a.xhtml": page("<p>Red.</p>")}, compression=zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_book_is_refused_in_words(data):
    with pytest.raises(TextError, match="not an EPUB that can be read"):
        read_book("x.epub", data)


def test_a_list_of_files_without_end_is_not_read():
    entry = b"PK\x01\x02" + bytes(42)
    count = 2**21 // len(entry) + 1
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry) * count, 4, 0)
    tracemalloc.start()
    with pytest.raises(TextError, match="not an EPUB"):
        read_book("x.epub", b"PK\x03\x04" + entry * count + end)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


def test_elements_within_elements_are_bounded_however_small_the_file(monkeypatch):
    monkeypatch.setattr("webui.longform.markup.MAX_LETTERS", 100_000)
    nested = "<b>" * 400 + "x" * 900 + "</b>" * 400
    with pytest.raises(UnreadableMarkup, match="too much text"):
        elements_of(f"<a>{nested}</a>".encode())
    with pytest.raises(UnreadableMarkup, match="too many elements"):
        elements_of(b"<b>" * 501 + b"</b>" * 501)
    assert [each.name for each in elements_of(b"<a><B/></a>")] == ["b", "a"]


def test_an_archive_of_too_many_files_and_a_book_of_pictures_are_refused():
    many = {f"f{number}": "" for number in range(MAX_ENTRIES)}
    with pytest.raises(TextError, match="no plain EPUB"):
        read_book("x.epub", epub({"a.xhtml": page("<p>Red.</p>")}, more=many))
    with pytest.raises(TextError, match="nothing to say"):
        read_book("x.epub", epub({"a.xhtml": page('<img src="a.png"/>')}))
