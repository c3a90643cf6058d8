"""What the actions of `python -m webui voices` are told: their words and flags."""

import argparse
from pathlib import Path

from webui.cli_speak_flags import number


def add_list(parser: argparse.ArgumentParser) -> None:
    """Ask for how to narrow the list."""
    parser.add_argument("--language", metavar="CODE", help="only voices of this language: en, de")
    parser.add_argument("--all", action="store_true", help="the voices of all families")


def add_voice(parser: argparse.ArgumentParser) -> None:
    """Ask for which voice."""
    parser.add_argument("voice", metavar="VOICE", help="its id, or a name that only it has")


def add_voices(parser: argparse.ArgumentParser) -> None:
    """Ask for which voices."""
    parser.add_argument(
        "voices", metavar="VOICE", nargs="+", help="ids, or names that only one has"
    )


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", metavar="N", default="", help="of the new voice")


def add_preview(parser: argparse.ArgumentParser) -> None:
    """Ask for which voice, and where its sound goes."""
    add_voice(parser)
    parser.add_argument(
        "--out", "-o", required=True, metavar="PATH", help="a .wav, .flac or .mp3 to write"
    )
    parser.add_argument("--say", metavar="TEXT", default=None, help="let it speak this instead")
    _span(parser)


def _span(parser: argparse.ArgumentParser, required: bool = False) -> None:
    for name, meaning in (("start", "where it begins"), ("end", "where it ends")):
        parser.add_argument(
            f"--{name}", type=number, metavar="S", default=None, required=required,
            help=f"{meaning}, in seconds",
        )  # fmt: skip


def add_rename(parser: argparse.ArgumentParser) -> None:
    """Ask for a voice and its new name."""
    add_voice(parser)
    parser.add_argument("name", metavar="NAME", help="the new name")


def add_undelete(parser: argparse.ArgumentParser) -> None:
    """Ask for which deleted voice."""
    parser.add_argument(
        "voice", metavar="VOICE", nargs="?", default=None,
        help="the id, name or token of a deleted voice; without it those are listed",
    )  # fmt: skip


def add_import(parser: argparse.ArgumentParser) -> None:
    """Ask for which files."""
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help=".npz files, or folders of them"
    )
    parser.add_argument(
        "--repair", action="store_true", default=False, help="cut what does not fit together"
    )


def add_export(parser: argparse.ArgumentParser) -> None:
    """Ask for which voices, and where they go."""
    add_voices(parser)
    parser.add_argument(
        "--out", "-o", required=True, metavar="PATH", type=Path,
        help="a .npz that is not there yet, or a folder",
    )  # fmt: skip


def add_duplicate(parser: argparse.ArgumentParser) -> None:
    """Ask for which voice, and the name of the copy."""
    add_voice(parser)
    _name(parser)


def add_tag(parser: argparse.ArgumentParser) -> None:
    """Ask for a voice and its labels."""
    add_voice(parser)
    words = "all its labels; none clears them"
    parser.add_argument("said_tags", metavar="LABEL", nargs="*", default=[], help=words)


def add_note(parser: argparse.ArgumentParser) -> None:
    """Ask for a voice and its notes."""
    add_voice(parser)
    parser.add_argument("said_notes", metavar="TEXT", help='its notes; "" clears them')


def add_favourite(parser: argparse.ArgumentParser) -> None:
    """Ask for a voice, and whether it is one."""
    add_voice(parser)
    parser.add_argument("--off", action="store_true", default=False, help="no longer one")


def add_language(parser: argparse.ArgumentParser) -> None:
    """Ask for a voice and its language."""
    add_voice(parser)
    parser.add_argument(
        "said_language", metavar="CODE", help='en, de, ...; "" when it is not known'
    )


def add_crop(parser: argparse.ArgumentParser) -> None:
    """Ask for a voice, and from when to when."""
    add_voice(parser)
    _span(parser, required=True)
    _name(parser)


def add_blend(parser: argparse.ArgumentParser) -> None:
    """Ask for two voices, and how much of each."""
    add_voice(parser)
    parser.add_argument("other", metavar="OTHER", help="a second voice of the same family")
    parser.add_argument(
        "--mix", type=number, metavar="X", default=0.5,
        help="of the second voice, 0.2 to 0.8; default 0.5",
    )  # fmt: skip
    _name(parser)
