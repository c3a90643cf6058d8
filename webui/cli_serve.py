"""`python -m webui serve`: the page, as `python app.py` starts it."""

import argparse
from typing import TYPE_CHECKING

from webui.errors import SettingsError

if TYPE_CHECKING:
    from webui.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `serve`: it takes the settings only."""
    parser.epilog = "The page runs until Ctrl-C. The same as: python app.py"


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Run the page until somebody ends it.

    Raises:
        SettingsError: the port is in use, or --json was given.
    """
    if arguments.json:
        raise SettingsError("The page writes no result: start it without --json.")
    # The starter lies beside this package; it alone knows gradio's page from outside of ui/.
    from app import serve

    return serve(settings)
