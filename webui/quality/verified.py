"""Verified generation: each chunk is heard, and spoken again when it says something else.

What the recogniser hears is compared with the text. When it hears the last word and the sound goes
on after it, the rest is no part of the text and is cut off.
"""

import math
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from webui.arrays import Waveform
from webui.quality.words import Recogniser, Transcript, words_of, words_right
from webui.synthesis.judging import Attempt, Verdict

LEAST_RIGHT = 0.8  # of the words: recognisers err, too, and one word in a long sentence may
MISSED_TOLD = 4  # words that a note names
FRAME_SECONDS = 0.01  # in which the sound is looked at
LATE_SECONDS = 0.3  # after the end that a recogniser gives, the word may still sound
LEAST_TAIL_SECONDS = 0.2  # of sound; less is breath or an echo
TAIL_DB = -30.0  # of the loudest frame; quieter frames are no sound
QUIET_FRAMES = 5  # the cut is made in the middle of the quietest so many
SOUND_MARKS = ("]", "♪")  # a text that ends so asks for sound after its last word


@dataclass(frozen=True, eq=False)
class WordJudge:
    """Compares what is heard in a chunk with its text."""

    recogniser: Recogniser
    language: str

    def judge(self, attempt: Attempt) -> Verdict:
        """Hear one attempt; a text without words is always right."""
        wanted = words_of(attempt.text)
        if not wanted:
            return Verdict(is_right=True, score=1.0)
        sound, rate = attempt.waveform, attempt.rate
        heard = self.recogniser.listen_for(attempt.text, sound, rate, self.language)
        right = words_right(attempt.text, heard.text)
        if right < LEAST_RIGHT:
            note = _missed_note(wanted, words_of(heard.text))
            return Verdict(is_right=False, score=right, words_right=right, notes=(note,))
        end = _end_of_last_word(attempt.text, wanted, heard)
        cut = None if end is None else tail_start(sound, rate, end)
        return Verdict(is_right=True, score=right, end_seconds=cut, words_right=right)


def tail_start(waveform: Waveform, rate: int, end_seconds: float) -> float | None:
    """Say where to cut a sound that goes on after its last word; None where it does not.

    The cut lies in the quietest place soon after the end of the word.

    Args:
        waveform: the whole sound.
        rate: Hz.
        end_seconds: where a recogniser says that the last word ends; it may be too early.
    """
    frame = max(1, round(FRAME_SECONDS * rate))
    count = len(waveform) // frame
    powers = np.square(waveform[: count * frame].reshape(count, frame)).mean(axis=1)
    first = math.ceil(end_seconds / FRAME_SECONDS)
    late = first + round(LATE_SECONDS / FRAME_SECONDS)
    loudest = float(powers.max(initial=0.0))
    tail = np.count_nonzero(powers[late:] > loudest * 10 ** (TAIL_DB / 10))
    if tail * FRAME_SECONDS < LEAST_TAIL_SECONDS:
        return None
    around = np.convolve(powers[first:late], np.full(QUIET_FRAMES, 1 / QUIET_FRAMES), "valid")
    return (first + int(around.argmin()) + QUIET_FRAMES / 2) * FRAME_SECONDS


def _end_of_last_word(text: str, wanted: list[str], heard: Transcript) -> float | None:
    """Where the last word of the text ends, when it was the last that was heard."""
    if text.rstrip(" .!?").endswith(SOUND_MARKS) or not heard.words:
        return None
    last = heard.words[-1]
    return last.end_seconds if words_of(last.text)[-1:] == wanted[-1:] else None


def _missed_note(wanted: list[str], found: list[str]) -> str:
    """Name the words that were not heard."""
    same = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    heard = {place for block in same for place in range(block.a, block.a + block.size)}
    missed = [f'"{word}"' for place, word in enumerate(wanted) if place not in heard]
    if not missed:
        return "The recogniser heard more words than there are."
    more = len(missed) - MISSED_TOLD
    names = ", ".join(missed[:MISSED_TOLD]) + (f" and {more} more" if more > 0 else "")
    return f"The recogniser did not hear {names}."
