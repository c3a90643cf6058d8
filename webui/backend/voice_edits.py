"""What may be said about a voice: names that are free, languages, tags and notes."""

import re
from collections.abc import Iterable, Sequence

from webui.errors import SpeakerFileError
from webui.speaker_metadata import MAX_TAGS, MAX_VALUE_CHARACTERS, clean_text
from webui.voice_names import MAX_NAME_CHARACTERS, check_voice_name, name_key

MAX_TAG_CHARACTERS = 64
_LANGUAGE = re.compile(r"[a-z]{2,3}")  # ISO 639


def checked_changes(
    name: str | None, language: str | None, tags: Sequence[str] | None, notes: str | None
) -> dict[str, str | tuple[str, ...]]:
    """Give the values as they are kept, by their names in the file; None is left out.

    Raises:
        SpeakerFileError: names the value that cannot be used.
    """
    changes: dict[str, str | tuple[str, ...]] = {}
    if name is not None:
        changes["name"] = check_voice_name(name)
    if language is not None:
        changes["language"] = _language(language)
    if tags is not None:
        changes["tags"] = _tags(tags)
    if notes is not None:
        if len(notes) > MAX_VALUE_CHARACTERS:
            raise SpeakerFileError(
                f"These notes have {len(notes):,} characters; {MAX_VALUE_CHARACTERS:,} are the "
                "limit. Please shorten them."
            )
        changes["notes"] = clean_text(notes)
    return changes


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Give a name, or the first of "name 2", "name 3" that no other voice has."""
    keys = {name_key(each) for each in taken}
    name, number = wanted[:MAX_NAME_CHARACTERS].strip(), 1
    while name_key(name) in keys:
        number += 1
        ending = f" {number}"
        name = f"{wanted[: MAX_NAME_CHARACTERS - len(ending)].strip()}{ending}"
    return name


def _language(text: str) -> str:
    code = text.strip().lower()
    if code and not _LANGUAGE.fullmatch(code):
        raise SpeakerFileError(
            f'"{clean_text(text)[:40]}" is not a language code. Write two letters, such as en '
            "or de."
        )
    return code


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
    kept = dict.fromkeys(" ".join(clean_text(tag).split()) for tag in tags)
    kept.pop("", None)
    if len(kept) > MAX_TAGS:
        raise SpeakerFileError(f"{len(kept)} labels are too many; {MAX_TAGS} are the limit.")
    for tag in kept:
        if len(tag) > MAX_TAG_CHARACTERS:
            raise SpeakerFileError(
                f'The label "{tag[:40]}…" is longer than {MAX_TAG_CHARACTERS} characters.'
            )
    return tuple(kept)
