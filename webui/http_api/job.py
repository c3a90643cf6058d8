"""One long text of a program: how far it is, and what was told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.backend.project_facts import Card
from webui.backend.project_render import SILENT
from webui.errors import ProjectError
from webui.events import Progress
from webui.http_api.job_files import JobFacts, State
from webui.http_api.port import JobTexts

ENDED: tuple[State, ...] = ("done", "failed", "cancelled", "interrupted")


@dataclass(eq=False)
class Job:
    """A job while the app runs.

    `events` only grows, so that whoever comes late reads it from the start; where the job goes on
    after an end, another list begins. The sentences are told in their order, whichever device was
    ready first.
    """

    facts: JobFacts
    folder: Path  # whose name is the id of its text
    is_at_work: bool = False
    is_stopped: bool = False
    is_removed: bool = False
    size_bytes: int | None = None  # on disk, once it is over
    state: State = "queued"
    progress: Progress = field(default_factory=lambda: Progress("queued", 0.0))
    already: float = 0.0  # how much of it was spoken before it went on, 0 to 1
    events: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0  # of sound that were told
    told: int = 0  # cards

    @property
    def id(self) -> str:
        """Its secret, by which programs ask for it."""
        return self.facts.id

    @property
    def speed(self) -> float:
        """How fast its sound is given."""
        return float(self.facts.recipe.get("speed", 1.0))

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self.state in ENDED and not self.is_at_work

    def as_json(self) -> dict[str, Any]:
        """How it is now."""
        recipe, is_ended = self.facts.recipe, self.state in ENDED
        fraction = self.already + (1 - self.already) * self.progress.fraction
        return {
            "id": self.id,
            "object": "audio.speech.job",
            "status": self.state,
            "created_at": int(self.facts.created),
            "model": recipe["family"],
            "voice": recipe["voice"],
            "seed": recipe["seed"],
            "characters": len(recipe["text"]),
            "stage": "" if is_ended else self.progress.stage,
            "fraction": 1.0 if self.state == "done" else round(fraction, 4),
            "seconds_left": None if is_ended else self.progress.seconds_left,
            "seconds": round(self.seconds, 3),
            "error": self.facts.error,
        }

    def tell(self, kind: str) -> None:
        """Tell how it is now."""
        self.events.append({"type": kind} | self.as_json())

    def begin_telling(self) -> None:
        """Forget what was told; all of it is told again from what is on disk."""
        self.events, self.seconds, self.told = [], 0.0, 0

    def tell_spoken(self, texts: JobTexts, is_last: bool = False) -> None:
        """Tell of the sentences that were spoken since, up to the first that is still to come.

        Args:
            texts: know them.
            is_last: nothing is still to come; what is missing is left out.

        Raises:
            ProjectError: its text is damaged or gone.
        """
        cards = cards_of(texts, self)
        try:
            places = {each.card: each for each in texts.timeline(self.folder.name)}
        except ProjectError:  # nothing is spoken yet
            return
        for number, card in enumerate(cards[self.told :], self.told):
            place = places.get(card.id)
            if place is None and not (is_silent(card) or is_last):
                return
            self.told = number + 1
            if place is None:
                continue
            start, end = place.start_seconds / self.speed, place.end_seconds / self.speed
            said = {"index": number, "chunks": len(cards), "text": card.text}
            self.events.append({"type": "chunk", "start": start, "end": end} | said)
            self.seconds = end


def cards_of(texts: JobTexts, job: Job) -> tuple[Card, ...]:
    """The sentences of a job.

    Raises:
        ProjectError: its text is damaged or gone.
    """
    (chapter,) = texts.details(job.folder.name).chapters
    return chapter.cards


def is_silent(card: Card) -> bool:
    """Whether a card was spoken and nothing was heard, which no other try would change."""
    return card.state == "failed" and card.note == SILENT


def to_speak(cards: Sequence[Card]) -> list[Card]:
    """The sentences that are still to be spoken."""
    return [each for each in cards if each.state != "done" and not is_silent(each)]
