"""Text -> a speech: chunk by chunk, in one or more takes, as one stream of events."""

import secrets
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from webui.arrays import OtherWaveform, Speaker, Waveform
from webui.errors import JobCancelled
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Speech, SpokenChunk
from webui.synthesis.chunking import TextChunk, chunk_limits, split_into_chunks
from webui.synthesis.controls import SpeechControls
from webui.synthesis.joining import Joiner, Leveller, trim_silence
from webui.synthesis.judging import Accepted, ChunkJudge, Judging, Origin
from webui.synthesis.models import BarkModels
from webui.synthesis.rendering import Rendered, Renderer, chunk_seed, seed_of
from webui.synthesis.text import normalise

PARAGRAPH_PAUSE = 2.0  # times the pause between chunks
UNKNOWN_WORDS_TOLD = 5


def speak(  # noqa: PLR0913  (five make the speech, the others have defaults)
    models: BarkModels,
    text: str,
    speaker: Speaker | None,
    controls: SpeechControls,
    cancel: CancelToken,
    language: str = "en",
    judge: ChunkJudge | None = None,
) -> Iterator[Event]:
    """Say a text once: progress, the sound of each chunk when it is ready, the whole speech.

    A chunk's seed follows from the speech's. Spoken alone with its own seed and the same voice, a
    chunk's text gives the same tokens again, unless it was conditioned on the chunk before or a
    judge had its end cut off.

    Args:
        models: a loaded family.
        text: as a person writes it.
        speaker: the voice; without one, the later chunks follow the voice of the first.
        controls: all settings; `takes` is for `speak_batch`.
        cancel: looked at before every token.
        language: ISO 639 code of the text, for the ends of its sentences.
        judge: hears each chunk before anybody else and may have it spoken again or cut.

    Raises:
        TextError: the text cannot be spoken.
        SettingsError: a control is outside its range.
    """
    plan = _plan(models, text, replace(controls, takes=1), language)
    return _speak(models, plan, speaker, _Ways(controls, judge, cancel))


def speak_batch(  # noqa: PLR0913  (as `speak`)
    models: BarkModels,
    text: str,
    speaker: Speaker | None,
    controls: SpeechControls,
    cancel: CancelToken,
    language: str = "en",
    judge: ChunkJudge | None = None,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Event]:
    """Say a text `controls.takes` times, all takes in one pass through the text and coarse stages.

    Gives progress and, at the end, one `Done` for each take. The first take is what `speak` gives;
    spoken alone with its own seed, each take is the same again.

    Args:
        models: a loaded family.
        text: as a person writes it.
        speaker: the voice; without one, each take has its own.
        controls: all settings.
        cancel: looked at before every token.
        language: ISO 639 code of the text.
        judge: as in `speak`.
        share: (1, 3) leaves every third take, beginning with the second; others make the rest.

    Raises:
        TextError: the text cannot be spoken.
        SettingsError: a control is outside its range.
    """
    plan = _plan(models, text, controls, language)
    first, step = share
    shared = replace(plan, seeds=plan.seeds[first::step])
    return _speak(models, shared, speaker, _Ways(controls, judge, cancel))


@dataclass(frozen=True)
class _Plan:
    """What is going to be said, and by which seeds."""

    chunks: tuple[TextChunk, ...]
    seeds: tuple[int, ...]  # of the takes


@dataclass(frozen=True)
class _Ways:
    """How it is going to be said, who listens first, and who may stop it."""

    controls: SpeechControls
    judge: ChunkJudge | None
    cancel: CancelToken


@dataclass(eq=False)
class _Take:
    """One rendering of the text while it grows."""

    seed: int
    voice: Speaker | None
    rate: int
    joiner: Joiner
    leveller: Leveller = field(default_factory=Leveller)
    previous: Speaker | None = None
    pieces: list[Waveform] = field(default_factory=list)
    chunks: list[SpokenChunk] = field(default_factory=list)

    def chunk_seed(self, number: int) -> int:
        return chunk_seed(self.seed, number)

    def history(self, continues: bool) -> Speaker | None:
        """What the next chunk is conditioned on."""
        if not continues or self.previous is None or self.previous is self.voice:
            return self.voice
        return self.previous if self.voice is None else _in_a_row(self.voice, self.previous)

    def origin(self, number: int, text: str, continues: bool, part: int, takes: int) -> Origin:
        """Where a chunk comes from whose first try is made."""
        history = self.history(continues)
        return Origin(number, text, self.chunk_seed(number), self.voice, history, part, takes)

    def add(self, text: str, kept: Accepted, pause: float | None) -> OtherWaveform:
        """Join one more chunk; gives the sound that can be played now."""
        made, verdict = kept.rendered, kept.verdict
        sound = self.leveller.level(trim_silence(kept.waveform, self.rate), self.rate)
        ready, start, end = self.joiner.add(sound, pause)
        self.pieces.append(ready)
        chunk = SpokenChunk(text, start, end, made.speaker, made.seed, made.notes, tries=kept.tries)
        if verdict is not None:
            chunk = replace(
                chunk,
                words_right=verdict.words_right,
                similarity=verdict.similarity,
                is_drifted=verdict.is_drifted,
            )
        self.chunks.append(chunk)
        if verdict is not None and verdict.is_drifted:
            self.previous = None  # the next chunk follows the voice alone
        elif len(made.speaker.semantic):
            self.previous = made.speaker
        if len(made.speaker.semantic):
            self.voice = self.voice or made.speaker  # without a voice the first chunk is it
        return ready

    def speech(self, family: str, seconds: float, notes: tuple[str, ...]) -> Speech:
        """All that is spoken so far."""
        waveform = np.concatenate([*self.pieces, self.joiner.finish()])
        chunks = tuple(self.chunks)
        return Speech(waveform, self.rate, chunks, self.seed, seconds, family, notes)


