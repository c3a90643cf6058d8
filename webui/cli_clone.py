"""`python -m webui clone` and `report`: a voice from recordings, and how good a voice is."""

import argparse
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webui.cli_speak_flags import whole_number
from webui.cli_terminal import follow, print_json, print_table, say, write_out
from webui.clone_results import METHODS, MOST_ENDINGS, CloneCandidate, CloneReport, Recording
from webui.errors import CloneError, EngineError
from webui.events import CancelToken, Cloned, Event, Reported

if TYPE_CHECKING:
    from webui.backend.facts import VoiceInfo
    from webui.backend.requests import CloneOrder
    from webui.settings import Settings

ALL = "all"
HEAD = ("", "METHOD", "PART", "SEED", "LIKENESS", "WORDS", "SCORE", "REMARK")


def add_clone_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `clone`."""
    parser.add_argument(
        "recordings", nargs="+", type=Path, metavar="REF", help="recordings of one speaker"
    )
    parser.add_argument("--name", required=True, metavar="N", help="what the voice is called")
    parser.add_argument(
        "--consent",
        required=True,
        metavar="SENTENCE",
        help="that you may clone this voice, in a sentence; it is kept in the voice's file",
    )
    parser.add_argument(
        "--method",
        choices=(*METHODS, ALL),
        default=METHODS[0],
        help="quantizer (method 2, the default), transcript (1), conversion (3), or all of them",
    )
    parser.add_argument(
        "--transcript", metavar="T", help="what is said; default: recognised where it is needed"
    )
    parser.add_argument(
        "--language", metavar="CODE", default="en", help="of the recording: en (the default), de"
    )
    parser.add_argument(
        "--window", type=window, metavar="START:END", help="use this part, in seconds"
    )
    parser.add_argument(
        "--windows", type=whole_number, default=1, metavar="N", help="try the N best parts"
    )
    parser.add_argument(
        "--takes", type=whole_number, default=1, metavar="N", help="try N seeds where chance plays"
    )
    parser.add_argument(
        "--endings", type=whole_number, metavar="N",
        help="let the voice speak with up to N different ends and keep the one that is most like "
        f"the recording; default: {MOST_ENDINGS}, and 1 where methods are compared",
    )  # fmt: skip
    parser.add_argument("--denoise", action="store_true", help="take noise away before")
    parser.add_argument("--quantizer", metavar="ID", help="of method 2; default: the language's")
    parser.add_argument("--converter", metavar="ID", help="of method 3; default: the best one here")
    parser.add_argument(
        "--accept-licence", action="store_true", help="of a converter that asks for it"
    )
    parser.add_argument("--seed", type=whole_number, metavar="N", help="the same seed, same clone")
    parser.add_argument("--no-report", action="store_true", help="do not judge what was cloned")
    parser.add_argument("--tag", action="append", default=[], metavar="T", help="a label; repeat")
    parser.epilog = "`python -m webui models --cloning` lists quantizers and converters."


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `report`."""
    parser.add_argument("voice", metavar="VOICE", help="an id of `voices`, or a name one voice has")
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="a recording of the speaker to compare with; default: the voice's own prompt",
    )


