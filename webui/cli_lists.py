"""`python -m webui voices` and `models`: what is here, and what can be had."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from webui.cli_terminal import follow, print_json, print_table, say
from webui.events import CancelToken

if TYPE_CHECKING:
    from webui.backend.facts import CloningPart, FamilyInfo, VoiceInfo
    from webui.backend.service import Service
    from webui.settings import Settings


FAMILY_HEAD = ("ID", "STATE", "SIZE", "LICENCE", "LANGUAGES", "REMARK")
PART_HEAD = ("ID", "KIND", "STATE", "SIZE", "LICENCE", "LANGUAGE", "REMARK")
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
    parser.add_argument(
        "--download", metavar="ID", help="bring this family or part of cloning, then list all"
    )
    parser.add_argument(
        "--cloning", action="store_true", help="list what cloning for the family uses instead"
    )


def run_models(arguments: argparse.Namespace, settings: "Settings") -> int:
    """List the families, or the parts of cloning, after a download when that was asked.

    Raises:
        DownloadError: the download failed; what has come is kept for the next try.
        FamilyNotFoundError: there is no such family to download.
        KeyboardInterrupt: the download was stopped.
    """
    from webui.backend.service import Service

    service, cancel = Service(settings), CancelToken()
    try:
        if arguments.download:
            _bring(service, settings, arguments.download, cancel)
        parts = service.cloning_parts(settings.family) if arguments.cloning else None
        families = service.families()
    finally:
        cancel.cancel()
        service.close()
    if arguments.json:
        print_json([asdict(each) for each in (families if parts is None else parts)])
    elif parts is not None:
        print_table(PART_HEAD, map(_part_row, parts))
    else:
        print_table(FAMILY_HEAD, map(_family_row, families))
    return 0


def _bring(service: "Service", settings: "Settings", wanted: str, cancel: CancelToken) -> None:
    """Download a family or a part of cloning; what comes, and its licence, is said before."""
    from webui.backend.cloning_catalogue import CLONING_CATALOGUE
    from webui.backend.cloning_parts import CloningParts

    if wanted in CLONING_CATALOGUE:
        title = CLONING_CATALOGUE[wanted].title
        missing = CloningParts(settings.models_dir).missing(wanted)
        coming = [(each.title, each.about_bytes, each.licence) for each in missing]
    else:
        family = service.family(wanted)
        title, fact = family.title, (family.title, family.size_bytes, family.licence)
        coming = [] if family.state == "installed" else [fact]
    for name, size_bytes, licence in coming:
        say(f"{name}: {_size(size_bytes)}, licence {licence}")
    if coming:
        follow(service.download(wanted, cancel), cancel)
    else:
        say(f"{title} is here already.")


def voice_row(voice: "VoiceInfo") -> tuple[str, ...]:
    """What a table says of a voice, under `VOICE_HEAD`."""
    seconds = "" if voice.seconds is None else f"{voice.seconds:.1f}"
    remark = voice.broken or voice.notes or ", ".join(voice.tags)
    return voice.id, voice.name, voice.family, voice.language, voice.source, seconds, remark


def _family_row(family: "FamilyInfo") -> tuple[str, ...]:
    remark = family.broken or ("the built-in demonstration" if family.is_demo else "")
    size = _size(family.size_bytes)
    return family.id, family.state, size, family.licence, " ".join(family.languages), remark


def _part_row(part: "CloningPart") -> tuple[str, ...]:
    remark = part.reason or part.title
    size = _size(part.size_bytes) if part.size_bytes else ""
    kind = part.kind.replace("_", " ")
    return part.id, kind, part.state, size, part.licence, part.language, remark


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
