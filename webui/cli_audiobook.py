"""`python -m webui audiobook`: a book, a script or subtitles to sound files, resumed by itself."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from webui.cli_project_flags import FORMATS
from webui.cli_projects import print_projects
from webui.cli_speak import find_voice
from webui.cli_speak_flags import add_controls, chosen_controls, whole_number
from webui.cli_terminal import duration, follow, print_json, say
from webui.errors import SettingsError, StorageError, TextError
from webui.events import CancelToken
from webui.voice_names import slug

if TYPE_CHECKING:
    from webui.backend.project_facts import ProjectDetails
    from webui.backend.service import Service
    from webui.settings import Settings

MAX_FILE_BYTES = 2**26  # `webui.longform.book` refuses more, too
DEFAULT_FORMAT = "mp3"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `audiobook`."""
    parser.epilog = (
        "Given again with the same book and the same flags, it goes on where it was stopped. "
        "`python -m webui projects` changes single sentences."
    )
    parser.add_argument(
        "book", nargs="?", metavar="BOOK", help=".txt, .md, .epub, .srt or .vtt; - reads a text"
    )
    parser.add_argument(
        "--out", "-o", metavar="PATH",
        help="a folder for one file a chapter, or a .wav, .flac, .mp3 or .m4b for the whole",
    )  # fmt: skip
    parser.add_argument("--format", choices=FORMATS, help="default: what --out ends in, else mp3")
    parser.add_argument("--voice", metavar="ID", help="of the narrator; default: the first one")
    parser.add_argument(
        "--voices", metavar="A=ID,B=ID", default="", help="who speaks with which voice"
    )
    parser.add_argument("--language", metavar="CODE", default="", help="of the text: en, de")
    parser.add_argument(
        "--chapter", type=whole_number, metavar="N", help="only this chapter, counted from 1"
    )
    parser.add_argument(
        "--project", metavar="NAME", default="", help="how the page lists it; default: its title"
    )
    parser.add_argument(
        "--subtitles", choices=("srt", "vtt"), help="write them beside each sound file"
    )
    parser.add_argument("--seed", type=whole_number, metavar="N", help="the same seed, same sound")
    parser.add_argument("--list", action="store_true", help="list the long texts, and do no more")
    add_controls(parser.add_argument_group("controls (default: what the family recommends)"))


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Speak a book into files; what can be refused is refused before anything is computed.

    Raises:
        UserError: the book, a voice, a control or the target is unusable.
        KeyboardInterrupt: the user stopped it; what was spoken is kept.
    """
    from webui.backend.service import Service

    if not arguments.list:
        _check_target(arguments)
    service = Service(settings)
    try:
        if arguments.list:
            return print_projects(service, arguments)
        return _speak(service, settings, arguments)
    finally:
        service.close()


def _speak(service: "Service", settings: "Settings", arguments: argparse.Namespace) -> int:
    from webui.backend.project_beginning import ProjectOrder
    from webui.synthesis.controls import controls_from_json

    source = _read_book(arguments.book)
    family = settings.family
    controls = controls_from_json(chosen_controls(arguments), service.recommended_controls(family))
    voice = arguments.voice and find_voice(service, arguments.voice, family)
    voices = {
        name: find_voice(service, each, family)
        for name, each in named_voices(arguments.voices).items()
    }
    order = ProjectOrder(
        arguments.project, source, family, voice, voices, controls, arguments.language
    )
    project = service.projects.open_or_create(order)
    details = service.projects.details(project.id)
    chapter = None if arguments.chapter is None else arguments.chapter - 1
    if chapter is not None and not 0 <= chapter < len(details.chapters):
        raise TextError(f"This text has {len(details.chapters)} chapters.")
    cast = ", ".join(f"{name or 'narrator'}: {each}" for name, each in details.voices.items())
    length = duration(project.expected_seconds)
    say(
        f'"{project.name}" has {project.chapters} chapters in {project.cards} parts, about '
        f"{length} of speech. {cast}"
    )
    cancel = CancelToken()
    try:
        follow(service.projects.render(project.id, chapter=chapter, cancel=cancel), cancel)
    except KeyboardInterrupt:
        done = service.projects.details(project.id).info
        say(f"{done.done} of {done.cards} parts are spoken and kept. The same command goes on.")
        raise
    return _write(service, arguments, service.projects.details(project.id), chapter)


def _write(
    service: "Service",
    arguments: argparse.Namespace,
    details: "ProjectDetails",
    chapter: int | None,
) -> int:
    """Write the files, and say what is missing."""
    from webui.file_saving import save_file

    numbers = range(len(details.chapters)) if chapter is None else (chapter,)
    failed = [
        (card.text, card.note)
        for number in numbers
        for card in details.chapters[number].cards
        if card.state != "done"
    ]
    written = []
    for number, target in _targets(arguments, details, chapter).items():
        service.projects.export(details.info.id, target, _format(arguments), number)
        written.append(str(target))
        if arguments.subtitles:
            text = service.projects.subtitles(details.info.id, arguments.subtitles, number)
            beside = target.with_suffix(f".{arguments.subtitles}")
            save_file(beside, text.encode(), replace=True)
            written.append(str(beside))
    for text, note in failed:
        say(f'Not spoken: "{text[:60]}". {note}')
    say(f"{duration(details.info.seconds)} of speech: {', '.join(written)}")
    if arguments.json:
        info = asdict(details.info)
        missing = [text for text, _ in failed]
        print_json({"project": info, "files": written, "missing": missing})
    return 1 if failed else 0


def named_voices(text: str) -> Mapping[str, str]:
    """Read "ANNA=Ada,BOB=Ben".

    Raises:
        SettingsError: it is written in another way.
    """
    pairs = [each.partition("=") for each in text.split(",") if each.strip()]
    if any(not (name.strip() and voice.strip()) for name, _, voice in pairs):
        raise SettingsError("Write --voices as NAME=VOICE,NAME=VOICE; for example ANNA=Ada.")
    return {name.strip(): voice.strip() for name, _, voice in pairs}


def _targets(
    arguments: argparse.Namespace, details: "ProjectDetails", chapter: int | None
) -> dict[int | None, Path]:
    """Which file each chapter, or the whole, is written to."""
    out = Path(arguments.out)
    if _is_file(out):
        return {chapter: out}
    try:
        out.mkdir(exist_ok=True)
    except OSError as fault:
        raise StorageError(f'"{out}" cannot be made: {fault.strerror}.') from fault
    digits = max(2, len(str(len(details.chapters))))
    return {
        number: out / f"{number + 1:0{digits}}-{slug(each.title)}.{_format(arguments)}"
        for number, each in enumerate(details.chapters)
        if chapter in (None, number) and any(card.state == "done" for card in each.cards)
    }


def _is_file(out: Path) -> bool:
    return out.suffix.removeprefix(".").lower() in FORMATS and not out.is_dir()


def _format(arguments: argparse.Namespace) -> str:
    out = Path(arguments.out)
    ending = out.suffix.removeprefix(".").lower()
    return str(arguments.format or (ending if _is_file(out) else DEFAULT_FORMAT))


def _check_target(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written, before anything is read.

    Raises:
        SettingsError: there is no book or no target.
        StorageError: the target's folder is not there.
    """
    if arguments.book is None or arguments.out is None:
        raise SettingsError(
            "Say which book and where to: python -m webui audiobook book.epub --out book.m4b"
        )
    out = Path(arguments.out)
    if not out.absolute().parent.is_dir():
        raise StorageError(f'The folder "{out.parent}" is not there. Make it first.')
    if out.exists() and not out.is_dir() and not out.is_file():
        raise StorageError(f'"{out}" is not a plain file. Give a file or a folder.')
    if out.is_file() and not _is_file(out):
        raise StorageError(
            f'"{out.name}" is a file that ends in none of {", ".join(FORMATS)}. Give a folder.'
        )


def _read_book(name: str) -> tuple[str, bytes]:
    """The file's name and its bytes, or those of standard input.

    Raises:
        TextError: it cannot be read, or is too large.
    """
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
    except OSError as fault:
        raise TextError(f'The book "{name}" cannot be read ({fault.strerror}).') from fault
    return ("text.txt" if name == "-" else Path(name).name), data
