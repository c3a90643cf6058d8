"""The widgets of the Text-to-Speech tab, each with one line that says what it does."""

from dataclasses import dataclass

import gradio as gr

from webui.audio import FORMATS
from webui.synthesis.controls import MAX_SEED, MAX_TRIES, SpeechControls
from webui.ui.listening import CHECK_WORDS, KEEP_VOICE
from webui.ui.recipe_drop import DropWidgets, build_drop
from webui.ui.speak_form import FORM_FIELDS, NEW_SEED, with_controls
from webui.ui.studio import ANY_VOICE
from webui.ui.take_voice import KeepingWidgets, build_keeping

EMPTY_TAKE = "**Nothing spoken yet.** Press Speak, or try an example."
TAKES_HEAD = ["No.", "Text", "Voice", "Length"]


@dataclass(frozen=True)
class Knob:
    """One slider: which field of the form it fills, and what it does in the visitor's words."""

    field: str
    label: str
    low: float
    high: float
    step: float
    info: str


VOICE_KNOBS = (
    Knob("semantic_temperature", "Expressiveness", 0.0, 1.5, 0.05,
         "Low is calm and safe, high is livelier and slips more often (text temperature)."),
    Knob("coarse_temperature", "Voice variation", 0.0, 1.5, 0.05,
         "Low keeps the voice even, high lets it wander (coarse temperature)."),
    Knob("fine_temperature", "Detail variation", 0.0, 1.5, 0.05,
         "Low sounds clean, high sounds rougher and airier (fine temperature)."),
)  # fmt: skip
PACE_KNOBS = (
    Knob("min_eos_p", "Stop early", 0.01, 1.0, 0.01,
         "A sentence ends when its end is at least this likely; low ends sooner (min_eos_p)."),
    Knob("max_seconds", "Longest part", 1.0, 30.0, 0.5,
         "Seconds that one part of a long text may last; the family may allow less."),
    Knob("pause_seconds", "Pause between parts", 0.0, 3.0, 0.05,
         "Seconds of silence between the parts of a long text; paragraphs get twice that."),
)  # fmt: skip
TRIES_KNOB = Knob("verify_tries", "Most tries", 1, MAX_TRIES, 1,
                  "How often a part may be spoken until words and voice are right; each takes as "
                  "long again.")  # fmt: skip
CHOICE_KNOBS = tuple(
    knob
    for stage, title in (("semantic", "Text"), ("coarse", "Coarse"), ("fine", "Fine"))
    for knob in (
        Knob(f"{stage}_top_k", f"{title} stage: top-k", 0, 1_024, 1,
             "Chooses among this many likeliest tokens only; 0 allows all."),
        Knob(f"{stage}_top_p", f"{title} stage: top-p", 0.01, 1.0, 0.01,
             "Chooses among the likeliest tokens that reach this share together; 1 allows all."),
    )
)  # fmt: skip


@dataclass(frozen=True)
class SpeakWidgets:
    """All components of the tab. `form` lists those of `SpeakForm`, in its order."""

    form: list[gr.components.Component]
    text: gr.Textbox
    facts: gr.Markdown
    voice: gr.Dropdown
    family: gr.Dropdown
    speak: gr.Button
    stop: gr.Button
    status: gr.Markdown
    reset: gr.Button
    examples: gr.Dataset
    empty: gr.Markdown
    live: gr.Audio
    player: gr.Audio
    downloads: list[gr.DownloadButton]
    again: gr.Markdown
    takes: gr.Dataframe
    keeping: KeepingWidgets
    drop: DropWidgets

    @property
    def check_words(self) -> gr.components.Component:
        """The box that has words checked."""
        return self.form[FORM_FIELDS.index("verify")]

    @property
    def keep_voice(self) -> gr.components.Component:
        """The box that has the voice watched."""
        return self.form[FORM_FIELDS.index("guard_drift")]


