"""Speaks the cards of a project on all devices; a sound is on disk before it is told of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from webui.arrays import Speaker
from webui.backend.card_pace import CardPace
from webui.backend.engine import Engine, failed
from webui.backend.project_store import ProjectFolder, StoredCard
from webui.backend.project_view import Naming, View, controls_of
from webui.backend.requests import SpeakRequest
from webui.backend.side_by_side import PartToken, side_by_side
from webui.errors import UserError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Failed, Progress, Speech
from webui.synthesis.chunking import estimate_seconds

MOST_FAILURES = 3  # in a row; then the fault is not the card's
SILENT = "Nothing was said here. Change the words, or try another seed."
_LEAST_WEIGHT = 0.5  # seconds: a card costs something however short it is


@dataclass(frozen=True, eq=False)
class CardJob:
    """One card as it is to be spoken."""

    card: StoredCard
    key: str
    voice: str | None
    seed: int
    request: SpeakRequest
    token: PartToken


@dataclass(eq=False)
class ProjectRender:
    """One pass over cards; what is edited meanwhile is spoken as it is when its turn comes."""

    folder: ProjectFolder
    look: Callable[[], View]
    speaker: Callable[[str, str], Speaker]  # gives the arrays of a voice, for a family
    engine: Engine
    cancel: CancelToken
    _failures: int = 0  # in a row
    _last_failure: Failed | None = None
    _made: int = 0
    _voices: dict[str, Speaker] = field(default_factory=dict)

    def events(self, cards: Sequence[str]) -> Iterator[Event]:
        """Speak these cards, as far as there is something to do.

        Raises:
            UserError: a voice cannot be had, a file cannot be written.
        """
        view = self.look()
        wanted = [each for each in view.project.cards() if each.id in set(cards)]
        to_do = [each for each in wanted if view.is_to_do(each)]
        weights = {each.id: max(estimate_seconds(each.text), _LEAST_WEIGHT) for each in to_do}
        at_once = max(1, min(self.engine.devices(), len(to_do)))
        pace = CardPace(weights, at_once)
        line = iter(to_do)
        if to_do:
            yield pace.progress("queued")
        for job, event in side_by_side(lambda: self._next(line, pace), self._begin, at_once):
            if event is not None:
                yield from self._heard(job, event, pace)
            if self._failures >= MOST_FAILURES and self._last_failure is not None:
                self.cancel.cancel()
        if self._last_failure is not None and (self._failures >= MOST_FAILURES or not self._made):
            yield self._last_failure
        else:
            yield Cancelled() if self.cancel.cancelled else Done()

    def job(self, naming: Naming, card: StoredCard) -> CardJob:
        """Prepare a card to be spoken.

        Raises:
            VoiceNotFoundError: its voice is not there any more.
            SpeakerFileError: the file of its voice is broken.
        """
        project, voice = naming.project, naming.voice_of(card)
        if voice is not None and voice not in self._voices:
            self._voices[voice] = self.speaker(voice, project.family)
        seed = naming.seed_of(card)
        controls = controls_of(project.controls, seed)
        request = SpeakRequest(
            card.text, project.family, self._voices.get(voice or ""), controls, project.language
        )
        return CardJob(card, naming.key(card), voice, seed, request, PartToken(whole=self.cancel))

    def keep(self, job: CardJob, speech: Speech) -> None:
        """Write a card's sound down, or that nothing was said.

        Raises:
            StorageError: it cannot be written.
        """
        if not len(speech.waveform):
            self.folder.save_note(job.key, True, SILENT)
            return
        self.folder.save_sound(
            job.key, speech.waveform, speech.sample_rate, _recipe(job, job.voice)
        )
        notes = dict.fromkeys(note for chunk in speech.chunks for note in chunk.notes)
        self.folder.save_note(job.key, False, " ".join((*speech.notes, *notes))[:500])

    def _next(self, line: Iterator[StoredCard], pace: CardPace) -> CardJob | None:
        """Give the next card that is still to be spoken, as it is now."""
        for before in line:
            if self.cancel.cancelled:
                return None
            view = self.look()
            now = next((each for each in view.project.cards() if each.id == before.id), None)
            if now is not None and view.is_to_do(now):
                return self.job(view.naming, now)
            pace.end(before.id, is_made=False)
        return None

    def _begin(self, job: CardJob) -> Iterator[Event]:
        return self.engine.run(job.request, job.token)

    def _heard(self, job: CardJob, event: Event, pace: CardPace) -> Iterator[Event]:
        """Pass on what concerns everybody; keep what was made."""
        card = job.card.id
        if isinstance(event, Progress):
            yield pace.hear(card, event)
        elif isinstance(event, Failed):
            self._fail(job, event)
            pace.end(card, is_made=False)
        elif isinstance(event, Done) and event.result is not None:
            speech, number = event.result, pace.done
            try:
                self.keep(job, speech)
            except UserError as fault:  # a full disk will not be less full for the next card
                self.cancel.cancel()
                self._last_failure, self._failures = failed(fault), MOST_FAILURES
                return
            pace.end(card, is_made=True)
            self._made, self._failures = self._made + 1, 0
            waveform = speech.waveform
            yield AudioChunk(number, len(pace.weights), job.card.text, waveform, speech.sample_rate)
            yield pace.progress("codec")

    def _fail(self, job: CardJob, event: Failed) -> None:
        self._failures += 1
        self._last_failure = event
        self.folder.save_note(job.key, True, event.message)


def rerolled(card: StoredCard, naming: Naming, seed: int, most: int) -> StoredCard:
    """A card with another seed, which remembers the one before; the oldest ones are forgotten."""
    return replace(card, seed=seed, earlier=(*card.earlier, naming.seed_of(card))[-most:])


def _recipe(job: CardJob, voice: str | None) -> dict[str, Any]:
    """What makes the same sound again; kept in its file."""
    from webui.backend.speech_recipe import SpeechRecipe

    request = job.request
    recipe = SpeechRecipe(request.text, request.family, voice, request.controls, request.language)
    return recipe.to_json()
