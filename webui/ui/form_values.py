"""Checks of single values that a browser sent, with words for what cannot be used."""

from typing import TypeGuard

from webui.errors import SettingsError, TextError


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it can be counted with: no boolean, and not the float that is no number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def number_between(value: object, low: float, high: float, what: str) -> float:
    """A number within bounds.

    Raises:
        SettingsError: it is none, or outside them.
    """
    if not is_number(value) or not low <= value <= high:
        raise SettingsError(f"The {what} must be a number from {low:g} to {high:,.10g}.")
    return float(value)


def check_characters(count: int, most: int) -> None:
    """Refuse a text of more characters than there may be.

    Raises:
        TextError: it has more.
    """
    if count > most:
        raise TextError(f"The text has {count:,} characters; the limit here is {most:,}.")


def ticked(value: object) -> bool:
    """Whether a box is ticked.

    Raises:
        SettingsError: it is neither.
    """
    if not isinstance(value, bool):
        raise SettingsError("A box is either ticked or not.")
    return value


def switched_on(value: object, name: str) -> bool:
    """Whether something is on, which is named to the visitor.

    Raises:
        SettingsError: it is neither.
    """
    if not isinstance(value, bool):
        raise SettingsError(f"{name} is either on or off.")
    return value
