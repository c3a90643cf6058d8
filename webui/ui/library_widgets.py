"""The widgets of the Speaker Library tab: the list on the left, one voice on the right."""

from dataclasses import dataclass, field

import gradio as gr

from webui.ui.forgetting import ForgettingWidgets, build_forgetting
from webui.ui.library_words import ALL, NO_CHOICE, NO_VOICES, PUBLIC_NOTE, SHOWN
from webui.ui.messages import LANGUAGES

EVERYTHING = "all"
HEAD = ["Name", "Language", "Kind and labels"]
BY_NAME, BY_DATE, BY_LENGTH, BY_LANGUAGE = "name", "date", "length", "language"
ORDERS = (
    ("Own first, by name", BY_NAME),
    ("Newest first", BY_DATE),
    ("Longest first", BY_LENGTH),
    ("By language", BY_LANGUAGE),
)
UNDO_SECONDS = 30
NEW_NAME = "Name of the new voice"
NAME_INFO = "Empty chooses one."


@dataclass(frozen=True)
class FilterWidgets:
    """What narrows and orders the list, in the order of `VoiceFilter`."""

    shown: gr.Radio
    search: gr.Textbox
    family: gr.Dropdown
    language: gr.Dropdown
    order: gr.Dropdown

    def all(self) -> list[gr.components.Component]:
        """All of them, in order."""
        return [self.shown, self.search, self.family, self.language, self.order]


@dataclass(frozen=True)
class AboutWidgets:
    """What can be said about an own voice."""

    fold: gr.Accordion
    name: gr.Textbox
    tags: gr.Textbox
    language: gr.Dropdown
    notes: gr.Textbox
    save: gr.Button


@dataclass(frozen=True)
class CutWidgets:
    """A part of a voice."""

    fold: gr.Accordion
    start: gr.Number
    end: gr.Number
    name: gr.Textbox
    hear: gr.Button
    keep: gr.Button


@dataclass(frozen=True)
class BlendWidgets:
    """A voice mixed with another one."""

    fold: gr.Accordion
    other: gr.Dropdown
    share: gr.Slider
    name: gr.Textbox
    hear: gr.Button
    keep: gr.Button


@dataclass(frozen=True)
class LibraryWidgets:
    """All components of the tab."""

    filters: FilterWidgets
    upload: gr.UploadButton
    table: gr.Dataframe
    nothing: gr.Markdown
    clear: gr.Button
    undo_row: gr.Row
    undo_words: gr.Markdown
    undo: gr.Button
    undo_timer: gr.Timer
    status: gr.Markdown
    details: gr.Markdown
    player: gr.Audio
    use: gr.Button
    line: gr.Button
    changes: gr.Row
    favourite: gr.Button
    duplicate: gr.Button
    export: gr.DownloadButton
    repair: gr.Button
    delete: gr.Button
    about: AboutWidgets
    cut: CutWidgets
    blend: BlendWidgets
    forgetting: ForgettingWidgets | None  # on a public page
    listed: gr.State = field(default_factory=lambda: gr.State(()))
    chosen: gr.State = field(default_factory=lambda: gr.State(None))
    deleted: gr.State = field(default_factory=lambda: gr.State(None))

    def listing(self) -> list[gr.components.Component]:
        """What shows the list."""
        return [self.table, self.nothing, self.clear, self.listed]


def build_library_widgets(is_public: bool, accounts_last: bool = False) -> LibraryWidgets:
    """Lay the tab out; a public page tells what it keeps of a visitor, and can forget it."""
    filters, upload = _filters()
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            table = gr.Dataframe(
                headers=HEAD, value=[], interactive=False, label="Voices", buttons=[],
                elem_id="voices", type="array", max_height=480, wrap=True,
                column_widths=["31%", "28%", "41%"],
            )  # fmt: skip
            nothing = gr.Markdown(NO_VOICES, visible=False, elem_id="no-voices")
            clear = gr.Button("Show all voices", size="sm", visible=False, elem_id="clear-filters")
            forgetting = None
            if is_public:
                gr.Markdown(PUBLIC_NOTE, elem_id="library-public")
                forgetting = build_forgetting(accounts_last)
        with gr.Column(scale=2, min_width=300):
            with gr.Row(visible=False, elem_id="undo-row") as undo_row:
                undo_words = gr.Markdown("")
                undo = gr.Button("Undo", size="sm", elem_id="undo-delete", min_width=90)
            undo_timer = gr.Timer(UNDO_SECONDS, active=False)
            details = gr.Markdown(NO_CHOICE, elem_id="voice-details")
            status = gr.Markdown("", elem_id="library-status")
            player = gr.Audio(
                label="Preview", interactive=False, visible=False, buttons=[], elem_id="preview"
            )
            with gr.Row():
                use = gr.Button(
                    "Use this voice", variant="primary", visible=False, elem_id="use-voice"
                )
                line = gr.Button("Hear it read a line", visible=False, elem_id="hear-line")
            with gr.Row(visible=False, elem_id="voice-changes") as changes:
                favourite = _small("♥ Favourite", "favourite-voice")
                duplicate = _small("Duplicate", "duplicate-voice")
                export = gr.DownloadButton(
                    "Export", size="sm", min_width=90, elem_id="export-voice"
                )
                repair = _small("Repair", "repair-voice")
                delete = gr.Button(
                    "Delete", size="sm", min_width=90, variant="stop", elem_id="delete-voice"
                )
            about, cut, blend = _about(), _cut(), _blend()
    return LibraryWidgets(
        filters, upload, table, nothing, clear, undo_row, undo_words, undo, undo_timer, status,
        details, player, use, line, changes, favourite, duplicate, export, repair, delete, about,
        cut, blend, forgetting,
    )  # fmt: skip


