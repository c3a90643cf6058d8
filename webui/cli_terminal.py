"""What the command line shows: results on stdout, progress and faults on stderr."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from webui import errors
from webui.errors import EngineError, SettingsError, StorageError, UserError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Failed, Progress, Speech

STAGES = {
    "queued": "waiting",
    "download": "downloading",
    "verify": "checking the files",
    "load": "loading the model",
    "semantic": "choosing the words' sounds",
    "coarse": "drawing the voice",
    "fine": "adding detail",
    "codec": "making sound",
    "check": "looking at the recording",
    "listen": "reading speech tokens",
    "encode": "encoding the sound",
    "convert": "converting the voice",
    "report": "judging the clone",
    "pairs": "speaking pairs",
    "features": "listening to the pairs",
    "train": "learning",
    "evaluate": "judging the quantizer",
}
CLONING = frozenset({"listen", "encode", "convert", "report"})
CLEAR_LINE = "\r\033[K"
MOST_MISUSED_CHARACTERS = 200  # of a misused word are repeated


class MisuseError(SettingsError):
    """The words after the command's name are not understood."""


class Parser(argparse.ArgumentParser):
    """Refuses what it does not understand in one sentence instead of with all of its usage."""

    def error(self, message: str) -> NoReturn:
        """Refuse the words.

        Raises:
            MisuseError: always.
        """
        shown = one_line(message[:MOST_MISUSED_CHARACTERS]).rstrip(".")
        shown = f"{shown[:1].upper()}{shown[1:]}"
        cut = "..." if len(message) > MOST_MISUSED_CHARACTERS else "."
        raise MisuseError(f"{shown}{cut} See `{self.prog} --help`.")


def one_line(text: str) -> str:
    """Leave out what would break the line, or colour, move or turn around what a terminal shows.

    File names and the words of strangers' files go through here.
    """
    letters = (" " if letter.isspace() else letter for letter in text)
    return " ".join(
        "".join(each for each in letters if unicodedata.category(each)[0] != "C").split()
    )


def say(message: str) -> None:
    """Write one line for the person at the terminal, if there still is one."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(one_line(message), file=sys.stderr, flush=True)


def write_out(result: str | bytes) -> None:
    """Write a result to standard output, all of it, now.

    Raises:
        BrokenPipeError: the reader has gone.
        StorageError: it cannot be written.
    """
    if sys.stdout is None:  # Python's way to say that it was closed before the start
        raise StorageError("The result has nowhere to go: standard output is closed.")
    try:
        if isinstance(result, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(result)
        else:
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(result.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except OSError as fault:
        drop_output()
        if isinstance(fault, BrokenPipeError):
            raise
        raise StorageError(
            f"The result cannot be written to standard output ({fault.strerror})."
        ) from fault


def drop_output() -> None:
    """Give standard output up: what is kept for it would fail once more when Python ends."""
    with contextlib.suppress(OSError):
        output = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output)
        os.close(nowhere)


def print_json(value: Any) -> None:  # noqa: ANN401  whatever JSON can hold
    """Write a result for a program.

    Raises:
        BrokenPipeError: the reader has gone.
        StorageError: it cannot be written.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # the output's alphabet is too small, or a file's name is no text
        text = json.dumps(value, indent=2)
    write_out(f"{text}\n")


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows in columns as wide as their longest entry.

    Raises:
        BrokenPipeError: the reader has gone.
        StorageError: it cannot be written.
    """
    lines = [tuple(map(one_line, row)) for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    write_out("".join(f"{line}\n" for line in shown))


def follow(events: Iterable[Event], cancel: CancelToken) -> Speech | None:
    """Show a job's progress until it ends, and give its result.

    On a terminal one line is rewritten; elsewhere each finished chunk gets a line. The first
    Ctrl-C asks the job to stop, the second one does not wait for it.

    Args:
        events: what the job tells.
        cancel: the job looks at it.

    Raises:
        UserError: the job failed; the class is the one that it failed with.
        KeyboardInterrupt: the job was stopped.
    """
    live = sys.stderr.isatty() if sys.stderr else False
    try:
        with _interrupts_asking(cancel):
            for event in events:
                if isinstance(event, Failed | Cancelled | Done):
                    return _result(event, cancel)
                if isinstance(event, Progress) and live:
                    columns = shutil.get_terminal_size().columns
                    sys.stderr.write(CLEAR_LINE + one_line(describe(event))[: columns - 1])
                    sys.stderr.flush()
                elif isinstance(event, AudioChunk) and not live and event.chunks > 1:
                    say(f"Part {event.index + 1} of {event.chunks} is spoken.")
    finally:
        if live:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()
    raise EngineError("The work ended without a result. Please try it again.")


def describe(progress: Progress) -> str:
    """Say in one short line how far a job is."""
    text = f"{progress.fraction:4.0%}  {STAGES.get(progress.stage, progress.stage)}"
    if progress.chunks > 1:
        what = "clone" if progress.stage in CLONING else "part"
        text += f", {what} {progress.chunk + 1} of {progress.chunks}"
    if progress.message:
        text += f", {progress.message}"
    if progress.seconds_left is not None:
        text += f", about {duration(progress.seconds_left)} left"
    return text


def duration(seconds: float) -> str:
    """Say a time in the units that people would use for it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def in_words(fault: UserError | OSError | ImportError) -> UserError:
    """Say a fault of the system or of the installation in a sentence, like those of the app."""
    if isinstance(fault, UserError):
        return fault
    if isinstance(fault, ModuleNotFoundError):
        return EngineError(f"The package {fault.name} is not installed. Run ./install.sh.")
    if isinstance(fault, ImportError):
        return EngineError(
            f"A package does not start ({fault}). Delete the folder .venv and run ./install.sh."
        )
    place = f'"{os.fsdecode(fault.filename)}" cannot be used' if fault.filename else "That failed"
    return StorageError(f"{place}: {fault.strerror or fault}.")


@contextlib.contextmanager
def _interrupts_asking(cancel: CancelToken) -> Iterator[None]:
    """Let the first Ctrl-C set the token, and the second one break off."""
    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, None):  # a shell started this in the background
        yield
        return

    def answer(*_: object) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()

    signal.signal(signal.SIGINT, answer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _result(event: Done | Failed | Cancelled, cancel: CancelToken) -> Speech | None:
    if isinstance(event, Cancelled) or cancel.cancelled:
        raise KeyboardInterrupt
    if isinstance(event, Failed):
        kind = getattr(errors, event.kind, UserError)
        raise kind(event.message)
    return event.result
