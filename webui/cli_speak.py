"""`python -m webui speak`: a text to a sound file."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from webui.settings import Settings

MAX_TEXT_BYTES = 1_000_000  # a thick book; more is surely the wrong file
FORMATS = ("wav", "flac", "mp3")
STAGES = ("semantic", "coarse", "fine")

KNOBS = ("temperature", "top_k", "top_p")
PLAIN_CONTROLS = (
    "min_eos_p", "max_seconds", "pause_seconds", "condition_on_previous", "greedy", "seed",
    "verify", "verify_tries", "guard_drift",
)  # fmt: skip


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
        "--save-voice", type=Path, metavar="V.npz", help="keep the end of this speech as a voice"
    )
    _add_controls(parser.add_argument_group("controls (default: what the family recommends)"))


def _add_controls(controls: "argparse._ArgumentGroup") -> None:
    controls.add_argument(
        "--greedy", action="store_true", default=None, help="the likeliest token at every stage"
    )
    for stage in STAGES:
        for knob in KNOBS:
            flag = f"--{stage}-{knob.replace('_', '-')}"
            kind = whole_number if knob == "top_k" else number
            controls.add_argument(flag, type=kind, metavar="X", help=f"{knob} of the stage")
    controls.add_argument(
        "--min-eos-p", type=number, metavar="P", help="a part ends when its end is this likely"
    )
    controls.add_argument(
        "--max-seconds", type=number, metavar="S", help="the longest that one part may last"
    )
    controls.add_argument(
        "--pause-seconds", type=number, metavar="S", help="silence between the parts of a long text"
    )
    controls.add_argument(
        "--condition-on-previous",
        action="store_true",
        default=None,
        help="each part continues the one before it instead of the voice",
    )
    controls.add_argument(
        "--verify",
        action="store_true",
        default=None,
        help="hear each part, cut what follows its last word, speak it again when it is wrong",
    )
    controls.add_argument(
        "--guard-drift",
        action="store_true",
        default=None,
        help="compare each part with the voice, speak it again when it drifts away",
    )
    controls.add_argument(
        "--verify-tries",
        type=whole_number,
        metavar="N",
        help="how often a part may be spoken by --verify and --guard-drift",
    )


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Speak a text into a file; what can be refused is refused before anything is computed.

    Raises:
        UserError: the text, the voice, a control or a target file is unusable.
        KeyboardInterrupt: the user stopped it; nothing was written.
    """
    sound_format = _check_targets(arguments)
    text = _read_text(arguments)
    from webui.backend.requests import SpeakOrder
    from webui.backend.service import Service
    from webui.synthesis.controls import controls_from_json

    cancel = CancelToken()
    service = Service(settings)
    try:
        recommended = service.recommended_controls(settings.family)
        controls = controls_from_json(chosen_controls(arguments), recommended)
        voice = None if arguments.voice is None else _find_voice(service, arguments.voice)
        order = SpeakOrder(text, settings.family, voice, controls)
        speech = follow(service.speak(order, cancel), cancel)
    finally:
        cancel.cancel()
        service.close()
    if speech is None or not len(speech.waveform):
        raise TextError("Nothing was spoken. Try another seed, or a text with more words in it.")
    facts = {
        "app": "Bark Voice Studio",
        "text": text,
        "family": speech.family,
        "voice": voice,
        "seed": speech.seed,
        "controls": controls.to_json() | {"seed": speech.seed},
    }  # what makes the same sound again; kept in the file and shown by --json
    _write(arguments, settings, sound_format, speech, facts)
    _report(arguments, speech, facts)
    return 0


def chosen_controls(arguments: argparse.Namespace) -> dict[str, Any]:
    """The controls that were given as flags, in the form of `SpeechControls.to_json`."""
    chosen = {name: getattr(arguments, name) for name in PLAIN_CONTROLS}
    for stage in STAGES:
        values = {knob: getattr(arguments, f"{stage}_{knob}") for knob in KNOBS}
        chosen[stage] = {knob: value for knob, value in values.items() if value is not None} or None
    return {name: value for name, value in chosen.items() if value is not None}


def whole_number(text: str) -> int:
    """Read a flag's value.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a whole number") from None


def number(text: str) -> float:
    """Read a flag's value.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a number") from None


def _check_targets(arguments: argparse.Namespace) -> str:
    """Refuse targets that cannot be written, and say in which format the sound goes out."""
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
        _check_target(target)
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


def _find_voice(service: "Service", wanted: str) -> str:
    """The id of a voice that somebody named by its id or its name.

    Raises:
        VoiceNotFoundError: there is none, several have this name, or it is another family's.
        SpeakerFileError: its file is broken.
    """
    from webui.backend.service import require_voice

    try:
        voice = require_voice(service.voices(service.default_family()), wanted)
    except VoiceNotFoundError:
        # It may be another family's, or broken, so that its family is not known.
        name, everywhere = wanted.casefold(), service.voices()
        if not any(name in (each.id, each.name.casefold()) for each in everywhere):
            raise
        voice = require_voice(everywhere, wanted)
    if voice.broken is not None:
        raise SpeakerFileError(f'The voice "{voice.name}" cannot be used. {voice.broken}')
    return voice.id


def _write(
    arguments: argparse.Namespace,
    settings: "Settings",
    sound_format: str,
    speech: Speech,
    facts: Mapping[str, Any],
) -> None:
    """Write the voice, when it is wanted, and the sound: both of them or none."""
    from webui.audio import encode_audio, write_audio

    if arguments.save_voice:
        _write_voice(arguments.save_voice, settings, speech)
    try:
        if arguments.out == "-":
            rate = speech.sample_rate
            write_out(encode_audio(speech.waveform, rate, sound_format, facts))
        else:
            target = Path(arguments.out)
            write_audio(target, speech.waveform, speech.sample_rate, sound_format, facts)
    except BaseException:
        if arguments.save_voice:
            arguments.save_voice.unlink(missing_ok=True)
        raise


def _write_voice(target: Path, settings: "Settings", speech: Speech) -> None:
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
    )
    write_speaker(target, fitting, metadata)


def judged(chunk: SpokenChunk) -> dict[str, float | int]:
    """What was found when a part was listened to; nothing where nobody did."""
    found = {"words_right": chunk.words_right, "similarity": chunk.similarity}
    known = {name: round(value, 3) for name, value in found.items() if value is not None}
    return {**known, "tries": chunk.tries} if known else {}


def _report(arguments: argparse.Namespace, speech: Speech, facts: Mapping[str, Any]) -> None:
    seconds = len(speech.waveform) / speech.sample_rate
    for note in speech.notes:
        say(f"Note: {note}")
    say(
        f"{seconds:.1f} s of speech in {speech.compute_seconds:.1f} s by {speech.family}, "
        f"seed {speech.seed}: {arguments.out}"
    )
    if arguments.json:
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
        measured = {
            "out": arguments.out,
            "saved_voice": str(arguments.save_voice) if arguments.save_voice else None,
            "seconds": round(seconds, 3),
            "sample_rate": speech.sample_rate,
            "compute_seconds": round(speech.compute_seconds, 3),
            "chunks": chunks,
            "notes": list(speech.notes),
        }
        print_json(dict(facts) | measured)
