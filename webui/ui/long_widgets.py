"""The widgets of the Long text tab: texts on the left, the chosen one's timeline on the right."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.audio import FORMATS
from webui.backend.project_cards import MAX_PAUSE_SECONDS
from webui.synthesis.controls import MAX_SEED
from webui.ui.listening import CHECK_WORDS, KEEP_VOICE
from webui.ui.long_form import FILE_TYPES, NEW_SEED
from webui.ui.long_words import CARDS_HEAD, LIST_HEAD, NO_CARD, NOTHING
from webui.ui.studio import ANY_VOICE

INTRODUCTION = (
    "A book, a script or subtitles, spoken card by card: hear each card, change it, and only what "
    "changed is spoken again. A line `NAME: words` is said by that speaker."
)
WHOLE, CHAPTER = "The whole text", "This chapter"
FIRST_VOICE = "The family's first voice"
SPEAKERS_VOICE = "The speaker's"
BOOK_FORMAT = "m4b"
SUBTITLES = ("srt", "vtt")


@dataclass(frozen=True)
class NewTextWidgets:
    """What makes a new text. `form` lists the widgets of `NewTextForm`, in its order."""

    form: list[gr.components.Component]
    file: gr.File
    text: gr.Textbox
    name: gr.Textbox
    family: gr.Dropdown
    voice: gr.Dropdown
    verify: gr.Checkbox
    guard_drift: gr.Checkbox
    make: gr.Button


@dataclass(frozen=True)
class TextWidgets:
    """All texts, and what is done with the chosen one as a whole."""

    table: gr.Dataframe
    status: gr.Markdown
    start: gr.Button
    start_chapter: gr.Button
    pause: gr.Button
    parts: gr.Column  # all that needs a chosen text
    speaker: gr.Dropdown
    voice: gr.Dropdown
    voices: gr.Markdown
    name: gr.Textbox
    rename: gr.Button
    delete: gr.Button
    sure: gr.Row
    yes: gr.Button
    no: gr.Button


@dataclass(frozen=True)
class CardWidgets:
    """The timeline and the chosen card. `form` lists the widgets of `CardForm`, in its order."""

    chapter: gr.Dropdown
    table: gr.Dataframe
    pages: gr.Row  # seen where there is more than one
    page: gr.Dropdown
    earlier: gr.Button
    later: gr.Button
    player: gr.Audio
    captions: gr.Textbox  # when what is said of the chapter in the player; see captions.js
    title: gr.Markdown
    status: gr.Markdown
    fields: gr.Column
    form: list[gr.components.Component]
    text: gr.Textbox
    before: gr.Textbox  # the text before the cursor, which the browser fills in
    play: gr.Button
    speak: gr.Button
    again: gr.Button
    undo: gr.Button
    lock: gr.Button
    save: gr.Button
    split: gr.Button
    merge: gr.Button
    insert: gr.Button
    up: gr.Button
    down: gr.Button
    delete: gr.Button
    sure: gr.Row
    yes: gr.Button
    no: gr.Button


@dataclass(frozen=True)
class FileWidgets:
    """What is heard and taken away of more than a card."""

    play_chapter: gr.Button
    part: gr.Radio
    kind: gr.Radio
    prepare: gr.Button
    save: gr.DownloadButton
    status: gr.Markdown


@dataclass(frozen=True)
class LongWidgets:
    """All components of the tab."""

    new: NewTextWidgets
    texts: TextWidgets
    cards: CardWidgets
    files: FileWidgets
    timer: gr.Timer  # looks at what is being spoken


def build_long_widgets(has_ffmpeg: bool) -> LongWidgets:
    """Lay the tab out."""
    gr.Markdown(INTRODUCTION)
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            new = _new_text()
            table = gr.Dataframe(
                headers=LIST_HEAD, value=[], interactive=False, label="Your long texts",
                buttons=[], elem_id="long-texts", type="array", wrap=True, max_height=320,
                column_widths=["44%", "30%", "26%"],
            )  # fmt: skip
        with gr.Column(scale=3, min_width=320):
            status = gr.Markdown(NOTHING, elem_id="long-status", sanitize_html=True)
            with gr.Row():
                start = _button("Start", "start", variant="primary", interactive=False, size="lg")
                start_chapter = _button(
                    "Only this chapter", "start-chapter", interactive=False, size="lg"
                )
                pause = _button("Pause", "pause", variant="stop", visible=False, size="lg")
            with gr.Column(visible=False) as parts:
                cards, play_chapter = _timeline()
                files = _files(play_chapter, has_ffmpeg)
                speaking = _speakers()
                managing = _managing()
    whole = {"table": table, "status": status, "start": start, "pause": pause, "parts": parts}
    texts = TextWidgets(start_chapter=start_chapter, **whole, **speaking, **managing)
    return LongWidgets(new, texts, cards, files, gr.Timer(1.0, active=False))


def _button(words: str, name: str, **look: Any) -> gr.Button:  # noqa: ANN401  what a button takes
    usual: dict[str, Any] = {"size": "sm", "min_width": 100}
    return gr.Button(words, elem_id=f"long-{name}", **usual | look)


def _new_text() -> NewTextWidgets:
    file = gr.File(
        label="Drop a .txt, .md, .epub, .srt or .vtt file", height=150,
        file_types=list(FILE_TYPES), type="filepath", elem_id="long-file",
    )  # fmt: skip
    text = gr.Textbox(
        label="Or paste a text", lines=3, max_lines=10, elem_id="long-text",
        placeholder="Chapter 1", info="A heading on a line of its own begins a chapter.",
    )  # fmt: skip
    with gr.Accordion("Name, voice and settings", open=False, elem_id="long-more"):
        name = gr.Textbox(
            label="Name", max_lines=1, elem_id="long-name",
            info="Empty: that of the file, or the first words.",
        )  # fmt: skip
        with gr.Row():
            family = gr.Dropdown(
                label="Family", choices=[], value=None, elem_id="long-family", min_width=140,
                info="The model that speaks.",
            )  # fmt: skip
            voice = gr.Dropdown(
                label="Voice", choices=[(FIRST_VOICE, ANY_VOICE)], value=ANY_VOICE, min_width=180,
                elem_id="long-narrator", info="The narrator's. Other speakers' come below.",
            )  # fmt: skip
        with gr.Row():
            seed = gr.Number(
                label="Seed", value=NEW_SEED, precision=0, minimum=NEW_SEED, maximum=MAX_SEED,
                elem_id="long-seed", info="-1 takes a new one.", min_width=120,
            )  # fmt: skip
            pause = gr.Number(
                label="Pause in seconds", value=0.25, minimum=0, maximum=5, step=0.05,
                elem_id="long-pause-seconds", info="Between cards.", min_width=120,
            )  # fmt: skip
        verify = gr.Checkbox(
            label="Check words", value=False, interactive=False, info=CHECK_WORDS,
            elem_id="long-verify",
        )  # fmt: skip
        guard = gr.Checkbox(
            label="Keep the voice", value=False, interactive=False, info=KEEP_VOICE,
            elem_id="long-guard",
        )  # fmt: skip
    make = gr.Button("Make cards of the pasted text", elem_id="long-make")
    form = [file, text, name, family, voice, seed, pause, verify, guard]
    return NewTextWidgets(form, file, text, name, family, voice, verify, guard, make)


def _timeline() -> tuple[CardWidgets, gr.Button]:
    with gr.Row():
        chapter = gr.Dropdown(
            label="Chapter", choices=[], value=None, elem_id="long-chapter", scale=3,
            min_width=200, info="With how many of its cards are spoken.",
        )  # fmt: skip
        play_chapter = _button("▶ Hear the chapter", "play-chapter", scale=1, min_width=140)
    table = gr.Dataframe(
        headers=CARDS_HEAD, value=[], interactive=False, label="Cards: choose one to hear it",
        buttons=[], elem_id="long-cards", type="array", wrap=True, max_height=420,
        column_widths=["13%", "22%", "47%", "18%"],
    )  # fmt: skip
    with gr.Row(visible=False) as pages:
        earlier = _button("Earlier cards", "earlier")
        page = gr.Dropdown(
            label="Shown cards", choices=[], value=None, elem_id="long-page", min_width=140,
            info="Twenty at a time.",
        )  # fmt: skip
        later = _button("Later cards", "later")
    player = gr.Audio(
        label="Player", interactive=False, visible=False, buttons=[], elem_id="long-player",
        waveform_options=gr.WaveformOptions(show_recording_waveform=False),  # quick, of any length
    )  # fmt: skip
    captions = gr.Textbox("", label="Captions", elem_id="long-captions")
    title = gr.Markdown(NO_CARD, elem_id="long-card")
    status = gr.Markdown("", elem_id="long-card-status", sanitize_html=True)
    with gr.Column(visible=False) as fields:
        made = _card_fields()
    paging: dict[str, Any] = {
        "chapter": chapter, "table": table, "pages": pages, "page": page, "earlier": earlier,
        "later": later,
    }  # fmt: skip
    told: dict[str, Any] = {
        "player": player, "captions": captions, "title": title, "status": status, "fields": fields
    }  # fmt: skip
    return CardWidgets(**paging, **told, **made), play_chapter


def _card_fields() -> dict[str, Any]:
    with gr.Row():
        made: dict[str, Any] = {
            "play": _button("▶ Play", "play"),
            "speak": _button("Speak it", "speak-card", variant="primary"),
            "again": _button("Another take", "again"),
            "undo": _button("Earlier take", "undo"),
            "lock": _button("Lock", "lock"),
        }
    text = gr.Textbox(
        label="Words of the card", lines=2, max_lines=8, elem_id="long-card-text",
        info="Put the cursor where a card is to be split.",
    )  # fmt: skip
    with gr.Row():
        speaker = gr.Dropdown(
            label="Speaker", choices=[], value="", allow_custom_value=True, min_width=130,
            elem_id="long-card-speaker", info="A new name is a new speaker.",
        )  # fmt: skip
        voice = gr.Dropdown(
            label="Voice of this card", choices=[(SPEAKERS_VOICE, "")], value="", min_width=150,
            elem_id="long-card-voice", info="For this card alone.",
        )  # fmt: skip
        seed = gr.Number(
            label="Seed of this card", value=NEW_SEED, precision=0, minimum=NEW_SEED,
            maximum=MAX_SEED, elem_id="long-card-seed", info="-1: the text's.", min_width=110,
        )  # fmt: skip
        pause = gr.Number(
            label="Pause after it", value=None, minimum=0, maximum=MAX_PAUSE_SECONDS,
            elem_id="long-card-pause", info="In seconds. Empty: the text's.", min_width=110,
        )  # fmt: skip
    made |= {"text": text, "form": [text, speaker, voice, seed, pause]}
    made["before"] = gr.Textbox("", visible=False, label="Before the cursor")
    with gr.Row():
        made |= {
            "save": _button("Keep the changes", "save-card", min_width=130),
            "split": _button("Split at the cursor", "split", min_width=130),
            "merge": _button("Join with the next", "merge", min_width=130),
            "insert": _button("New card after it", "insert", min_width=130),
            "up": _button("Move up", "move-up"),
            "down": _button("Move down", "move-down"),
            "delete": _button("Delete card", "delete-card"),
        }
    sure, yes, no = _question("Delete this card?", "card")
    return made | {"sure": sure, "yes": yes, "no": no}


def _files(play_chapter: gr.Button, has_ffmpeg: bool) -> FileWidgets:
    kinds = [*FORMATS, *([BOOK_FORMAT] if has_ffmpeg else []), *SUBTITLES]
    with gr.Accordion("Save it as a file", open=False, elem_id="long-saving"):
        with gr.Row():
            part = gr.Radio(
                label="What", choices=[WHOLE, CHAPTER], value=WHOLE, elem_id="long-part",
                info="Only what is spoken.", min_width=160,
            )  # fmt: skip
            kind = gr.Radio(
                label="As", choices=[(each.upper(), each) for each in kinds], value=FORMATS[0],
                elem_id="long-kind", min_width=200,
                info="M4B has marks for chapters; SRT and VTT are subtitles.",
            )  # fmt: skip
        with gr.Row():
            prepare = _button("Make the file", "prepare")
            save = gr.DownloadButton(
                "Save", visible=False, size="sm", elem_id="long-save", variant="primary"
            )
        status = gr.Markdown("", elem_id="long-file-status")
    return FileWidgets(play_chapter, part, kind, prepare, save, status)


def _speakers() -> dict[str, Any]:
    with gr.Accordion("Speakers and their voices", open=False, elem_id="long-speaking"):
        voices = gr.Markdown("", elem_id="long-voices")
        with gr.Row():
            speaker = gr.Dropdown(
                label="Who", choices=[], value=None, elem_id="long-speaker", min_width=140,
                info="In the order in which they first speak.",
            )  # fmt: skip
            voice = gr.Dropdown(
                label="Has the voice", choices=[], value=None, elem_id="long-voice",
                min_width=180, info="What they have said is spoken again at the next Start.",
            )  # fmt: skip
    return {"speaker": speaker, "voice": voice, "voices": voices}


def _managing() -> dict[str, Any]:
    with gr.Accordion("Rename or delete this text", open=False, elem_id="long-managing"):
        name = gr.Textbox(
            label="New name", max_lines=1, elem_id="long-new-name", info="How you find it again."
        )
        with gr.Row():
            rename = _button("Rename", "rename")
            delete = _button("Delete the text", "delete")
        sure, yes, no = _question("Delete this text with all its sounds?", "text")
    asked = {"sure": sure, "yes": yes, "no": no}
    return {"name": name, "rename": rename, "delete": delete} | asked


def _question(words: str, name: str) -> tuple[gr.Row, gr.Button, gr.Button]:
    with gr.Row(visible=False, elem_id=f"long-{name}-sure") as sure:
        gr.Markdown(words)
        yes = _button("Delete it", f"{name}-yes", variant="stop")
        no = _button("Keep it", f"{name}-no")
    return sure, yes, no
