"""What the command line shows: results on stdout, progress and faults on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from webui import errors
from webui.errors import UserError
from webui.events import AudioChunk, Cancelled, Done, Event, Failed, Progress, Speech

STAGES = {
    "queued": "waiting",
    "download": "downloading",
    "verify": "checking the files",
    "load": "loading the model",
    "semantic": "choosing the words' sounds",
    "coarse": "drawing the voice",
    "fine": "adding detail",
    "codec": "making sound",
}
CLEAR_LINE = "\r\033[K"


def say(message: str) -> None:
    """Write one line for the person at the terminal."""
    print(message, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:  # noqa: ANN401  whatever JSON can hold
    """Write a result for a program."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows in columns as wide as their longest entry."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def follow(events: Iterable[Event]) -> Speech | None:
    """Show a job's progress until it ends, and give its result.

    On a terminal one line is rewritten; elsewhere each finished chunk gets a line.

    Raises:
        UserError: the job failed; the class is the one that it failed with.
        KeyboardInterrupt: the job was stopped.
    """
    live = sys.stderr.isatty()
    for event in events:
        if isinstance(event, Progress) and live:
            sys.stderr.write(CLEAR_LINE + describe(event))
            sys.stderr.flush()
        elif isinstance(event, AudioChunk) and not live and event.chunks > 1:
            say(f"Part {event.index + 1} of {event.chunks} is spoken.")
        elif isinstance(event, Failed | Cancelled | Done):
            if live:
                sys.stderr.write(CLEAR_LINE)
            return _result(event)
    raise errors.EngineError("The work ended without a result. Please try it again.")


def describe(progress: Progress) -> str:
    """Say in one short line how far a job is."""
    text = f"{progress.fraction:4.0%}  {STAGES.get(progress.stage, progress.stage)}"
    if progress.chunks > 1:
        text += f", part {progress.chunk + 1} of {progress.chunks}"
    if progress.message:
        text += f", {progress.message}"
    if progress.seconds_left is not None:
        text += f", about {progress.seconds_left:.0f} s left"
    return text


def _result(event: Done | Failed | Cancelled) -> Speech | None:
    if isinstance(event, Cancelled):
        raise KeyboardInterrupt
    if isinstance(event, Failed):
        kind = getattr(errors, event.kind, UserError)
        raise kind(event.message)
    return event.result
