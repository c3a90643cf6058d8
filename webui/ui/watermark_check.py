"""Under Models & settings: whether a recording carries the watermark."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from webui.backend.marking import STATE_WORDS, find_mark, watermark_state
from webui.errors import AudioFileError, UserError
from webui.ui.messages import plain
from webui.ui.studio import Studio


@dataclass(frozen=True)
class CheckWidgets:
    """Where a recording is dropped, and what was heard in it."""

    zone: gr.File
    answer: gr.Markdown


def build_check() -> CheckWidgets:
    """Lay it out."""
    zone = gr.File(
        label="Drop a recording to see whether it was spoken with the watermark", type="filepath",
        height=120, elem_id="watermark-drop",
    )  # fmt: skip
    return CheckWidgets(zone, gr.Markdown("", elem_id="watermark-answer"))


def state_line(studio: Studio) -> str:
    """How the watermark stands, as a line of the list of facts."""
    return f"- Watermark: {plain(STATE_WORDS[watermark_state(studio.settings.watermark)])}"


def listen(dropped: object) -> list[Any]:
    """Say what was heard, and empty the zone again."""
    try:
        if not isinstance(dropped, str):
            raise AudioFileError("Drop one recording.")
        is_marked, sureness = find_mark(Path(dropped))
    except UserError as fault:
        return [None, f"**{plain(str(fault))}**"]
    name = plain(Path(dropped).name)
    if is_marked:
        return [None, f"{name} carries the watermark ({sureness:.0%})."]
    return [None, f"{name} carries no watermark that is heard ({sureness:.0%})."]
