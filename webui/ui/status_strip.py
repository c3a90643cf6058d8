"""The line above the tabs: how the app is, which family speaks, what to press."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.backend.facts import ServiceStatus
from webui.errors import UserError
from webui.ui.messages import plain, progress_words
from webui.ui.studio import Studio

MOVING = frozenset({"downloading", "loading", "busy"})
MOVING_SECONDS, RESTING_SECONDS = 1.0, 8.0
DEMO_WORDS = (
    "a demonstration family: small, quick, and far plainer than the real Bark, "
    "made to show how everything works"
)


@dataclass(frozen=True)
class StripWords:
    """What the strip says now."""

    words: str  # markdown, safe
    button: str
    moving: bool


def strip_words(studio: Studio) -> StripWords:
    """Read the service and the downloads and say it in two short lines."""
    status = studio.service.status()
    running = studio.downloads.running
    family, is_demo = _family_line(studio, status)
    lines = [_state_line(studio, status), *([family] if family else [])]
    offer = is_demo or status.state == "no_model"
    button = "Get the real Bark" if offer and not studio.settings.public else "Models"
    return StripWords("  \n".join(lines), button, running or status.state in MOVING)


class StatusStrip:
    """Builds the strip; the page asks it to follow the service."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        with gr.Row(elem_id="strip"):
            self.words = gr.Markdown("", elem_id="strip-words", min_height=24)
            self.button = gr.Button("Models", size="sm", scale=0, min_width=150)
        self.timer = gr.Timer(RESTING_SECONDS)

    def wire(self, tabs: gr.Tabs) -> None:
        """The button leads to the models."""
        self.button.click(
            lambda: gr.Tabs(selected="models"), None, [tabs], queue=False,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip

    def follow(self) -> list[Any]:
        """What changes while a page stays open."""
        shown = strip_words(self.studio)
        pace = MOVING_SECONDS if shown.moving else RESTING_SECONDS
        return [shown.words, gr.Button(shown.button), gr.Timer(pace)]

    def followed(self) -> list[Any]:
        """The components that `follow` fills, in its order."""
        return [self.words, self.button, self.timer]


def _state_line(studio: Studio, status: ServiceStatus) -> str:
    downloads = studio.downloads
    if downloads.running and downloads.progress is not None:
        percent = f"{downloads.progress.fraction:.0%}"
        return f"**Downloading {percent}** · {progress_words(downloads.progress)}"
    if downloads.running:
        return "**Downloading** · asking for the list of files"
    line = f"**{plain(status.headline)}**"
    if status.fraction is not None:
        line += f" {status.fraction:.0%}"
    if status.detail:
        line += f" · {plain(status.detail)}"
    return line


def _family_line(studio: Studio, status: ServiceStatus) -> tuple[str, bool]:
    name = status.family or studio.default_family()
    if name is None:
        return "You can type and look around meanwhile.", False
    try:
        family = studio.service.family(name)
    except UserError:
        return "", False
    if not family.is_demo:
        return f"**{plain(family.title)}** speaks.", False
    return f"**{plain(family.title)}** speaks: {DEMO_WORDS}.", True
