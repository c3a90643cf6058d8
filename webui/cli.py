"""The command line: speak, list voices and models, start the page, look for faults."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from webui import __version__, cli_doctor, cli_lists, cli_serve, cli_speak
from webui.cli_terminal import print_json, say
from webui.errors import UserError
from webui.settings_flags import add_settings_flags, settings_from_flags

FAILED, MISUSED, STOPPED = 1, 2, 130  # exit codes; 2 is argparse's own, 130 is 128 + SIGINT
PAGE_SETTINGS = frozenset(
    {"host", "port", "share", "open_browser", "auth", "public", "max_text_characters"}
)
COMMANDS = (
    ("speak", cli_speak.add_arguments, cli_speak.run, "speak a text into a sound file"),
    ("voices", cli_lists.add_voices_arguments, cli_lists.run_voices, "list the voices"),
    ("models", cli_lists.add_models_arguments, cli_lists.run_models, "list or download models"),
    ("serve", cli_serve.add_arguments, cli_serve.run, "start the page"),
    ("doctor", cli_doctor.add_arguments, cli_doctor.run, "say what is wrong and how to mend it"),
)


def build_parser() -> argparse.ArgumentParser:
    """Declare all commands and their flags."""
    parser = argparse.ArgumentParser(prog="webui", description="Bark Voice Studio")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add_arguments, run, meaning in COMMANDS:
        command = commands.add_parser(name, help=meaning, description=f"{meaning}.".capitalize())
        command.add_argument("--json", action="store_true", help="write the result as JSON")
        add_arguments(command)
        page = name in ("serve", "doctor")
        add_settings_flags(command, without=frozenset() if page else PAGE_SETTINGS)
        command.set_defaults(run=run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words say and give the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        # One job and the process ends: a second process for the engine would only cost time.
        defaults = {} if arguments.command == "serve" else {"engine": "inline"}
        code: int = arguments.run(arguments, settings_from_flags(arguments, **defaults))
        sys.stdout.flush()
        return code
    except UserError as fault:
        say(str(fault))
        if arguments.json:
            print_json({"error": str(fault), "kind": type(fault).__name__})
        return FAILED
    except KeyboardInterrupt:
        say("Stopped.")
        return STOPPED
    except BrokenPipeError:
        # The reader has gone, as in `webui voices | head`; nobody is left to tell.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
