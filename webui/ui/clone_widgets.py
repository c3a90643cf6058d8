"""The widgets of the Voice Clone tab: the recording on the left, the voice on the right."""

from dataclasses import dataclass

import gradio as gr

from webui.backend.cloning_desk import CONSENT
from webui.clone_results import MOST_ENDINGS
from webui.ui.clone_check import ADVICE
from webui.ui.clone_form import (
    AUTOMATIC,
    BEST_PART,
    CLONE_FIELDS,
    COMPARE_ALL,
    MAX_TRANSCRIPT_CHARACTERS,
    MAX_TRIED,
)
from webui.ui.clone_reading import reading_words
from webui.ui.messages import LANGUAGES, METHODS

MICROPHONE_RATE = 24_000  # Hz: what the codec of Bark hears
INSECURE = "Recording needs https or localhost. Upload a file instead."
LOCAL_NOTE = "Your recording stays on the computer that runs this page."
PUBLIC_NOTE = (
    "**This is a public page.** Your recording is used to make your voice. Nobody else can hear "
    "it or the voice, and both are deleted within a day. Save the voice's file to keep it."
)
METHOD_CHOICES = [
    ("Quantizer (the best in most cases)", "quantizer"),
    (METHODS["transcript"], "transcript"),
    (METHODS["conversion"], "conversion"),
    ("Compare all", COMPARE_ALL),
]
TAGS = ["female", "male", "young", "old", "deep", "bright", "calm", "lively"]


@dataclass(frozen=True)
class CloneWidgets:
    """The components of the form. `form` lists those of `CloneForm`, in its order."""

    form: list[gr.components.Component]
    clip: gr.Audio
    files: gr.File
    denoise: gr.Checkbox
    check: gr.Markdown
    chooser: gr.Column
    picture: gr.HTML
    part: gr.Dropdown
    which: gr.Dropdown
    start: gr.Slider
    end: gr.Slider
    listen: gr.Button
    heard: gr.Audio
    reading: gr.Markdown
    name: gr.Textbox
    language: gr.Dropdown
    tags: gr.Dropdown
    method: gr.Radio
    transcript: gr.Textbox
    parts_note: gr.Markdown
    bring: gr.Button
    family: gr.Dropdown
    quantizer: gr.Dropdown
    converter: gr.Dropdown
    windows: gr.Slider
    takes: gr.Slider
    endings: gr.Slider
    licence: gr.Checkbox
    consent: gr.Checkbox
    clone: gr.Button
    stop: gr.Button
    status: gr.Markdown


def build_clone_widgets(public: bool) -> CloneWidgets:
    """Lay the form out."""
    made: dict[str, object] = {}
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            made |= _recorder(public)
            made |= _part_chooser()
        with gr.Column(scale=2, min_width=300):
            if public:
                gr.Markdown(PUBLIC_NOTE, elem_id="clone-public", container=True)
            made |= _voice()
            made |= _details()
            made["consent"] = gr.Checkbox(
                label=CONSENT, value=False, elem_id="clone-consent",
                info="The sentence is kept with the voice. Clone nobody who did not agree.",
            )  # fmt: skip
            with gr.Row():
                made["clone"] = gr.Button(
                    "Clone voice", variant="primary", interactive=False, elem_id="clone-button",
                    scale=3,
                )  # fmt: skip
                made["stop"] = gr.Button(
                    "Stop", variant="stop", visible=False, elem_id="clone-stop", scale=1
                )
            made["status"] = gr.Markdown("", elem_id="clone-status", sanitize_html=True)
    form = [made[name] for name in CLONE_FIELDS]
    return CloneWidgets(form=form, **made)  # type: ignore[arg-type]


def _recorder(public: bool) -> dict[str, object]:
    gr.Markdown(INSECURE, elem_id="insecure-note")
    clip = gr.Audio(
        label="1 · Record six to twelve seconds of one person", type="filepath",
        sources=["microphone", "upload"], buttons=[], elem_id="clone-clip",
        waveform_options=gr.WaveformOptions(sample_rate=MICROPHONE_RATE),
    )  # fmt: skip
    files = gr.File(
        label="or drop files, all of the same person",
        file_count="multiple", type="filepath", height=150, elem_id="clone-files",
    )  # fmt: skip
    if not public:
        gr.Markdown(LOCAL_NOTE, elem_id="clone-private")
    with gr.Accordion("A text to read aloud", open=False, elem_id="clone-reading"):
        reading = gr.Markdown(reading_words("en"))
    return {"clip": clip, "files": files, "reading": reading}


