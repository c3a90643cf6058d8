"""What the chosen way of cloning needs: licences, what is missing, and how to get it."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from webui.backend.facts import CloningPart
from webui.errors import DownloadError, UserError
from webui.ui.clone_form import AUTOMATIC, COMPARE_ALL, ChosenWay, chosen_methods, parts_of
from webui.ui.clone_widgets import CloneWidgets
from webui.ui.faults import worded
from webui.ui.messages import language_name, plain, size_words
from webui.ui.models_tab import PUBLIC_WORDS
from webui.ui.studio import Studio

Updates = dict[Any, Any]
FALLBACK_LANGUAGE = "en"  # its quantizer serves languages that have none
STATES = {"available": "to be downloaded", "downloading": "downloading", "missing": "not here"}


class CloneParts:
    """Fills the choices of the form and says what each of them needs."""

    def __init__(self, studio: Studio, widgets: CloneWidgets) -> None:
        self.studio = studio
        self.widgets = widgets
        self.seen = gr.State(None)  # what there was when it was looked at last
        self.wanted = gr.State(None)  # the id of the part that the button brings

    def wire(self, moved: Callable[..., Any]) -> None:
        """Follow what is chosen, and what comes in; `moved` happens from time to time."""
        shown = self.widgets
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        gr.on(
            [shown.method.input, shown.language.input, shown.quantizer.input,
             shown.converter.input, shown.family.change],
            worded(self.choose), self.way(), self.followed(), queue=False, **quiet,
        )  # fmt: skip
        moved(
            worded(self.follow), [self.seen, *self.way()], [self.seen, *self.followed()],
            queue=False, **quiet,
        )  # fmt: skip
        shown.bring.click(
            worded(self.bring), [self.wanted], [shown.parts_note, shown.bring], **quiet
        )

    def way(self) -> list[Any]:
        """The components of `ChosenWay`, in its order."""
        shown = self.widgets
        return [shown.method, shown.language, shown.family, shown.quantizer, shown.converter]

    def followed(self) -> list[Any]:
        """The components that `choose` fills."""
        shown = self.widgets
        return [
            shown.transcript, shown.windows, shown.takes, shown.endings, shown.quantizer,
            shown.converter, shown.parts_note, shown.bring, shown.licence, self.wanted,
        ]  # fmt: skip

    def choose(self, *values: object) -> Updates:
        """Show what the chosen method asks for."""
        way, shown = ChosenWay(*values), self.widgets
        compares = way.method == COMPARE_ALL
        quantizers = parts_of(self.studio, way.family, "quantizer")
        converters = parts_of(self.studio, way.family, "converter")
        note, wanted = self._note(way)
        return {
            shown.transcript: gr.Textbox(visible=way.method in ("transcript", COMPARE_ALL)),
            shown.windows: gr.Slider(visible=compares),
            shown.takes: gr.Slider(visible=compares),
            shown.endings: gr.Slider(visible=not compares),
            shown.quantizer: _choice(quantizers, way.quantizer, "Fitting the language"),
            shown.converter: _choice(converters, way.converter, "The best that is here"),
            shown.parts_note: gr.Markdown(note, visible=bool(note)),
            shown.bring: gr.Button(
                _bring_label(wanted) if wanted else "Download", visible=wanted is not None
            ),
            shown.licence: gr.Checkbox(visible=way.needs_licence(self.studio)),
            self.wanted: wanted.id if wanted else None,
        }

    def follow(self, seen: object, *values: object) -> Updates:
        """Look whether something was brought, and say so."""
        way = ChosenWay(*values)
        known = hash(tuple((each.id, each.state) for each in self._parts(way.family)))
        if known == seen:
            return {self.seen: gr.skip()}
        return {self.seen: known, **self.choose(*values)}

    def bring(self, wanted: object) -> list[Any]:
        """Download a part; the line above the tabs says how far it is."""
        if self.studio.settings.public:
            raise DownloadError(PUBLIC_WORDS)
        for family in self.studio.installed_families():
            for part in self.studio.service.cloning_parts(family.id):
                if part.id == wanted and part.state == "available":
                    self.studio.downloads.start_part(part)
                    note = f"Downloading {part.title}. You may go on meanwhile."
                    return [gr.Markdown(plain(note), visible=True), gr.Button(visible=False)]
        raise DownloadError("This cannot be downloaded. Choose another one.")

    def refill(self) -> Updates:
        """The families, quantizers and converters that there are now."""
        families = [(family.title, family.id) for family in self.studio.installed_families()]
        family = self.studio.default_family()
        shown = self.widgets
        return {
            shown.family: gr.Dropdown(choices=families, value=family, visible=len(families) > 1),
            shown.quantizer: _choice(
                parts_of(self.studio, family, "quantizer"), None, "Fitting the language"
            ),
            shown.converter: _choice(
                parts_of(self.studio, family, "converter"), None, "The best that is here"
            ),
        }

    def refilled(self) -> list[Any]:
        """The components that `refill` fills."""
        return [self.widgets.family, self.widgets.quantizer, self.widgets.converter]

    def _parts(self, family: object) -> list[CloningPart]:
        try:
            return self.studio.service.cloning_parts(self.studio.speaking_family(family).id)
        except UserError:
            return []

    def _note(self, way: ChosenWay) -> tuple[str, CloningPart | None]:
        """What is to be known before pressing, and what could be downloaded for it."""
        try:
            methods = chosen_methods(way.method)
        except UserError:
            return "", None
        notes, wanted = [], None
        kinds = {"quantizer": "quantizer", "conversion": "converter", "transcript": ""}
        for method in methods:
            ready = parts_of(self.studio, way.family, "method")
            reason = next((each.reason for each in ready if each.id == method), "")
            chosen = _chosen(way, parts_of(self.studio, way.family, kinds[method]))
            notes += [plain(reason)] if reason else []
            notes += [_part_words(chosen)] if chosen else []
            if chosen is not None and chosen.state == "available":
                wanted = wanted or chosen
        if self.studio.settings.public:
            wanted = None
        return "  \n".join(notes), wanted


def _chosen(way: ChosenWay, parts: list[CloningPart]) -> CloningPart | None:
    """The part that would be used: the chosen one, or the one suggested for the language."""
    for part in parts:
        if part.id in (way.quantizer, way.converter):
            return part
    for code in (way.language, FALLBACK_LANGUAGE):
        fitting = [part for part in parts if not part.language or code in part.language.split()]
        ready = [part for part in fitting if part.state == "ready"]
        suggested = [part for part in ready or fitting if part.suggested]
        if fitting:
            return next(iter(suggested or ready or fitting))
    return None


def _part_words(part: CloningPart) -> str:
    """A part with its licence, and why it cannot be used yet."""
    words = [f"{part.kind.capitalize()}: {part.title}"]
    if part.language:
        words.append(", ".join(language_name(each) for each in part.language.split()))
    if part.licence:
        words.append(f"licence {part.licence}")
    if part.state in STATES:
        words.append(STATES[part.state])
    line = plain(" · ".join(words))
    if part.licence_url.startswith("https://"):
        line += f" ([read it]({part.licence_url}))"
    if part.state == "missing" and part.reason:
        line += f"  \n{plain(part.reason)}"
    return line


def _choice(parts: list[CloningPart], value: object, automatic: str) -> gr.Dropdown:
    choices = [(automatic, AUTOMATIC)]
    for part in parts:
        words = [part.title]
        if part.language:
            words.append(", ".join(language_name(each) for each in part.language.split()))
        if part.state in STATES:
            words.append(STATES[part.state])
        choices.append((" · ".join(words), part.id))
    known = {identity for _, identity in choices}
    return gr.Dropdown(choices=choices, value=value if value in known else AUTOMATIC)


def _bring_label(part: CloningPart) -> str:
    return f"Download {part.title} ({size_words(part.size_bytes)}, {part.licence})"