def run_clone(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Clone a voice, keep the best clone, and say how good it is.

    Raises:
        UserError: there is no consent, or a recording, the order or the name cannot be used.
        KeyboardInterrupt: the user stopped it; nothing was kept.
    """
    from webui.backend.cloning_desk import CONSENT
    from webui.backend.requests import CloneOrder
    from webui.backend.service import Service
    from webui.voice_names import check_voice_name

    if not arguments.consent.strip():
        raise CloneError(f'--consent is empty. Confirm it in a sentence: "{CONSENT}"')
    check_voice_name(arguments.name)
    order = CloneOrder(
        recordings=tuple(map(read_recording, arguments.recordings)),
        methods=METHODS if arguments.method == ALL else (arguments.method,),
        family=settings.family,
        language=arguments.language.lower(),
        transcript=arguments.transcript,
        windows=arguments.windows,
        window=arguments.window,
        takes=arguments.takes,
        endings=_endings(arguments),
        denoise=arguments.denoise,
        quantizer=arguments.quantizer,
        converter=arguments.converter,
        seed=arguments.seed,
        report=not arguments.no_report,
        accepts_licence=arguments.accept_licence,
    )
    cancel, results = CancelToken(), list[Event]()
    service = Service(settings)
    try:
        follow(_keeping(service.clone(order, cancel), results), cancel)
        cloned = next((each for each in results if isinstance(each, Cloned)), None)
        if cloned is None:
            raise EngineError("The work ended without a clone. Please try it again.")
        tags = tuple(arguments.tag)
        voice = service.keep_clone(
            order, cloned.outcome, 0, arguments.name, arguments.consent, tags
        )
    finally:
        cancel.cancel()
        service.close()
    _tell_clone(arguments, order, cloned, voice)
    return 0


def _endings(arguments: argparse.Namespace) -> int:
    """With how many ends each clone speaks: as asked, or as many as do not take too long."""
    if arguments.endings is not None:
        return int(arguments.endings)
    return 1 if arguments.method == ALL else MOST_ENDINGS


def run_report(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Let a voice speak and say how good it is.

    Raises:
        UserError: the voice or the recording cannot be used.
        KeyboardInterrupt: the user stopped it.
    """
    from webui.backend.service import Service, require_voice

    reference = None if arguments.reference is None else read_recording(arguments.reference)
    cancel, results = CancelToken(), list[Event]()
    service = Service(settings)
    try:
        voice = require_voice(service.voices(), arguments.voice)
        follow(_keeping(service.report(voice.id, reference, cancel), results), cancel)
    finally:
        cancel.cancel()
        service.close()
    reported = next((each for each in results if isinstance(each, Reported)), None)
    if reported is None:
        raise EngineError("The work ended without a report. Please try it again.")
    if arguments.json:
        print_json({"voice": voice.id, "name": voice.name, "report": asdict(reported.report)})
    else:
        write_out("".join(f"{line}\n" for line in report_lines(reported.report)))
    return 0


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        AudioFileError: it cannot be read.
    """
    from webui.audio import read_audio

    waveform, rate = read_audio(path)
    return Recording(waveform, rate, path.name)


def window(text: str) -> tuple[float, float]:
    """Read a part of a recording, `1.5:8`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    start, _, end = text.partition(":")
    try:
        found = float(start), float(end)
    except ValueError:
        found = math.nan, math.nan
    if not all(map(math.isfinite, found)):
        raise argparse.ArgumentTypeError(
            f"{text[:60]!r} is no part: give its first and last second, as in 1.5:8"
        )
    return found


def report_lines(report: CloneReport) -> Iterator[str]:
    """Say a report in lines: the verdict first, then the numbers."""
    yield report.verdict
    if report.similarity is not None:
        ceiling = "" if report.ceiling is None else f" (the recording's own: {report.ceiling:.2f})"
        yield f"likeness {report.similarity:.2f}{ceiling}, score {report.score:.2f}"
    for each in report.sentences:
        if each.heard is None or each.words_right is None:
            yield f'asked for "{each.asked}": nothing here understands the language'
        else:
            yield f'asked for "{each.asked}": {each.words_right:.0%} right, heard "{each.heard}"'
    for name, facts in (("recording", report.reference), ("clone", report.clone)):
        pitch = "" if facts.pitch_hz is None else f", pitch {facts.pitch_hz:.0f} Hz"
        pace = facts.syllables_per_second
        pace_words = "" if pace is None else f", {pace:.1f} syllables per second"
        yield (
            f"{name}: {facts.seconds:.1f} s, level {facts.level_db:.0f} dB, noise "
            f"{facts.noise_db:.0f} dB below, silence {facts.silence_share:.0%}{pitch}{pace_words}"
        )


def _keeping(events: Iterable[Event], results: list[Event]) -> Iterator[Event]:
    """Pass a job's events on, and keep its result: `follow` gives speeches only."""
    for event in events:
        if isinstance(event, Cloned | Reported):
            results.append(event)
        yield event


def _tell_clone(
    arguments: argparse.Namespace, order: "CloneOrder", cloned: Cloned, voice: "VoiceInfo"
) -> None:
    outcome = cloned.outcome
    for finding in outcome.check.findings:
        say(f"Note: {finding.words}")
    for note in outcome.candidates[0].notes:
        say(f"Note: {note}")
    if arguments.json:
        print_json(
            {
                "voice": asdict(voice),
                "family": outcome.family,
                "consent": arguments.consent.strip(),
                "recordings": [
                    {"name": each.name, "seconds": round(each.seconds, 3), "sha256": each.digest}
                    for each in order.recordings
                ],
                "candidates": [_as_json(each) for each in outcome.candidates],
                "check": asdict(outcome.check),
                "compute_seconds": round(outcome.compute_seconds, 3),
            }
        )
        return
    best = outcome.candidates[0]
    if len(outcome.candidates) > 1:
        print_table(HEAD, (_row(*each) for each in enumerate(outcome.candidates)))
    if best.report is not None:
        write_out("".join(f"{line}\n" for line in report_lines(best.report)))
    say(
        f"Kept as {voice.name} ({voice.id}): {best.method}, "
        f"{best.window.start_seconds:.1f} to {best.window.end_seconds:.1f} s of the recording, "
        f"cloned in {best.seconds:.1f} s."
    )


def _as_json(candidate: CloneCandidate) -> dict[str, Any]:
    return {
        "method": candidate.method,
        "window": asdict(candidate.window),
        "seed": candidate.seed,
        "seconds": round(candidate.seconds, 3),
        "report": None if candidate.report is None else asdict(candidate.report),
        "notes": list(candidate.notes),
        "details": dict(candidate.details),
    }


def _row(number: int, candidate: CloneCandidate) -> tuple[str, ...]:
    part, report = candidate.window, candidate.report
    figures: list[float | None] = [None] * 3
    if report is not None:
        figures = [report.similarity, report.words_right, report.score]
    return (
        "kept" if number == 0 else "",
        candidate.method,
        f"{part.start_seconds:.1f}-{part.end_seconds:.1f}",
        str(candidate.seed),
        *("" if each is None else f"{each:.2f}" for each in figures),
        " ".join(candidate.notes),
    )
