"""The command line: speak, list voices and models, start the page, look for faults."""

import sys
from collections.abc import Sequence

from webui import (
    __version__,
    cli_audiobook,
    cli_clone,
    cli_detect,
    cli_doctor,
    cli_lists,
    cli_projects,
    cli_serve,
    cli_speak,
    cli_train,
    cli_voices,
)
from webui.cli_terminal import (
    MisuseError,
    Parser,
    drop_output,
    in_words,
    one_line,
    print_json,
    say,
    write_out,
)
from webui.errors import UserError
from webui.settings_flags import PAGE_SETTINGS, add_settings_flags, settings_from_flags

FAILED, MISUSED, STOPPED = 1, 2, 130  # exit codes; 130 is 128 + SIGINT
COMMANDS = (
    ("speak", cli_speak.add_arguments, cli_speak.run, "speak a text into a sound file"),
    ("audiobook", cli_audiobook.add_arguments, cli_audiobook.run, "speak a book into sound files"),
    ("projects", cli_projects.add_arguments, cli_projects.run, "list and change long texts"),
    ("clone", cli_clone.add_clone_arguments, cli_clone.run_clone, "clone a voice from recordings"),
    ("report", cli_clone.add_report_arguments, cli_clone.run_report, "say how good a voice is"),
    ("voices", cli_voices.add_arguments, cli_voices.run, "list, change, import, export voices"),
    ("train", cli_train.add_arguments, cli_train.run, "make a quantizer for another language"),
    ("detect", cli_detect.add_arguments, cli_detect.run, "say whether a recording is marked"),
    ("models", cli_lists.add_models_arguments, cli_lists.run_models, "list or download models"),
    ("serve", cli_serve.add_arguments, cli_serve.run, "start the page"),
    ("doctor", cli_doctor.add_arguments, cli_doctor.run, "say what is wrong and how to mend it"),
)


def build_parser() -> Parser:
    """Declare all commands and their flags."""
    # A flag cut short would change its meaning when another one is added.
    parser = Parser(prog="python -m webui", description="Bark Voice Studio", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add_arguments, run, meaning in COMMANDS:
        command = commands.add_parser(
            name, help=meaning, description=f"{meaning}.".capitalize(), allow_abbrev=False
        )
        command.add_argument("--json", action="store_true", help="write the result as JSON")
        add_arguments(command)
        page = name in ("serve", "doctor")
        add_settings_flags(command, without=frozenset() if page else PAGE_SETTINGS)
        command.set_defaults(run=run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words say and give the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        return _do(words)
    except BrokenPipeError:
        # The reader has gone, as in `webui voices | head`; nobody is left to tell.
        drop_output()
        return FAILED
    except (UserError, OSError, ImportError) as fault:
        failure = in_words(fault)
        _tell("--json" in words, str(failure), type(failure).__name__)
        return MISUSED if isinstance(failure, MisuseError) else FAILED
    except KeyboardInterrupt:
        _tell("--json" in words, "Stopped.", "Stopped")
        return STOPPED


def _do(words: Sequence[str]) -> int:
    try:
        arguments = build_parser().parse_args(words)
    except SystemExit:  # --help and --version have said what there is to say
        write_out("")
        return 0
    # One job and the process ends: a second process for the engine would only cost time.
    defaults = {} if arguments.command == "serve" else {"engine": "inline"}
    code: int = arguments.run(arguments, settings_from_flags(arguments, **defaults))
    return code


def _tell(as_json: bool, message: str, kind: str) -> None:
    """Say what went wrong, to the person and to a program that reads the output."""
    say(message)
    if as_json:
        try:
            print_json({"error": one_line(message), "kind": kind})
        except (OSError, UserError):
            drop_output()
