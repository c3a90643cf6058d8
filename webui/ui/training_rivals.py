"""Two quantizers side by side on the Train tab: on pairs held out, and on a clip of one's own."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from webui.backend.requests import CloneOrder
from webui.backend.training_facts import TrainingInfo
from webui.clone_results import CloneCandidate
from webui.errors import EngineError, TrainingError
from webui.events import CancelToken, Cloned, Failed, Progress
from webui.ui.clone_form import parts_of
from webui.ui.clone_report import verdict_words
from webui.ui.messages import plain, progress_words
from webui.ui.playing import heard
from webui.ui.studio import Studio
from webui.ui.training_widgets import TrainingWidgets
from webui.ui.training_words import NO_CHOICE, comparison_words

Updates = dict[Any, Any]
NO_RIVAL = "Choose the other quantizer."
NOT_USED = "Press “Use for cloning” for “{}” first: a clip is cloned with what is in use."
CLIP_SEED = 7


class TrainingRivals:
    """Compares the chosen training with another quantizer."""

    def __init__(self, studio: Studio, widgets: TrainingWidgets) -> None:
        self.studio = studio
        self.widgets = widgets

    def offered(self, info: TrainingInfo | None) -> Updates:
        """What the chosen training can be compared with: other ones, and cloning's quantizers."""
        if info is None:
            return {self.widgets.rival: gr.Dropdown(choices=[], value=None)}
        known = [
            (each.name, each.id)
            for each in self.studio.service.training.all()
            if each.family == info.family and each.id != info.id and each.accuracy is not None
        ]
        taken = {identity for _, identity in known} | {info.id, info.installed}
        known += [
            (each.title, each.id)
            for each in parts_of(self.studio, info.family, "quantizer")
            if each.state == "ready" and each.id not in taken
        ]
        first = known[0][1] if known else None
        return {self.widgets.rival: gr.Dropdown(choices=known, value=first)}

    def heard(self) -> list[Any]:
        """The components that `hear` changes."""
        return [self.widgets.hear_note, self.widgets.first, self.widgets.second]

    def compare(self, chosen: object, rival: object) -> Iterator[str]:
        """Let both listen to what the chosen training has held out."""
        info, other = chosen_training(self.studio, chosen), self._rival(chosen, rival)
        yield "Listening with both…"
        found = self.studio.service.training.compare(info.id, other[1], info.id)
        yield comparison_words(found, info.name, other[0])

    def hear(
        self, request: gr.Request, chosen: object, rival: object, clip: object
    ) -> Iterator[Updates]:
        """Clone a clip with each of the two, one after the other; nothing is kept."""
        info, other = chosen_training(self.studio, chosen), self._rival(chosen, rival)
        if not info.installed:
            raise TrainingError(NOT_USED.format(info.name))
        if not isinstance(clip, str) or not clip:
            raise TrainingError("Record or drop a clip first.")
        recordings = self.studio.clips.read_all((clip,))
        shown, notes = self.widgets, list[str]()
        pairs = (
            (shown.first, info.name, info.installed),
            (shown.second, other[0], self._in_use(other[1])),
        )
        key = rivals_key(request.session_hash or "")
        token = self.studio.desk.start(key, "comparing")
        try:
            for place, title, quantizer in pairs:
                order = CloneOrder(
                    recordings, family=info.family, language=info.language, quantizer=quantizer,
                    endings=1, seed=CLIP_SEED,
                )  # fmt: skip
                candidate = None
                for told in self._cloned(order, token):
                    if isinstance(told, CloneCandidate):
                        candidate = told
                    else:
                        yield {shown.hear_note: f"{plain(title)}: {told}"}
                if candidate is None:
                    raise EngineError("The work ended without a clone. Please try it again.")
                notes.append(f"{plain(title)}: {verdict_words(candidate)}")
                sound = heard(candidate.speech, candidate.sample_rate)
                yield {
                    place: gr.Audio(value=sound, label=title, visible=True),
                    shown.hear_note: "  \n".join(notes),
                }
        finally:
            self.studio.desk.finish(key, token)

    def _cloned(self, order: CloneOrder, token: CancelToken) -> Iterator[str | CloneCandidate]:
        """Clone, and tell how far it is, then the clone."""
        for event in self.studio.service.clone(order, token):
            if isinstance(event, Progress):
                yield progress_words(event, "voice")
            elif isinstance(event, Cloned):
                yield event.outcome.candidates[0]
            elif isinstance(event, Failed):
                raise EngineError(event.message)

    def _rival(self, chosen: object, rival: object) -> tuple[str, str]:
        """The other one's title and its id.

        Raises:
            TrainingError: it is none of those that were offered.
        """
        offered = self.offered(chosen_training(self.studio, chosen))[self.widgets.rival].choices
        for title, identity in offered:
            if identity == rival:
                return str(title), str(identity)
        raise TrainingError(NO_RIVAL)

    def _in_use(self, identity: str) -> str:
        """The name under which cloning knows the other one.

        Raises:
            TrainingError: cloning does not use it yet.
        """
        for each in self.studio.service.training.all():
            if each.id == identity:
                if not each.installed:
                    raise TrainingError(NOT_USED.format(each.name))
                return each.installed
        return identity


def chosen_training(studio: Studio, chosen: object) -> TrainingInfo:
    """Give the training of this id.

    Raises:
        TrainingError: there is none.
    """
    for each in studio.service.training.all():
        if each.id == chosen:
            return each
    raise TrainingError(NO_CHOICE)


def rivals_key(page: str) -> str:
    """How a page's comparison is called on the desk."""
    return f"{page}/train"
