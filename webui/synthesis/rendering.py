"""One chunk of text -> all codes of its sound: the three stages, for several takes at once."""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

import numpy as np

from webui.arrays import FineCodes, SemanticTokens, Speaker
from webui.events import CancelToken, Event
from webui.family import FamilyConfig
from webui.synthesis.chunking import TextChunk
from webui.synthesis.coarse import coarse_steps, generate_coarse
from webui.synthesis.controls import SpeechControls, StageControls
from webui.synthesis.fine import fine_steps, generate_fine
from webui.synthesis.models import BarkModels
from webui.synthesis.progress import SpeechProgress
from webui.synthesis.sampling import Drawing, generators_of
from webui.synthesis.semantic import EndRule, TextPrompt, generate_semantic

TICK_SECONDS = 0.1  # between two reports of progress
TRIES = 3  # when nothing is said
NEARLY = 0.97  # done, until a stage says that it is
LEAST_SAID_SECONDS = 0.2
FINE_PASS_TOKENS = 15.0  # one pass of the fine stage costs about as much as so many tokens
CODEC_TOKENS = 4.0  # one second of sound does

GREEDY = StageControls(temperature=0.0)

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Rendered:
    """A chunk in one voice, before it is sound."""

    speaker: Speaker
    seed: int  # makes this chunk again
    notes: tuple[str, ...]


def seed_of(seed: int, *names: str | int) -> int:
    """A seed that follows from another one, the same in every process."""
    words = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(blake2b(words.encode(), digest_size=4).digest(), "big")


def chunk_seed(seed: int, number: int) -> int:
    """The seed of a speech's chunk; the first has the speech's own."""
    return seed_of(seed, "chunk", number) if number else seed


