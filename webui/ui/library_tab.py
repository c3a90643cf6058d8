"""The Speaker Library tab: all voices in one list, one player, one way to the voice in use."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np

from webui.backend.facts import VoiceInfo
from webui.errors import VoiceNotFoundError
from webui.ui.faults import worded
from webui.ui.messages import language_name, plain
from webui.ui.speak_form import SpeakForm, with_controls
from webui.ui.speak_tab import SpeakTab
from webui.ui.studio import Studio

EVERYTHING = "all"
HEAD = ["Name", "Language", "Kind"]
KINDS = {"own": "Your own", "builtin": "Built in", "preset": "Comes with Bark"}
NO_CHOICE = "Choose a voice in the list to hear it."
NO_VOICES = "No voice fits. Choose other filters above."


@dataclass(frozen=True)
class VoiceFilter:
    """The two filters, as the browser sent them."""

    family: object
    language: object

    def lets_through(self, voice: VoiceInfo) -> bool:
        """Whether a voice is to be listed."""
        return self.family in (EVERYTHING, voice.family) and self.language in (
            EVERYTHING,
            voice.language,
        )


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
        with gr.Row():
            self.family = gr.Dropdown(
                label="Family", choices=[("All families", EVERYTHING)], value=EVERYTHING,
                elem_id="library-family", min_width=140,
            )  # fmt: skip
            self.language = gr.Dropdown(
                label="Language", choices=[("All languages", EVERYTHING)], value=EVERYTHING,
                elem_id="library-language", min_width=140,
            )  # fmt: skip
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self.table = gr.Dataframe(
                    headers=HEAD, value=[], interactive=False, label="Voices", buttons=[],
                    show_search="search", elem_id="voices", type="array", max_height=480,
                    column_widths=["34%", "30%", "36%"],
                )  # fmt: skip
                self.nothing = gr.Markdown(NO_VOICES, visible=False)
            with gr.Column(scale=2, min_width=300):
                self.details = gr.Markdown(NO_CHOICE, elem_id="voice-details")
                self.player = gr.Audio(
                    label="Preview", interactive=False, visible=False, buttons=[],
                    elem_id="preview",
                )  # fmt: skip
                self.use = gr.Button("Use this voice", variant="primary", visible=False)
        self.listed = gr.State(())
        self.chosen = gr.State(None)

    def wire(self, speak_tab: SpeakTab, tabs: gr.Tabs, draft: gr.BrowserState) -> None:
        """Connect the widgets to the handlers."""
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        filters = [self.family, self.language]
        listing: list[gr.components.Component] = [self.table, self.nothing, self.listed]
        gr.on(
            [self.family.input, self.language.input], worded(self.filter), filters, listing, **quiet
        )
        self.table.select(
            worded(self.choose), [self.listed],
            [self.chosen, self.details, self.player, self.use], **quiet,
        )  # fmt: skip
        form = speak_tab.widgets.form
        used = self.use.click(
            worded(self.use_voice(speak_tab)), [self.chosen, *form],
            [tabs, *form, speak_tab.widgets.examples], **quiet,
        )  # fmt: skip
        speak_tab.keep_draft_after(used.then, draft)

    def filter(self, *values: object) -> list[Any]:
        """List the voices that pass the filters."""
        wanted = VoiceFilter(*values)
        voices = [each for each in self.studio.visible_voices() if wanted.lets_through(each)]
        voices.sort(key=lambda each: (each.source != "own", each.name.casefold()))
        rows = [self._row(voice) for voice in voices]
        return [
            gr.Dataframe(value=rows),
            gr.Markdown(visible=not rows),
            tuple(voice.id for voice in voices),
        ]

    def choose(self, event: gr.SelectData, listed: object) -> list[Any]:
        """Show a voice and play it."""
        picked = PickedVoice(listed, _row_number(event.index))
        voice = self.studio.visible_voice(picked.voice_id())
        if voice.broken:
            words = f"**{plain(voice.name)}** cannot be used: {plain(voice.broken)}"
            return [None, words, gr.Audio(value=None, visible=False), gr.Button(visible=False)]
        waveform, rate = self.studio.service.preview(voice.id)
        sound = gr.Audio(
            value=(rate, np.round(waveform.clip(-1, 1) * 32_767).astype(np.int16)),
            visible=True,
            autoplay=True,
            label=f"Preview of {voice.name}",
        )
        return [voice.id, _details(voice), sound, gr.Button(visible=True)]

    def use_voice(self, speak_tab: SpeakTab) -> Callable[..., list[Any]]:
        """Make the handler that carries a voice over to the Text-to-Speech tab."""

        def use(chosen: object, *values: object) -> list[Any]:
            form = SpeakForm(*values)
            voice = self.studio.visible_voice(chosen)
            family = self.studio.speaking_family(voice.family).id
            if family != form.family:
                own = with_controls(self.studio.service.recommended_controls(family))
                form = replace(own, text=form.text, seed=form.seed)
            form = replace(form, family=family, voice=voice.id)
            updates = speak_tab.form_updates(form, keep_text=True)
            return [gr.Tabs(selected="tts"), *updates, speak_tab.examples_update(family)]

        return use

    def refill(self) -> list[Any]:
        """What a page that opens is to show."""
        voices = self.studio.visible_voices()
        titles = {family.id: family.title for family in self.studio.service.families()}
        families = sorted({voice.family for voice in voices})
        languages = sorted({voice.language for voice in voices}, key=language_name)
        family_choices = [(titles.get(each, each), each) for each in families]
        language_choices = [(language_name(each), each) for each in languages]
        return [
            gr.Dropdown(choices=[("All families", EVERYTHING), *family_choices], value=EVERYTHING),
            gr.Dropdown(
                choices=[("All languages", EVERYTHING), *language_choices], value=EVERYTHING
            ),
            *self.filter(EVERYTHING, EVERYTHING),
        ]

    def refilled(self) -> list[gr.components.Component]:
        """The components that `refill` fills, in its order."""
        return [self.family, self.language, self.table, self.nothing, self.listed]

    def _row(self, voice: VoiceInfo) -> list[str]:
        mark = "⚠ " if voice.broken else ""
        kind = "Not usable" if voice.broken else KINDS[voice.source]
        return [f"{mark}{voice.name}", language_name(voice.language), f"{kind} · {voice.family}"]


def _details(voice: VoiceInfo) -> str:
    facts = [f"**{plain(voice.name)}** · {plain(language_name(voice.language))}"]
    facts[0] += f" · {KINDS[voice.source].lower()} · family {plain(voice.family)}"
    if voice.tags:
        facts.append(f"Tags: {plain(', '.join(voice.tags))}")
    if voice.seconds is not None:
        facts.append(f"Made of {voice.seconds:.1f} s of speech")
    if voice.method:
        facts.append(f"Method: {plain(voice.method)}")
    if voice.created:
        facts.append(f"Made on {plain(voice.created[:10])}")
    if voice.notes:
        facts.append(plain(voice.notes))
    return "  \n".join(facts)


def _row_number(index: object) -> object:
    if isinstance(index, list | tuple) and index:
        return index[0]
    return index
