"""Which words were said: what recognisers give, and how many of the words asked were heard."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from webui.arrays import Waveform

ENGLISH = "en"
PIECE_SECONDS = 25.0  # are heard at a time; Whisper hears at most 30
CUT_SECONDS = 5.0  # before the end of a piece the quietest place is looked for
_UNSPACED = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"  # kana and Han: no spaces between words
_WORD = re.compile(rf"{_UNSPACED}|(?:(?!{_UNSPACED})[^\W_])+(?:['’](?!{_UNSPACED})[^\W_]+)*")
_SOUND_TAG = re.compile(r"\[[^\]]*\]|♪")  # [laughs]: asked for, but no word


@dataclass(frozen=True)
class HeardWord:
    """One word of a speech; `confidence` is 0..1, and 1 where the recogniser cannot tell."""

    text: str
    start_seconds: float
    end_seconds: float
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """What a recogniser heard. `text` is all of it, also where it gives no times for words."""

    words: tuple[HeardWord, ...]
    text: str


@runtime_checkable
class Recogniser(Protocol):
    """Hears words. Never raises because of a sound: of noise it hears nothing, or nonsense."""

    name: str

    def transcribe(self, waveform: Waveform, rate: int, language: str) -> Transcript:
        """Write down what is said, without knowing anything of it."""

    def listen_for(self, asked: str, waveform: Waveform, rate: int, language: str) -> Transcript:
        """Write down what is said by somebody who was asked to say `asked`.

        A recogniser that hears well without knowing what to expect ignores `asked`.
        """


def recogniser(language: str, whisper_folder: Path | None = None) -> Recogniser | None:
    """Choose the best recogniser that is here for a language; None where there is none.

    Args:
        language: ISO 639 code.
        whisper_folder: a Whisper model as transformers saves it; None where there is none. One that
            cannot be read counts as none.
    """
    if whisper_folder is not None:
        from webui.quality.whisper_words import load_whisper

        whisper = load_whisper(whisper_folder)
        if whisper is not None and whisper.speaks(language):
            return whisper
    if base_language(language) != ENGLISH:
        return None
    from webui.quality.english_words import english_recogniser

    return english_recogniser()


def base_language(language: str) -> str:
    """The code of a language without its country: en of en-GB."""
    return re.split(r"[-_]", language.lower())[0]


def words_of(text: str) -> list[str]:
    """Split a text into words as they sound: small letters, no punctuation, no [sound tags].

    In Chinese and Japanese, which have no spaces, every character counts as a word.
    """
    plain = unicodedata.normalize("NFKC", _SOUND_TAG.sub(" ", text)).casefold()
    return [word.replace("’", "'") for word in _WORD.findall(plain)]


def words_right(asked: str, heard: str) -> float:
    """Say which share of the words asked was heard: 1 - word errors / words, not below 0.

    Errors are words left out, put in, or replaced (Levenshtein's distance). A text without words
    is right when nothing is heard.
    """
    wanted, found = words_of(asked), words_of(heard)
    if not wanted:
        return 0.0 if found else 1.0
    return max(0.0, 1.0 - distance(wanted, found) / len(wanted))


def distance(wanted: list[str], found: list[str]) -> int:
    """How many items must be left out, put in or replaced to make one list of the other."""
    row = list(range(len(found) + 1))
    for number, word in enumerate(wanted, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(found, 1):
            before, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, before + (word != other)),
            )
    return row[-1]


def quiet_pieces(sound: Waveform, rate: int) -> Iterator[tuple[int, int]]:
    """Cut a long sound at its quietest places: the first sample of each piece and that after it."""
    most, back, step = (round(each * rate) for each in (PIECE_SECONDS, CUT_SECONDS, 0.05))
    start = 0
    while len(sound) - start > most:
        tail = sound[start + most - back : start + most]
        levels = np.square(tail[: back // step * step].reshape(-1, step)).mean(axis=1)
        end = start + most - back + int(levels.argmin()) * step + step // 2
        yield start, end
        start = end
    yield start, len(sound)
