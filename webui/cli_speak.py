"""`python -m webui speak`: a text to a sound file."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webui.cli_terminal import follow, print_json, say
from webui.errors import AudioFileError, SettingsError, StorageError, TextError
from webui.events import CancelToken, Speech

if TYPE_CHECKING:
    from webui.settings import Settings

MAX_TEXT_BYTES = 1_000_000  # a thick book; more is surely the wrong file
FORMATS = ("wav", "flac", "mp3")
STAGES = ("semantic", "coarse", "fine")
KNOBS = (("temperature", float), ("top_k", int), ("top_p", float))


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
    parser.add_argument("--voice", metavar="ID", help="a voice of `webui voices`; default: any")
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same sound")
    parser.add_argument(
        "--save-voice", type=Path, metavar="V.npz", help="keep the end of this speech as a voice"
    )
    controls = parser.add_argument_group("controls (default: what the family recommends)")
    controls.add_argument(
        "--greedy", action="store_true", default=None, help="the likeliest token at every stage"
    )
    for stage in STAGES:
        for knob, kind in KNOBS:
            flag = f"--{stage}-{knob.replace('_', '-')}"
            controls.add_argument(flag, type=kind, metavar="X", help=f"{knob} of the stage")
    controls.add_argument(
        "--min-eos-p", type=float, metavar="P", help="a part ends when its end is this likely"
    )
    controls.add_argument(
        "--max-seconds", type=float, metavar="S", help="the longest that one part may last"
    )
    controls.add_argument(
        "--pause-seconds", type=float, metavar="S", help="silence between the parts of a long text"
    )
    controls.add_argument(
        "--condition-on-previous",
        action="store_true",
        default=None,
        help="each part continues the one before it instead of the voice",
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
        order = SpeakOrder(text, settings.family, arguments.voice, controls)
        speech = follow(service.speak(order, cancel))
    finally:
        cancel.cancel()
        service.close()
    if speech is None:
        raise TextError("Nothing was spoken. Please give a text with words in it.")
    facts = _facts(arguments, speech, controls.to_json())
    _write_sound(arguments.out, sound_format, speech, facts)
    if arguments.save_voice:
        _write_voice(arguments.save_voice, speech)
    _report(arguments, speech, facts)
    return 0


def chosen_controls(arguments: argparse.Namespace) -> dict[str, Any]:
    """The controls that were given as flags, in the form of `SpeechControls.to_json`."""
    names = ("min_eos_p", "max_seconds", "pause_seconds", "condition_on_previous", "greedy", "seed")
    chosen = {name: getattr(arguments, name) for name in names}
    for stage in STAGES:
        values = {knob: getattr(arguments, f"{stage}_{knob}") for knob, _ in KNOBS}
        chosen[stage] = {knob: value for knob, value in values.items() if value is not None} or None
    return {name: value for name, value in chosen.items() if value is not None}


def _check_targets(arguments: argparse.Namespace) -> str:
    """Refuse targets that cannot be written, and say in which format the sound goes out."""
    if arguments.out == "-":
        if arguments.json:
            raise SettingsError("--out - and --json both need standard output. Give --out a file.")
        sound_format = arguments.format or "wav"
    else:
        target = Path(arguments.out)
        sound_format = arguments.format or target.suffix.removeprefix(".").lower()
        if sound_format not in FORMATS:
            raise AudioFileError(
                f'"{target.name}" does not end in .wav, .flac or .mp3. Change the ending, '
                "or name the format with --format."
            )
        _check_folder(target)
    voice = arguments.save_voice
    if voice:
        if voice.suffix != ".npz":
            raise SettingsError(f'A voice file ends in .npz; "{voice.name}" does not.')
        if voice.exists():
            raise StorageError(f'The name "{voice.name}" is taken. Choose another one.')
        _check_folder(voice)
    return str(sound_format)


def _check_folder(target: Path) -> None:
    if target.is_dir():
        raise StorageError(f'"{target}" is a folder. Name a file in it.')
    if not target.parent.is_dir():
        raise StorageError(f'The folder "{target.parent}" is not there. Make it first.')


def _read_text(arguments: argparse.Namespace) -> str:
    """The text from the argument, a file or standard input.

    Raises:
        TextError: there is none, too much of it, or bytes that are no text.
    """
    if arguments.file and arguments.text:
        raise TextError("Give the text or a file with --file, not both.")
    if arguments.text not in (None, "-"):
        return str(arguments.text)
    if arguments.file:
        try:
            with arguments.file.open("rb") as file:
                data = bytes(file.read(MAX_TEXT_BYTES + 1))
        except OSError as fault:
            raise TextError(
                f'The text file "{arguments.file}" cannot be read ({fault.strerror}).'
            ) from fault
    elif arguments.text == "-" or not sys.stdin.isatty():
        data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    else:
        raise TextError('Say what to speak: webui speak "Good morning." --out morning.wav')
    if len(data) > MAX_TEXT_BYTES:
        raise TextError(
            f"This text is longer than {MAX_TEXT_BYTES:,} bytes. Cut it into several files."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise TextError("This is not a text file in UTF-8. Save it as plain UTF-8 text.") from fault


def _facts(
    arguments: argparse.Namespace, speech: Speech, controls: Mapping[str, Any]
) -> dict[str, Any]:
    """What makes the same sound again; kept in the file and shown by --json."""
    return {
        "app": "Bark Voice Studio",
        "text": " ".join(chunk.text for chunk in speech.chunks),
        "family": speech.family,
        "voice": arguments.voice,
        "seed": speech.seed,
        "controls": dict(controls) | {"seed": speech.seed},
    }


def _write_sound(out: str, sound_format: str, speech: Speech, facts: Mapping[str, Any]) -> None:
    from webui.audio import encode_audio, write_audio

    if out != "-":
        write_audio(Path(out), speech.waveform, speech.sample_rate, sound_format, facts)
        return
    sys.stdout.buffer.write(encode_audio(speech.waveform, speech.sample_rate, sound_format, facts))
    sys.stdout.buffer.flush()


def _write_voice(target: Path, speech: Speech) -> None:
    """Keep the last part's arrays: a voice counts by its last seconds."""
    import webui
    from webui.speaker_file import write_speaker
    from webui.speaker_metadata import SpeakerMetadata

    last = speech.chunks[-1]
    metadata = SpeakerMetadata(
        name=target.stem,
        family=speech.family,
        method="kept from a speech",
        app_version=webui.__version__,
        notes=f"seed {last.seed}: {last.text}"[:1_000],
    )
    write_speaker(target, last.speaker, metadata)


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
