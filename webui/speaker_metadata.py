"""What a speaker file says about its voice, as one JSON string."""

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

MAX_METADATA_CHARACTERS = 65_536
MAX_VALUE_CHARACTERS = 2_000
MAX_TAGS = 32
MAX_DEPTH = 32  # lists within lists that another tool may have written
_OURS = "bark_voice_studio"  # marks JSON in which the names below are ours, not another tool's


@dataclass(frozen=True)
class SpeakerMetadata:
    """Who speaks, which family can use the voice, and how it was made.

    Empty text, None and no tags mean that nobody said. `other` keeps what other tools wrote.
    """

    name: str = ""
    family: str = ""
    language: str = ""
    method: str = ""
    quantizer: str = ""
    converter: str = ""
    window: str = ""  # the part of the recording that was used, "1.40-8.10" in seconds
    reference_seconds: float | None = None
    reference_sha256: str = ""
    similarity: float | None = None  # to the recording, as the clone report measured it
    consent: bool | None = None
    consent_text: str = ""  # the sentence that was confirmed
    app_version: str = ""
    created: str = ""  # ISO 8601, UTC
    tags: tuple[str, ...] = ()
    notes: str = ""
    other: Mapping[str, Any] = field(default_factory=dict)


_NUMBERS = {"reference_seconds": (0.0, 1e6), "similarity": (-1.0, 1.0)}  # what is believed
_TEXTS = tuple(each.name for each in fields(SpeakerMetadata) if each.type is str)


def metadata_to_json(metadata: SpeakerMetadata) -> str:
    """Write metadata as the JSON string that a speaker file holds."""
    written: dict[str, Any] = {**metadata.other, _OURS: 1}
    for each in fields(metadata):
        value = getattr(metadata, each.name)
        if each.name != "other" and value not in ("", None, ()):
            written[each.name] = list(value) if each.name == "tags" else value
    return json.dumps(written, ensure_ascii=True, sort_keys=True, allow_nan=False)


def metadata_from_json(text: str) -> SpeakerMetadata:
    """Read the metadata of a stranger's file; values of the wrong type are kept in `other`.

    Raises:
        ValueError: the text is not a JSON object.
    """
    if len(text) > MAX_METADATA_CHARACTERS:
        raise ValueError("too long")
    try:
        values = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as fault:
        raise ValueError("nested too deeply") from fault
    if not isinstance(values, dict):
        raise ValueError("not an object")
    if _is_deep(values):
        raise ValueError("nested too deeply")
    values.pop(_OURS, None)
    taken: dict[str, Any] = {
        name: float(values.pop(name))
        for name, bounds in _NUMBERS.items()
        if _is_number(values.get(name), *bounds)
    }
    for name in _TEXTS:
        if isinstance(values.get(name), str):
            taken[name] = clean_text(values.pop(name))
    if isinstance(values.get("consent"), bool):
        taken["consent"] = values.pop("consent")
    tags = values.get("tags")
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        taken["tags"] = tuple(clean_text(tag)[:64] for tag in values.pop("tags")[:MAX_TAGS])
    return SpeakerMetadata(**taken, other=values)


def edited_json(text: str, changes: Mapping[str, str | tuple[str, ...]]) -> str:
    """Change some values in a file's metadata; what is not named stays as whoever wrote it.

    An empty value takes its key out. Text that is no JSON of ours is kept under `unreadable`.
    """
    try:
        metadata_from_json(text or "{}")
        values = json.loads(text or "{}")
    except ValueError:
        values = {"unreadable": text[: MAX_METADATA_CHARACTERS // 16]}
    for name, value in changes.items():
        values.pop(name, None)
        if value:
            values[name] = list(value) if isinstance(value, tuple) else value
    return json.dumps({**values, _OURS: 1}, ensure_ascii=True, sort_keys=True, allow_nan=False)


def clean_text(text: str) -> str:
    """Drop what is not seen or turns the writing around, and cut what is too long to show."""
    kept = (
        letter if letter == "\n" or unicodedata.category(letter)[0] != "C" else ""
        for letter in text[:MAX_VALUE_CHARACTERS]
    )
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def _is_number(value: object, least: float, most: float) -> bool:
    """Whether this is a number within its bounds.

    They are compared before any conversion: a whole number may have a thousand digits.
    """
    return isinstance(value, int | float) and type(value) is not bool and least <= value <= most


def _is_deep(values: object) -> bool:
    """Whether saving it again could overflow the stack."""
    level = [values]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
