"""Texts -> pairs: Bark speaks nonsense, and which tokens it made the sound of is known exactly."""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from webui.arrays import AnyTokens, FineCodes, SemanticTokens, Speaker, Waveform
from webui.errors import JobCancelled
from webui.events import CancelToken, Progress, followed, result_of
from webui.family import FamilyConfig
from webui.synthesis.chunking import estimate_seconds
from webui.synthesis.coarse import coarse_steps, generate_coarse
from webui.synthesis.controls import SpeechControls
from webui.synthesis.fine import generate_fine
from webui.synthesis.models import BarkModels
from webui.synthesis.rendering import LEAST_SAID_SECONDS, drawing
from webui.synthesis.sampling import Drawing
from webui.synthesis.semantic import EndRule, TextPrompt, generate_semantic
from webui.synthesis.text import normalise
from webui.training_results import DropReason, PairDropped, PairMade

BATCH = 8  # texts in one pass through the text and coarse stages
LEAST_SPOKEN = 0.3  # of the seconds that the text should take
MOMENT_SECONDS = 0.02
LOUD = 0.005  # -46 dB: a moment that is not silence
LEAST_LOUD = 0.2  # of the moments
MOST_APART_SECONDS = 0.1  # between the end of the tokens and the end of the sound
TICK_SECONDS = 0.1  # between two reports of progress
LEAST_SECONDS = 0.5  # of work before anything is said about the rest
# What the stages cost of a batch, about: text, coarse, and the rest one text after the other.
TEXT_SHARE, COARSE_SHARE = 0.25, 0.45

Made = TypeVar("Made")
PairEvent = PairMade | PairDropped | Progress


@dataclass(frozen=True, eq=False)
class NumberedText:
    """A text to be spoken once, all that its sound depends on, and the number of the pair."""

    number: int
    text: str
    seed: int
    voice_name: str = ""
    voice: Speaker | None = None


def speak_pairs(
    models: BarkModels,
    texts: Sequence[NumberedText],
    controls: SpeechControls,
    cancel: CancelToken,
) -> Iterator[PairEvent]:
    """Speak every text; gives a pair for each, or says why there is none.

    Texts of one voice go through the text and coarse stages together. A pair follows from its text,
    seed and voice and from the controls, whatever it is made beside: every text draws with its own
    dice. Texts are spoken whole, in one go; one that is too long for the family is dropped.

    Args:
        models: a loaded family.
        texts: in any order; pairs come voice by voice.
        controls: temperatures, end rule and longest duration; the rest is not used.
        cancel: looked at before every token.

    Raises:
        TextError: a text holds nothing that can be said.
        SettingsError: a control is outside its range.
        JobCancelled: somebody pressed Stop.
    """
    return _Speaking(models, controls.validated(), cancel, len(texts)).pairs(texts)