def _part_chooser() -> dict[str, object]:
    check = gr.Markdown(ADVICE, elem_id="clip-check", container=True)
    with gr.Column(visible=False, elem_id="part-chooser") as chooser:
        picture = gr.HTML("", elem_id="clip-picture", container=False)
        with gr.Row():
            part = gr.Dropdown(
                label="Part that is used", choices=[("The best part", BEST_PART)],
                value=BEST_PART, elem_id="clone-part", min_width=200, scale=3, filterable=False,
                info="Bark uses about seven seconds. The best ones are listed first.",
            )  # fmt: skip
            which = gr.Dropdown(
                label="Of the recording", choices=[("1.", 0)], value=0, visible=False,
                elem_id="clone-which", min_width=140, scale=2, filterable=False,
            )  # fmt: skip
        with gr.Row():
            start = gr.Slider(
                0, 10, 0, step=0.1, label="Start", info="Seconds.", elem_id="part-start",
                min_width=140, buttons=[],
            )  # fmt: skip
            end = gr.Slider(
                0, 10, 10, step=0.1, label="End", info="Seconds. A pause here is best.",
                elem_id="part-end", min_width=140, buttons=[],
            )  # fmt: skip
        denoise = gr.Checkbox(
            label="Clean the recording", value=False, elem_id="clone-denoise",
            info="Takes steady noise away. It can make a clean recording worse.",
        )  # fmt: skip
        listen = gr.Button("Listen to this part", size="sm", elem_id="part-listen")
        heard = gr.Audio(
            label="This part", visible=False, interactive=False, buttons=[], elem_id="part-heard"
        )
    return {
        "check": check, "chooser": chooser, "picture": picture, "part": part, "which": which,
        "start": start, "end": end, "denoise": denoise, "listen": listen, "heard": heard,
    }  # fmt: skip


def _voice() -> dict[str, object]:
    name = gr.Textbox(
        label="2 · Name of the voice", max_lines=1, elem_id="clone-name", placeholder="Anna"
    )
    with gr.Row():
        language = gr.Dropdown(
            label="Language", choices=[(title, code) for code, title in LANGUAGES.items()],
            value="en", elem_id="clone-language", min_width=130,
            info="Spoken in the recording.",
        )  # fmt: skip
        tags = gr.Dropdown(
            label="Labels", choices=TAGS, value=[], multiselect=True, allow_custom_value=True,
            elem_id="clone-tags", min_width=150, info="As you like; type your own.",
        )  # fmt: skip
    method = gr.Radio(
        label="Method", choices=METHOD_CHOICES, value="quantizer", elem_id="clone-method",
        info="Comparing all takes several times as long and ranks what it makes.",
    )  # fmt: skip
    transcript = gr.Textbox(
        label="What is said in the recording", visible=False, lines=2, max_lines=6,
        max_length=MAX_TRANSCRIPT_CHARACTERS, elem_id="clone-transcript",
        info="Word for word. Leave it empty to let it be recognised.",
    )  # fmt: skip
    parts_note = gr.Markdown("", visible=False, elem_id="clone-parts")
    bring = gr.Button("Download", visible=False, size="sm", elem_id="clone-bring")
    licence = gr.Checkbox(
        label="I accept this licence", value=False, visible=False, elem_id="clone-licence",
        info="Read it first: it is not as free as the others.",
    )  # fmt: skip
    return {
        "name": name, "language": language, "tags": tags, "method": method,
        "transcript": transcript, "parts_note": parts_note, "bring": bring, "licence": licence,
    }  # fmt: skip


def _details() -> dict[str, object]:
    with gr.Accordion("More choices", open=False, elem_id="clone-details"):
        family = gr.Dropdown(
            label="Family", choices=[], value=None, elem_id="clone-family",
            info="The model that shall speak with the voice.",
        )  # fmt: skip
        quantizer = gr.Dropdown(
            label="Quantizer", choices=[("Fitting the language", AUTOMATIC)], value=AUTOMATIC,
            elem_id="clone-quantizer", info="Turns the recording into Bark's speech tokens.",
        )  # fmt: skip
        converter = gr.Dropdown(
            label="Converter", choices=[("The best that is here", AUTOMATIC)], value=AUTOMATIC,
            elem_id="clone-converter", info="Changes Bark's own speech into the voice.",
        )  # fmt: skip
        windows = gr.Slider(
            1, MAX_TRIED, 2, step=1, label="Parts to compare", visible=False, buttons=[],
            info="How many of the best parts each method is tried on.", elem_id="clone-windows",
        )  # fmt: skip
        takes = gr.Slider(
            1, MAX_TRIED, 1, step=1, label="Takes of each", visible=False, buttons=[],
            info="How often a method is tried where chance plays a part.", elem_id="clone-takes",
        )  # fmt: skip
        endings = gr.Slider(
            1, MOST_ENDINGS, MOST_ENDINGS, step=1, label="Endings to try", buttons=[],
            info="The voice speaks with each; the most alike is kept. 1 is quickest.",
            elem_id="clone-endings",
        )  # fmt: skip
    return {
        "family": family, "quantizer": quantizer, "converter": converter, "windows": windows,
        "takes": takes, "endings": endings,
    }  # fmt: skip
