"""The widgets of the Train tab: what is to be made on the left, how it goes on the right."""

from dataclasses import dataclass

import gradio as gr

from webui.ui.messages import LANGUAGES
from webui.ui.training_form import AMOUNTS, DEFAULT_TEXTS, MAX_LAYER, MAX_SEED, TRAINING_FIELDS
from webui.ui.training_words import HEAD, NO_CHOICE, NOTHING

INTRODUCTION = (
    "A quantizer hears in a recording what Bark would have been told to say: cloning rests on it. "
    "Make one for a language that has none: Bark speaks nonsense, and a small network learns to "
    "hear Bark's own tokens in it. How long that takes is measured while it runs."
)
KINDS = [
    ("Version 2: hears what comes before and after, for this app", "version_2"),
    ("Version 1: other tools read it too", "version_1"),
    ("Version 0: smaller, other tools read it too", "version_0"),
]


@dataclass(frozen=True)
class TrainingWidgets:
    """The components of the tab. `form` lists those of `TrainingForm`, in its order."""

    form: list[gr.components.Component]
    name: gr.Textbox
    family: gr.Dropdown
    voices: gr.Dropdown
    pairs: gr.File
    learn: gr.Button
    read_note: gr.Markdown
    start: gr.Button
    stop: gr.Button
    status: gr.Markdown
    picture: gr.HTML
    sample: gr.Column
    sample_note: gr.Markdown
    sample_spoken: gr.Audio
    sample_heard: gr.Audio
    table: gr.Dataframe
    card: gr.Markdown
    go_on: gr.Button
    use: gr.Button
    save: gr.DownloadButton
    delete: gr.Button
    sure: gr.Checkbox
    rival: gr.Dropdown
    compare: gr.Button
    verdict: gr.Markdown
    clip: gr.Audio
    hear: gr.Button
    hear_note: gr.Markdown
    first: gr.Audio
    second: gr.Audio


def build_training_widgets() -> TrainingWidgets:
    """Lay the tab out."""
    gr.Markdown(INTRODUCTION)
    made: dict[str, object] = {}
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            made |= _form()
        with gr.Column(scale=3, min_width=320):
            made |= _progress()
            made |= _chosen()
    form = [made.pop(f"form_{name}") for name in TRAINING_FIELDS]
    named = {name: form[TRAINING_FIELDS.index(name)] for name in ("name", "family", "voices")}
    return TrainingWidgets(form=form, **named, **made)  # type: ignore[arg-type]


def _form() -> dict[str, object]:
    name = gr.Textbox(
        label="1 · Name", max_lines=1, placeholder="German 1", elem_id="train-name",
        info="How you find it again.",
    )  # fmt: skip
    with gr.Row():
        language = gr.Dropdown(
            label="Language", choices=[(title, code) for code, title in LANGUAGES.items()],
            value="en", elem_id="train-language", min_width=140, info="That is spoken.",
        )  # fmt: skip
        family = gr.Dropdown(
            label="Family", choices=[], value=None, elem_id="train-family", min_width=140,
            info="The model that speaks.",
        )  # fmt: skip
    texts = gr.Radio(
        label="2 · Amount", choices=list(AMOUNTS), value=DEFAULT_TEXTS, elem_id="train-texts",
        info="More texts are heard better and take longer. All are spoken before it learns.",
    )  # fmt: skip
    more, others = _more(), _others()
    with gr.Row():
        start = gr.Button("Start", variant="primary", elem_id="train-start", scale=3)
        stop = gr.Button("Stop", variant="stop", visible=False, elem_id="train-stop", scale=1)
    return {
        "form_name": name, "form_language": language, "form_family": family, "form_texts": texts,
        **more, **others, "start": start, "stop": stop,
    }  # fmt: skip


def _more() -> dict[str, object]:
    with gr.Accordion("More choices", open=False, elem_id="train-more"):
        voices = gr.Dropdown(
            label="Voices", choices=[], value=[], multiselect=True, elem_id="train-voices",
            info="That speak. None chosen: the family's own ones of the language.",
        )  # fmt: skip
        silent = gr.Checkbox(
            label="Without any voice", value=False, elem_id="train-silent",
            info="Bark then speaks in a voice of its own for every text.",
        )  # fmt: skip
        corpus = gr.File(
            label="A text of your own to make nonsense of (.txt, UTF-8)", file_types=[".txt"],
            type="filepath", height=110, elem_id="train-corpus",
        )  # fmt: skip
        by_letter = gr.Checkbox(
            label="Make words up too", value=False, elem_id="train-letters",
            info="More sounds in fewer texts; better for a small text.",
        )  # fmt: skip
        temperature = gr.Slider(
            0.5, 1.0, 0.7, step=0.05, label="Boldness", elem_id="train-temperature", buttons=[],
            info="How boldly Bark speaks (its temperature). 0.6 to 0.8 is good.",
        )  # fmt: skip
        kind = gr.Radio(
            label="Kind", choices=KINDS, value="version_2", elem_id="train-kind",
            info="What the network looks like.",
        )  # fmt: skip
        augment = gr.Checkbox(
            label="Listen to noise too", value=False, elem_id="train-augment",
            info="Every pair also with noise and at other levels: for worse recordings.",
        )  # fmt: skip
        seed = gr.Number(
            label="Seed", value=0, precision=0, minimum=0, maximum=MAX_SEED, elem_id="train-seed",
            info="The same seed gives the same texts, spoken in the same way.",
        )  # fmt: skip
        layer = gr.Number(
            label="Layer of the encoder", value=None, precision=0, minimum=1, maximum=MAX_LAYER,
            elem_id="train-layer", info="That is learned from. Empty: the family's own choice.",
        )  # fmt: skip
    return {
        "form_voices": voices, "form_silent": silent, "form_corpus": corpus,
        "form_by_letter": by_letter, "form_temperature": temperature, "form_architecture": kind,
        "form_augment": augment, "form_seed": seed, "form_layer": layer,
    }  # fmt: skip


