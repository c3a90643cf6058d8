"""The first steps: three lines for whoever opens the page anew, until they close them."""

from typing import Any

import gradio as gr

from webui.errors import SettingsError
from webui.ui.faults import worded
from webui.ui.speak_tab import SpeakTab, examples_of
from webui.ui.studio import Studio

HEAR_WORDS = "**Hear it.** Take an example, or type a text of yours and press Speak."
CHOOSE_WORDS = "**Choose a voice.** Listen to those that are there, and use the one you like."
CLONE_WORDS = "**Clone a voice.** Record six to twelve seconds of one person who agrees to it."

# Only the browser remembers that they were closed; the style sheet hides them until it has looked.
SHOW = """
() => {
  let closed = null;
  try { closed = localStorage.getItem("bark-studio-first-steps"); } catch { closed = "blocked"; }
  if (closed !== null) return;
  const style = document.createElement("style");
  style.id = "shows-first-steps";
  style.textContent = "#first-steps { display: flex !important; }";
  document.head.append(style);
}
"""
CLOSE = """
() => {
  try { localStorage.setItem("bark-studio-first-steps", "closed"); } catch { /* until a reload */ }
  document.querySelector("#shows-first-steps")?.remove();
  document.querySelector("#speak-text textarea")?.focus();
}
"""
PRESS_SPEAK = '() => { document.querySelector("#speak-button")?.click(); }'
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


class FirstSteps:
    """Builds the lines and connects each to what it is about."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        with gr.Column(elem_id="first-steps"):
            self.hear = _step(HEAR_WORDS, "Hear an example")
            self.choose = _step(CHOOSE_WORDS, "Open the library")
            self.clone = _step(CLONE_WORDS, "Make a clone")
            self.close = gr.Button(
                "Close the first steps", size="sm", variant="secondary", elem_id="first-steps-close"
            )

    def wire(self, page: gr.Blocks, tabs: gr.Tabs, speak_tab: SpeakTab) -> None:
        """Let the browser show them, and the buttons do what their lines say."""
        page.load(None, None, None, js=SHOW, **QUIET)
        self.close.click(None, None, None, js=CLOSE, **QUIET)
        for button, place in ((self.choose, "library"), (self.clone, "clone")):
            button.click(_opening(place), None, [tabs], queue=False, **QUIET)
        shown = speak_tab.widgets
        filled = self.hear.click(worded(self.first_example), [shown.family], [shown.text], **QUIET)
        filled.success(None, None, None, js=PRESS_SPEAK, **QUIET)

    def first_example(self, family: object) -> str:
        """Find the first text that the chosen family is known to say.

        Raises:
            SettingsError: there is no family that could say one.
        """
        examples = examples_of(self.studio, family)
        if not examples:
            raise SettingsError("No model is here that could speak. Download one first.")
        return examples[0]


def _step(words: str, action: str) -> gr.Button:
    with gr.Row(elem_classes="first-step"):
        gr.Markdown(words)
        return gr.Button(action, size="sm", scale=0, min_width=170)


def _opening(place: str) -> Any:  # noqa: ANN401  what Gradio calls
    return lambda: gr.Tabs(selected=place)