def _speak(
    models: BarkModels, plan: _Plan, speaker: Speaker | None, ways: _Ways
) -> Iterator[Event]:
    chunks, controls = plan.chunks, ways.controls
    renderer = Renderer(models, chunks, controls, ways.cancel)
    judging = Judging(models, renderer, ways.judge, len(chunks) * len(plan.seeds))
    rate = models.codec.sample_rate
    takes = [_Take(seed, speaker, rate, Joiner(rate)) for seed in plan.seeds]
    notes = _notes(models, chunks, speaker)

    def speech_of(take: _Take) -> Speech:
        told = (*notes, *judging.summary(take.chunks))
        return take.speech(models.family.id, renderer.progress.spent_seconds, told)

    try:
        for number, chunk in enumerate(chunks):
            yield from renderer.report(number, "semantic", 0.0)
            continues = controls.condition_on_previous
            rendered = yield from _render(renderer, number, takes, continues)
            kept: list[Accepted] = []
            for take, made in zip(takes, rendered, strict=True):
                if ways.cancel.cancelled:
                    raise JobCancelled
                origin = take.origin(number, chunk.text, continues, len(kept), len(takes))
                kept.append((yield from judging.accept(origin, made, not controls.greedy)))
                yield from renderer.report(number, "codec", len(kept) / len(takes))
            pause = _pause_after(chunks, number, controls)
            for take, accepted in zip(takes, kept, strict=True):
                ready = take.add(chunk.text, accepted, pause)
                if len(takes) == 1:
                    yield AudioChunk(number, len(chunks), chunk.text, ready, rate)
    except JobCancelled:
        yield Cancelled(speech_of(takes[0]) if takes[0].chunks else None)
        return
    for take in takes:
        yield Done(speech_of(take))


def _render(
    renderer: Renderer, number: int, takes: Sequence[_Take], continues: bool
) -> Generator[Event, None, list[Rendered]]:
    """Render one chunk of every take: in one pass where they share a history, else one by one."""
    histories = [take.history(continues) for take in takes]
    seeds = [take.chunk_seed(number) for take in takes]
    if all(history is histories[0] for history in histories):
        return (yield from renderer.render(number, seeds, histories[0], 0, len(takes)))
    rendered: list[Rendered] = []
    for done, (seed, history) in enumerate(zip(seeds, histories, strict=True)):
        rendered += yield from renderer.render(number, [seed], history, done, len(takes))
    return rendered


def _plan(models: BarkModels, text: str, controls: SpeechControls, language: str) -> _Plan:
    """Cut a text so that every chunk fits the family and the longest duration; choose the seeds."""
    controls.validated()
    limits = chunk_limits(models.family, controls.max_seconds)
    chunks = split_into_chunks(normalise(text), limits, models.tokenizer.count, language)
    seed = secrets.randbits(32) if controls.seed is None else controls.seed
    others = (seed_of(seed, "take", number) for number in range(1, controls.takes))
    return _Plan(chunks, (seed, *others))


def _pause_after(
    chunks: Sequence[TextChunk], number: int, controls: SpeechControls
) -> float | None:
    """Seconds of silence after a chunk; None after the last."""
    if number == len(chunks) - 1:
        return None
    return controls.pause_seconds * (PARAGRAPH_PAUSE if chunks[number].ends_paragraph else 1.0)


def _notes(
    models: BarkModels, chunks: Sequence[TextChunk], speaker: Speaker | None
) -> tuple[str, ...]:
    """What the listener should know beforehand."""
    notes = []
    text = " ".join(chunk.text for chunk in chunks)
    unknown = models.tokenizer.unknown_words(text)
    if unknown:
        some = ", ".join(unknown[:UNKNOWN_WORDS_TOLD])
        more = f" and {len(unknown) - UNKNOWN_WORDS_TOLD} more"
        notes.append(
            f"The family cannot read these words and may leave them out: {some}"
            f"{more if len(unknown) > UNKNOWN_WORDS_TOLD else ''}."
        )
    if speaker is None and len(chunks) > 1:
        notes.append("No voice was chosen, so the later parts follow the voice of the first.")
    return tuple(notes)


def _in_a_row(first: Speaker, second: Speaker) -> Speaker:
    """One voice that said two things, one after the other."""
    return Speaker(
        np.concatenate([first.semantic, second.semantic]),
        np.concatenate([first.coarse, second.coarse], axis=1),
        np.concatenate([first.fine, second.fine], axis=1),
    )
