"""`python -m webui serve`: the page, as `python app.py` starts it."""

import argparse
import importlib.util
from typing import TYPE_CHECKING

from webui import settings as known_settings
from webui.cli_terminal import print_json
from webui.errors import SettingsError

if TYPE_CHECKING:
    from webui.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `serve`: it takes the settings only."""
    parser.epilog = "The page runs until Ctrl-C. The same as: python app.py"


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Run the page until somebody ends it.

    Raises:
        SettingsError: the port is in use, or the page's starter is not here.
    """
    # The starter lies beside this package. It is found by its place: the folder from which the
    # command is given may hold another app.py.
    starter = known_settings.PROJECT_FOLDER / "app.py"
    spec = importlib.util.spec_from_file_location("app", starter)
    if not starter.is_file() or spec is None or spec.loader is None:
        raise SettingsError(f"{starter} is not there. Start the page from the folder of the app.")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    code: int = app.serve(settings, _announce) if arguments.json else app.serve(settings)
    return code


def _announce(url: str, public_url: str | None, login: tuple[str, str] | None = None) -> None:
    made_up = {"name": login[0], "password": login[1]} if login else {}
    print_json({"url": url, "public_url": public_url, **made_up})
