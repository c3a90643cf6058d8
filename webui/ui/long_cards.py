"""What is done with single cards of a long text: heard, changed, spoken, split, joined, locked."""

from collections.abc import Callable, Iterator

import gradio as gr

from webui.backend.project_facts import Card, ProjectDetails
from webui.errors import TextError
from webui.events import Cancelled, CancelToken, Event, Failed, Progress
from webui.ui.captions import NO_CAPTIONS
from webui.ui.long_form import CardForm
from webui.ui.long_view import LongView, Place, Seen, Updates, with_chapter, with_page
from webui.ui.messages import plain, progress_words
from webui.ui.playing import heard
from webui.ui.studio import Studio

GONE = "This card is no longer there. Choose another one."
NEW_WORDS = "New words."


class LongCards:
    """Answers the events of the timeline."""

    def __init__(self, studio: Studio, view: LongView) -> None:
        self.studio = studio
        self.view = view

    def choose_chapter(self, place: object, chapter: object) -> Updates:
        """Show the cards of another chapter."""
        return self.view.shown(with_chapter(place, chapter))

    def choose_page(self, place: object, page: object) -> Updates:
        """Show other cards of the chapter."""
        return self.view.shown(with_page(place, page))

    def earlier(self, place: object) -> Updates:
        """Show the cards before those that are shown."""
        return self.view.shown(with_page(place, _page(place) - 1))

    def later(self, place: object) -> Updates:
        """Show the cards after those that are shown."""
        return self.view.shown(with_page(place, _page(place) + 1))

    def choose(self, event: gr.SelectData, place: object, seen: object) -> Updates:
        """Show the card of a row; it is played next."""
        row = event.index[0] if isinstance(event.index, list | tuple) else event.index
        cards = seen.cards if isinstance(seen, Seen) else ()
        if not isinstance(row, int) or not 0 <= row < len(cards):
            raise TextError(GONE)
        return self._shown(place, cards[row])

    def play(self, place: object) -> Updates:
        """Let the chosen card be heard; nothing where it has no sound yet."""
        details, card = self._found(place)
        cards = self.view.widgets.cards
        is_spoken = card.seconds is not None
        heard = self._heard(details, card) if is_spoken else gr.Audio(value=None, visible=False)
        return {cards.player: heard, cards.captions: NO_CAPTIONS}

    def save(self, place: object, *values: object) -> Updates:
        """Keep what was changed of the chosen card."""
        form = CardForm(*values)
        details, card = self._found(place)
        self._changed(form, details, card)
        return self._shown(place, card.id)

    def speak(self, request: gr.Request, place: object, *values: object) -> Iterator[Updates]:
        """Keep the changes, and speak the chosen card if anything about it is new."""
        form = CardForm(*values)
        details, card = self._found(place)
        self._changed(form, details, card)
        project = details.info.id
        yield from self._run(
            request, place,
            lambda cancel: self.studio.projects.render(project, cards=[card.id], cancel=cancel),
        )  # fmt: skip

    def again(self, request: gr.Request, place: object) -> Iterator[Updates]:
        """Speak the chosen card with another seed; the take before can be had back."""
        details, card = self._found(place)
        project = details.info.id
        yield from self._run(
            request, place, lambda cancel: self.studio.projects.reroll(project, card.id, cancel)
        )

    def undo(self, place: object) -> Updates:
        """Bring the take before the last one back."""
        details, card = self._found(place)
        self.studio.projects.undo_reroll(details.info.id, card.id)
        return self._shown(place, card.id) | self.play(place)

    def toggle_lock(self, place: object) -> Updates:
        """Keep the chosen card's sound as it is, or no longer."""
        details, card = self._found(place)
        self.studio.projects.lock(details.info.id, card.id, not card.locked)
        return self._shown(place, card.id)

    def split(self, place: object, before: object, *values: object) -> Updates:
        """Make two cards of the chosen one, where the cursor is."""
        form = CardForm(*values)
        if not isinstance(before, str) or not before.strip() or before == form.text:
            raise TextError("Put the cursor into the words where the second card begins.")
        details, card = self._found(place)
        card = self._changed(form, details, card)
        if not card.text.startswith(before):
            raise TextError("The words have changed meanwhile. Put the cursor there once more.")
        first, _ = self.studio.projects.split_card(details.info.id, card.id, len(before))
        return self._shown(place, first.id)

    def merge(self, place: object) -> Updates:
        """Make one card of the chosen one and the next."""
        details, card = self._found(place)
        return self._shown(place, self.studio.projects.merge_with_next(details.info.id, card.id).id)

    def insert(self, place: object) -> Updates:
        """Put a card of the same speaker behind the chosen one, to be filled with words."""
        details, card = self._found(place)
        made = self.studio.projects.insert_card_after(details.info.id, card.id, NEW_WORDS)
        return self._shown(place, made.id)

    def move_up(self, place: object) -> Updates:
        """Let the chosen card be spoken before the one above it."""
        return self._moved(place, -1)

    def move_down(self, place: object) -> Updates:
        """Let the chosen card be spoken behind the one below it."""
        return self._moved(place, 1)

    def delete(self, place: object) -> Updates:
        """Take the chosen card out."""
        details, card = self._found(place)
        self.studio.projects.delete_card(details.info.id, card.id)
        return self._shown(place, None)

    def _moved(self, place: object, by: int) -> Updates:
        details, card = self._found(place)
        return self._shown(place, self.studio.projects.move_card(details.info.id, card.id, by).id)

    def _shown(self, place: object, card: str | None) -> Updates:
        known = place if isinstance(place, Place) else Place()
        return self.view.shown(Place(known.project, known.chapter, known.page, card))

    def _found(self, place: object) -> tuple[ProjectDetails, Card]:
        """The text and the card that are chosen.

        Raises:
            TextError: none is, or it is gone.
        """
        if isinstance(place, Place) and place.project is not None and place.card is not None:
            details = self.studio.projects.details(place.project)
            for chapter in details.chapters:
                for card in chapter.cards:
                    if card.id == place.card:
                        return details, card
        raise TextError(GONE)

    def _changed(self, form: CardForm, details: ProjectDetails, card: Card) -> Card:
        changes = form.changes(card, self.studio, details.family)
        if not changes:
            return card
        return self.studio.projects.edit_card(details.info.id, card.id, **changes)

    def _run(
        self, request: gr.Request, place: object, begin: Callable[[CancelToken], Iterator[Event]]
    ) -> Iterator[Updates]:
        """Follow the work on one card, show how it goes, and play what came of it."""
        status, page = self.view.widgets.cards.status, long_key(request.session_hash or "")
        token = self.studio.desk.start(page)
        words = ""
        try:
            yield {status: "Starting…"}
            for event in begin(token):
                if isinstance(event, Progress):
                    yield {status: progress_words(event, "card")}
                elif isinstance(event, Failed):
                    words = f"**{plain(event.message)}**"
                elif isinstance(event, Cancelled):
                    words = "Stopped."
        finally:
            self.studio.desk.finish(page, token)
        shown = self.view.shown(place) | {status: words}
        yield shown if words else shown | self.play(place)

    def _heard(self, details: ProjectDetails, card: Card) -> gr.Audio:
        sound, rate = self.studio.projects.card_sound(details.info.id, card.id)
        label = f"{card.seconds or 0:.1f} s · {' '.join(card.text.split())[:60]}"
        return gr.Audio(value=heard(sound, rate), label=label, visible=True, autoplay=True)


def long_key(page: str) -> str:
    """The key of a page's work on a card; it may speak a short text meanwhile."""
    return f"{page} long"


def _page(place: object) -> int:
    return place.page if isinstance(place, Place) else 0
