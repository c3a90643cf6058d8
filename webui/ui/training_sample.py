"""Two players on the Train tab: a held-out speech, and what the quantizer hears in it by now."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from webui.audio import read_audio
from webui.backend.training_facts import TrainingSample
from webui.errors import UserError
from webui.ui.faults import worded
from webui.ui.messages import plain
from webui.ui.playing import heard
from webui.ui.studio import Studio
from webui.ui.training_widgets import TrainingWidgets

Updates = dict[Any, Any]
QUIET: dict[str, Any] = {
    "api_visibility": "private", "show_progress": "hidden", "queue": False,
}  # fmt: skip
LONGEST_SECONDS = 60.0  # that a player is left alone; no speech lasts so long
NOTHING_SHOWN = ("", 0, "")


class TrainingSamples:
    """Lets be heard how well the chosen training's quantizer hears, as far as it is.

    A player is filled anew only when there is something newer to be heard in it, and not while
    somebody listens to it.
    """

    def __init__(
        self, studio: Studio, widgets: TrainingWidgets, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.studio = studio
        self.widgets = widgets
        self.clock = clock
        self.shown = gr.State(NOTHING_SHOWN)  # the training, the step and the words shown now
        self.playing = gr.State(None)  # since when somebody listens, by `clock`

    def wire(self, moved: Callable[..., Any], chosen: gr.State) -> None:
        """Connect the players; `moved` happens from time to time."""
        moved(worded(self.follow), [chosen, self.shown, self.playing], self.changed(), **QUIET)
        heard = self.widgets.sample_heard
        heard.play(self.begin_listening, None, [self.playing], **QUIET)
        for moment in (heard.pause, heard.stop):
            moment(self.end_listening, None, [self.playing], **QUIET)

    def changed(self) -> list[Any]:
        """The components that `follow` changes."""
        shown = self.widgets
        return [
            self.shown, self.playing, shown.sample, shown.sample_note, shown.sample_spoken,
            shown.sample_heard,
        ]  # fmt: skip

    def begin_listening(self) -> float:
        """Somebody begins to listen."""
        return self.clock()

    def end_listening(self) -> None:
        """Nobody listens any more."""
        return

    def follow(self, chosen: object, shown: object, playing: object) -> Updates:
        """Show what is newer than what is shown."""
        before = NOTHING_SHOWN if not isinstance(shown, tuple | list) else tuple(shown)
        training = chosen if isinstance(chosen, str) else ""
        found = self.studio.service.training.sample(training) if training else None
        now = NOTHING_SHOWN if found is None else (training, found.step, found.missed)
        is_other = now[0] != before[0]
        if now == before or (not is_other and self._is_listened_to(playing)):
            return {self.shown: gr.skip()}
        widgets, updates = self.widgets, Updates()
        if found is not None and now[:2] != before[:2]:
            try:
                updates = self._players(found, is_other or not before[1])
            except UserError:  # a newer one has come meanwhile: it is shown the next time
                return {self.shown: gr.skip()}
        return updates | {
            self.shown: now,
            self.playing: None,
            widgets.sample: gr.Column(visible=found is not None),
            widgets.sample_note: "" if found is None else note_words(found),
        }

    def _players(self, found: TrainingSample, is_new_speech: bool) -> Updates:
        widgets, has_sound = self.widgets, bool(found.heard)
        updates: Updates = {
            widgets.sample_heard: gr.Audio(
                value=_sound(found.heard), visible=has_sound, label=heard_label(found.step)
            )
        }
        if is_new_speech:
            updates[widgets.sample_spoken] = gr.Audio(value=_sound(found.spoken), visible=has_sound)
        return updates

    def _is_listened_to(self, playing: object) -> bool:
        if isinstance(playing, bool) or not isinstance(playing, int | float):
            return False
        return 0 <= self.clock() - playing < LONGEST_SECONDS


def heard_label(step: int) -> str:
    """How the second player is called."""
    return f"As the quantizer hears it, after {step:,} steps"


def note_words(found: TrainingSample) -> str:
    """Say what is heard, and what came in between."""
    said = f"“{plain(found.text)}”" if found.text else "A speech that it has not learned from"
    by = f", spoken by {plain(found.voice)}" if found.voice else ""
    words = f"{said}{by}." if found.heard else ""
    return f"{words} {plain(found.missed)}".strip()


def _sound(path: str) -> tuple[int, np.ndarray] | None:
    """Read a sound as the players take it.

    Raises:
        UserError: it is gone or damaged.
    """
    return heard(*read_audio(Path(path))) if path else None
