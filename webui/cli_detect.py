"""`python -m webui detect`: whether a recording carries the watermark of this app."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from webui.cli_terminal import print_json, write_out

if TYPE_CHECKING:
    from webui.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `detect` is told."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording of any known kind")


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Listen for the mark, and say how sure it is.

    Raises:
        AudioFileError: the file is no recording that can be read.
        SettingsError: what listens for the mark is not installed.
    """
    from webui.backend.marking import find_mark

    is_marked, sureness = find_mark(arguments.file)
    if arguments.json:
        found = {"file": str(arguments.file), "marked": is_marked, "sureness": round(sureness, 3)}
        print_json(found)
        return 0
    words = "carries the watermark" if is_marked else "carries no watermark that is heard"
    write_out(f"{arguments.file.name} {words} ({sureness:.0%}).\n")
    return 0