def fault_of_pair(
    semantic: SemanticTokens, waveform: Waveform, sample_rate: int, token_rate: float, text: str
) -> DropReason | None:
    """Say why nothing can be learned from a pair; None for a good one.

    Args:
        semantic: the tokens.
        waveform: the sound.
        sample_rate: of the sound, in Hz.
        token_rate: tokens a second.
        text: what was to be said; empty where nobody knows.
    """
    spoken = len(semantic) / token_rate
    if spoken < max(LEAST_SAID_SECONDS, LEAST_SPOKEN * estimate_seconds(text)):
        return "unspoken"
    if abs(len(waveform) / sample_rate - spoken) > MOST_APART_SECONDS:
        return "length"
    size = max(1, round(MOMENT_SECONDS * sample_rate))
    moments = waveform[: len(waveform) // size * size].reshape(-1, size)
    loud = np.square(moments, dtype=np.float64).mean(1) > LOUD**2
    if not np.isfinite(waveform).all() or loud.mean() < LEAST_LOUD:
        return "silent"
    return None


class _Speaking:
    """The work on one list of texts."""

    def __init__(
        self, models: BarkModels, controls: SpeechControls, cancel: CancelToken, total: int
    ) -> None:
        self._models, self._controls, self._cancel = models, controls, cancel
        self._total, self._done = total, 0
        self._most = most_tokens(models.family, controls)
        self._started = self._reported = time.perf_counter()

    def pairs(self, texts: Sequence[NumberedText]) -> Iterator[PairEvent]:
        for batch in _batches(texts):
            rows = yield from self._say(batch)
            codes = yield from self._sound(batch, rows)
            for place, (each, tokens, coarse) in enumerate(zip(batch, rows, codes, strict=True)):
                yield self._finish(each, tokens, coarse)
                rest = 1.0 - TEXT_SHARE - COARSE_SHARE
                within = TEXT_SHARE + COARSE_SHARE + rest * (place + 1) / len(batch)
                yield from self._report(within * len(batch))
            self._done += len(batch)

    def _say(
        self, batch: Sequence[NumberedText]
    ) -> Generator[Progress, None, list[SemanticTokens]]:
        voice = batch[0].voice
        prompt = TextPrompt(
            [self._models.tokenizer.encode(normalise(each.text)) for each in batch],
            None if voice is None else voice.semantic,
        )
        steps = generate_semantic(
            self._models.text,
            self._models.family.semantic,
            prompt,
            self._drawing("semantic", batch),
            EndRule(self._controls.min_eos_p, self._most),
        )
        return (yield from self._follow(steps, self._most, 0.0, TEXT_SHARE, len(batch)))

    def _sound(
        self, batch: Sequence[NumberedText], rows: Sequence[AnyTokens]
    ) -> Generator[Progress, None, list[FineCodes]]:
        steps = generate_coarse(
            self._models.coarse,
            self._models.family,
            rows,
            batch[0].voice,
            self._drawing("coarse", batch),
        )
        longest = max(coarse_steps(self._models.family, len(row)) for row in rows)
        return (yield from self._follow(steps, longest, TEXT_SHARE, COARSE_SHARE, len(batch)))

    def _finish(
        self, each: NumberedText, tokens: SemanticTokens, coarse: FineCodes
    ) -> PairMade | PairDropped:
        """Fill the other codebooks and turn them into sound, unless nothing can come of it."""
        family, rate = self._models.family, self._models.codec.sample_rate
        if not coarse.shape[1]:
            return PairDropped(each.number, "unspoken")
        if len(tokens) >= self._most:
            return PairDropped(each.number, "length")
        steps = generate_fine(
            self._models.fine,
            family,
            coarse,
            each.voice,
            self._drawing("fine", [each]),
        )
        waveform = self._models.codec.decode(result_of(steps))
        fault = fault_of_pair(tokens, waveform, rate, family.semantic.rate_hz, each.text)
        if fault is not None:
            return PairDropped(each.number, fault)
        return PairMade(each.number, each.text, each.voice_name, tokens, waveform, rate)

    def _drawing(self, stage: str, batch: Sequence[NumberedText]) -> Drawing:
        return drawing(self._controls, stage, [each.seed for each in batch], self._cancel)

    def _follow(
        self,
        steps: Generator[int, None, Made],
        expected: int,
        before: float,
        share: float,
        size: int,
    ) -> Generator[Progress, None, Made]:
        """Run a stage of a batch of `size` texts, of whose work `before` is done already."""
        return followed(
            steps,
            lambda done: self._report((before + share * min(1.0, done / max(expected, 1))) * size),
        )

    def _report(self, within: float) -> Iterator[Progress]:
        """Tell how far everything is, not more often than somebody can read it."""
        if self._cancel.cancelled:
            raise JobCancelled
        now, fraction = time.perf_counter(), (self._done + within) / self._total
        if now < self._reported + TICK_SECONDS and fraction < 1.0:
            return
        self._reported, spent = now, now - self._started
        left = spent / fraction - spent if spent > LEAST_SECONDS and fraction > 0 else None
        yield Progress("pairs", min(1.0, fraction), left)


def most_tokens(family: FamilyConfig, controls: SpeechControls) -> int:
    """How many semantic tokens a pair has at most; one that reaches them has no proper end."""
    wanted = int(controls.max_seconds * family.semantic.rate_hz)
    return min(family.semantic.max_tokens, max(1, wanted))


def _batches(texts: Sequence[NumberedText]) -> Iterator[list[NumberedText]]:
    """Texts of one voice side by side, the voices in the order in which they appear."""
    groups: dict[tuple[str, int], list[NumberedText]] = {}
    for each in texts:
        groups.setdefault((each.voice_name, id(each.voice)), []).append(each)
    for group in groups.values():
        for first in range(0, len(group), BATCH):
            yield group[first : first + BATCH]
