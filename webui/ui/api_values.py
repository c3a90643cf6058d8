"""Checks the values that programs send to the page's functions."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from gradio import utils as gradio_paths

from webui.backend.facts import VoiceInfo, voices_called
from webui.errors import AudioFileError, SettingsError, VoiceNotFoundError
from webui.synthesis.controls import SpeechControls, controls_from_json

KINDS: dict[object, tuple[str, Any]] = {
    str: ("text", str),
    int: ("a whole number", int),
    float: ("a number", int | float),
}
FROM_SETTINGS = -1  # of a number: as the family has it


def chosen_voice(voices: list[VoiceInfo], wanted: str) -> VoiceInfo:
    """Find a usable voice by its id, or by its name where only one has it.

    Raises:
        VoiceNotFoundError: there is none, several have this name, or it is broken.
    """
    found = voices_called(voices, wanted)
    if len(found) != 1:
        many = f"{len(found)} voices are called" if found else "There is no voice"
        raise VoiceNotFoundError(f'{many} "{wanted[:64]}". /voices lists the ids.')
    if found[0].broken:
        raise VoiceNotFoundError(f"This voice cannot speak: {found[0].broken}")
    return found[0]


def speech_controls(base: SpeechControls, seed: object, temperature: object) -> SpeechControls:
    """The family's controls with what a program chose.

    Raises:
        SettingsError: a value is of the wrong kind or outside its range.
    """
    changes: dict[str, Any] = {}
    if seed != FROM_SETTINGS:
        changes["seed"] = seed
    if temperature != FROM_SETTINGS:
        changes["semantic"] = {"temperature": temperature}
    return controls_from_json(changes, base)


def typed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that a program's values, in their order, are of the kinds it names."""
    kinds = get_type_hints(function)
    signature = inspect.signature(function)
    parameters = signature.parameters

    @functools.wraps(function)
    def checked(*values: object) -> Any:  # noqa: ANN401  whatever the function gives
        named = dict(zip(parameters, values, strict=False))
        for name, value in named.items():
            words, allowed = KINDS.get(kinds[name], ("an uploaded file", dict))
            if not isinstance(value, allowed) or isinstance(value, bool):
                raise SettingsError(f'"{name}" must be {words}.')
        return function(**named)

    # Gradio sends all values in their order, also those that the function takes by name only.
    in_order = [
        each.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in parameters.values()
    ]
    checked.__signature__ = signature.replace(parameters=in_order)  # type: ignore[attr-defined]
    return checked


def uploaded_file(value: object) -> Path:
    """The file behind an upload: what a program sends names no other file of this machine.

    Raises:
        AudioFileError: nothing was uploaded.
    """
    named = value.get("path") if isinstance(value, dict) else None
    folder = Path(gradio_paths.get_upload_folder()).resolve()
    try:
        path = Path(named).resolve() if isinstance(named, str) else None
        if path is not None and folder in path.parents and path.is_file():
            return path
    except (OSError, ValueError):
        pass
    raise AudioFileError("There is no recording. Upload a file; gradio_client does by handle_file.")
