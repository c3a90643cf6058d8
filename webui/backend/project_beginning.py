"""A text and wishes -> a new project: the text cut into cards, a voice for everybody who speaks."""

import json
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from webui.arrays import Speaker
from webui.backend.facts import VoiceInfo
from webui.backend.project_cards import card_cutter, chosen_voices, cut_book, speakers
from webui.backend.project_store import StoredProject
from webui.backend.project_view import voice_print
from webui.errors import ProjectError, TextError, VoiceNotFoundError
from webui.family import FamilyConfig
from webui.longform.book import Book
from webui.longform.books import read_book, read_pasted
from webui.longform.script import with_speakers
from webui.synthesis.controls import MAX_SEED, SpeechControls
from webui.voice_names import MAX_NAME_CHARACTERS

DEFAULT_LANGUAGE = "en"
PASTED_NAME_CHARACTERS = 40


@dataclass(frozen=True)
class ProjectStock:
    """What the service gives a desk: families, voices, the arrays of a voice, what is advised."""

    whole: Callable[[str | None], FamilyConfig]
    voices: Callable[[str], list[VoiceInfo]]
    speaker: Callable[[str, str], Speaker]
    recommended: Callable[[str], SpeechControls]


@dataclass(frozen=True)
class ProjectOrder:
    """A long text to be spoken, as a person asks for it; see `ProjectDesk.create`."""

    name: str
    source: tuple[str, bytes] | str
    family: str | None = None
    voice: str | None = None
    voices: Mapping[str, str] = field(default_factory=dict)
    controls: SpeechControls | None = None
    language: str = ""

    def origin(self, project_family: str, controls: SpeechControls) -> str:
        """Tell orders apart: the same text with the same wishes has the same origin."""
        text = self.source if isinstance(self.source, str) else self.source[1]
        found = blake2b(digest_size=16)
        found.update(text.encode("utf-8", "replace") if isinstance(text, str) else text)
        wishes = (
            self.name, project_family, self.voice, sorted(self.voices.items()),
            controls.to_json(), self.language,
        )  # fmt: skip
        found.update(json.dumps(wishes, sort_keys=True).encode())
        return found.hexdigest()


def begin_project(
    order: ProjectOrder, stock: ProjectStock, most_characters: int | None = None
) -> StoredProject:
    """Read the text, cut it, and choose voices; nothing is written.

    Raises:
        TextError: the text cannot be read, is too long, or there is nothing to say in it.
        ProjectError: the name cannot be used.
        UserError: the family or a voice is not there, or a control is out of range.
    """
    config = stock.whole(order.family)
    controls = (order.controls or stock.recommended(config.id)).validated()
    book = _book(order)
    if most_characters is not None and book.characters > most_characters:
        raise TextError(
            f"This text has {book.characters:,} characters; the limit here is {most_characters:,}."
        )
    name = project_name(order.name, book.title)
    known = [each for each in stock.voices(config.id) if each.broken is None]
    language = order.language.lower() or _language(order.voice, known)
    chapters = cut_book(book, card_cutter(config, controls, language))
    if not chapters:
        raise TextError("There is nothing to say in this text.")
    voices = chosen_voices(
        speakers(chapters), order.voices, order.voice, tuple(_best_first(known, language))
    )
    ids = {each.id for each in known}
    missing = next((each for each in voices.values() if each not in ids), None)
    if missing is not None:
        raise VoiceNotFoundError(f'The voice "{missing[:64]}" is not there for this family.')
    used = sorted(set(voices.values()))
    prints = {voice: voice_print(stock.speaker(voice, config.id)) for voice in used}
    seed = controls.seed if controls.seed is not None else secrets.randbelow(MAX_SEED + 1)
    return StoredProject(
        name, config.id, language, config.sample_rate, seed, controls, voices, chapters, prints,
        order.origin(config.id, controls),
        next_card=sum(len(each.cards) for each in chapters),
    )  # fmt: skip


def project_name(name: str, title: str) -> str:
    """Give a name as it is kept; without one the text's title.

    Raises:
        ProjectError: there is none, it is too long, or holds characters that are not seen.
    """
    words = " ".join(unicodedata.normalize("NFC", name[: 16 * MAX_NAME_CHARACTERS]).split())
    if not words:
        words = "".join(c for c in title if unicodedata.category(c)[0] != "C")
        words = words[:MAX_NAME_CHARACTERS].strip() or "Text"
    if len(words) > MAX_NAME_CHARACTERS:
        raise ProjectError(
            f"This name has {len(words)} characters; {MAX_NAME_CHARACTERS} are the limit."
        )
    if any(unicodedata.category(letter)[0] == "C" for letter in words):
        raise ProjectError("This name holds characters that are not seen. Type it by hand.")
    return words


def _book(order: ProjectOrder) -> Book:
    if isinstance(order.source, str):
        first = " ".join(order.source[:400].split())[:PASTED_NAME_CHARACTERS]
        book = read_pasted(order.name or first, order.source)
    else:
        book = read_book(*order.source)
    return with_speakers(book, order.voices)


def _language(voice: str | None, known: list[VoiceInfo]) -> str:
    """The language of the narrator's voice, or English."""
    found = next((each.language for each in known if each.id == voice), "")
    return found or DEFAULT_LANGUAGE


def _best_first(known: list[VoiceInfo], language: str) -> list[str]:
    """Voices that may be chosen for a speaker: the family's own, of the language if there are."""
    own = [each for each in known if each.source != "own"] or known
    fitting = [each for each in own if each.language == language] or own
    return [each.id for each in fitting]