def build_widgets(has_ffmpeg: bool) -> SpeakWidgets:
    """Lay the tab out: what to say on the left, what came of it on the right."""
    fields: dict[str, gr.components.Component] = {}
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            text = gr.Textbox(
                label="Text to speak", lines=6, max_lines=16, elem_id="speak-text",
                placeholder="Type or paste. Ctrl+Enter speaks.", autofocus=True,
            )  # fmt: skip
            facts = gr.Markdown("", elem_id="text-facts", min_height=24)
            with gr.Row():
                voice = gr.Dropdown(
                    label="Voice", choices=[("Any voice", ANY_VOICE)], value=ANY_VOICE,
                    filterable=True, elem_id="speak-voice", min_width=200, scale=3,
                    info="Type to search. Your own voices carry a star.",
                )  # fmt: skip
                family = gr.Dropdown(
                    label="Family", choices=[], value=None, elem_id="speak-family",
                    min_width=140, scale=2, info="The model that speaks.",
                )  # fmt: skip
            with gr.Row():
                speak = gr.Button("Speak", variant="primary", elem_id="speak-button", scale=3)
                stop = gr.Button(
                    "Stop", variant="stop", visible=False, elem_id="stop-button", scale=1
                )
            status = gr.Markdown("", elem_id="speak-status", sanitize_html=True)
            fields |= {"text": text, "voice": voice, "family": family}
            with gr.Accordion("Fine control", open=False, elem_id="fine-control"):
                fields |= _advanced()
                reset = gr.Button("Back to the family's own values", size="sm")
            examples = gr.Dataset(
                label="Examples", components=[gr.Textbox(visible=False)], samples=[[""]],
                type="index", elem_id="examples", layout="gallery", visible=False,
            )  # fmt: skip
        with gr.Column(scale=2, min_width=300):
            empty = gr.Markdown(EMPTY_TAKE, elem_id="empty-take")
            live = gr.Audio(
                label="Live", streaming=True, autoplay=True, visible=False, buttons=[],
                interactive=False, elem_id="live",
            )  # fmt: skip
            player = gr.Audio(
                label="Take", visible=False, interactive=False, buttons=[], elem_id="take"
            )
            with gr.Row():
                downloads = [_download(each) for each in FORMATS]
            again = gr.Markdown("", visible=False, elem_id="take-notes")
            keeping = build_keeping()
            takes = gr.Dataframe(
                headers=TAKES_HEAD, value=[], interactive=False, visible=False, buttons=[],
                label="Your takes: choose one to hear it and get its settings back",
                elem_id="takes", column_widths=["17%", "36%", "24%", "23%"], max_height=320,
                type="array",
            )  # fmt: skip
            drop = build_drop()
            if not has_ffmpeg:
                gr.Markdown("Playing while it speaks needs ffmpeg. Finished takes play without it.")
    return SpeakWidgets(
        [fields[name] for name in FORM_FIELDS], text, facts, voice, family, speak, stop, status,
        reset, examples, empty, live, player, downloads, again, takes, keeping, drop,
    )  # fmt: skip


def _download(audio_format: str) -> gr.DownloadButton:
    return gr.DownloadButton(
        f"Save {audio_format.upper()}", visible=False, size="sm", min_width=90,
        elem_id=f"download-{audio_format}",
    )  # fmt: skip


def _advanced() -> dict[str, gr.components.Component]:
    """The controls that most visitors never open."""
    start = with_controls(SpeechControls())
    made: dict[str, gr.components.Component] = {
        "seed": gr.Number(
            label="Seed", value=NEW_SEED, precision=0, minimum=NEW_SEED, maximum=MAX_SEED,
            info="The same seed, text and settings give the same sound. -1 takes a new one.",
        )
    }  # fmt: skip
    for knob in (*VOICE_KNOBS, *PACE_KNOBS):
        made[knob.field] = _slider(knob, getattr(start, knob.field))
    made["condition_on_previous"] = gr.Checkbox(
        label="Continue the part before",
        value=False,
        info="Each part of a long text continues the one before it: smoother, but it may drift.",
    )
    made["verify"] = gr.Checkbox(
        label="Check words", value=False, interactive=False, info=CHECK_WORDS,
        elem_id="check-words",
    )  # fmt: skip
    made["guard_drift"] = gr.Checkbox(
        label="Keep the voice", value=False, interactive=False, info=KEEP_VOICE,
        elem_id="keep-voice",
    )  # fmt: skip
    made["verify_tries"] = _slider(TRIES_KNOB, SpeechControls().verify_tries)
    with gr.Accordion("Choice of tokens in each stage", open=False):
        for knob in CHOICE_KNOBS:
            made[knob.field] = _slider(knob, getattr(start, knob.field))
    return made


def _slider(knob: Knob, value: float) -> gr.Slider:
    return gr.Slider(
        knob.low, knob.high, value, step=knob.step, label=knob.label, info=knob.info,
        elem_id=f"knob-{knob.field.replace('_', '-')}",
    )  # fmt: skip
