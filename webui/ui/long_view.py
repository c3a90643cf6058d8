"""Shows long texts: the list, how the chosen one stands, a page of its cards, the chosen card."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from webui.backend.project_facts import Card, ChapterInfo, ProjectDetails, ProjectInfo
from webui.ui.captions import NO_CAPTIONS
from webui.ui.long_form import NEW_SEED
from webui.ui.long_widgets import SPEAKERS_VOICE, LongWidgets
from webui.ui.long_words import (
    NARRATOR,
    NO_CARD,
    card_row,
    card_title,
    chapter_label,
    list_row,
    speakers_words,
    status_words,
)
from webui.ui.studio import Studio, voice_label

Updates = dict[Any, Any]
CARDS_SHOWN = 20


@dataclass(frozen=True)
class Place:
    """What is looked at: a text, a chapter and a page of it (counted from 0), and a card."""

    project: str | None = None
    chapter: int = 0
    page: int = 0
    card: str | None = None


@dataclass(frozen=True)
class Seen:
    """What the rows of both lists stand for, and a mark of all that was shown."""

    projects: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    mark: int = 0


class LongView:
    """Builds what the page shows; `place` and `seen` are kept by the server for each page."""

    def __init__(self, studio: Studio, widgets: LongWidgets) -> None:
        self.studio = studio
        self.widgets = widgets
        self.place = gr.State(Place())
        self.seen = gr.State(Seen())

    def outputs(self) -> list[Any]:
        """The components that are changed."""
        texts, cards, files = self.widgets.texts, self.widgets.cards, self.widgets.files
        return [
            self.place, self.seen, self.widgets.timer, texts.table, texts.status, texts.start,
            texts.start_chapter, texts.pause, texts.parts, texts.speaker, texts.voice,
            texts.voices, texts.name, texts.delete, texts.sure, cards.chapter, cards.table,
            cards.pages, cards.page, cards.earlier, cards.later, cards.player, cards.captions,
            cards.title, cards.status, cards.fields, *cards.form, cards.play, cards.speak,
            cards.again, cards.undo, cards.lock, cards.sure, files.save, files.status,
        ]  # fmt: skip

    def shown(self, place: object) -> Updates:
        """Show everything at a place; what is gone gives way to what is there."""
        updates, place, details = self._moving(place)
        return updates | self._whole(details) | self._card(place, details)

    def moved(self, place: object, seen: object) -> Updates:
        """What has changed by itself since it was shown; nothing that is being typed into."""
        updates, found, details = self._moving(place)
        if isinstance(seen, Seen) and seen.mark == updates[self.seen].mark:
            return {self.seen: gr.skip()}
        card = _card_at(found, details)
        return updates | self._card_state(_number_of(found, details), card, details)

    def details(self, place: object) -> ProjectDetails | None:
        """All that is known of the text at a place; None where there is none to be used."""
        info = self._info(place, self.studio.projects.all())
        if info is None or info.broken is not None:
            return None
        return self.studio.projects.details(info.id)

    def voice_names(self, family: str) -> dict[str, str]:
        """The names of the voices that a family can speak with, by their ids."""
        known = self.studio.visible_voices(family)
        return {each.id: voice_label(each) for each in known if not each.broken}

    def speaker_of(self, details: ProjectDetails | None, speaker: str) -> gr.Dropdown:
        """All who speak, with one of them chosen."""
        speakers = () if details is None else details.speakers
        choices = [(each or NARRATOR, each) for each in speakers]
        return gr.Dropdown(choices=choices, value=speaker if speaker in speakers else None)

    def voice_of(self, details: ProjectDetails | None, speaker: str) -> gr.Dropdown:
        """All voices that can speak the text, with a speaker's chosen."""
        names = {} if details is None else self.voice_names(details.family)
        voices = {} if details is None else details.voices
        voice = voices.get(speaker, voices.get(""))
        choices = [(name, identity) for identity, name in names.items()]
        return gr.Dropdown(choices=choices, value=voice if voice in names else None)

    def _moving(self, place: object) -> tuple[Updates, Place, ProjectDetails | None]:
        """The list, the state and the timeline: what moves while a text is being spoken."""
        found = self.studio.projects.all()
        info, details = self._info(place, found), self.details(place)
        place = _fitted(place, info, details)
        cards = _page_of(place, details)
        fault = "" if info is None else self.studio.long_runs.fault((self.studio.visitor, info.id))
        first = place.page * CARDS_SHOWN + 1
        seen = Seen(
            tuple(each.id for each in found),
            tuple(each.id for each in cards),
            hash((tuple(found), cards, place, fault)),
        )
        rows = [card_row(first + number, card) for number, card in enumerate(cards)]
        updates: Updates = {
            self.place: place,
            self.seen: seen,
            self.widgets.timer: gr.Timer(active=any(each.running for each in found)),
            self.widgets.texts.table: gr.Dataframe(value=[list_row(each) for each in found]),
            self.widgets.texts.status: status_words(info, details, fault),
            self.widgets.cards.table: gr.Dataframe(value=rows),
        }
        return updates | self._buttons(info, details) | self._paging(place, details), place, details

    def _info(self, place: object, found: list[ProjectInfo]) -> ProjectInfo | None:
        """The chosen text, else one that is being spoken, else the newest."""
        chosen = place.project if isinstance(place, Place) else None
        running = next((each for each in found if each.running), None)
        info = next((each for each in found if each.id == chosen), running)
        return info or next(iter(found), None)

    def _buttons(self, info: ProjectInfo | None, details: ProjectDetails | None) -> Updates:
        texts = self.widgets.texts
        is_idle = details is not None and not details.info.running
        can_start = is_idle and details is not None and details.info.done < details.info.cards
        return {
            texts.start: gr.Button(interactive=can_start),
            texts.start_chapter: gr.Button(interactive=can_start),
            texts.pause: gr.Button(visible=details is not None and details.info.running),
            texts.parts: gr.Column(visible=info is not None),
            texts.delete: gr.Button(interactive=info is not None and not info.running),
        }

    def _paging(self, place: Place, details: ProjectDetails | None) -> Updates:
        cards = self.widgets.cards
        chapters = () if details is None else details.chapters
        labels = [(chapter_label(number, each), number) for number, each in enumerate(chapters)]
        count = len(chapters[place.chapter].cards) if chapters else 0
        pages = [
            (f"{first + 1} to {min(first + CARDS_SHOWN, count)} of {count}", first // CARDS_SHOWN)
            for first in range(0, count, CARDS_SHOWN)
        ]
        return {
            cards.chapter: gr.Dropdown(choices=labels, value=place.chapter if labels else None),
            cards.pages: gr.Row(visible=len(pages) > 1),
            cards.page: gr.Dropdown(choices=pages, value=place.page if pages else None),
            cards.earlier: gr.Button(interactive=place.page > 0),
            cards.later: gr.Button(interactive=place.page + 1 < len(pages)),
        }

    def _whole(self, details: ProjectDetails | None) -> Updates:
        """Who speaks the chosen text, and its name."""
        texts, files = self.widgets.texts, self.widgets.files
        names = {} if details is None else self.voice_names(details.family)
        first = "" if details is None else next(iter(details.speakers), "")
        return {
            texts.speaker: self.speaker_of(details, first),
            texts.voice: self.voice_of(details, first),
            texts.voices: "" if details is None else speakers_words(details, names),
            texts.name: "" if details is None else details.info.name,
            texts.sure: gr.Row(visible=False),
            files.save: gr.DownloadButton(visible=False),
            files.status: "",
        }

    def _card(self, place: Place, details: ProjectDetails | None) -> Updates:
        """The chosen card with its fields."""
        cards, card = self.widgets.cards, _card_at(place, details)
        state = self._card_state(_number_of(place, details), card, details)
        hidden = {cards.fields: gr.Column(visible=card is not None), cards.status: ""}
        hidden |= {cards.sure: gr.Row(visible=False)}
        if card is None or details is None:
            nothing = {
                cards.player: gr.Audio(value=None, visible=False),
                cards.captions: NO_CAPTIONS,
            }
            return state | hidden | nothing
        text, speaker, voice, seed, pause = cards.form
        own = [(name, identity) for identity, name in self.voice_names(details.family).items()]
        if card.voice is not None and card.voice not in {identity for _, identity in own}:
            own.append(("A voice that is gone", card.voice))
        speakers = dict.fromkeys(["", *details.speakers])
        return state | hidden | {
            text: card.text,
            speaker: gr.Dropdown(
                choices=[(each or NARRATOR, each) for each in speakers], value=card.speaker
            ),
            voice: gr.Dropdown(choices=[(SPEAKERS_VOICE, ""), *own], value=card.voice or ""),
            seed: NEW_SEED if card.seed is None else card.seed,
            pause: card.pause_seconds,
        }  # fmt: skip

    def _card_state(
        self, number: int, card: Card | None, details: ProjectDetails | None
    ) -> Updates:
        """What can be done with the chosen card now."""
        cards = self.widgets.cards
        if card is None or details is None:
            return {cards.title: NO_CARD}
        is_free = not details.info.running and not card.locked
        return {
            cards.title: card_title(number, card),
            cards.play: gr.Button(interactive=card.seconds is not None),
            cards.speak: gr.Button(interactive=is_free),
            cards.again: gr.Button(interactive=is_free and card.state == "done"),
            cards.undo: gr.Button(interactive=is_free and card.takes > 0),
            cards.lock: gr.Button("Unlock" if card.locked else "Lock"),
        }


def with_chapter(place: object, chapter: object) -> Place:
    """The first page of another chapter, which a browser named."""
    known = place if isinstance(place, Place) else Place()
    return Place(known.project, chapter if _is_count(chapter) else 0)  # type: ignore[arg-type]


def with_page(place: object, page: object) -> Place:
    """Another page of the same chapter, which a browser named."""
    known = place if isinstance(place, Place) else Place()
    number = page if _is_count(page) else 0
    return replace(known, page=number, card=None)  # type: ignore[arg-type]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _fitted(place: object, info: ProjectInfo | None, details: ProjectDetails | None) -> Place:
    """The same place, or the nearest that there is."""
    known = place if isinstance(place, Place) else Place()
    if info is None or details is None or not details.chapters:
        return Place(None if info is None else info.id)
    if known.project != info.id:
        known = Place(info.id)
    chapter = min(known.chapter, len(details.chapters) - 1)
    cards = details.chapters[chapter].cards
    page = min(known.page, max(0, len(cards) - 1) // CARDS_SHOWN)
    card = known.card if any(each.id == known.card for each in cards) else None
    return Place(info.id, chapter, page, card)


def _chapter_at(place: Place, details: ProjectDetails | None) -> ChapterInfo | None:
    return details.chapters[place.chapter] if details is not None and details.chapters else None


def _page_of(place: Place, details: ProjectDetails | None) -> tuple[Card, ...]:
    chapter, first = _chapter_at(place, details), place.page * CARDS_SHOWN
    return () if chapter is None else chapter.cards[first : first + CARDS_SHOWN]


def _card_at(place: Place, details: ProjectDetails | None) -> Card | None:
    chapter = _chapter_at(place, details)
    known = () if chapter is None else chapter.cards
    return next((each for each in known if each.id == place.card), None)


def _number_of(place: Place, details: ProjectDetails | None) -> int:
    chapter = _chapter_at(place, details)
    known = [] if chapter is None else [each.id for each in chapter.cards]
    return known.index(place.card) + 1 if place.card in known else 0
