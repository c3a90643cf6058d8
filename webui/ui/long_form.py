"""What was filled in on the Long text tab: a new text, and the changes to a card."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from webui.backend.project_cards import MAX_CARD_CHARACTERS, MAX_PAUSE_SECONDS
from webui.backend.project_facts import Card
from webui.errors import SettingsError, StorageError, TextError
from webui.longform.book import MAX_BOOK_BYTES, MAX_BOOK_CHARACTERS
from webui.synthesis.controls import MAX_SEED, SpeechControls
from webui.ui.form_values import check_characters, number_between, ticked
from webui.ui.messages import size_words
from webui.ui.studio import Studio

FILE_TYPES = (".txt", ".md", ".epub", ".srt", ".vtt")
PUBLIC_LENGTHS = 10  # on a public page a long text has as many times the characters of a speech
MAX_PUBLIC_BYTES = 2**21
MAX_PUBLIC_TEXTS = 5  # of one visitor
MAX_NAME_CHARACTERS = 64
NEW_SEED = -1


@dataclass(frozen=True)
class NewText:
    """A long text that can be made: every value was checked."""

    name: str  # empty: what the text itself says
    source: tuple[str, bytes] | str
    family: str
    voice: str | None
    controls: SpeechControls
    language: str


@dataclass(frozen=True)
class NewTextForm:
    """The widgets' values in the order in which the tab lists them, not yet trusted."""

    file: object
    text: object
    name: object
    family: object
    voice: object
    seed: object
    pause_seconds: object
    verify: object
    guard_drift: object

    def from_file(self, studio: Studio) -> NewText:
        """Check every value, and read the file.

        Raises:
            UserError: names the first value that cannot be used.
        """
        if not isinstance(self.file, str) or not self.file:
            raise TextError("Drop a file first: .txt, .md, .epub, .srt or .vtt.")
        path = Path(self.file)
        most = MAX_PUBLIC_BYTES if studio.settings.public else MAX_BOOK_BYTES
        try:
            with path.open("rb") as file:
                data = file.read(most + 1)
        except OSError as fault:
            raise StorageError("This file is no longer there. Drop it once more.") from fault
        if len(data) > most:
            raise TextError(f"This file is larger than {size_words(most)}, the limit here.")
        return self._made(studio, (path.name, data))

    def from_text(self, studio: Studio) -> NewText:
        """Check every value, and take the text that was typed or pasted.

        Raises:
            UserError: names the first value that cannot be used.
        """
        if not isinstance(self.text, str) or not self.text.strip():
            raise TextError("Drop a file or paste a text first.")
        check_length(len(self.text), studio)
        return self._made(studio, self.text)

    def _made(self, studio: Studio, source: tuple[str, bytes] | str) -> NewText:
        family = studio.speaking_family(self.family)
        voice, language = studio.speaking_voice(self.voice, family)
        controls = replace(
            studio.service.recommended_controls(family.id),
            seed=_seed(self.seed),
            pause_seconds=_pause(self.pause_seconds) or 0.0,
            verify=ticked(self.verify),
            guard_drift=ticked(self.guard_drift),
        ).validated()
        is_named = isinstance(self.name, str) and bool(self.name.strip())
        name = text_name(self.name) if is_named else ""
        voice_id = None if voice is None else voice.id
        return NewText(name, source, family.id, voice_id, controls, language)


NEW_FIELDS = tuple(entry.name for entry in fields(NewTextForm))


@dataclass(frozen=True)
class CardForm:
    """The fields of a card, as the browser sent them."""

    text: object
    speaker: object
    voice: object  # empty: the speaker's
    seed: object
    pause_seconds: object

    def changes(self, card: Card, studio: Studio, family: str) -> dict[str, Any]:
        """What differs from a card, by the names that `edit_card` takes.

        Raises:
            UserError: names the first value that cannot be used.
        """
        told: dict[str, Any] = {
            "text": _card_text(self.text),
            "speaker": _speaker(self.speaker),
            "voice": self._voice(card, studio, family),
            "seed": _seed(self.seed),
            "pause_seconds": _pause(self.pause_seconds),
        }
        return {name: value for name, value in told.items() if value != getattr(card, name)}

    def _voice(self, card: Card, studio: Studio, family: str) -> str | None:
        if not self.voice or self.voice == card.voice:
            return card.voice if self.voice else None
        return studio.visible_voice(self.voice, family).id


CARD_FIELDS = tuple(entry.name for entry in fields(CardForm))


def check_length(characters: int, studio: Studio) -> None:
    """Refuse a text that is too long for this page.

    Raises:
        TextError: it is.
    """
    most = MAX_BOOK_CHARACTERS
    if studio.settings.public:
        most = PUBLIC_LENGTHS * studio.settings.max_text_characters
    check_characters(characters, most)


def text_name(value: object) -> str:
    """A name that was typed, in one line.

    Raises:
        SettingsError: it is empty, too long, or no text.
    """
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise SettingsError(f"A name has 1 to {MAX_NAME_CHARACTERS} characters.")
    return name


def _card_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TextError("A card needs words. Delete it if there is nothing to say.")
    if len(value) > MAX_CARD_CHARACTERS:
        raise TextError(
            f"A card has at most {MAX_CARD_CHARACTERS:,} characters. Put the rest into another one."
        )
    return value


def _speaker(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARACTERS:
        raise SettingsError(f"A speaker's name has at most {MAX_NAME_CHARACTERS} characters.")
    return " ".join(value.split())


def _seed(value: object) -> int | None:
    """A seed; None where the field is empty or asks for a new one."""
    if value is None or value == NEW_SEED:
        return None
    seed = number_between(value, 0, MAX_SEED, "seed")
    if not seed.is_integer():
        raise SettingsError("The seed must be a whole number.")
    return int(seed)


def _pause(value: object) -> float | None:
    return None if value is None else number_between(value, 0, MAX_PAUSE_SECONDS, "pause")