def _others() -> dict[str, object]:
    with gr.Accordion("Pairs that others made", open=False, elem_id="train-others"):
        gr.Markdown(
            "Instead of speaking itself, the app learns from zips with the folders `semantic` and "
            "`wav`, spoken by the family chosen above."
        )
        pairs = gr.File(
            label="Zips of pairs", file_types=[".zip"], file_count="multiple", type="filepath",
            height=110, elem_id="train-pairs",
        )  # fmt: skip
        learn = gr.Button("Learn from these pairs", size="sm", elem_id="train-learn")
        read_note = gr.Markdown("", elem_id="train-read", sanitize_html=True)
    return {"pairs": pairs, "learn": learn, "read_note": read_note}


def _progress() -> dict[str, object]:
    status = gr.Markdown(NOTHING, elem_id="train-status", sanitize_html=True)
    picture = gr.HTML("", elem_id="train-picture", container=False)
    sample = _sample()
    table = gr.Dataframe(
        headers=HEAD, value=[], interactive=False, label="Your trainings", buttons=[],
        elem_id="trainings", type="array", wrap=True,
        column_widths=["28%", "18%", "22%", "16%", "16%"],
    )  # fmt: skip
    return {"status": status, "picture": picture, **sample, "table": table}


def _sample() -> dict[str, object]:
    """Lay out where one hears how good the quantizer is by now."""
    with gr.Column(visible=False, elem_id="train-sample") as sample:
        with gr.Row():
            spoken = gr.Audio(
                label="As it was spoken", interactive=False, buttons=[], elem_id="train-spoken",
                min_width=220,
            )  # fmt: skip
            heard = gr.Audio(
                label="As the quantizer hears it", interactive=False, buttons=[],
                elem_id="train-heard", min_width=220,
            )  # fmt: skip
        note = gr.Markdown("", elem_id="train-sample-note", sanitize_html=True)
    return {
        "sample": sample, "sample_note": note, "sample_spoken": spoken, "sample_heard": heard,
    }  # fmt: skip


def _chosen() -> dict[str, object]:
    card = gr.Markdown(NO_CHOICE, elem_id="train-card", container=True)
    with gr.Row():
        go_on = gr.Button("Continue", visible=False, elem_id="train-continue", min_width=110)
        use = gr.Button(
            "Use for cloning", variant="primary", visible=False, elem_id="train-use", min_width=140
        )
        save = gr.DownloadButton(
            "Save its file", visible=False, elem_id="train-save", min_width=120
        )
    with gr.Row():
        delete = gr.Button(
            "Delete", variant="stop", visible=False, elem_id="train-delete", min_width=110, scale=1
        )
        sure = gr.Checkbox(
            label="Delete it with its pairs", value=False, visible=False, elem_id="train-sure",
            info="Tick this first. A quantizer that cloning uses stays.", scale=3,
        )  # fmt: skip
    with gr.Accordion("Compare with another quantizer", open=False, elem_id="train-comparing"):
        rival = gr.Dropdown(
            label="The other one", choices=[], value=None, elem_id="train-rival",
            info="Both listen to pairs that the chosen training has held out.",
        )  # fmt: skip
        with gr.Row():
            compare = gr.Button("Compare", size="sm", elem_id="train-compare")
        verdict = gr.Markdown("", elem_id="train-verdict")
        clip = gr.Audio(
            label="A clip of your own: hear what cloning makes of it with each of the two",
            type="filepath", sources=["upload", "microphone"], buttons=[], elem_id="train-clip",
        )  # fmt: skip
        hear = gr.Button("Clone it with both", size="sm", elem_id="train-hear")
        hear_note = gr.Markdown("", elem_id="train-hear-note")
        with gr.Row():
            first = gr.Audio(
                label="The chosen one", interactive=False, buttons=[], visible=False,
                elem_id="train-first",
            )  # fmt: skip
            second = gr.Audio(
                label="The other one", interactive=False, buttons=[], visible=False,
                elem_id="train-second",
            )  # fmt: skip
    return {
        "card": card, "go_on": go_on, "use": use, "save": save, "delete": delete, "sure": sure,
        "rival": rival, "compare": compare, "verdict": verdict, "clip": clip, "hear": hear,
        "hear_note": hear_note, "first": first, "second": second,
    }  # fmt: skip