class Renderer:
    """Runs the stages for the chunks of one text, and reports how far they are.

    It remembers no voice and no random state: what a chunk becomes depends on its text, its seed
    and its history only.
    """

    def __init__(
        self,
        models: BarkModels,
        chunks: Sequence[TextChunk],
        controls: SpeechControls,
        cancel: CancelToken,
    ) -> None:
        self._models = models
        self._family = models.family
        self._chunks = chunks
        self._controls = controls
        self._cancel = cancel
        self._next_report = 0.0
        rate = self._family.semantic.rate_hz
        self._most_tokens = min(
            self._family.semantic.max_tokens, max(1, int(controls.max_seconds * rate))
        )
        self.progress = SpeechProgress([chunk.seconds for chunk in chunks], _shares(self._family))

    def render(
        self, number: int, seeds: Sequence[int], history: Speaker | None, part: int, of: int
    ) -> Generator[Event, None, list[Rendered]]:
        """Make one chunk once for each seed, all of them after the same history.

        Args:
            number: which chunk.
            seeds: one for each take.
            history: the voice, or the voice and what it said before, or None.
            part: how many of the chunk's takes are made already.
            of: how many takes the chunk has.

        Raises:
            JobCancelled: somebody pressed Stop.
            TextError: the family knows no part of the text.
        """
        share = part / of, len(seeds) / of
        said = yield from self._say(number, seeds, history, share)
        rate = self._family.semantic.rate_hz
        self.progress.learn_length(number, max(len(tokens) for tokens, _ in said) / rate)
        rows = [tokens for tokens, _ in said]
        coarse = generate_coarse(
            self._models.coarse,
            self._family,
            rows,
            history,
            self._drawing("coarse", [seed for _, seed in said]),
        )
        steps = max(coarse_steps(self._family, len(row)) for row in rows)
        codes = yield from self._follow(number, "coarse", coarse, float(steps), share)
        rendered = []
        for row, ((tokens, seed), first_codes) in enumerate(zip(said, codes, strict=True)):
            within = (part + row) / of, 1 / of
            fine = yield from self._refine(number, first_codes, history, seed, within)
            rendered.append(
                Rendered(Speaker(tokens, fine[: len(first_codes)], fine), seed, self._notes(tokens))
            )
        return rendered

    def report(self, number: int, stage: str, done: float) -> Iterator[Event]:
        """Tell how far a stage is; the listener's time is not counted."""
        event = self.progress.update(number, stage, done)
        yield event
        self.progress.resume()
        self._next_report = time.perf_counter() + TICK_SECONDS

    def _say(
        self,
        number: int,
        seeds: Sequence[int],
        history: Speaker | None,
        share: tuple[float, float],
    ) -> Generator[Event, None, list[tuple[SemanticTokens, int]]]:
        """Text -> semantic tokens, with the seed that made them; tries again where none came."""
        rows = yield from self._say_once(number, seeds, history, share)
        said = []
        for tokens, seed in zip(rows, seeds, strict=True):
            best = tokens, seed
            for again in range(1, 1 if self._controls.greedy else TRIES):
                if len(best[0]) >= LEAST_SAID_SECONDS * self._family.semantic.rate_hz:
                    break
                other = seed_of(seed, "again", again)
                (retried,) = yield from self._say_once(number, [other], history, share)
                best = max(best, (retried, other), key=lambda made: len(made[0]))
            said.append(best)
        return said

    def _say_once(
        self,
        number: int,
        seeds: Sequence[int],
        history: Speaker | None,
        share: tuple[float, float],
    ) -> Generator[Event, None, list[SemanticTokens]]:
        chunk, config = self._chunks[number], self._family.semantic
        ids = self._models.tokenizer.encode(chunk.text)
        steps = generate_semantic(
            self._models.text,
            config,
            TextPrompt([ids] * len(seeds), None if history is None else history.semantic),
            self._drawing("semantic", seeds),
            EndRule(self._controls.min_eos_p, self._most_tokens),
        )
        expected = min(chunk.seconds * config.rate_hz, float(self._most_tokens))
        return (yield from self._follow(number, "semantic", steps, expected, share))

    def _refine(
        self,
        number: int,
        coarse: FineCodes,
        history: Speaker | None,
        seed: int,
        share: tuple[float, float],
    ) -> Generator[Event, None, FineCodes]:
        """The first codebooks -> all of them."""
        if not coarse.shape[1]:
            return np.zeros((self._family.fine.codebooks, 0), np.int64)
        steps = generate_fine(
            self._models.fine,
            self._family,
            coarse,
            history,
            self._drawing("fine", [seed]),
        )
        expected = fine_steps(self._family, coarse.shape[1], history)
        return (yield from self._follow(number, "fine", steps, float(expected), share))

    def _drawing(self, stage: str, seeds: Sequence[int]) -> Drawing:
        return drawing(self._controls, stage, seeds, self._cancel)

    def _follow(
        self,
        number: int,
        stage: str,
        steps: Generator[int, None, Made],
        expected: float,
        share: tuple[float, float],
    ) -> Generator[Event, None, Made]:
        """Run a stage and report how far it is, not more often than somebody can read it.

        Args:
            number: which chunk.
            stage: the name of the stage.
            steps: yields how many steps are done.
            expected: how many steps there will be, as far as known.
            share: how much of this stage's work for the chunk is done, and how much this is.
        """
        before, size = share
        while True:
            try:
                done = next(steps)
            except StopIteration as end:
                made: Made = end.value
                yield from self._report_sometimes(number, stage, before + size)
                return made
            part = min(done / max(expected, 1.0), NEARLY)
            yield from self._report_sometimes(number, stage, before + size * part)

    def _report_sometimes(self, number: int, stage: str, done: float) -> Iterator[Event]:
        if done >= 1.0 or time.perf_counter() >= self._next_report:
            yield from self.report(number, stage, done)

    def _notes(self, tokens: SemanticTokens) -> tuple[str, ...]:
        if len(tokens) < LEAST_SAID_SECONDS * self._family.semantic.rate_hz:
            return ("Nothing was said here; another seed may help.",)
        if len(tokens) >= self._most_tokens:
            seconds = self._most_tokens / self._family.semantic.rate_hz
            return (f"The longest duration ({seconds:.1f} s) was reached; the end may be missing.",)
        return ()


def drawing(
    controls: SpeechControls, stage: str, seeds: Sequence[int], cancel: CancelToken
) -> Drawing:
    """How a stage draws: by its own controls, and by dice of its own for every seed."""
    own: StageControls = getattr(controls, stage)
    generators = generators_of([seed_of(seed, stage) for seed in seeds])
    return Drawing(GREEDY if controls.greedy else own, generators, cancel)


def _shares(family: FamilyConfig) -> dict[str, float]:
    """The work of each stage for a second of sound, before it was measured; in tokens."""
    frames = family.coarse.rate_hz
    fine_passes = (family.fine.codebooks - family.coarse.codebooks) * frames / family.fine.history
    return {
        "semantic": family.semantic.rate_hz,
        "coarse": frames * family.coarse.codebooks,
        "fine": fine_passes * FINE_PASS_TOKENS,
        "codec": CODEC_TOKENS,
    }
