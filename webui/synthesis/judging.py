"""Judging a chunk before anybody hears it: spoken again or cut when a judge says so."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from webui.arrays import OtherWaveform, Speaker, Waveform
from webui.events import Event, Progress, SpokenChunk, told_as
from webui.synthesis.coarse import coarse_steps
from webui.synthesis.models import BarkModels
from webui.synthesis.rendering import Rendered, Renderer, seed_of


@dataclass(frozen=True, eq=False)
class Attempt:
    """A chunk that was spoken, and what it is measured by."""

    text: str
    waveform: Waveform
    rate: int  # Hz
    voice: Speaker | None  # that it shall sound like; None while the text has none


@dataclass(frozen=True)
class Verdict:
    """What a judge thinks of an attempt.

    `score` says which try is kept when none is right. `end_seconds` is where the sound is to be
    cut, because what follows is no part of the text; None leaves it whole. A drifted chunk is
    spoken again after the voice alone instead of after the chunk before, and so is the next one.
    `notes` are told when the chunk is kept although it is not right.
    """

    is_right: bool
    score: float
    end_seconds: float | None = None
    is_drifted: bool = False
    words_right: float | None = None  # 0..1
    similarity: float | None = None  # to the voice, a cosine
    notes: tuple[str, ...] = ()


@runtime_checkable
class ChunkJudge(Protocol):
    """Says whether a chunk may be heard; what it says follows from the attempt alone."""

    @property
    def tries(self) -> int:
        """How often a chunk may be spoken."""

    def judge(self, attempt: Attempt) -> Verdict:
        """Look at one attempt."""

    def summary(self, chunks: Sequence[SpokenChunk]) -> tuple[str, ...]:
        """Say in words what came of a whole speech."""


@dataclass(frozen=True, eq=False)
class Accepted:
    """The try of a chunk that is kept, with its sound."""

    rendered: Rendered
    waveform: Waveform
    verdict: Verdict | None = None  # None: nobody judged
    tries: int = 1


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the first try of a chunk came from, so that it can be followed by others."""

    number: int  # of the chunk
    text: str
    seed: int  # that the chunk was given
    voice: Speaker | None
    history: Speaker | None  # what it was conditioned on
    part: int  # how many takes of the chunk are done
    takes: int


SILENT = Verdict(is_right=False, score=-1.0, words_right=0.0)


class Judging:
    """Has chunks spoken until a judge is content, within a budget.

    Every chunk may use up the judge's tries; all chunks together may be spoken again as often as
    there are chunks, so that a voice which no judge understands costs twice the time, not more.
    """

    def __init__(
        self, models: BarkModels, renderer: Renderer, judge: ChunkJudge | None, chunks: int
    ) -> None:
        self._models = models
        self._renderer = renderer
        self._judge = judge
        self._again_left = 0 if judge is None else max(chunks, judge.tries - 1)

    def accept(
        self, origin: Origin, made: Rendered, has_dice: bool
    ) -> Generator[Event, None, Accepted]:
        """Make the sound of a chunk, and speak it again while it is not right.

        Args:
            origin: of the first try.
            made: the first try.
            has_dice: whether another seed can make another chunk.

        Raises:
            JobCancelled: somebody pressed Stop.
        """
        best = self._judged(origin, made)
        history, tries, last = origin.history, 1, best
        while self._judge is not None and last.verdict is not None:
            is_new = last.verdict.is_drifted and history is not origin.voice
            may_go_on = tries < self._judge.tries and self._again_left > 0
            if last.verdict.is_right or not may_go_on or not (has_dice or is_new):
                break
            history = origin.voice if last.verdict.is_drifted else history
            seed = seed_of(origin.seed, "try", tries)
            tries, self._again_left = tries + 1, self._again_left - 1
            again = self._renderer.render(origin.number, [seed], history, origin.part, origin.takes)
            (made,) = yield from _named(again, f"try {tries}")
            last = self._judged(origin, made)
            best = max(best, last, key=_goodness)
        return self._cut(replace(best, tries=tries))

    def summary(self, chunks: Sequence[SpokenChunk]) -> tuple[str, ...]:
        """What the judge says of a whole speech."""
        return () if self._judge is None else self._judge.summary(chunks)

    def _judged(self, origin: Origin, made: Rendered) -> Accepted:
        codec = self._models.codec
        waveform = codec.decode(made.speaker.fine)
        if self._judge is None:
            return Accepted(made, waveform)
        if not len(waveform):
            return Accepted(made, waveform, SILENT)
        attempt = Attempt(origin.text, waveform, codec.sample_rate, origin.voice)
        return Accepted(made, waveform, self._judge.judge(attempt))

    def _cut(self, kept: Accepted) -> Accepted:
        """Cut what follows the last word, from the sound and from its tokens, and take notes."""
        verdict = kept.verdict
        if verdict is None:
            return kept
        notes = []
        rendered, waveform = kept.rendered, kept.waveform
        if verdict.end_seconds is not None:
            speaker, waveform = self._shortened(rendered.speaker, waveform, verdict.end_seconds)
            cut_seconds = (len(kept.waveform) - len(waveform)) / self._models.codec.sample_rate
            if cut_seconds > 0:
                rendered = replace(rendered, speaker=speaker)
                notes.append(f"{cut_seconds:.1f} s after the last word were cut off.")
        if kept.tries > 1 and verdict.is_right:
            notes.append(f"It was right at try {kept.tries}.")
        elif kept.tries > 1:
            notes.append(f"None of {kept.tries} tries was right; the best one is kept.")
        if not verdict.is_right:
            notes.extend(verdict.notes)
        rendered = replace(rendered, notes=(*rendered.notes, *notes))
        return replace(kept, rendered=rendered, waveform=waveform)

    def _shortened(
        self, speaker: Speaker, waveform: Waveform, seconds: float
    ) -> tuple[Speaker, OtherWaveform]:
        """The first `seconds`, rounded up to whole tokens and their frames."""
        family = self._models.family
        tokens = min(len(speaker.semantic), math.ceil(seconds * family.semantic.rate_hz))
        frames = coarse_steps(family, tokens) // family.coarse.codebooks
        shorter = Speaker(
            speaker.semantic[:tokens], speaker.coarse[:, :frames], speaker.fine[:, :frames]
        )
        return shorter, waveform[: frames * self._models.codec.frame_samples]


def _goodness(accepted: Accepted) -> tuple[bool, float]:
    verdict = accepted.verdict
    return (True, 1.0) if verdict is None else (verdict.is_right, verdict.score)


def _named(
    events: Generator[Event, None, list[Rendered]], message: str
) -> Generator[Event, None, list[Rendered]]:
    """Add to each report of progress which try it is about."""
    return told_as(
        events,
        lambda each: replace(each, message=message) if isinstance(each, Progress) else each,
    )
