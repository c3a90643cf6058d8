"""What a project is like now: which sounds fit which cards, and how far the whole is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

from webui.arrays import Speaker
from webui.backend.project_facts import (
    Card,
    CardState,
    ChapterInfo,
    ProjectDetails,
    ProjectInfo,
)
from webui.backend.project_store import StoredCard, StoredProject
from webui.longform.assembly import CHAPTER_PAUSE_SECONDS, Piece
from webui.synthesis.chunking import estimate_seconds
from webui.synthesis.controls import SpeechControls

PARAGRAPH_PAUSE = 2.0  # times the pause between cards
_FORM = "1"  # of keys: another one when the way from a text to its sound changes


@dataclass(frozen=True)
class Naming:
    """Says which sound fits which card of a project, whether it is there or not.

    `prints` tell voices apart by their arrays; a voice that has none cannot be had.
    """

    project: StoredProject
    prints: Mapping[str, str]

    @cached_property
    def keys(self) -> dict[str, str]:
        """For each card the key of the sound that fits it; empty where its voice is not known."""
        return {card.id: self.key(card) for card in self.project.cards()}

    def key(self, card: StoredCard) -> str:
        """Name the sound that fits a card."""
        voice = self.voice_of(card)
        if voice is not None and voice not in self.prints:
            return ""
        parts = (self._common, card.text, self.prints.get(voice or "", ""), self.seed_of(card))
        return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def voice_of(self, card: StoredCard) -> str | None:
        """The id of the voice that says a card."""
        voices = self.project.voices
        return card.voice or voices.get(card.speaker) or voices.get("")

    def seed_of(self, card: StoredCard) -> int:
        """The seed that a card is spoken with."""
        if card.seed is not None:
            return card.seed
        words = f"{self.project.seed}/{card.id}".encode()
        return int.from_bytes(blake2b(words, digest_size=4).digest(), "big")

    @cached_property
    def estimates(self) -> dict[str, float]:
        """For each card about how many seconds it takes to say."""
        return {card.id: estimate_seconds(card.text) for card in self.project.cards()}

    @cached_property
    def _common(self) -> str:
        """What is the same for all cards."""
        project = self.project
        controls = controls_of(project.controls, None).to_json()
        return json.dumps((_FORM, project.family, project.language, controls), sort_keys=True)


@dataclass(frozen=True)
class View:
    """One look at a project: everything follows from what was read at one moment."""

    naming: Naming
    sounds: Mapping[str, int]  # samples by key
    notes: Mapping[str, tuple[bool, str]]

    @property
    def project(self) -> StoredProject:
        """What is looked at."""
        return self.naming.project

    def sound_of(self, card: StoredCard) -> str:
        """The key of the sound that is a card's now; empty where there is none that fits."""
        if card.locked and card.kept in self.sounds:
            return card.kept
        key = self.naming.keys.get(card.id) or self.naming.key(card)
        return key if key in self.sounds else ""

    def takes_of(self, card: StoredCard) -> list[int]:
        """The seeds of earlier sounds that are still there, the oldest first."""
        return [s for s in card.earlier if self.naming.key(replace(card, seed=s)) in self.sounds]

    def is_to_do(self, card: StoredCard) -> bool:
        """Whether a card is to be spoken."""
        return not card.locked and not self.sound_of(card)

    def keeping(self) -> StoredProject:
        """The project with every card remembering the sound that fits it, before a change."""
        changes = {
            card.id: replace(card, kept=sound)
            for card in self.project.cards()
            if (sound := self.sound_of(card)) and sound != card.kept
        }
        return self.project.with_cards(changes) if changes else self.project

    def wanted(self) -> set[str]:
        """The keys of all sounds that a card has, had, or can have again."""
        found = set(self.naming.keys.values()) | {card.kept for card in self.project.cards()}
        for card in self.project.cards():
            found |= {self.naming.key(replace(card, seed=seed)) for seed in card.earlier}
        return found

    def seconds(self, key: str) -> float | None:
        """How long a sound is; None where it is not there."""
        samples = self.sounds.get(key)
        return None if samples is None else samples / self.project.rate

    def card(self, card: StoredCard) -> Card:
        """Tell all that is known of a card."""
        sound = self.sound_of(card)
        has_failed, note = self.notes.get(sound or self.naming.keys.get(card.id, ""), (False, ""))
        state: CardState = "done"
        if not sound:
            state = "failed" if has_failed else ("changed" if card.kept else "new")
        if (
            not sound
            and self.naming.voice_of(card) is not None
            and not self.naming.keys.get(card.id)
        ):
            note = "The voice of this card is not there any more. Choose another one."
        return Card(
            card.id, card.text, card.speaker, card.voice, card.seed, card.locked,
            card.ends_paragraph, card.pause_seconds, card.start_seconds, state,
            self.seconds(sound or card.kept), note, len(self.takes_of(card)),
        )  # fmt: skip

    def info(self, project_id: str) -> ProjectInfo:
        """Tell in short how far the project is."""
        project = self.project
        cards = list(project.cards())
        done = {card.id: sound for card in cards if (sound := self.sound_of(card))}
        seconds = sum(self.sounds[sound] for sound in done.values()) / project.rate
        estimates = self.naming.estimates
        rest = sum(estimates[card.id] for card in cards if card.id not in done)
        return ProjectInfo(
            project_id, project.name, len(project.chapters), len(cards), len(done), seconds,
            project.changed, fraction=len(done) / max(1, len(cards)),
            expected_seconds=seconds + rest,
        )  # fmt: skip

    def details(self, info: ProjectInfo) -> ProjectDetails:
        """Tell all that is known."""
        project = self.project
        chapters = tuple(
            ChapterInfo(each.title, tuple(self.card(card) for card in each.cards))
            for each in project.chapters
        )
        return ProjectDetails(
            info, chapters, dict(project.voices), project.family, project.controls, project.language
        )

    def pieces(self, chapter: int | None = None) -> list[tuple[StoredCard, Piece]]:
        """What is done of a chapter, or of everything, as the parts of a track."""
        found: list[tuple[StoredCard, Piece]] = []
        chosen = self.project.chapters if chapter is None else (self.project.chapters[chapter],)
        for each in chosen:
            cards = [card for card in each.cards if self.sound_of(card)]
            for card in cards:
                pause = self._pause(card)
                if card is cards[-1]:
                    pause = max(pause, CHAPTER_PAUSE_SECONDS)
                samples = self.sounds[self.sound_of(card)]
                found.append((card, Piece(samples, pause, card.start_seconds)))
        return found

    def _pause(self, card: StoredCard) -> float:
        if card.pause_seconds is not None:
            return card.pause_seconds
        times = PARAGRAPH_PAUSE if card.ends_paragraph else 1.0
        return self.project.controls.pause_seconds * times


def controls_of(controls: SpeechControls, seed: int | None) -> SpeechControls:
    """The controls that one card is spoken with."""
    return replace(controls, seed=seed, takes=1)


def voice_print(speaker: Speaker) -> str:
    """Tell voices apart by their arrays."""
    found = blake2b(digest_size=16)
    for array in (speaker.semantic, speaker.coarse, speaker.fine):
        found.update(f"{array.shape}".encode())
        found.update(array.astype("<i8").tobytes())
    return found.hexdigest()
