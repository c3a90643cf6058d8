"""What the actions of `python -m webui projects` are told: their words and flags."""

import argparse
from pathlib import Path

from webui.cli_speak_flags import number, whole_number

FORMATS = ("wav", "flac", "mp3", "m4b")


def add_nothing(_: argparse.ArgumentParser) -> None:
    """Ask for nothing."""


def add_project(parser: argparse.ArgumentParser) -> None:
    """Ask for which long text."""
    parser.add_argument("project", metavar="ID", help="as `projects` lists it")


def add_card(parser: argparse.ArgumentParser) -> None:
    """Ask for which card of which text."""
    add_project(parser)
    parser.add_argument("card", metavar="CARD", help="as `projects show ID` lists it: c12")


def add_chapter(parser: argparse.ArgumentParser) -> None:
    """Ask for a text, and perhaps one of its chapters."""
    add_project(parser)
    parser.add_argument(
        "--chapter", type=whole_number, metavar="N", default=None,
        help="only this chapter, counted from 1",
    )  # fmt: skip


def add_speak(parser: argparse.ArgumentParser) -> None:
    """Ask for a text, and what of it is to be spoken."""
    add_chapter(parser)
    parser.add_argument(
        "--card", metavar="CARD", action="append", default=None, help="only this one; may be given "
        "several times",
    )  # fmt: skip


def add_edit(parser: argparse.ArgumentParser) -> None:
    """Ask for a card and what becomes of it."""
    add_card(parser)
    parser.add_argument("--text", metavar="T", default=None, help="what it says")
    parser.add_argument("--speaker", metavar="NAME", default=None, help="who says it")
    parser.add_argument(
        "--voice", metavar="V", default=None, help="its own voice; '' takes it back"
    )
    parser.add_argument("--seed", type=whole_number, metavar="N", default=None, help="its own seed")
    parser.add_argument(
        "--pause", type=number, metavar="S", default=None, help="seconds of silence after it"
    )


def add_split(parser: argparse.ArgumentParser) -> None:
    """Ask for a card and where it is cut."""
    add_card(parser)
    parser.add_argument("at", type=whole_number, metavar="LETTERS", help="that the first part has")


def add_insert(parser: argparse.ArgumentParser) -> None:
    """Ask for a card and the text that follows it."""
    add_card(parser)
    parser.add_argument("text", metavar="TEXT", help="of the new card behind it")


def add_move(parser: argparse.ArgumentParser) -> None:
    """Ask for a card and how far it goes."""
    add_card(parser)
    parser.add_argument(
        "--by", type=int, default=1, metavar="N",
        help="so many places forward, or back below 0; default: 1",
    )  # fmt: skip


def add_voice(parser: argparse.ArgumentParser) -> None:
    """Ask for who speaks with which voice."""
    add_project(parser)
    parser.add_argument("speaker", metavar="SPEAKER", help="a name; '' is the narrator")
    parser.add_argument("voice", metavar="VOICE", help="its id, or a name that only it has")


def add_rename(parser: argparse.ArgumentParser) -> None:
    """Ask for the new name."""
    add_project(parser)
    parser.add_argument("name", metavar="NAME", help="the new name")


def add_export(parser: argparse.ArgumentParser) -> None:
    """Ask for where the sound goes."""
    add_chapter(parser)
    parser.add_argument(
        "--out", "-o", type=Path, required=True, metavar="PATH",
        help="a .wav, .flac, .mp3 or .m4b to write, or subtitles as .srt or .vtt",
    )  # fmt: skip


def add_hear(parser: argparse.ArgumentParser) -> None:
    """Ask for a card and where its sound goes."""
    add_card(parser)
    parser.add_argument(
        "--out", "-o", type=Path, required=True, metavar="PATH", help="a .wav, .flac or .mp3"
    )
