"""A training on the Train tab that begins with pairs that others made: zips, read one by one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from webui.errors import TrainingError
from webui.events import Progress
from webui.training_results import PairsRead
from webui.ui.messages import plain
from webui.ui.studio import Studio
from webui.ui.training_form import TrainingForm
from webui.ui.training_widgets import TrainingWidgets
from webui.ui.training_words import read_words

Updates = dict[Any, Any]
MOST_FILES = 32
NO_PAIRS = "Drop the zips first: each with the folders semantic and wav."


class TrainingPairs:
    """Reads zips of pairs; the training that learns from them goes on by itself."""

    def __init__(
        self, studio: Studio, widgets: TrainingWidgets, shown: Callable[[object], Updates]
    ) -> None:
        self.studio = studio
        self.widgets = widgets
        self.shown = shown  # gives the whole tab, for the training of this id

    def learn(self, request: gr.Request, *values: object) -> Iterator[Updates]:
        """Read the pairs, say how many there are, and leave the training at work.

        The last of the values are the files, those before it the form's.
        """
        *fields, files = values
        order, sources = TrainingForm(*fields).order(self.studio), zips_of(files)
        key, told = pairs_key(request.session_hash or ""), ""
        token = self.studio.desk.start(key, "reading pairs")
        try:
            for event in self.studio.service.training.import_pairs(order, sources, token):
                if isinstance(event, PairsRead):
                    told = read_words(event)
                    yield {self.widgets.read_note: told}
                elif told:
                    break  # the training is at work
                elif isinstance(event, Progress):
                    yield {self.widgets.read_note: plain(event.message)}
            found = self.studio.service.training.all()
        finally:
            self.studio.desk.forget(key, token)
        begun = next((each.id for each in found if each.name == order.name), None)
        yield self.shown(begun)


def zips_of(files: object) -> list[Path]:
    """Check the dropped files as if there were no browser.

    Raises:
        TrainingError: there are none, too many, or other files than zips.
    """
    given = files if isinstance(files, list | tuple) else []
    paths = [Path(each) for each in given if isinstance(each, str)]
    if not paths or len(paths) != len(given):
        raise TrainingError(NO_PAIRS)
    if len(paths) > MOST_FILES:
        raise TrainingError(f"These are {len(paths)} files; {MOST_FILES} can be read at once.")
    if any(each.suffix.lower() != ".zip" for each in paths):
        raise TrainingError("Pairs are dropped as zips, with the folders semantic and wav inside.")
    return paths


def pairs_key(page: str) -> str:
    """How the reading of a page's pairs is called on the desk."""
    return f"{page}/pairs"
