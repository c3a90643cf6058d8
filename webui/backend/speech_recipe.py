"""How a speech was made, as its file says it: what makes the same sound again."""

import json
import os
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from webui.errors import RecipeError, SettingsError
from webui.speaker_file import read_metadata_text, read_speaker_bytes
from webui.speaker_metadata import MAX_METADATA_CHARACTERS, metadata_from_json
from webui.synthesis.controls import SpeechControls, controls_from_json

APP = "Bark Voice Studio"
ENDINGS = (".wav", ".flac", ".mp3", ".opus", ".npz", ".json")
MAX_JSON_BYTES = 2**20
MAX_NAME_CHARACTERS = 200  # of a family, a voice or a language
VOICE_KEY = "recipe"  # where a voice's metadata keep the speech that it was taken from
NO_RECIPE = "This file does not say how it was spoken. Sounds made here do, but for .aac."


@dataclass(frozen=True)
class SpeechRecipe:
    """A text and everything that decides how it sounds; `notes` say what could not be read."""

    text: str
    family: str | None = None
    voice: str | None = None
    controls: SpeechControls = field(default_factory=SpeechControls)
    language: str | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for a file's metadata."""
        return {
            "app": APP,
            "text": self.text,
            "family": self.family,
            "voice": self.voice,
            "language": self.language,
            "seed": self.controls.seed,
            "controls": self.controls.to_json(),
        }

    def for_voice(self) -> dict[str, Any]:
        """What a voice that was taken from this speech says of it; nothing of a very long text."""
        kept = self.to_json()
        fits = len(json.dumps(kept)) <= MAX_METADATA_CHARACTERS // 2
        return {VOICE_KEY: kept} if fits else {}


def recipe_from_json(values: object) -> SpeechRecipe:
    """Read what `to_json` gave, from whoever; nothing is believed that could not be typed.

    Controls that cannot be used give way to the usual ones, and a note says so.

    Raises:
        RecipeError: no text is in it.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("text"), str):
        raise RecipeError(NO_RECIPE)
    text = "".join(letter for letter in values["text"] if _is_typed(letter))
    if not text.strip():
        raise RecipeError(NO_RECIPE)
    controls, notes = _controls(values.get("controls"), values.get("seed"))
    names = {name: _name(values.get(name)) for name in ("family", "voice", "language")}
    return SpeechRecipe(text, controls=controls, notes=notes, **names)


def read_recipe(path: Path) -> SpeechRecipe:
    """Read the recipe out of a sound, a voice, or what `speak --json` wrote.

    Args:
        path: the ending of its name chooses the reader; each reader then looks at the bytes.

    Raises:
        RecipeError: it holds no recipe, or cannot be read as JSON.
        AudioFileError: it should be a sound and is none.
        SpeakerFileError: it should be a voice and is none.
    """
    from webui.audio import read_metadata

    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise RecipeError(f"Give a file that ends in {', '.join(ENDINGS)}.")
    if ending == ".npz":
        return recipe_from_json(_of_voice(path))
    return recipe_from_json(_of_json(path) if ending == ".json" else read_metadata(path))


def _of_voice(path: Path) -> object:
    try:
        said = metadata_from_json(read_metadata_text(read_speaker_bytes(path)))
    except ValueError:
        said = None
    if said is None or VOICE_KEY not in said.other:
        raise RecipeError(
            "This voice was not taken from a speech, so it holds no text. To speak with it, import "
            "it into the library and choose it."
        )
    return said.other[VOICE_KEY]


def _of_json(path: Path) -> object:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise RecipeError("This is not a plain file.")
            data = os.read(descriptor, MAX_JSON_BYTES + 1)  # a plain file gives all that it has
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as fault:
        raise RecipeError(f'"{path.name[:80]}" is not there or cannot be opened.') from fault
    if len(data) > MAX_JSON_BYTES:
        raise RecipeError("This file is larger than 1 MB; no recipe is.")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise RecipeError("This file ends in .json but does not hold JSON.") from fault


def _controls(values: object, seed: object) -> tuple[SpeechControls, tuple[str, ...]]:
    """The controls, one take of them, with the seed that a file names beside them."""
    try:
        if values is not None and not isinstance(values, Mapping):
            raise SettingsError("The controls are no list of names and values.")
        found = controls_from_json(values or {})
        if found.seed is None:
            found = controls_from_json({"seed": seed}, found)
    except SettingsError as fault:
        return SpeechControls(), (f"Its settings cannot be used, so they were left out: {fault}",)
    return replace(found, takes=1), ()


def _name(value: object) -> str | None:
    """An id as it may be looked up; what is no name is no name at all."""
    is_name = isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARACTERS
    return str(value) if is_name and str(value).isprintable() else None


def _is_typed(letter: str) -> bool:
    """Whether a keyboard could have given a letter: no control character, no half of a pair."""
    return letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs")
