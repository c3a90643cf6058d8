"""`python -m webui voices`: the library of voices, listed and changed."""

import argparse
import contextlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from webui import cli_lists
from webui import cli_voice_flags as flags
from webui.cli_actions import Action, act, add_actions
from webui.cli_speak import FORMATS
from webui.cli_terminal import follow, print_json, print_table, say
from webui.errors import (
    AudioFileError,
    SpeakerFileError,
    StorageError,
    TextError,
    VoiceNotFoundError,
)
from webui.events import CancelToken

if TYPE_CHECKING:
    from webui.arrays import Waveform
    from webui.backend.facts import VoiceInfo
    from webui.backend.service import Service
    from webui.settings import Settings

REFUSED = 1  # exit code when a file of several was refused
Arguments: TypeAlias = argparse.Namespace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of `voices`; without one the voices are listed."""
    cli_lists.add_voices_arguments(parser)
    listing = Action("list", "list the voices, as without an action", flags.add_list, _show)
    add_actions(parser, (listing, *ACTIONS))


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Do one thing with the voices.

    Raises:
        UserError: a voice, a value or a file cannot be used.
    """
    if arguments.action in (None, "list"):
        return cli_lists.run_voices(arguments, settings)
    return act(ACTIONS, arguments.action, arguments, settings)


# What each action does


def _show(service: "Service", arguments: Arguments) -> int:
    details = service.library.details(_find(service, arguments.voice).id)
    said = asdict(details.metadata)
    if arguments.json:
        print_json({**asdict(details.info), "metadata": said})
        return 0
    facts = {**asdict(details.info), **{f"file: {name}": each for name, each in said.items()}}
    print_table(("FACT", "VALUE"), ((name, _words(each)) for name, each in facts.items() if each))
    return 0


def _preview(service: "Service", arguments: Arguments) -> int:
    from webui.audio import write_audio

    target = Path(arguments.out)
    if target.suffix.removeprefix(".").lower() not in FORMATS:
        raise AudioFileError(f'"{target.name}" does not end in .wav, .flac or .mp3.')
    voice = _find(service, arguments.voice)
    sound, rate = _sound(service, arguments, voice)
    write_audio(target, sound, rate, target.suffix.removeprefix(".").lower(), {"voice": voice.id})
    say(f"{len(sound) / rate:.1f} s of {voice.name}: {target}")
    if arguments.json:
        seconds = round(len(sound) / rate, 3)
        print_json({"voice": voice.id, "out": str(target), "seconds": seconds, "sample_rate": rate})
    return 0


def _sound(service: "Service", arguments: Arguments, voice: "VoiceInfo") -> tuple["Waveform", int]:
    if arguments.say is not None:
        from webui.backend.requests import SpeakOrder

        cancel = CancelToken()
        order = SpeakOrder(arguments.say, voice.family, voice.id)
        speech = follow(service.speak(order, cancel), cancel)
        if speech is None or not len(speech.waveform):
            raise TextError("Nothing was spoken. Give a text with more words in it.")
        return speech.waveform, speech.sample_rate
    if arguments.start is None and arguments.end is None:
        return service.preview(voice.id)
    end = arguments.end if arguments.end is not None else voice.seconds or 0.0
    return service.library.preview_crop(voice.id, arguments.start or 0.0, end)


def _rename(service: "Service", arguments: Arguments) -> int:
    voice = _find(service, arguments.voice)
    return _tell(arguments, service.library.rename(voice.id, arguments.name))


def _delete(service: "Service", arguments: Arguments) -> int:
    found = [_find(service, each) for each in dict.fromkeys(arguments.voices)]
    deleted = [service.library.delete(each.id) for each in found]
    for each in deleted:
        say(f'"{each.name}" is deleted. `voices undelete {each.id}` brings it back for a week.')
    if arguments.json:
        print_json([asdict(each) for each in deleted])
    return 0


def _undelete(service: "Service", arguments: Arguments) -> int:
    deleted = service.library.deleted()
    if arguments.voice is None:
        if arguments.json:
            print_json([asdict(each) for each in deleted])
        else:
            rows = [(each.token, each.id, each.name, each.kept_until) for each in deleted]
            print_table(("TOKEN", "ID", "NAME", "KEPT UNTIL"), rows)
        return 0
    wanted = arguments.voice
    fitting = [each for each in deleted if wanted in (each.token, each.id)]
    fitting += [each for each in deleted if wanted.casefold() == each.name.casefold()]
    token = fitting[0].token if fitting else wanted
    return _tell(arguments, service.library.undelete(token))


