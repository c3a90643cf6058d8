"""`python -m webui voices` and `models`: what is here, and what can be had."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from webui.cli_terminal import follow, print_json, print_table, say
from webui.events import CancelToken

if TYPE_CHECKING:
    from webui.backend.facts import FamilyInfo, VoiceInfo
    from webui.settings import Settings


VOICE_HEAD = ("ID", "NAME", "FAMILY", "LANGUAGE", "FROM", "SECONDS", "REMARK")


def add_voices_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `voices`."""
    parser.add_argument("--language", metavar="CODE", help="only voices of this language: en, de")
    parser.add_argument(
        "--all", action="store_true", help="the voices of all families, whatever --family says"
    )


def run_voices(arguments: argparse.Namespace, settings: "Settings") -> int:
    """List the voices that the chosen family can speak with, or all of them.

    Raises:
        FamilyNotFoundError: the family that was named is not known.
    """
    from webui.backend.service import Service

    service = Service(settings)
    try:
        family = None if arguments.all or settings.family is None else settings.family
        if family is not None:
            service.family(family)
        language = arguments.language.lower() if arguments.language else None
        voices = service.voices(family, language)
    finally:
        service.close()
    if arguments.json:
        print_json([asdict(voice) for voice in voices])
        return 0
    print_table(VOICE_HEAD, map(voice_row, voices))
    if not voices:
        say("No voice matches.")
    return 0


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `models`."""
    parser.add_argument("--download", metavar="FAMILY", help="bring this family, then list all")


def run_models(arguments: argparse.Namespace, settings: "Settings") -> int:
    """List the families, after one of them was downloaded when that was asked.

    Raises:
        DownloadError: the download failed; what has come is kept for the next try.
        FamilyNotFoundError: there is no such family to download.
        KeyboardInterrupt: the download was stopped.
    """
    from webui.backend.service import Service

    service, cancel = Service(settings), CancelToken()
    try:
        if arguments.download:
            wanted = service.family(arguments.download)
            if wanted.state == "installed":
                say(f"{wanted.title} is here already.")
            else:
                say(f"{wanted.title}: {_size(wanted.size_bytes)}, licence {wanted.licence}")
                follow(service.download(wanted.id, cancel), cancel)
        families = service.families()
    finally:
        cancel.cancel()
        service.close()
    if arguments.json:
        print_json([asdict(family) for family in families])
        return 0
    print_table(("ID", "STATE", "SIZE", "LICENCE", "LANGUAGES", "REMARK"), _family_rows(families))
    return 0


def voice_row(voice: "VoiceInfo") -> tuple[str, ...]:
    """What a table says of a voice, under `VOICE_HEAD`."""
    seconds = "" if voice.seconds is None else f"{voice.seconds:.1f}"
    remark = voice.broken or voice.notes or ", ".join(voice.tags)
    return voice.id, voice.name, voice.family, voice.language, voice.source, seconds, remark


def _family_rows(families: Iterable["FamilyInfo"]) -> Iterable[tuple[str, ...]]:
    for family in families:
        remark = family.broken or ("the built-in demonstration" if family.is_demo else "")
        size = _size(family.size_bytes)
        languages = " ".join(family.languages)
        yield family.id, family.state, size, family.licence, languages, remark


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
