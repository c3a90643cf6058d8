"""The settings as flags of a command line: `app.py` and `python -m webui` take the same ones."""

import argparse
from collections.abc import Collection

from webui.settings import SETTINGS_HELP, Settings, load_settings

PAGE_SETTINGS = frozenset(
    {"host", "port", "share", "open_browser", "auth", "public", "max_text_characters"}
    | {"voices_repo"}
    | {"api_key", "max_job_characters", "mcp"}
)  # what a command that opens no page does without


def add_settings_flags(
    parser: argparse.ArgumentParser,
    without: Collection[str] = frozenset(),
    default: object = None,
) -> None:
    """Declare a flag for each setting, except those named in `without`.

    Args:
        parser: what shall understand them.
        without: settings without a flag.
        default: what a flag is that was not given.
    """
    group = parser.add_argument_group("settings")
    for each in SETTINGS_HELP:
        if each.name in without:
            continue
        text = f"{each.meaning}; default: {each.default} [{each.env}]".replace("%", "%%")
        if each.is_switch:
            switch = argparse.BooleanOptionalAction
            group.add_argument(each.flag, action=switch, default=default, help=text)
        else:
            word = each.name.rpartition("_")[2].upper()
            group.add_argument(each.flag, metavar=word, default=default, help=text)


def settings_from_flags(arguments: argparse.Namespace, **defaults: object) -> Settings:
    """Build the settings: a flag goes before `defaults`, these before the environment.

    Raises:
        SettingsError: a value cannot be used, or two of them do not go together.
    """
    given = {each.name: getattr(arguments, each.name, None) for each in SETTINGS_HELP}
    flags = {name: value for name, value in given.items() if value is not None}
    return load_settings(**{**defaults, **flags})
