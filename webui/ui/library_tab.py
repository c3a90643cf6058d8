"""The Speaker Library tab: all voices in one list, one player, one way to the voice in use."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from webui.backend.facts import VoiceInfo
from webui.errors import VoiceNotFoundError
from webui.ui.faults import worded, worded_stream
from webui.ui.library_actions import LibraryActions, Updates
from webui.ui.library_hearing import LibraryHearing
from webui.ui.library_widgets import (
    BY_DATE,
    BY_LANGUAGE,
    BY_LENGTH,
    BY_NAME,
    EVERYTHING,
    LibraryWidgets,
    build_library_widgets,
)
from webui.ui.library_words import ALL, BUILT_IN, FAVOURITES, MINE, found_by, nothing_words, row_of
from webui.ui.messages import language_name
from webui.ui.owners import can_sign_in
from webui.ui.speak_form import SpeakForm, with_controls
from webui.ui.speak_tab import SpeakTab
from webui.ui.studio import ANY_VOICE, Studio
from webui.ui.visiting import seen_by, visited

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
MAX_SEARCH_CHARACTERS = 200


@dataclass(frozen=True)
class VoiceFilter:
    """What narrows and orders the list, as the browser sent it."""

    shown: object = ALL
    search: object = ""
    family: object = EVERYTHING
    language: object = EVERYTHING
    order: object = BY_NAME

    def lets_through(self, voice: VoiceInfo) -> bool:
        """Whether a voice is to be listed."""
        kinds = {
            MINE: voice.source == "own",
            FAVOURITES: voice.favourite,
            BUILT_IN: voice.source != "own",
        }
        search = self.search[:MAX_SEARCH_CHARACTERS] if isinstance(self.search, str) else ""
        return (
            kinds.get(str(self.shown), True)
            and self.family in (EVERYTHING, voice.family)
            and self.language in (EVERYTHING, voice.language)
            and found_by(voice, search)
        )

    def sorted(self, voices: list[VoiceInfo]) -> list[VoiceInfo]:
        """The voices in the order that was asked for."""
        voices = sorted(voices, key=lambda each: (each.source != "own", each.name.casefold()))
        if self.order == BY_DATE:
            voices.sort(key=lambda each: each.created, reverse=True)
        elif self.order == BY_LENGTH:
            voices.sort(key=lambda each: each.seconds or 0, reverse=True)
        elif self.order == BY_LANGUAGE:
            voices.sort(key=lambda each: language_name(each.language))
        return voices


@dataclass(frozen=True)
class PickedVoice:
    """A row of the list: the ids that were listed, and which of them was chosen."""

    listed: object
    row: object

    def voice_id(self) -> str:
        """The id of the row.

        Raises:
            VoiceNotFoundError: there is no such row.
        """
        listed, row = self.listed, self.row
        if isinstance(listed, tuple) and isinstance(row, int) and 0 <= row < len(listed):
            return str(listed[row])
        raise VoiceNotFoundError("This voice is no longer there. Pick another one.")


class LibraryTab:
    """Builds the tab and answers its events."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        settings = studio.settings
        self.widgets: LibraryWidgets = build_library_widgets(
            settings.public, can_sign_in(settings) and bool(settings.voices_repo)
        )
        self.actions = LibraryActions(studio, self.widgets)
        self.hearing = LibraryHearing(studio, self.widgets)

    def wire(
        self, speak_tab: SpeakTab, tabs: gr.Tabs, owner: gr.State, draft: gr.BrowserState
    ) -> None:
        """Connect the widgets to the handlers."""
        shown = self.widgets
        filters, listing = shown.filters.all(), shown.listing()
        chosen = (shown.filters.shown, shown.filters.family, shown.filters.language)
        narrowed = [each.input for each in (*chosen, shown.filters.order)]
        narrowed.append(shown.filters.search.change)  # what is pasted counts as a change only
        gr.on(
            narrowed, worded(visited(self.filter)), [owner, *filters], listing,
            trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        shown.clear.click(worded(visited(self.refill)), [owner], self.refilled(), **QUIET)
        picked = shown.table.select(
            worded(visited(self.choose)), [owner, shown.listed], self.actions.outputs(), **QUIET
        )
        picked.success(
            worded_stream(visited(self.hearing.play)), [owner, shown.chosen],
            self.hearing.outputs(), **QUIET,
        )  # fmt: skip
        form = speak_tab.widgets.form
        used = shown.use.click(
            worded(self.use_voice(speak_tab)), [owner, shown.chosen, *form],
            [tabs, *form, speak_tab.widgets.examples], **QUIET,
        )  # fmt: skip
        speak_tab.keep_draft_after(used.then, draft)
        self._wire_hearing(owner)
        self._wire_actions(speak_tab, owner)

    def _wire_hearing(self, owner: gr.State) -> None:
        shown, hearing = self.widgets, self.hearing
        cut = [shown.chosen, shown.cut.start, shown.cut.end]
        blend = [shown.chosen, shown.blend.other, shown.blend.share]
        for button, handler, values in (
            (shown.line, hearing.read_line, [shown.chosen]),
            (shown.cut.hear, hearing.hear_cut, cut),
            (shown.blend.hear, hearing.hear_blend, blend),
        ):
            heard = worded_stream(visited(handler))
            button.click(heard, [owner, *values], hearing.outputs(), **QUIET)

    def _wire_actions(self, speak_tab: SpeakTab, owner: gr.State) -> None:
        shown, actions, about = self.widgets, self.actions, self.widgets.about
        cut, blend = shown.cut, shown.blend
        said = [shown.chosen, about.name, about.tags, about.language, about.notes]
        cutting = [shown.chosen, cut.start, cut.end, cut.name]
        blending = [shown.chosen, blend.other, blend.share, blend.name]
        for moment, handler, values in (
            (shown.favourite.click, actions.toggle_favourite, [shown.chosen]),
            (about.save.click, actions.save_about, said),
            (shown.duplicate.click, actions.duplicate, [shown.chosen]),
            (shown.repair.click, actions.repair, [shown.chosen]),
            (shown.delete.click, actions.delete, [shown.chosen]),
            (shown.undo.click, actions.undo, [shown.deleted]),
            (cut.keep.click, actions.keep_cut, cutting),
            (blend.keep.click, actions.keep_blend, blending),
            (shown.upload.upload, actions.import_files, [shown.upload]),
        ):
            done = worded(visited(handler))
            changed = moment(done, [owner, *values], actions.outputs(), **QUIET)
            self._list_after(changed, speak_tab, owner)
        self._list_after(speak_tab.kept_voice, speak_tab, owner)
        shown.undo_timer.tick(worded(actions.end_undo), None, actions.outputs(), **QUIET)

    def _list_after(
        self, changed: gr.events.Dependency, speak_tab: SpeakTab, owner: gr.State
    ) -> None:
        """List the voices anew, here and where texts are spoken, when one has changed."""
        shown, speaking = self.widgets, speak_tab.widgets
        listed = changed.success(
            worded(visited(self.filter)), [owner, *shown.filters.all()], shown.listing(), **QUIET
        )
        listed.success(
            worded(self.offered(speak_tab)),
            [owner, speaking.family, speaking.voice], [speaking.voice], **QUIET,
        )  # fmt: skip

    def filter(self, *values: object) -> list[Any]:
        """List the voices that pass the filters."""
        wanted = VoiceFilter(*values)
        passing = [each for each in self.studio.visible_voices() if wanted.lets_through(each)]
        voices = wanted.sorted(passing)
        return [
            gr.Dataframe(value=[row_of(voice) for voice in voices], visible=bool(voices)),
            gr.Markdown(nothing_words(wanted.shown, wanted.search), visible=not voices),
            gr.Button(visible=not voices),
            tuple(voice.id for voice in voices),
        ]

    def choose(self, event: gr.SelectData, listed: object) -> Updates:
        """Show a voice; it is played next."""
        picked = PickedVoice(listed, _row_number(event.index))
        voice = self.studio.visible_voice(picked.voice_id())
        card = self.actions.card(voice)
        if voice.broken:
            return {**card, self.widgets.player: gr.Audio(value=None, visible=False)}
        return card

    def use_voice(self, speak_tab: SpeakTab) -> Callable[..., list[Any]]:
        """Make the handler that carries a visitor's voice over to the Text-to-Speech tab."""

        def use(owner: object, chosen: object, *values: object) -> list[Any]:
            form, tab = SpeakForm(*values), seen_by(speak_tab, owner)
            voice = tab.studio.visible_voice(chosen)
            family = tab.studio.speaking_family(voice.family).id
            if family != form.family:
                own = with_controls(tab.studio.service.recommended_controls(family))
                form = replace(own, text=form.text, seed=form.seed)
            form = replace(form, family=family, voice=voice.id)
            updates = tab.form_updates(form, keep_text=True)
            return [gr.Tabs(selected="tts"), *updates, tab.examples_update(family)]

        return use

    def offered(self, speak_tab: SpeakTab) -> Callable[..., gr.Dropdown]:
        """Make the handler that offers the voices as they are now on the Text-to-Speech tab."""

        def offer(owner: object, family: object, voice: object) -> gr.Dropdown:
            tab = seen_by(speak_tab, owner)
            choices = tab.voice_choices(tab.studio.speaking_family(family).id)
            known = str(voice) if voice in {identity for _, identity in choices} else ANY_VOICE
            return gr.Dropdown(choices=choices, value=known)

        return offer

    def refill(self) -> list[Any]:
        """What a page that opens is to show."""
        voices = self.studio.visible_voices()
        titles = {family.id: family.title for family in self.studio.service.families()}
        families = sorted({voice.family for voice in voices})
        languages = sorted({voice.language for voice in voices}, key=language_name)
        family_choices = [(titles.get(each, each), each) for each in families]
        language_choices = [(language_name(each) or "Not known", each) for each in languages]
        return [
            ALL,
            "",
            gr.Dropdown(choices=[("All families", EVERYTHING), *family_choices], value=EVERYTHING),
            gr.Dropdown(
                choices=[("All languages", EVERYTHING), *language_choices], value=EVERYTHING
            ),
            BY_NAME,
            *self.filter(),
        ]

    def refilled(self) -> list[gr.components.Component]:
        """The components that `refill` fills, in its order."""
        return [*self.widgets.filters.all(), *self.widgets.listing()]


def _row_number(index: object) -> object:
    if isinstance(index, list | tuple) and index:
        return index[0]
    return index
