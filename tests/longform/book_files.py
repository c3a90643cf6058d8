"""Small books of every kind, made by the tests."""

import io
import zipfile

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="x"/></rootfiles></container>'
)
OPF = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>The Sea &amp; the Land</dc:title></metadata>
<manifest>{items}</manifest><spine toc="ncx">{spine}</spine></package>"""


def page(body: str) -> str:
    """A page as EPUBs hold it, with HTML's own document type and so its named letters."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>Not said</title></head><body>{body}</body></html>"
    )


def navigation(*links: tuple[str, str]) -> str:
    items = "".join(f'<li><a href="{href}"><b>{name}</b></a></li>' for href, name in links)
    return page(f'<nav epub:type="toc"><ol>{items}</ol></nav>')


def ncx(*links: tuple[str, str]) -> str:
    points = "".join(
        f'<navPoint><navLabel><text>{name}</text></navLabel><content src="{href}"/></navPoint>'
        for href, name in links
    )
    return f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'


def epub(
    pages: dict[str, str],
    contents: str = "",
    more: dict[str, str] | None = None,
    old: bool = False,
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """An EPUB of these pages, in this order; `contents` is its navigation, `old` that of EPUB 2."""
    files = {f"OEBPS/{name}": text for name, text in pages.items()}
    items = "".join(
        f'<item id="p{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(pages)
    )
    if contents:
        name = "toc.ncx" if old else "nav.xhtml"
        mark = 'id="ncx"' if old else 'id="nav" properties="nav"'
        items += f'<item {mark} href="{name}" media-type="application/xhtml+xml"/>'
        files[f"OEBPS/{name}"] = contents
    spine = "".join(f'<itemref idref="p{number}"/>' for number in range(len(pages)))
    files["META-INF/container.xml"] = CONTAINER
    files["OEBPS/book.opf"] = OPF.format(items=items, spine=spine)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, text in (files | (more or {})).items():
            archive.writestr(name, text)
    return buffer.getvalue()
