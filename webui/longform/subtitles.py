"""Subtitles, SubRip (.srt) and WebVTT (.vtt): cues out of a file, and a file out of cues."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from webui.errors import TextError
from webui.longform.book import MAX_PASSAGES, Book, Chapter, Passage
from webui.synthesis.chunking import estimate_seconds

Kind = Literal["srt", "vtt"]
LINE_CHARACTERS, LINES = 42, 2  # of a cue as it is written
_TIMES = re.compile(
    r"\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*"
    r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})(?:\s.*)?"
)
_TAG = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_VOICE = re.compile(r"\s*<v(?:\.[\w.]+)?\s+([^<>]{1,60})>")
_DASH = re.compile(r"^\s*[-–—]\s+")


@dataclass(frozen=True)
class Cue:
    """Words on the screen, from and until when."""

    start_seconds: float
    end_seconds: float
    text: str
    speaker: str = ""


def read_subtitles(title: str, text: str) -> Book:
    """Read either kind; every cue becomes a passage that begins when it does.

    Raises:
        TextError: there is no cue in it.
    """
    passages = [
        Passage(cue.text, cue.speaker, cue.start_seconds, ends_paragraph=False)
        for cue in _cues(text)
    ]
    if not passages:
        raise TextError("There are no subtitles in this file. It needs lines like 00:01 --> 00:03.")
    if len(passages) > MAX_PASSAGES:
        raise TextError(f"These subtitles have more than {MAX_PASSAGES:,} entries. Cut the file.")
    return Book(title, (Chapter(title, tuple(passages)),))


def write_subtitles(cues: Sequence[Cue], kind: Kind) -> str:
    """Write cues as a file; a cue longer than the screen becomes several, timed by their words."""
    lines = ["WEBVTT", ""] if kind == "vtt" else []
    parts = (part for cue in cues for part in _parts(cue))
    for number, cue in enumerate(parts, 1):
        mark = "." if kind == "vtt" else ","
        words = cue.text
        if kind == "vtt":
            words = html.escape(words, quote=False)
            words = f"<v {_name(cue.speaker)}>{words}" if cue.speaker else words
        times = f"{_clock(cue.start_seconds, mark)} --> {_clock(cue.end_seconds, mark)}"
        lines += [str(number), times, words, ""]
    return "\n".join(lines) + ("\n" if not lines else "")


def _cues(text: str) -> Iterator[Cue]:
    """The cues of a file of either kind, in the order of their starts."""
    found: list[Cue] = []
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        times = _TIMES.fullmatch(lines[number])
        number += 1
        if times is None:
            continue
        words: list[str] = []
        while number < len(lines) and lines[number].strip() and "-->" not in lines[number]:
            words.append(lines[number])
            number += 1
        voice = _VOICE.match(words[0]) if words else None
        said = " ".join(_DASH.sub("", html.unescape(_TAG.sub("", each))) for each in words)
        said = " ".join(said.split())
        if said:
            start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
            speaker = " ".join(voice.group(1).split()) if voice else ""
            found.append(Cue(start, max(start, end), said, speaker))
    yield from sorted(found, key=lambda cue: cue.start_seconds)


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3_600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole + int((fraction or "0").ljust(3, "0")) / 1_000


def _clock(seconds: float, mark: str) -> str:
    thousandths = round(max(0.0, seconds) * 1_000)
    rest, thousandth = divmod(thousandths, 1_000)
    minutes, second = divmod(rest, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{mark}{thousandth:03}"


def _name(speaker: str) -> str:
    return re.sub(r"[<>&\s]+", " ", speaker).strip()


def _parts(cue: Cue) -> Iterator[Cue]:
    """A cue as several that fit the screen."""
    screens = list(_screens(cue.text.split()))
    weights = [max(estimate_seconds(screen), 0.1) for screen in screens]
    start, length = cue.start_seconds, cue.end_seconds - cue.start_seconds
    for screen, weight in zip(screens, weights, strict=True):
        end = start + length * weight / sum(weights)
        yield Cue(start, end, screen, cue.speaker)
        start = end


def _screens(words: Sequence[str]) -> Iterator[str]:
    """Words in lines, and lines in screens."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= LINE_CHARACTERS:
            lines[-1] += f" {word}"
            continue
        if len(lines) == LINES:
            yield "\n".join(lines)
            lines = []
        lines.append(word)
    if lines:
        yield "\n".join(lines)
