"""What the app tells about long texts: projects, their chapters, and the cards of the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from webui.synthesis.controls import SpeechControls

CardState = Literal["new", "done", "changed", "failed"]


@dataclass(frozen=True)
class ProjectInfo:
    """One long text: how much of it is spoken, and how it goes while it is being spoken.

    `fraction` (0..1) is that of the running rendering, else of all cards. `seconds_left` is None
    while nothing honest can be said, and when nothing runs. A `broken` project can only be deleted.
    """

    id: str
    name: str
    chapters: int
    cards: int
    done: int  # cards whose sound is there and fits their text
    seconds: float  # of sound made so far
    changed: str  # ISO 8601, UTC
    running: bool = False
    fraction: float = 0.0
    seconds_left: float | None = None
    broken: str | None = None  # why it cannot be used, in words
    expected_seconds: float = 0.0  # of sound when all of it is spoken, about


@dataclass(frozen=True)
class Card:
    """A few sentences that are spoken in one go: the unit that is heard, redone and locked.

    `voice` and `seed` None are those of the speaker and the project. `state` is `changed` when the
    text, the voice or a setting is another one than when it was spoken. `seconds` is the length of
    the sound that is there, None without one. `takes` counts sounds that `undo_reroll` can still
    bring back.
    """

    id: str
    text: str
    speaker: str = ""
    voice: str | None = None
    seed: int | None = None
    locked: bool = False
    ends_paragraph: bool = False
    pause_seconds: float | None = None  # after it; None is the project's
    start_seconds: float | None = None  # where subtitles say that it begins
    state: CardState = "new"
    seconds: float | None = None
    note: str = ""  # why it failed, or what is to be known of its sound
    takes: int = 0


@dataclass(frozen=True)
class SpokenCard:
    """When a card is heard in the sound of its chapter, or of the whole."""

    card: str  # its id
    start_seconds: float
    end_seconds: float
    text: str
    speaker: str = ""


@dataclass(frozen=True)
class ChapterInfo:
    """A part of a long text, with its cards in the order in which they are spoken."""

    title: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class ProjectDetails:
    """All that is known of one long text.

    `voices` maps speakers to ids of voices; the narrator, who says what no speaker is named for,
    is the empty name and always there when the family has a voice at all.
    """

    info: ProjectInfo
    chapters: tuple[ChapterInfo, ...]
    voices: Mapping[str, str]
    family: str
    controls: SpeechControls = field(default_factory=SpeechControls)
    language: str = ""

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks, in the order in which they first do."""
        cards = (card for chapter in self.chapters for card in chapter.cards)
        return tuple(dict.fromkeys(card.speaker for card in cards))
