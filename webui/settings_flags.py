"""The settings as flags of a command line: `app.py` and `python -m webui` take the same ones."""

import argparse
from collections.abc import Collection

from webui.settings import SETTINGS_HELP, Settings, load_settings


def add_settings_flags(
    parser: argparse.ArgumentParser, without: Collection[str] = frozenset()
) -> None:
    """Declare a flag for each setting, except those named in `without`."""
    group = parser.add_argument_group("settings")
    for each in SETTINGS_HELP:
        if each.name in without:
            continue
        text = f"{each.meaning}; default: {each.default} [{each.env}]".replace("%", "%%")
        if each.is_switch:
            switch = argparse.BooleanOptionalAction
            group.add_argument(each.flag, action=switch, default=None, help=text)
        else:
            group.add_argument(each.flag, metavar=each.name.rpartition("_")[2].upper(), help=text)


def settings_from_flags(arguments: argparse.Namespace, **defaults: object) -> Settings:
    """Build the settings: a flag goes before `defaults`, these before the environment.

    Raises:
        SettingsError: a value cannot be used, or two of them do not go together.
    """
    given = {each.name: getattr(arguments, each.name, None) for each in SETTINGS_HELP}
    flags = {name: value for name, value in given.items() if value is not None}
    return load_settings(**{**defaults, **flags})
