"""`python -m webui speak`: a text to a sound file."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webui.cli_speak_flags import add_controls, chosen_controls, whole_number
from webui.cli_takes import check_takes, gathered, take_file
from webui.cli_terminal import follow, print_json, say, write_out
from webui.errors import (
    AudioFileError,
    SettingsError,
    SpeakerFileError,
    StorageError,
    TextError,
    VoiceNotFoundError,
)
from webui.events import CancelToken, Speech, SpokenChunk

if TYPE_CHECKING:
    from webui.backend.service import Service
    from webui.backend.speech_recipe import SpeechRecipe
    from webui.settings import Settings

MAX_TEXT_BYTES = 1_000_000  # a thick book; more is surely the wrong file
FORMATS = ("wav", "flac", "mp3")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `speak`."""
    parser.add_argument("text", nargs="?", help="what to say; - reads it from standard input")
    parser.add_argument("--file", type=Path, metavar="PATH", help="read the text from this file")
    parser.add_argument(
        "--out",
        "-o",
        required=True,
        metavar="PATH",
        help="the sound file to write: .wav, .flac or .mp3; - is standard output",
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="default: what the ending of --out says, else wav"
    )
    parser.add_argument(
        "--voice",
        metavar="ID",
        help="an id of `python -m webui voices`, or a name that one voice has; default: any voice",
    )
    parser.add_argument(
        "--seed", type=whole_number, metavar="N", help="the same seed gives the same sound"
    )
    parser.add_argument(
        "--takes", type=whole_number, default=1, metavar="N",
        help="speak it N times in one pass, each time with another seed, into out-1.wav, out-2.wav "
        "and so on; at most 8",
    )  # fmt: skip
    parser.add_argument(
        "--save-voice", type=Path, metavar="V.npz", help="keep the end of this speech as a voice"
    )
    parser.add_argument(
        "--like", type=Path, metavar="FILE",
        help="speak again as this file was spoken, with its text, voice, seed and controls where "
        "nothing else is said: .wav, .flac, .mp3, .opus, .npz or .json that was made here",
    )  # fmt: skip
    add_controls(parser.add_argument_group("controls (default: what the family recommends)"))


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Speak a text into a file; what can be refused is refused before anything is computed.

    Raises:
        UserError: the text, the voice, a control or a target file is unusable.
        KeyboardInterrupt: the user stopped it; nothing was written.
    """
    sound_format = _check_targets(arguments)
    like = _read_like(arguments)
    text = _read_text(arguments) if like is None or _names_text(arguments) else like.text
    from webui.backend.requests import SpeakOrder
    from webui.backend.service import Service
    from webui.backend.speech_recipe import SpeechRecipe
    from webui.synthesis.controls import controls_from_json

    cancel = CancelToken()
    service = Service(settings)
    try:
        family = settings.family or (like.family if like else None)
        base = like.controls if like else service.recommended_controls(family)
        chosen = chosen_controls(arguments) | {"takes": arguments.takes}
        controls = controls_from_json(chosen, base)
        wanted = arguments.voice or (like.voice if like else None)
        voice = None if wanted is None else find_voice(service, wanted, family)
        order = SpeakOrder(text, family, voice, controls, like.language if like else None)
        made: list[Speech | None] = []
        follow(gathered(service.speak(order, cancel), controls.takes, made), cancel)
    finally:
        cancel.cancel()
        service.close()
    spoken = [
        (take_file(arguments.out, take, controls.takes), speech)
        for take, speech in enumerate(made, start=1)
        if speech is not None and len(speech.waveform)
    ]
    if not spoken:
        raise TextError("Nothing was spoken. Try another seed, or a text with more words in it.")
    told = []
    for out, speech in spoken:
        used = replace(controls, seed=speech.seed, takes=1)
        recipe = SpeechRecipe(text, speech.family, voice, used, order.language)
        _write(arguments, out, settings, sound_format, speech, recipe)
        told.append(_report(arguments, out, speech, recipe))
    if len(spoken) < controls.takes:
        say(f"{controls.takes - len(spoken)} of {controls.takes} takes say nothing.")
    if arguments.json:
        print_json(told[0] if controls.takes == 1 else {"takes": told})
    return 0


def _read_like(arguments: argparse.Namespace) -> "SpeechRecipe | None":
    """How the speech of `--like` was made.

    Raises:
        UserError: its file does not say it, or says what cannot be used.
    """
    if arguments.like is None:
        return None
    from webui.backend.speech_recipe import read_recipe

    like = read_recipe(arguments.like)
    for note in like.notes:
        say(f"Note: {note}")
    return like


def _names_text(arguments: argparse.Namespace) -> bool:
    return arguments.text is not None or arguments.file is not None


def _check_targets(arguments: argparse.Namespace) -> str:
    """Refuse targets that cannot be written, and say in which format the sound goes out."""
    check_takes(arguments.takes, arguments.out, arguments.save_voice)
    if arguments.out == "-":
        if arguments.json:
            raise SettingsError("--out - and --json both need standard output. Give --out a file.")
        if sys.stdout is not None and sys.stdout.isatty():
            raise SettingsError(
                "--out - would fill the terminal with a sound file. Send it on with > or |, or "
                "give --out a file."
            )
        sound_format = arguments.format or "wav"
    else:
        target = Path(arguments.out)
        sound_format = arguments.format or target.suffix.removeprefix(".").lower()
        if sound_format not in FORMATS:
            raise AudioFileError(
                f'"{target.name}" does not end in .wav, .flac or .mp3. Change the ending, '
                "or name the format with --format."
            )
        for take in range(arguments.takes):
            _check_target(Path(take_file(arguments.out, take + 1, arguments.takes)))
    voice = arguments.save_voice
    if voice:
        if voice.suffix != ".npz":
            raise SettingsError(f'A voice file ends in .npz; "{voice.name}" does not.')
        if os.path.lexists(voice) or voice.resolve() == Path(arguments.out).resolve():
            raise StorageError(f'The name "{voice.name}" is taken. Choose another one.')
        _check_target(voice)
    return str(sound_format)


def _check_target(target: Path) -> None:
    folder = target.parent
    if target.is_dir():
        raise StorageError(f'"{target}" is a folder. Name a file in it.')
    if target.exists() and not target.is_file():
        # To write means to put a new file in its place: never in that of a device or a pipe.
        raise StorageError(f'"{target}" is not a plain file. Give a file, or - for the output.')
    if not folder.is_dir():
        raise StorageError(f'The folder "{folder}" is not there. Make it first.')
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(
            f'The folder "{folder}" cannot be written. Change its permissions or choose another.'
        )


def _read_text(arguments: argparse.Namespace) -> str:
    """The text from the argument, a file or standard input.

    Raises:
        TextError: there is none, too much of it, or bytes that are no text.
    """
    if arguments.file is not None and arguments.text is not None:
        raise TextError("Give the text or a file with --file, not both.")
    if arguments.text not in (None, "-"):
        return str(arguments.text)
    if arguments.file is not None:
        try:
            with arguments.file.open("rb") as file:
                return _decoded(file.read)
        except OSError as fault:
            raise TextError(
                f'The text file "{arguments.file}" cannot be read ({fault.strerror}).'
            ) from fault
    if sys.stdin is None or (arguments.text is None and sys.stdin.isatty()):
        raise TextError('Say what to speak: python -m webui speak "Good morning." --out a.wav')
    try:
        return _decoded(sys.stdin.buffer.read)
    except OSError as fault:
        raise TextError(f"Standard input cannot be read ({fault.strerror}).") from fault


def _decoded(read: Callable[[int], bytes]) -> str:
    data = read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise TextError(
            f"This text is longer than {MAX_TEXT_BYTES:,} bytes. Cut it into several files."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise TextError("This is not a text file in UTF-8. Save it as plain UTF-8 text.") from fault


def find_voice(service: "Service", wanted: str, family: str | None) -> str:
    """The id of a voice that somebody named by its id or its name.

    Raises:
        VoiceNotFoundError: there is none, several have this name, or it is another family's.
        SpeakerFileError: its file is broken.
    """
    from webui.backend.service import require_voice

    try:
        voice = require_voice(service.voices(family or service.default_family()), wanted)
    except VoiceNotFoundError:
        # It may be another family's, or broken, so that its family is not known.
        name, everywhere = wanted.casefold(), service.voices()
        if not any(name in (each.id, each.name.casefold()) for each in everywhere):
            raise
        voice = require_voice(everywhere, wanted)
    if voice.broken is not None:
        raise SpeakerFileError(f'The voice "{voice.name}" cannot be used. {voice.broken}')
    return voice.id


def _write(  # noqa: PLR0913  (what is written, and where)
    arguments: argparse.Namespace,
    out: str,
    settings: "Settings",
    sound_format: str,
    speech: Speech,
    recipe: "SpeechRecipe",
) -> None:
    """Write the voice, when it is wanted, and the sound: both of them or none."""
    from webui.audio import encode_audio, write_audio

    facts = recipe.to_json()
    if arguments.save_voice:
        _write_voice(arguments.save_voice, settings, speech, recipe)
    try:
        if out == "-":
            rate = speech.sample_rate
            write_out(encode_audio(speech.waveform, rate, sound_format, facts))
        else:
            target = Path(out)
            write_audio(target, speech.waveform, speech.sample_rate, sound_format, facts)
    except BaseException:
        if arguments.save_voice:
            arguments.save_voice.unlink(missing_ok=True)
        raise


def _write_voice(
    target: Path, settings: "Settings", speech: Speech, recipe: "SpeechRecipe"
) -> None:
    """Keep the arrays of the last part that says something: a voice counts by its last seconds.

    Raises:
        SpeakerFileError: no part says anything.
        StorageError: the file cannot be written.
    """
    import webui
    from webui.backend.family_folders import FamilyFolders
    from webui.family import read_family
    from webui.speaker_file import write_speaker
    from webui.speaker_limits import even_lengths, limits_of
    from webui.speaker_metadata import SpeakerMetadata

    spoken = [chunk for chunk in speech.chunks if len(chunk.speaker.semantic)]
    if not spoken:
        raise SpeakerFileError("Nothing was said, so there is no voice to keep. Try another seed.")
    last = spoken[-1]
    folders = FamilyFolders((settings.models_dir, settings.builtin_models_dir))
    limits = limits_of(read_family(folders.find(speech.family)))
    made = last.speaker
    fitting, _ = even_lengths(made.semantic, made.coarse, made.fine, limits)
    metadata = SpeakerMetadata(
        name=target.stem,
        family=speech.family,
        method="kept from a speech",
        app_version=webui.__version__,
        notes=f"seed {last.seed}: {last.text}"[:1_000],
        other=recipe.for_voice(),
    )
    write_speaker(target, fitting, metadata)


def judged(chunk: SpokenChunk) -> dict[str, float | int]:
    """What was found when a part was listened to; nothing where nobody did."""
    found = {"words_right": chunk.words_right, "similarity": chunk.similarity}
    known = {name: round(value, 3) for name, value in found.items() if value is not None}
    return {**known, "tries": chunk.tries} if known else {}


def _report(
    arguments: argparse.Namespace, out: str, speech: Speech, recipe: "SpeechRecipe"
) -> dict[str, Any]:
    """Say what was spoken, and give it in the form of `--json`."""
    seconds = len(speech.waveform) / speech.sample_rate
    for note in speech.notes:
        say(f"Note: {note}")
    say(
        f"{seconds:.1f} s of speech in {speech.compute_seconds:.1f} s by {speech.family}, "
        f"seed {speech.seed}: {out}"
    )
    chunks = [
        {
            "text": chunk.text,
            "start_seconds": round(chunk.start_seconds, 3),
            "end_seconds": round(chunk.end_seconds, 3),
            "seed": chunk.seed,
            "notes": list(chunk.notes),
            **judged(chunk),
        }
        for chunk in speech.chunks
    ]
    return recipe.to_json() | {
        "out": out,
        "saved_voice": str(arguments.save_voice) if arguments.save_voice else None,
        "seconds": round(seconds, 3),
        "sample_rate": speech.sample_rate,
        "compute_seconds": round(speech.compute_seconds, 3),
        "chunks": chunks,
        "notes": list(speech.notes),
    }
