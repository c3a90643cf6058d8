"""The Long text tab: books, scripts and subtitles, spoken card by card, whoever looks on."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from webui.backend.project_facts import ProjectDetails
from webui.errors import StorageError, TextError
from webui.ui.faults import worded, worded_stream
from webui.ui.listening import listening
from webui.ui.long_cards import LongCards
from webui.ui.long_files import LongFiles
from webui.ui.long_form import MAX_PUBLIC_TEXTS, NewText, NewTextForm, check_length, text_name
from webui.ui.long_view import LongView, Place, Seen, Updates
from webui.ui.long_widgets import FIRST_VOICE, LongWidgets, build_long_widgets
from webui.ui.speak_form import SpeakForm, with_controls
from webui.ui.studio import ANY_VOICE, Studio
from webui.ui.visiting import visited

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
Answer = tuple[Callable[..., Any], Callable[..., Any], list[Any]]  # an event, its handler, values
NO_TEXT = "Choose a text in the list first."
# The words before the cursor, which only the browser knows.
BEFORE_CURSOR = """
(owner, place, before, ...values) => {
  const box = document.querySelector("#long-card-text textarea");
  return [owner, place, box ? box.value.slice(0, box.selectionStart) : "", ...values];
}
"""


class LongTab:
    """Builds the tab and answers its events."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.widgets: LongWidgets = build_long_widgets(studio.has_ffmpeg)
        self.view = LongView(studio, self.widgets)
        self.cards = LongCards(studio, self.view)
        self.files = LongFiles(studio, self.view)

    def wire(self, owner: gr.State, opened: Callable[..., Any]) -> None:
        """Connect the widgets to the handlers; `opened` happens when the tab is chosen."""
        shown, place, outputs = self.widgets, self.view.place, self.view.outputs()
        new, texts = shown.new, shown.texts
        made = [*outputs, new.file, new.text, new.name]
        new.file.upload(worded(visited(self.make_of_file)), [owner, *new.form], made, **QUIET)
        new.make.click(worded(visited(self.make_of_text)), [owner, *new.form], made, **QUIET)
        new.family.input(
            worded(visited(self.choose_family)), [owner, new.family],
            [new.voice, new.verify, new.guard_drift], **QUIET,
        )  # fmt: skip
        new.voice.input(
            worded(visited(self.choose_voice)), [owner, new.family, new.voice],
            [new.verify, new.guard_drift], **QUIET,
        )  # fmt: skip
        answers: list[Answer] = [
            (texts.table.select, self.choose, [self.view.seen]),
            (texts.start.click, self.start, [place]),
            (texts.start_chapter.click, self.start_chapter, [place]),
            (texts.rename.click, self.rename, [place, texts.name]),
            (texts.yes.click, self.delete, [place]),
            (texts.voice.input, self.assign, [place, texts.speaker, texts.voice]),
            (opened, self.look, [place]),
        ]
        for moment, handler, values in answers:
            moment(worded(visited(handler)), [owner, *values], outputs, **QUIET)
        at_once: list[Answer] = [
            (texts.pause.click, self.pause, [place]),
            (shown.timer.tick, self.follow, [place, self.view.seen]),
        ]
        for moment, handler, values in at_once:
            moment(worded(visited(handler)), [owner, *values], outputs, queue=False, **QUIET)
        texts.speaker.input(
            worded(visited(self.choose_speaker)), [owner, place, texts.speaker], [texts.voice],
            **QUIET,
        )  # fmt: skip
        self._wire_questions()
        self._wire_cards(owner)

    def _wire_questions(self) -> None:
        """What deletes asks first."""
        for part in (self.widgets.texts, self.widgets.cards):
            for button, is_asked in ((part.delete, True), (part.no, False)):
                button.click(
                    lambda shown=is_asked: gr.Row(visible=shown), None, [part.sure],
                    queue=False, **QUIET,
                )  # fmt: skip

    def _wire_cards(self, owner: gr.State) -> None:
        cards, files, form = self.widgets.cards, self.widgets.files, self.widgets.cards.form
        place, outputs, doing = self.view.place, self.view.outputs(), self.cards
        chosen = cards.table.select(
            worded(visited(doing.choose)), [owner, place, self.view.seen], outputs, **QUIET
        )
        played = [cards.player, cards.captions]
        chosen.success(worded(visited(doing.play)), [owner, place], played, **QUIET)
        answers: list[Answer] = [
            (cards.chapter.input, doing.choose_chapter, [place, cards.chapter]),
            (cards.page.input, doing.choose_page, [place, cards.page]),
            (cards.earlier.click, doing.earlier, [place]),
            (cards.later.click, doing.later, [place]),
            (cards.play.click, doing.play, [place]),
            (cards.save.click, doing.save, [place, *form]),
            (cards.undo.click, doing.undo, [place]),
            (cards.lock.click, doing.toggle_lock, [place]),
            (cards.merge.click, doing.merge, [place]),
            (cards.insert.click, doing.insert, [place]),
            (cards.up.click, doing.move_up, [place]),
            (cards.down.click, doing.move_down, [place]),
            (cards.yes.click, doing.delete, [place]),
            (files.play_chapter.click, self.files.play_chapter, [place]),
            (files.prepare.click, self.files.prepare, [place, files.part, files.kind]),
        ]
        for moment, handler, values in answers:
            moment(worded(visited(handler)), [owner, *values], outputs, **QUIET)
        cards.split.click(
            worded(visited(doing.split)), [owner, place, cards.before, *form], outputs,
            js=BEFORE_CURSOR, **QUIET,
        )  # fmt: skip
        streams: list[Answer] = [
            (cards.speak.click, doing.speak, [place, *form]),
            (cards.again.click, doing.again, [place]),
        ]
        for moment, handler, values in streams:
            moment(
                worded_stream(visited(handler)), [owner, *values], outputs,
                concurrency_id="long-card", concurrency_limit=None, **QUIET,
            )  # fmt: skip

    def make_of_file(self, *values: object) -> Updates:
        """Make a text of the dropped file."""
        return self._made(NewTextForm(*values).from_file(self.studio))

    def make_of_text(self, *values: object) -> Updates:
        """Make a text of what was pasted."""
        return self._made(NewTextForm(*values).from_text(self.studio))

    def choose_family(self, family: object) -> list[Any]:
        """Offer the voices of another family."""
        known = self.studio.speaking_family(family).id
        return [self._voices(known), *self.choose_voice(known, ANY_VOICE)]

    def choose_voice(self, family: object, voice: object) -> list[gr.Checkbox]:
        """Offer to listen where something here understands the voice's language."""
        boxes = with_controls(self.studio.service.recommended_controls(str(family)))
        form = SpeakForm(**(vars(boxes) | {"family": family, "voice": voice}))
        return list(listening(self.studio, form).updates(form))

    def choose(self, event: gr.SelectData, seen: object) -> Updates:
        """Show the text of a row of the list."""
        row = event.index[0] if isinstance(event.index, list | tuple) else event.index
        texts = seen.projects if isinstance(seen, Seen) else ()
        if not isinstance(row, int) or not 0 <= row < len(texts):
            raise TextError("This text is no longer there. Choose another one.")
        return self.view.shown(Place(texts[row]))

    def look(self, place: object) -> Updates:
        """Show what is there now: other doors make texts too."""
        return self.view.shown(place)

    def follow(self, place: object, seen: object) -> Updates:
        """Keep the tab up to date while a text is being spoken."""
        return self.view.moved(place, seen)

    def start(self, place: object) -> Updates:
        """Speak all that is new or changed; it goes on when the page is closed."""
        project = _chosen(place)
        projects = self.studio.projects
        self.studio.long_runs.start(
            (self.studio.visitor, project), lambda: projects.render(project)
        )
        return self._running(place)

    def start_chapter(self, place: object) -> Updates:
        """Speak what is new or changed of the chapter that is shown."""
        project, chapter = _chosen(place), place.chapter if isinstance(place, Place) else 0
        projects = self.studio.projects
        self.studio.long_runs.start(
            (self.studio.visitor, project), lambda: projects.render(project, chapter=chapter)
        )
        return self._running(place)

    def pause(self, place: object) -> Updates:
        """Stop speaking; the cards that are done are kept."""
        self.studio.projects.stop(_chosen(place))
        return {self.widgets.texts.status: "Stopping… What is spoken is kept."}

    def rename(self, place: object, name: object) -> Updates:
        """Call the chosen text differently."""
        self.studio.projects.rename(_chosen(place), text_name(name))
        return self.view.shown(place)

    def delete(self, place: object) -> Updates:
        """Remove the chosen text with its sounds."""
        self.studio.projects.delete(_chosen(place))
        return self.view.shown(Place())

    def choose_speaker(self, place: object, speaker: object) -> gr.Dropdown:
        """Show the voice of another speaker."""
        details = self._said_by(place, speaker)
        return self.view.voice_of(details, str(speaker))

    def assign(self, place: object, speaker: object, voice: object) -> Updates:
        """Give a speaker a voice; what they have said is to be spoken again."""
        details = self._said_by(place, speaker)
        known = self.studio.visible_voice(voice, details.family)
        changed = self.studio.projects.assign_voice(details.info.id, str(speaker), known.id)
        texts = self.widgets.texts
        return self.view.shown(place) | {
            texts.speaker: self.view.speaker_of(changed, str(speaker)),
            texts.voice: self.view.voice_of(changed, str(speaker)),
        }

    def refill(self) -> list[Any]:
        """What a page that opens is to show."""
        family = self.studio.default_family()
        new = self.widgets.new
        families = [(each.title, each.id) for each in self.studio.installed_families()]
        updates: Updates = {new.family: gr.Dropdown(choices=families, value=family)}
        if family is not None:
            voices, *boxes = self.choose_family(family)
            updates |= {new.voice: voices, new.verify: boxes[0], new.guard_drift: boxes[1]}
        if self.studio.visitor or not self.studio.settings.public:
            updates |= self.view.shown(Place())
        return [updates.get(each, gr.skip()) for each in self.refilled()]

    def refilled(self) -> list[Any]:
        """The components that `refill` fills, in its order."""
        new = self.widgets.new
        return [*self.view.outputs(), new.family, new.voice, new.verify, new.guard_drift]

    def _said_by(self, place: object, speaker: object) -> ProjectDetails:
        """The chosen text, in which this speaker says something.

        Raises:
            TextError: no text is chosen, or the speaker says nothing in it.
        """
        details = self.studio.projects.details(_chosen(place))
        if speaker not in details.speakers:
            raise TextError("This speaker says nothing in the text. Choose another one.")
        return details

    def _made(self, new: NewText) -> Updates:
        projects = self.studio.projects
        if self.studio.settings.public and len(projects.all()) >= MAX_PUBLIC_TEXTS:
            raise StorageError(f"You have {MAX_PUBLIC_TEXTS} texts here. Delete one first.")
        info = projects.create(
            new.name, new.source, family=new.family, voice=new.voice, controls=new.controls,
            language=new.language,
        )  # fmt: skip
        details = projects.details(info.id)
        try:
            check_length(sum(len(card.text) for part in details.chapters for card in part.cards),
                         self.studio)  # fmt: skip
        except TextError:
            projects.delete(info.id)
            raise
        made = self.widgets.new
        return self.view.shown(Place(info.id)) | {made.file: None, made.text: "", made.name: ""}

    def _running(self, place: object) -> Updates:
        updates = self.view.moved(place, None)
        return updates | {self.widgets.timer: gr.Timer(active=True)}

    def _voices(self, family: str) -> gr.Dropdown:
        known = self.view.voice_names(family)
        choices = [(name, identity) for identity, name in known.items()]
        return gr.Dropdown(choices=[(FIRST_VOICE, ANY_VOICE), *choices], value=ANY_VOICE)


def _chosen(place: object) -> str:
    """The id of the text that is looked at.

    Raises:
        TextError: none is.
    """
    if not isinstance(place, Place) or place.project is None:
        raise TextError(NO_TEXT)
    return place.project
