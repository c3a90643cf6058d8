"""The Text-to-Speech tab: what happens when its widgets are used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from webui.audio import FORMATS
from webui.errors import SettingsError, StorageError, UserError
from webui.ui import speak_run
from webui.ui.faults import worded
from webui.ui.listening import listening
from webui.ui.messages import plain, time_words
from webui.ui.recipe_drop import dropped_form
from webui.ui.speak_form import FORM_FIELDS, SpeakForm, form_of, with_controls
from webui.ui.speak_run import Shown
from webui.ui.speak_widgets import SpeakWidgets, build_widgets
from webui.ui.studio import ANY_VOICE, Studio, voice_label
from webui.ui.take_voice import keep_take, keeping_updates
from webui.ui.takes import Take, is_owner
from webui.ui.text_facts import text_facts
from webui.ui.theme import KEEP_DRAFT, PAUSE_ALL
from webui.ui.visiting import seen_by, visited

Updates = dict[Any, Any]
OTHER_EXAMPLES = (
    "Hello, this is Bark speaking. What would you like to hear?",
    "Well [sighs] I thought the bus would come at eight. [laughs] It never did.",
    "♪ The rain is falling softly on the roof tonight ♪",
)
SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class PickedTake:
    """Which take of the list was chosen, as the browser sent it."""

    owner: object
    number: object

    def find(self, studio: Studio) -> Take:
        """Look it up among the owner's takes.

        Raises:
            StorageError: it is gone, or it is somebody else's.
        """
        if not is_owner(self.owner) or not str(self.number).isdecimal():
            raise StorageError("This take is no longer there. Speak the text again.")
        return studio.shelf.find(str(self.owner), int(str(self.number)))


@dataclass(frozen=True)
class PickedExample:
    """Which example of which family was chosen, as the browser sent it."""

    index: object
    family: object

    def text(self, studio: Studio) -> str:
        """Look it up.

        Raises:
            SettingsError: there is no such example.
        """
        examples = examples_of(studio, self.family)
        index = self.index
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(examples):
            raise SettingsError("This example is no longer there.")
        return examples[index]


class SpeakTab:
    """Builds the tab and answers its events."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.widgets: SpeakWidgets = build_widgets(studio.has_ffmpeg)

    def wire(self, owner: gr.State, draft: gr.BrowserState) -> None:
        """Connect the widgets to the handlers."""
        shown = self.widgets
        result = [
            shown.speak, shown.stop, shown.status, shown.empty, shown.live, shown.player,
            *shown.downloads, shown.again, shown.takes, *shown.keeping.shown(),
        ]  # fmt: skip
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        shown.speak.click(
            self.speak, [owner, *shown.form], result, concurrency_limit=None,
            concurrency_id="speak", **quiet,
        )  # fmt: skip
        shown.stop.click(self.stop, None, [shown.status], queue=False, js=PAUSE_ALL, **quiet)
        shown.live.stop(lambda: gr.Audio(visible=False), None, [shown.live], queue=False, **quiet)
        changes = [
            shown.family.input(
                worded(visited(self.choose_family)), [owner, *shown.form],
                [*shown.form, shown.examples], **quiet,
            ),
            shown.voice.input(
                worded(visited(self.choose_voice)), [owner, *shown.form],
                [shown.check_words, shown.keep_voice], **quiet,
            ),
            shown.reset.click(
                worded(visited(self.reset)), [owner, *shown.form], [*shown.form], **quiet
            ),
            shown.examples.click(
                worded(self.choose_example), [shown.examples, shown.family], [shown.text], **quiet
            ),
            shown.takes.select(
                worded(self.choose_take), [owner],
                [*shown.form, shown.examples, shown.player, *shown.downloads, shown.again,
                 *shown.keeping.shown()], **quiet,
            ),
            shown.drop.zone.upload(
                worded(visited(self.take_back)), [owner, shown.drop.zone],
                [*shown.form, shown.examples, shown.drop.zone, shown.drop.status], **quiet,
            ),
        ]  # fmt: skip
        keeping = shown.keeping
        self.kept_voice = keeping.save.click(
            worded(partial(keep_take, self.studio)), [owner, keeping.take, keeping.name],
            [keeping.status], **quiet,
        )  # fmt: skip
        for change in changes:
            self.keep_draft_after(change.then, draft)
        for widget in shown.form:
            self.keep_draft_after(widget.input, draft)  # type: ignore[attr-defined]
        # What is pasted or dictated counts as a change only.
        self.keep_draft_after(shown.text.change, draft)
        gr.on(
            [shown.text.change, shown.family.change], self.tell_facts,
            [shown.text, shown.family], [shown.facts], queue=False,
            trigger_mode="always_last", **quiet,
        )  # fmt: skip

    def keep_draft_after(self, event: Callable[..., Any], draft: gr.BrowserState) -> None:
        """Let the browser store the form when something has changed it."""
        event(
            None, [*self.widgets.form, draft], [draft], js=KEEP_DRAFT, queue=False,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip

    def tell_facts(self, *values: object) -> str:
        """Say how long the text is and about how long it takes, before anybody presses Speak."""
        text, family = values
        studio = self.studio
        return text_facts(text, family, studio.settings.max_text_characters, studio.pace)

    def speak(self, request: gr.Request, owner: object, *values: object) -> Iterator[Updates]:
        """Say the text; the page changes as the work goes on."""
        form = SpeakForm(*values)
        if not is_owner(owner):
            yield {self.widgets.status: "**Please reload the page once.** Your text is kept."}
            return
        page, studio = request.session_hash or "", self.studio.for_visitor(owner)
        for shown in speak_run.speak(studio, form, str(owner), page):
            yield self._updates(shown, str(owner))

    def stop(self, request: gr.Request) -> str:
        """Ask this page's job to stop; it answers itself when it has."""
        stopping = self.studio.desk.stop(request.session_hash or "")
        return "Stopping…" if stopping else "Nothing is being spoken."

    def choose_family(self, *values: object) -> list[Any]:
        """Refill the voices, the examples and the family's own controls."""
        form = SpeakForm(*values)
        family = self.studio.speaking_family(form.family).id
        own = with_controls(self.studio.service.recommended_controls(family))
        known = {voice.id for voice in self.studio.visible_voices(family)}
        voice = form.voice if form.voice in known else ANY_VOICE
        changed = replace(own, text=form.text, voice=voice, family=family, seed=form.seed)
        return [*self.form_updates(changed, keep_text=True), self.examples_update(family)]

    def choose_voice(self, *values: object) -> list[gr.Checkbox]:
        """Offer to listen where something here understands the voice's language."""
        form = SpeakForm(*values)
        return list(listening(self.studio, form).updates(form))

    def reset(self, *values: object) -> list[Any]:
        """Set the controls to what the family asks for."""
        form = SpeakForm(*values)
        family = self.studio.speaking_family(form.family).id
        own = with_controls(self.studio.service.recommended_controls(family))
        changed = replace(own, text=form.text, voice=form.voice, family=family)
        return self.form_updates(changed, keep_text=True)

    def choose_example(self, *values: object) -> str:
        """Put an example into the text box."""
        picked = PickedExample(*values)
        return picked.text(self.studio)

    def take_back(self, *values: object) -> list[Any]:
        """Fill the form as a dropped file says that its speech was made; empty the zone again."""
        (dropped,) = values
        try:
            form, said = dropped_form(self.studio, dropped)
        except UserError as fault:
            skipped = [gr.skip() for _ in range(len(FORM_FIELDS) + 1)]
            return [*skipped, None, f"**{plain(str(fault))}**"]
        return [*self.form_updates(form), self.examples_update(form.family), None, said]

    def choose_take(self, event: gr.SelectData, owner: object) -> list[Any]:
        """Show a take again and set all its settings, its seed too."""
        picked = PickedTake(owner, _first(event.row_value))
        take = picked.find(self.studio)
        form = form_of(take.order)
        family = str(form.family)
        return [
            *seen_by(self, owner).form_updates(form),
            self.examples_update(family),
            self._player(take, autoplay=True),
            *self._downloads(take),
            _take_notes(take),
            *keeping_updates(self.studio, take),
        ]

    def form_updates(self, form: SpeakForm, keep_text: bool = False) -> list[Any]:
        """What to send to the form's widgets, in their order; the choices are filled anew."""
        updates: list[Any] = form.values()
        families = [(family.title, family.id) for family in self.studio.installed_families()]
        known = {identity for _, identity in families}
        family = form.family if form.family in known else None
        voices = self.voice_choices(str(family)) if family else [("Any voice", ANY_VOICE)]
        voice = form.voice if form.voice in {identity for _, identity in voices} else ANY_VOICE
        updates[0] = gr.skip() if keep_text else form.text
        updates[1] = gr.Dropdown(choices=voices, value=voice)
        updates[2] = gr.Dropdown(choices=families, value=family)
        words, drift = listening(self.studio, replace(form, voice=voice)).updates(form)
        updates[FORM_FIELDS.index("verify")] = words
        updates[FORM_FIELDS.index("guard_drift")] = drift
        return updates

    def voice_choices(self, family: str) -> list[tuple[str, str]]:
        """The voices that can speak with a family, a visitor's own ones first."""
        voices = [voice for voice in self.studio.visible_voices(family) if not voice.broken]
        voices.sort(key=lambda voice: (voice.source != "own", voice.name.casefold()))
        return [("Any voice", ANY_VOICE), *((voice_label(each), each.id) for each in voices)]

    def examples_update(self, family: object) -> gr.Dataset:
        """The examples of a family; hidden when it has none."""
        examples = examples_of(self.studio, family)
        return gr.Dataset(samples=[[each] for each in examples] or [[""]], visible=bool(examples))

    def takes_update(self, owner: str) -> gr.Dataframe:
        """The list of an owner's takes; hidden while it is empty."""
        takes = self.studio.shelf.list(owner)
        rows = [
            [str(take.number), _cut(take.order.text), take.voice_name, f"{take.seconds:.1f} s"]
            for take in takes
        ]
        return gr.Dataframe(value=rows, visible=bool(rows))

    def refill(self, form: SpeakForm, owner: str) -> list[Any]:
        """What a page that opens is to show: the form, the examples, the last take, the list."""
        takes = self.studio.shelf.list(owner)
        last = takes[0] if takes else None
        player = self._player(last, autoplay=False) if last else gr.skip()
        downloads = self._downloads(last) if last else [gr.skip() for _ in FORMATS]
        return [
            *self.form_updates(form),
            self.examples_update(form.family),
            gr.Markdown(visible=last is None),
            player,
            *downloads,
            _take_notes(last) if last else gr.skip(),
            *keeping_updates(self.studio, last),
            self.takes_update(owner),
            gr.Button(interactive=self.can_speak()),
        ]

    def refilled(self) -> list[gr.components.Component | gr.Accordion]:
        """The components that `refill` fills, in its order."""
        shown = self.widgets
        return [
            *shown.form, shown.examples, shown.empty, shown.player, *shown.downloads, shown.again,
            *shown.keeping.shown(), shown.takes, shown.speak,
        ]  # fmt: skip

    def can_speak(self) -> bool:
        """Whether any family is there to speak."""
        return bool(self.studio.installed_families())

    def _updates(self, shown: Shown, owner: str) -> Updates:
        """Translate a change into what Gradio wants."""
        widgets = self.widgets
        if shown.sound is not None:
            return {widgets.live: shown.sound}
        updates: Updates = {
            widgets.speak: gr.Button(interactive=not shown.running),
            widgets.stop: gr.Button(visible=shown.running),
        }
        if shown.status is not None:
            updates[widgets.status] = shown.status
        if shown.starting:
            updates[widgets.live] = gr.Audio(value=None, visible=self.studio.has_ffmpeg)
            updates[widgets.empty] = gr.Markdown(visible=False)
        if not shown.running and not shown.played:
            updates[widgets.live] = gr.Audio(visible=False)
        if shown.take is not None and not shown.formats_ready:
            updates[widgets.player] = self._player(shown.take, autoplay=not shown.heard)
            updates[widgets.again] = _take_notes(shown.take)
            updates[widgets.takes] = self.takes_update(owner)
            keeping = keeping_updates(self.studio, shown.take)
            updates |= dict(zip(widgets.keeping.shown(), keeping, strict=True))
        if shown.take is not None:
            updates |= dict(zip(widgets.downloads, self._downloads(shown.take), strict=True))
        return updates

    def _player(self, take: Take, autoplay: bool) -> gr.Audio:
        return gr.Audio(
            value=str(take.file("wav")), label=take.title, visible=True, autoplay=autoplay
        )

    def _downloads(self, take: Take) -> list[gr.DownloadButton]:
        made = [take.file(each) if take.file(each).exists() else None for each in FORMATS]
        return [
            gr.DownloadButton(value=str(file) if file else None, visible=file is not None)
            for file in made
        ]


def examples_of(studio: Studio, family: object) -> tuple[str, ...]:
    """Texts that a family can speak: its own, or for a real Bark some that show what it can."""
    try:
        known = studio.speaking_family(family)
    except UserError:
        return ()
    return known.examples or (() if known.is_demo else OTHER_EXAMPLES)


def _take_notes(take: Take) -> gr.Markdown:
    """What lies in the files of a take."""
    words = (
        f"{take.seconds:.1f} s, computed in {time_words(take.compute_seconds)} by {take.family}. "
        "The files hold text, voice, seed and all settings."
    )
    return gr.Markdown(plain(words), visible=True)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}…"


def _first(row: object) -> object:
    return row[0] if isinstance(row, list) and row else None