def _import(service: "Service", arguments: Arguments) -> int:
    from webui.speaker_file import read_speaker_bytes

    files, refused = [], []
    for path in _speaker_files(arguments.files):
        try:
            files.append((str(path), read_speaker_bytes(path)))
        except SpeakerFileError as fault:
            refused.append((str(path), str(fault)))
    family = service.settings.family
    outcome = service.library.import_files(files, family, repair=arguments.repair)
    refused += outcome.refused
    for name, reason in refused:
        say(f"{name}: {reason}")
    if arguments.json:
        print_json(
            {
                "added": [asdict(each) for each in outcome.added],
                "refused": [{"file": name, "error": reason} for name, reason in refused],
            }
        )
    else:
        _print(outcome.added)
    return REFUSED if refused else 0


def _export(service: "Service", arguments: Arguments) -> int:
    from webui.file_saving import save_file

    target = arguments.out
    found = [_find(service, each) for each in dict.fromkeys(arguments.voices)]
    if not target.is_dir() and (target.suffix != ".npz" or len(found) > 1):
        raise StorageError(f'"{target}" is no folder. Make it first, or name one .npz file.')
    written = []
    for voice, (name, data) in [(each, service.library.export(each.id)) for each in found]:
        path = target / name if target.is_dir() else target
        save_file(path, data)
        written.append({"id": voice.id, "out": str(path)})
        say(f"{voice.name}: {path}")
    if arguments.json:
        print_json(written)
    return 0


def _duplicate(service: "Service", arguments: Arguments) -> int:
    voice = _find(service, arguments.voice)
    return _tell(arguments, service.library.duplicate(voice.id, arguments.name))


def _describe(service: "Service", arguments: Arguments) -> int:
    """Change the parts that this action has a word for."""
    voice = _find(service, arguments.voice)
    said = {
        part: getattr(arguments, f"said_{part}", None) for part in ("tags", "notes", "language")
    }
    return _tell(arguments, service.library.describe(voice.id, **said))


def _favourite(service: "Service", arguments: Arguments) -> int:
    voice = _find(service, arguments.voice)
    return _tell(arguments, service.library.set_favourite(voice.id, not arguments.off))


def _crop(service: "Service", arguments: Arguments) -> int:
    voice = _find(service, arguments.voice)
    start, end = arguments.start, arguments.end
    return _tell(arguments, service.library.crop(voice.id, start, end, arguments.name))


def _blend(service: "Service", arguments: Arguments) -> int:
    first, second = (_find(service, each).id for each in (arguments.voice, arguments.other))
    blended = service.library.blend(first, second, arguments.mix, arguments.name)
    return _tell(arguments, blended)


def _repair(service: "Service", arguments: Arguments) -> int:
    voice, notes = service.library.repair(_find(service, arguments.voice).id)
    for note in notes or ("There was nothing to repair.",):
        say(note)
    return _tell(arguments, voice)


def _find(service: "Service", wanted: str) -> "VoiceInfo":
    """The voice that somebody means: the chosen family's before others, own ones before those."""
    from webui.backend.service import require_voice

    everywhere = service.voices()
    near = service.voices(service.settings.family) if service.settings.family else everywhere
    for voices in ([each for each in near if each.source == "own"], near):
        with contextlib.suppress(VoiceNotFoundError):
            return require_voice(voices, wanted)
    return require_voice(everywhere, wanted)


def _speaker_files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*.npz") if not each.is_symlink())
        else:
            yield path


def _tell(arguments: Arguments, voice: "VoiceInfo") -> int:
    """Show the voice as it is now."""
    if arguments.json:
        print_json(asdict(voice))
    else:
        _print([voice])
    return 0


def _print(voices: Iterable["VoiceInfo"]) -> None:
    print_table(cli_lists.VOICE_HEAD, map(cli_lists.voice_row, voices))


def _words(value: Any) -> str:  # noqa: ANN401  whatever a file says
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


ACTIONS = (
    Action("show", "tell all that is known of a voice", flags.add_voice, _show),
    Action("preview", "write the sound of a voice into a file", flags.add_preview, _preview),
    Action("rename", "give a voice of yours another name", flags.add_rename, _rename),
    Action("delete", "delete voices of yours; a week long they can be brought back",
           flags.add_voices, _delete),
    Action("undelete", "bring a deleted voice back, or list them", flags.add_undelete, _undelete),
    Action("import", "add speaker files to your voices", flags.add_import, _import),
    Action("export", "write voices into files that every Bark tool reads",
           flags.add_export, _export),
    Action("duplicate", "copy any voice to one of yours", flags.add_duplicate, _duplicate),
    Action("tag", "set the labels of a voice", flags.add_tag, _describe),
    Action("note", "set the notes of a voice", flags.add_note, _describe),
    Action("favourite", "mark a voice as a favourite", flags.add_favourite, _favourite),
    Action("language", "say which language a voice speaks", flags.add_language, _describe),
    Action("crop", "keep a part of a voice as a new one", flags.add_crop, _crop),
    Action("blend", "mix two voices into a new one", flags.add_blend, _blend),
    Action("repair", "cut what does not fit in a broken voice", flags.add_voice, _repair),
)  # fmt: skip
