"""What the Speaker Library lets be heard: a voice itself, a line it reads, a part, a blend."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.arrays import Waveform
from webui.backend.facts import VoiceInfo
from webui.backend.requests import SpeakOrder
from webui.errors import SettingsError, UserError
from webui.events import Cancelled, Done, Failed, Progress
from webui.ui.library_widgets import LibraryWidgets
from webui.ui.messages import fault_words, plain, progress_words
from webui.ui.playing import heard
from webui.ui.studio import Studio

Updates = dict[Any, Any]
MAX_SECONDS = 3_600.0
LINES = {
    "en": "The night is cold and the wind is strong.",
    "de": "Die Nacht ist kalt und der Wind ist stark.",
    "es": "La noche es fría y el viento es fuerte.",
    "fr": "La nuit est froide et le vent est fort.",
    "it": "La notte è fredda e il vento è forte.",
    "pl": "Noc jest zimna, a wiatr jest silny.",
    "pt": "A noite está fria e o vento está forte.",
    "tr": "Gece soğuk ve rüzgâr güçlü.",
}


@dataclass(frozen=True)
class CutForm:
    """Which part of which voice, as the browser sent it."""

    voice: object
    start: object
    end: object
    name: object = ""

    def span(self) -> tuple[float, float]:
        """From when to when, in seconds.

        Raises:
            SettingsError: these are no times.
        """
        return _number(self.start, "The beginning"), _number(self.end, "The end")


@dataclass(frozen=True)
class BlendForm:
    """Which two voices, and how much of the second, as the browser sent it."""

    voice: object
    other: object
    share: object
    name: object = ""

    def amount(self) -> float:
        """The second voice's share.

        Raises:
            SettingsError: it is no number.
        """
        return _number(self.share, "The share")


class LibraryHearing:
    """Answers everything that fills the player."""

    def __init__(self, studio: Studio, widgets: LibraryWidgets) -> None:
        self.studio = studio
        self.widgets = widgets

    def outputs(self) -> list[gr.components.Component]:
        """What the handlers change."""
        return [self.widgets.player, self.widgets.status]

    def play(self, chosen: object) -> Iterator[Updates]:
        """Let the chosen voice be heard as its codes hold it."""
        if chosen is None:
            yield self._nothing("")
            return
        voice = self.studio.visible_voice(chosen)
        yield from self._played(
            f"{voice.name}", "Making its sound…", lambda: self.studio.preview(voice)
        )

    def read_line(self, request: gr.Request, chosen: object) -> Iterator[Updates]:
        """Let the chosen voice speak a fixed sentence."""
        voice = self.studio.visible_voice(chosen)
        family = self.studio.speaking_family(voice.family)
        text = LINES.get(voice.language or "en", LINES["en"])
        if family.is_demo and family.examples:
            text = family.examples[0]
        controls = self.studio.service.recommended_controls(family.id)
        arrays = self.studio.arrays_of(voice, family.id)
        order = SpeakOrder(
            text, family.id, voice.id, controls, voice.language or "en", speaker=arrays
        )
        page = request.session_hash or ""
        token = self.studio.desk.start(page)
        try:
            for event in self.studio.service.speak(order, token):
                if isinstance(event, Progress):
                    yield {self.widgets.status: progress_words(event)}
                elif isinstance(event, Failed):
                    yield self._nothing(f"**{plain(event.message)}**")
                elif isinstance(event, Cancelled):
                    yield self._nothing("Stopped.")
                elif isinstance(event, Done) and event.result is not None:
                    sound = event.result.waveform, event.result.sample_rate
                    yield self._heard(f"{voice.name} reads: {text}", sound)
        finally:
            self.studio.desk.finish(page, token)

    def hear_cut(self, *values: object) -> Iterator[Updates]:
        """Let a part of the chosen voice be heard before it is kept."""
        form = CutForm(*values)
        voice = self.studio.visible_voice(form.voice)
        start, end = form.span()
        yield from self._played(
            f"{voice.name}, {start:.1f} to {end:.1f} s", "Cutting…",
            lambda: self.studio.voices.library.preview_crop(voice.id, start, end),
        )  # fmt: skip

    def hear_blend(self, *values: object) -> Iterator[Updates]:
        """Let a blend be heard before it is kept."""
        form = BlendForm(*values)
        voice, other = two_voices(self.studio, form)
        share = form.amount()
        yield from self._played(
            f"{1 - share:.0%} {voice.name}, {share:.0%} {other.name}", "Blending…",
            lambda: self.studio.voices.library.preview_blend(voice.id, other.id, share),
        )  # fmt: skip

    def _played(
        self, title: str, waiting: str, make: Callable[[], tuple[Waveform, int]]
    ) -> Iterator[Updates]:
        yield {self.widgets.status: waiting}
        try:
            sound = make()
        except UserError as fault:
            yield self._nothing(f"**{plain(fault_words(fault))}**")
            return
        yield self._heard(title, sound)

    def _heard(self, title: str, sound: tuple[Waveform, int]) -> Updates:
        waveform, rate = sound
        player = gr.Audio(value=heard(waveform, rate), visible=True, autoplay=True, label=title)
        return {self.widgets.player: player, self.widgets.status: ""}

    def _nothing(self, words: str) -> Updates:
        return {
            self.widgets.player: gr.Audio(value=None, visible=False),
            self.widgets.status: words,
        }


def two_voices(studio: Studio, form: BlendForm) -> tuple[VoiceInfo, VoiceInfo]:
    """Look both voices of a blend up.

    Raises:
        UserError: one of them is not there, or none was chosen.
    """
    if not form.other:
        raise SettingsError("Choose the other voice first.")
    return studio.visible_voice(form.voice), studio.visible_voice(form.other)


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{what} must be a number.")
    if not 0 <= value <= MAX_SECONDS:
        raise SettingsError(f"{what} cannot be {value:g}.")
    return float(value)