def _filters() -> tuple[FilterWidgets, gr.UploadButton]:
    with gr.Row():
        shown = gr.Radio(
            list(SHOWN), value=ALL, label="Show", elem_id="library-shown", min_width=280, scale=3
        )
        search = gr.Textbox(
            label="Search", placeholder="Name, language, label", elem_id="library-search",
            min_width=180, scale=2, max_lines=1,
        )  # fmt: skip
        upload = gr.UploadButton(
            "Import voices (.npz)", file_count="multiple", file_types=[".npz"], size="sm",
            elem_id="import-voices", min_width=160, scale=1,
        )  # fmt: skip
    with gr.Row():
        family = gr.Dropdown(
            label="Family", choices=[("All families", EVERYTHING)], value=EVERYTHING,
            elem_id="library-family", min_width=140,
        )  # fmt: skip
        language = gr.Dropdown(
            label="Language", choices=[("All languages", EVERYTHING)], value=EVERYTHING,
            elem_id="library-language", min_width=140,
        )  # fmt: skip
        order = gr.Dropdown(
            label="Order", choices=list(ORDERS), value=BY_NAME, elem_id="library-order",
            min_width=140,
        )  # fmt: skip
    return FilterWidgets(shown, search, family, language, order), upload


def _about() -> AboutWidgets:
    with gr.Accordion(
        "Name, labels, notes", open=False, visible=False, elem_id="about-voice"
    ) as fold:
        name = gr.Textbox(label="Name", max_lines=1, elem_id="voice-name")
        tags = gr.Textbox(
            label="Labels", info="Words with commas between them.", max_lines=1,
            elem_id="voice-tags",
        )  # fmt: skip
        language = gr.Dropdown(
            label="Language of the voice", elem_id="voice-language",
            choices=[("Not known", ""), *((title, code) for code, title in LANGUAGES.items())],
            value="", allow_custom_value=True,
        )  # fmt: skip
        notes = gr.Textbox(label="Notes", lines=2, elem_id="voice-notes")
        save = gr.Button("Save", size="sm", elem_id="save-about")
    return AboutWidgets(fold, name, tags, language, notes, save)


def _cut() -> CutWidgets:
    with gr.Accordion("Cut a part out", open=False, visible=False, elem_id="cut-voice") as fold:
        gr.Markdown(
            "Bark continues what it hears last: let the part end in a pause, after 3 to 7 clean "
            "seconds. The whole voice stays as it is."
        )
        with gr.Row():
            start = gr.Number(
                label="From", value=0, minimum=0, step=0.1, info="Seconds.", min_width=100,
                elem_id="cut-start",
            )  # fmt: skip
            end = gr.Number(
                label="To", value=0, minimum=0, step=0.1, info="Seconds.", min_width=100,
                elem_id="cut-end",
            )  # fmt: skip
        name = gr.Textbox(label=NEW_NAME, info=NAME_INFO, max_lines=1, elem_id="cut-name")
        with gr.Row():
            hear = _small("Hear the part", "hear-cut")
            keep = _small("Keep it as a voice", "keep-cut")
    return CutWidgets(fold, start, end, name, hear, keep)


def _blend() -> BlendWidgets:
    with gr.Accordion(
        "Blend with another voice", open=False, visible=False, elem_id="blend-voice"
    ) as fold:
        other = gr.Dropdown(label="Other voice", choices=[], value=None, elem_id="blend-other")
        share = gr.Slider(
            0.2, 0.8, 0.5, step=0.05, label="Share of the other voice", elem_id="blend-share",
            info="Both take turns in the prompt, a syllable each; the end counts most.",
        )  # fmt: skip
        name = gr.Textbox(label=NEW_NAME, info=NAME_INFO, max_lines=1, elem_id="blend-name")
        with gr.Row():
            hear = _small("Hear the blend", "hear-blend")
            keep = _small("Keep it as a voice", "keep-blend")
    return BlendWidgets(fold, other, share, name, hear, keep)


def _small(words: str, elem_id: str) -> gr.Button:
    return gr.Button(words, size="sm", min_width=90, elem_id=elem_id)
