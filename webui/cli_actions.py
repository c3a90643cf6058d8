"""Commands of several actions, as `voices` and `train` are: how they are declared and chosen."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from webui.cli_terminal import Parser
from webui.settings_flags import PAGE_SETTINGS, add_settings_flags

if TYPE_CHECKING:
    from webui.backend.service import Service
    from webui.settings import Settings

Declare: TypeAlias = Callable[[argparse.ArgumentParser], object]
Act: TypeAlias = "Callable[[Service, argparse.Namespace], int]"


@dataclass(frozen=True)
class Action:
    """One thing that can be done: its name, its words, what it is told and what it does."""

    name: str
    meaning: str
    declare: Declare
    act: "Act"


def add_actions(parser: argparse.ArgumentParser, actions: Sequence[Action]) -> None:
    """Declare the actions of a command; without one `action` is None."""
    choices = parser.add_subparsers(
        dest="action", metavar="ACTION", parser_class=Parser, title="actions"
    )
    for action in actions:
        words = f"{action.meaning}.".capitalize()
        inner = choices.add_parser(
            action.name, help=action.meaning, description=words, allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )  # fmt: skip
        # What is left out here must not undo what was given before the action.
        inner.add_argument("--json", action="store_true", help="write the result as JSON")
        action.declare(inner)
        add_settings_flags(inner, without=PAGE_SETTINGS, default=argparse.SUPPRESS)


def act(
    actions: Sequence[Action], name: str, arguments: argparse.Namespace, settings: "Settings"
) -> int:
    """Do the action of this name with a service of its own.

    Raises:
        UserError: something that was named or given cannot be used.
    """
    from webui.backend.service import Service

    (action,) = (each for each in actions if each.name == name)
    service = Service(settings)
    try:
        return action.act(service, arguments)
    finally:
        service.close()
