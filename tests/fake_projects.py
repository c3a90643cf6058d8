"""The scripted service's desk for long texts: a sentence is a card, and each is a sine wave."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import EllipsisType

import numpy as np

from webui.arrays import Waveform
from webui.backend.project_facts import Card, ChapterInfo, ProjectDetails, ProjectInfo, SpokenCard
from webui.errors import EngineError, TextError, UserError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.synthesis.controls import SpeechControls

RATE = 16_000
NEW_PITCH, TAKE_STEP = 220.0, 110.0
FAILING_WORD = "unspeakable"


def tone(seconds: float, pitch: float) -> Waveform:
    times = np.arange(int(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)


@dataclass
class _Made:
    """One project: its cards by chapter, what is spoken, and who speaks it now."""

    info: ProjectInfo
    family: str
    controls: SpeechControls
    language: str
    voices: dict[str, str]
    chapters: list[tuple[str, list[Card]]]
    pitches: dict[str, list[float]] = field(default_factory=dict)  # of each card's takes
    stop: CancelToken | None = None


class FakeProjects:
    """The public names of `webui.backend.project_desk.ProjectDesk` over a dictionary.

    A line `# Title` begins a chapter, `NAME: words` is said by NAME. `pace` is how long a card
    takes in seconds; `failure` ends a rendering at its next card.
    """

    def __init__(self, pace: float = 0.0) -> None:
        self.known: dict[str, _Made] = {}
        self.pace = pace
        self.failure: str | None = None
        self.spoken: list[str] = []  # the texts, in the order in which they were rendered
        self._cards = 0
        self._lock = threading.RLock()

    def all(self) -> list[ProjectInfo]:
        with self._lock:
            return [self._info(each) for each in reversed(self.known.values())]

    def details(self, project: str) -> ProjectDetails:
        with self._lock:
            made = self._find(project)
            chapters = tuple(ChapterInfo(title, tuple(cards)) for title, cards in made.chapters)
            return ProjectDetails(
                self._info(made), chapters, dict(made.voices), made.family, made.controls,
                made.language,
            )  # fmt: skip

    def create(  # noqa: PLR0913  as the desk has it
        self,
        name: str,
        source: tuple[str, bytes] | str,
        *,
        family: str | None = None,
        voice: str | None = None,
        voices: Mapping[str, str] | None = None,
        controls: SpeechControls | None = None,
        language: str = "",
    ) -> ProjectInfo:
        text = source if isinstance(source, str) else source[1].decode()
        chapters: list[tuple[str, list[Card]]] = []
        for line in filter(str.strip, text.splitlines()):
            if line.startswith("# "):
                chapters.append((line[2:], []))
                continue
            if not chapters:
                chapters.append(("Text", []))
            speaker, colon, words = line.partition(": ")
            speaker, words = (speaker, words) if colon and speaker.isupper() else ("", line)
            for sentence in filter(str.strip, words.split(".")):
                chapters[-1][1].append(self._card(f"{sentence.strip()}.", speaker))
        if not any(cards for _, cards in chapters):
            raise TextError("There is nothing to say in this text.")
        with self._lock:
            identity = f"project-{len(self.known)}"
            name = name or (chapters[0][0] if isinstance(source, str) else Path(source[0]).stem)
            info = ProjectInfo(identity, name, len(chapters), 0, 0, 0.0, "2026-01-02T03:04:05")
            self.known[identity] = _Made(
                info, family or "mini", controls or SpeechControls(), language,
                {"": voice or "ada-11111111", **(voices or {})}, chapters,
            )  # fmt: skip
            return self._info(self.known[identity])

    def rename(self, project: str, name: str) -> ProjectInfo:
        made = self._find(project)
        made.info = replace(made.info, name=name)
        return self._info(made)

    def delete(self, project: str) -> None:
        if self._find(project).stop is not None:
            raise EngineError("This text is being spoken. Stop it first.")
        del self.known[project]

    def edit_card(  # noqa: PLR0913  as the desk has it
        self,
        project: str,
        card: str,
        *,
        text: str | None = None,
        speaker: str | None = None,
        voice: str | None | EllipsisType = ...,
        seed: int | None | EllipsisType = ...,
        pause_seconds: float | None | EllipsisType = ...,
    ) -> Card:
        given = {"voice": voice, "seed": seed, "pause_seconds": pause_seconds}
        changes = {name: value for name, value in given.items() if value is not ...}
        changes |= {"text": text} if text is not None else {}
        changes |= {"speaker": speaker} if speaker is not None else {}
        known = self._card_of(project, card)
        is_spoken = known.state == "done" and set(changes) != {"pause_seconds"}
        return self._put(project, replace(known, **changes, **_changed(is_spoken)))

    def lock(self, project: str, card: str, is_locked: bool) -> Card:
        return self._put(project, replace(self._card_of(project, card), locked=is_locked))

    def split_card(self, project: str, card: str, place: int) -> tuple[Card, Card]:
        known = self._card_of(project, card)
        first, second = known.text[:place].strip(), known.text[place:].strip()
        if not first or not second:
            raise TextError("A card is split between two of its words.")
        with self._lock:
            rest = self._card(second, known.speaker)
            kept = self._put(project, replace(known, text=first, state="new", seconds=None))
            self._after(project, card, rest)
        return kept, rest

    def merge_with_next(self, project: str, card: str) -> Card:
        with self._lock:
            cards, place = self._row(project, card)
            if place + 1 == len(cards):
                raise TextError("This is the chapter's last card.")
            text = f"{cards[place].text} {cards.pop(place + 1).text}"
            return self._put(project, replace(cards[place], text=text, state="changed"))

    def insert_card_after(self, project: str, card: str, text: str) -> Card:
        made = self._card(text, self._card_of(project, card).speaker)
        self._after(project, card, made)
        return made

    def move_card(self, project: str, card: str, by: int) -> Card:
        with self._lock:
            cards, place = self._row(project, card)
            if not 0 <= place + by < len(cards):
                raise TextError("There is no place for this card there.")
            cards.insert(place + by, cards.pop(place))
            return cards[place + by]

    def delete_card(self, project: str, card: str) -> None:
        with self._lock:
            cards, place = self._row(project, card)
            if len(cards) == 1:
                raise TextError("This is the chapter's only card.")
            del cards[place]

    def assign_voice(self, project: str, speaker: str, voice: str) -> ProjectDetails:
        made = self._find(project)
        made.voices[speaker] = voice
        for _, cards in made.chapters:
            cards[:] = [
                replace(each, **_changed(each.speaker == speaker and each.state == "done"))
                for each in cards
            ]
        return self.details(project)

    def render(
        self,
        project: str,
        *,
        chapter: int | None = None,
        cards: Sequence[str] | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Event]:
        made = self._find(project)
        if made.stop is not None:
            raise EngineError("This text is being spoken already.")
        made.stop = cancel or CancelToken()
        chapters = made.chapters if chapter is None else [made.chapters[chapter]]
        wanted = [
            each.id
            for _, known in chapters
            for each in known
            if each.state != "done" and not each.locked and (cards is None or each.id in cards)
        ]
        return self._speak(made, wanted, made.stop)

    def follow(self, project: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        while self._find(project).stop is not None:
            yield Progress("render", self._info(self._find(project)).fraction)
            time.sleep(self.pace or 0.01)

    def reroll(self, project: str, card: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        made, known = self._find(project), self._card_of(project, card)
        if known.locked:
            raise UserError("This card is locked. Unlock it first.")
        if self.failure is not None:
            yield Failed(self.failure, "EngineError")
            return
        yield Progress("semantic", 0.5)
        if cancel is not None and cancel.cancelled:
            yield Cancelled()
            return
        pitches = made.pitches[card]
        pitches.append(pitches[-1] + TAKE_STEP)
        self._put(project, replace(known, seed=(known.seed or 0) + 1, takes=known.takes + 1))
        yield Done()

    def undo_reroll(self, project: str, card: str) -> Card:
        known = self._card_of(project, card)
        if not known.takes:
            raise UserError("There is no earlier take of this card.")
        self._find(project).pitches[card].pop()
        return self._put(project, replace(known, seed=None, takes=known.takes - 1))

    def stop(self, project: str) -> None:
        token = self._find(project).stop
        if token is not None:
            token.cancel()

    def card_sound(self, project: str, card: str) -> tuple[Waveform, int]:
        known, made = self._card_of(project, card), self._find(project)
        if known.seconds is None:
            raise UserError("This card is not spoken yet.")
        return tone(known.seconds, made.pitches[card][-1]), RATE

    def chapter_sound(self, project: str, chapter: int) -> tuple[Waveform, int]:
        spoken = [each.id for each in self._find(project).chapters[chapter][1] if each.seconds]
        if not spoken:
            raise UserError("Nothing of this chapter is spoken yet.")
        return np.concatenate([self.card_sound(project, each)[0] for each in spoken]), RATE

    def timeline(self, project: str, chapter: int | None = None) -> list[SpokenCard]:
        chapters = self._find(project).chapters
        at, found = 0.0, []
        for _, cards in chapters if chapter is None else [chapters[chapter]]:
            for card in cards:
                if card.seconds is not None:
                    end = at + card.seconds
                    found.append(SpokenCard(card.id, at, end, card.text, card.speaker))
                    at = end
        return found

    def subtitles(self, project: str, kind: str, chapter: int | None = None) -> str:
        chapters = self._find(project).chapters
        chosen = chapters if chapter is None else [chapters[chapter]]
        return "\n".join([kind, *(each.text for _, cards in chosen for each in cards)])

    def export(
        self, project: str, path: Path, audio_format: str, chapter: int | None = None
    ) -> None:
        numbers = range(len(self._find(project).chapters)) if chapter is None else [chapter]
        for number in numbers:
            self.chapter_sound(project, number)
        path.write_bytes(f"{audio_format} of {list(numbers)}".encode())

    def close(self) -> None:
        for made in self.known.values():
            self.stop(made.info.id)

    def _speak(self, made: _Made, wanted: Sequence[str], stop: CancelToken) -> Iterator[Event]:
        try:
            for number, card in enumerate(wanted):
                left = (len(wanted) - number) * 2.0 if number else None
                yield Progress("render", number / len(wanted), left, number, len(wanted))
                self._take_time(self._card_of(made.info.id, card))
                if stop.cancelled:
                    yield Cancelled()
                    return
                if self.failure is not None:
                    yield Failed(self.failure, "EngineError")
                    return
                known = self._card_of(made.info.id, card)
                if FAILING_WORD in known.text:
                    self._put(made.info.id, replace(known, state="failed", note="It cannot be."))
                    continue
                self.spoken.append(known.text)
                made.pitches.setdefault(card, [NEW_PITCH])
                seconds = 0.05 * len(known.text.split())
                self._put(made.info.id, replace(known, state="done", seconds=seconds, note=""))
                sound, rate = self.card_sound(made.info.id, card)
                yield AudioChunk(number, len(wanted), known.text, sound, rate)
            yield Done()
        finally:
            made.stop = None

    def _take_time(self, card: Card) -> None:
        time.sleep(self.pace)

    def _card(self, text: str, speaker: str) -> Card:
        self._cards += 1
        return Card(f"card-{self._cards}", text, speaker)

    def _info(self, made: _Made) -> ProjectInfo:
        cards = [each for _, known in made.chapters for each in known]
        done = [each for each in cards if each.state == "done"]
        is_running, fraction = made.stop is not None, len(done) / max(len(cards), 1)
        left = 2.0 * (len(cards) - len(done)) if is_running and done else None
        return replace(
            made.info, cards=len(cards), done=len(done), running=is_running, fraction=fraction,
            seconds=sum(each.seconds or 0.0 for each in cards), seconds_left=left,
        )  # fmt: skip

    def _find(self, project: str) -> _Made:
        if project not in self.known:
            raise UserError("This text is no longer there.")
        return self.known[project]

    def _row(self, project: str, card: str) -> tuple[list[Card], int]:
        for _, cards in self._find(project).chapters:
            for place, each in enumerate(cards):
                if each.id == card:
                    return cards, place
        raise UserError("This card is no longer there.")

    def _card_of(self, project: str, card: str) -> Card:
        cards, place = self._row(project, card)
        return cards[place]

    def _put(self, project: str, card: Card) -> Card:
        with self._lock:
            cards, place = self._row(project, card.id)
            cards[place] = card
        return card

    def _after(self, project: str, card: str, made: Card) -> None:
        cards, place = self._row(project, card)
        cards.insert(place + 1, made)


def _changed(is_spoken: bool) -> dict[str, str]:
    return {"state": "changed"} if is_spoken else {}
