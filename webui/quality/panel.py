"""Several judges of a chunk as one, and what they say of the whole speech."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from webui.events import SpokenChunk
from webui.quality.drift import DriftGuard
from webui.quality.verified import LEAST_RIGHT, WordJudge
from webui.synthesis.judging import Attempt, Verdict

TOLD_CHARACTERS = 40  # of a part that a note names


@runtime_checkable
class Judge(Protocol):
    """Looks at one attempt of a chunk."""

    def judge(self, attempt: Attempt) -> Verdict:
        """Say whether it may be heard."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Judges that must all be content; a `webui.synthesis.judging.ChunkJudge`."""

    words: WordJudge | None
    drift: DriftGuard | None
    tries: int = 3

    def judge(self, attempt: Attempt) -> Verdict:
        """Ask each judge; the scores are multiplied, so that no try is good in one thing only."""
        judges: list[Judge] = [each for each in (self.words, self.drift) if each is not None]
        merged = Verdict(is_right=True, score=1.0)
        for each in judges:
            merged = _both(merged, each.judge(attempt))
        return merged

    def summary(self, chunks: Sequence[SpokenChunk]) -> tuple[str, ...]:
        """Say how many parts are as they should be, and how many were spoken again."""
        told = []
        heard = [chunk for chunk in chunks if chunk.words_right is not None]
        if self.words is not None and heard:
            told.append(_words_summary(heard))
        drifted = sum(chunk.is_drifted for chunk in chunks)
        if drifted:
            told.append(
                f"The voice drifted in {drifted} of {len(chunks)} parts, whose next parts follow "
                "the voice itself again. Another seed may help."
            )
        again = sum(chunk.tries > 1 for chunk in chunks)
        if again:
            told.append(f"{again} of {len(chunks)} parts were spoken more than once.")
        return tuple(told)


def _both(first: Verdict, second: Verdict) -> Verdict:
    words, similarity = first.words_right, first.similarity
    return Verdict(
        is_right=first.is_right and second.is_right,
        score=first.score * second.score,
        end_seconds=first.end_seconds if second.end_seconds is None else second.end_seconds,
        is_drifted=first.is_drifted or second.is_drifted,
        words_right=second.words_right if words is None else words,
        similarity=second.similarity if similarity is None else similarity,
        notes=(*first.notes, *second.notes),
    )


def _words_summary(heard: Sequence[SpokenChunk]) -> str:
    wrong = [chunk for chunk in heard if (chunk.words_right or 0.0) < LEAST_RIGHT]
    if not wrong:
        parts = "" if len(heard) == 1 else f" in all {len(heard)} parts"
        return f"Words checked: the recogniser heard what was asked{parts}."
    text = wrong[0].text
    cut = text if len(text) <= TOLD_CHARACTERS else f"{text[:TOLD_CHARACTERS].rstrip()}…"
    where = f'in "{cut}"' if len(wrong) == 1 else f'in {len(wrong)} parts, first in "{cut}"'
    return f"Words checked: the recogniser heard something else {where}."
