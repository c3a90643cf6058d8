"""The Voice Clone tab: says honestly what is to come, and what works today."""

import gradio as gr

WORDS = """
### Cloning is not here yet
This tab will make a voice from a short recording: six to twelve seconds of one person in a quiet
room, ending with a pause. It will check the recording first, ask whether the speaker agreed,
and keep the voice in your Speaker Library, on this computer only.

**What works today:** a Bark voice file (`.npz`) that you copy into the `speakers/` folder appears
in the Speaker Library, and `python -m webui speak "…" --out x.wav --save-voice mine.npz` keeps
the voice of a speech that you liked.
"""
PUBLIC_WORDS = """
### Cloning is not here yet
This tab will make a voice from a short recording of one person who agreed to it. Until then,
choose one of the voices in the Speaker Library.
"""


def build_clone_tab(public: bool) -> None:
    """Write the words; there is nothing to press."""
    gr.Markdown(PUBLIC_WORDS if public else WORDS, elem_id="clone-words")
