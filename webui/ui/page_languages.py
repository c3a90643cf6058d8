"""The languages that the page is shown in beside English: each is one file of words.

The server speaks English only. A script in the browser looks up what the page says, in the words
of the visitor's language, which it fetches from here.
"""

import functools
import hashlib
import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

FOLDER = Path(__file__).with_name("languages")
SCRIPT = FOLDER / "translate.js"
ENGLISH = "en"
ADDRESS = "languages"  # below the page's own
CHOICE_LABEL = "Language / Sprache / 语言"
KEPT = "public, max-age=31536000, immutable"  # the address changes with the words


@dataclass(frozen=True)
class PageLanguage:
    """One language: its code, its name in itself, and the words for the English ones."""

    code: str
    name: str
    words: dict[str, str]  # what Gradio's own parts say is among them

    @functools.cached_property
    def content(self) -> bytes:
        """The words as the browser gets them."""
        return json.dumps(self.words, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def address(self) -> str:
        """Where the browser gets them: another address for other words."""
        mark = hashlib.sha256(self.content).hexdigest()[:12]
        return f"{ADDRESS}/{self.code}.json?{mark}"


def read_language(file: Path) -> PageLanguage:
    """Read one file of words; its name is the language's code."""
    held = json.loads(file.read_text("utf-8"))
    return PageLanguage(file.stem, held["name"], held["words"] | held["gradio"])


@functools.cache
def page_languages() -> tuple[PageLanguage, ...]:
    """All languages but English, by their codes."""
    return tuple(read_language(file) for file in sorted(FOLDER.glob("*.json")))


def language_script() -> str:
    """What the page's head needs: which languages there are, and the script that shows them."""
    known = {each.code: {"address": each.address} for each in page_languages()}
    return (
        f"<script>window.barkLanguages = {json.dumps(known)};\n{SCRIPT.read_text('utf-8')}</script>"
    )


def language_choice() -> str:
    """The field in which visitors choose their language, each named in itself."""
    named = [(ENGLISH, "English"), *((each.code, each.name) for each in page_languages())]
    choices = "".join(
        f'<option value="{code}" lang="{code}">{html.escape(name)}</option>' for code, name in named
    )
    return (
        f'<select id="language" translate="no" aria-label="{CHOICE_LABEL}" title="{CHOICE_LABEL}">'
        f"{choices}</select>"
    )


def language_routes() -> "list[Route]":
    """The addresses of all words."""
    from starlette.routing import Route

    return [Route(f"/{ADDRESS}/{each.code}.json", _answer(each)) for each in page_languages()]


def _answer(language: PageLanguage) -> "Callable[[Request], Response]":
    from starlette.responses import Response

    def answer(_: "Request") -> Response:
        headers = {"Cache-Control": KEPT}
        return Response(language.content, media_type="application/json", headers=headers)

    return answer
