"""The Train tab: a quantizer for another language, begun, watched, judged and put to use."""

import hashlib
from collections.abc import Callable
from typing import Any

import gradio as gr

from webui.backend.training_facts import TrainingInfo
from webui.errors import TrainingError, UserError
from webui.ui.faults import worded, worded_stream
from webui.ui.studio import Studio, voice_label
from webui.ui.training_curve import draw_curve
from webui.ui.training_form import TRAINING_FIELDS, TrainingForm
from webui.ui.training_pairs import TrainingPairs
from webui.ui.training_rivals import TrainingRivals, chosen_training
from webui.ui.training_sample import TrainingSamples
from webui.ui.training_widgets import TrainingWidgets, build_training_widgets
from webui.ui.training_words import NO_CHOICE, card_words, row, status_words

Updates = dict[Any, Any]
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


class TrainingTab:
    """Builds the tab and answers its events. Only the owner of the machine is shown it."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.widgets: TrainingWidgets = build_training_widgets()
        self.rivals = TrainingRivals(studio, self.widgets)
        self.pairs = TrainingPairs(studio, self.widgets, self._shown)
        self.samples = TrainingSamples(studio, self.widgets)
        self.chosen = gr.State(None)  # the id of a training
        self.listed = gr.State(())  # the ids that the list shows, in its order
        self.seen = gr.State(None)  # what was shown when it was looked at last

    def wire(self, moved: Callable[..., Any]) -> list[Callable[..., Any]]:
        """Connect the widgets to the handlers; `moved` happens from time to time.

        Gives what is to be followed by a look at all: a training has begun, or goes on.
        """
        shown, changed = self.widgets, self.changed()
        begun = shown.start.click(
            worded(self.start), [*shown.form], changed, validator=self.validate, **QUIET
        )
        shown.learn.click(
            worded_stream(self.pairs.learn), [*shown.form, shown.pairs],
            [shown.read_note, *changed], concurrency_id="train-learn", **QUIET,
        )  # fmt: skip
        shown.stop.click(worded(self.stop), [self.chosen], changed, queue=False, **QUIET)
        moved(
            worded(self.follow), [self.chosen, self.seen], changed, queue=False, **QUIET,
        )  # fmt: skip
        self.samples.wire(moved, self.chosen)
        shown.table.select(worded(self.choose), [self.listed], changed, **QUIET)
        continued = shown.go_on.click(worded(self.go_on), [self.chosen], changed, **QUIET)
        shown.use.click(worded(self.use), [self.chosen], changed, **QUIET)
        shown.delete.click(worded(self.delete), [self.chosen, shown.sure], changed, **QUIET)
        shown.family.input(
            worded(self.choose_family), [shown.family], [shown.voices], queue=False, **QUIET
        )
        shown.compare.click(
            worded_stream(self.rivals.compare), [self.chosen, shown.rival], [shown.verdict],
            concurrency_id="train-compare", **QUIET,
        )  # fmt: skip
        shown.hear.click(
            worded_stream(self.rivals.hear), [self.chosen, shown.rival, shown.clip],
            self.rivals.heard(), concurrency_id="train-hear", **QUIET,
        )  # fmt: skip
        return [begun.then, continued.then]

    def changed(self) -> list[Any]:
        """The components that the handlers change."""
        shown = self.widgets
        return [
            self.chosen, self.listed, self.seen, shown.start, shown.learn, shown.stop,
            shown.status, shown.picture, shown.table, shown.card, shown.go_on, shown.use,
            shown.save, shown.delete, shown.sure, shown.rival,
        ]  # fmt: skip

    def validate(self, *values: object) -> list[dict[str, Any]]:
        """Say beside each field what is missing there."""
        problems = TrainingForm(*values).problems()
        return [
            gr.validate(each not in problems, problems.get(each, "")) for each in TRAINING_FIELDS
        ]

    def start(self, *values: object) -> Updates:
        """Begin a training, which goes on when the page is closed."""
        order = TrainingForm(*values).order(self.studio)
        self.studio.service.training.start(order)
        (info,) = (each for each in self.studio.service.training.all() if each.name == order.name)
        return self._shown(info.id)

    def stop(self, chosen: object) -> Updates:
        """Stop what is at work; what it has made is kept."""
        for each in self.studio.service.training.all():
            if each.state == "running":
                self.studio.service.training.stop(each.id)
                return {self.widgets.status: "Stopping… What was made is kept."}
        return self._shown(chosen)

    def follow(self, chosen: object, seen: object) -> Updates:
        """Keep the tab up to date, where something has changed."""
        found = self.studio.service.training.all()
        if _fingerprint(found) == seen:
            return {self.seen: gr.skip()}
        return self._shown(chosen)

    def choose(self, event: gr.SelectData, listed: object) -> Updates:
        """Show the training of a row of the list."""
        index = event.index[0] if isinstance(event.index, list | tuple) else event.index
        if not isinstance(listed, tuple | list) or not isinstance(index, int):
            raise TrainingError(NO_CHOICE)
        if not 0 <= index < len(listed):
            raise TrainingError("This training is no longer there. Choose another one.")
        return self._shown(listed[index])

    def go_on(self, chosen: object) -> Updates:
        """Continue the chosen training."""
        self.studio.service.training.resume(chosen_training(self.studio, chosen).id)
        return self._shown(chosen)

    def use(self, chosen: object) -> Updates:
        """Let cloning use the chosen training's quantizer, or no longer."""
        info = chosen_training(self.studio, chosen)
        if info.installed:
            self.studio.service.training.uninstall(info.id)
        else:
            self.studio.service.training.install(info.id)
        return self._shown(chosen)

    def delete(self, chosen: object, sure: object) -> Updates:
        """Remove the chosen training, when that was confirmed."""
        info = chosen_training(self.studio, chosen)
        if sure is not True:
            raise TrainingError("Tick the box beside it first: its pairs are deleted as well.")
        self.studio.service.training.delete(info.id)
        return self._shown(None) | {self.widgets.sure: False}

    def choose_family(self, family: object) -> gr.Dropdown:
        """Offer the voices of another family."""
        known = self.studio.speaking_family(family).id
        return gr.Dropdown(choices=self._voices(known), value=[], multiselect=True)

    def refill(self) -> list[Any]:
        """What a page that opens is to show."""
        families = [(each.title, each.id) for each in self.studio.installed_families()]
        family = self.studio.default_family()
        shown = self.widgets
        updates = self._shown(None) | {
            shown.family: gr.Dropdown(choices=families, value=family),
            shown.voices: gr.Dropdown(choices=self._voices(family), value=[], multiselect=True),
        }
        return [updates.get(each, gr.skip()) for each in self.refilled()]

    def refilled(self) -> list[Any]:
        """The components that `refill` fills, in its order."""
        return [*self.changed(), self.widgets.family, self.widgets.voices]

    def _voices(self, family: str | None) -> list[tuple[str, str]]:
        known = [] if family is None else self.studio.visible_voices(family)
        return [(voice_label(each), each.id) for each in known if each.broken is None]

    def _shown(self, chosen: object) -> Updates:
        """Show the list, what is at work, and the chosen training."""
        shown, found = self.widgets, self.studio.service.training.all()
        at_work = next((each for each in found if each.state == "running"), None)
        info = next((each for each in found if each.id == chosen), at_work)
        info = info or next(iter(found), None)
        told = at_work or info
        updates: Updates = {
            self.chosen: info.id if info else None,
            self.listed: tuple(each.id for each in found),
            self.seen: _fingerprint(found),
            shown.start: gr.Button(interactive=at_work is None),
            shown.learn: gr.Button(interactive=at_work is None),
            shown.stop: gr.Button(visible=at_work is not None),
            shown.status: status_words(told),
            shown.table: gr.Dataframe(value=[row(each) for each in found]),
        }
        return updates | self._card(info) | self.rivals.offered(info)

    def _card(self, info: TrainingInfo | None) -> Updates:
        shown = self.widgets
        has_weights = info is not None and info.accuracy is not None
        is_idle = info is not None and info.state != "running"
        words, picture = NO_CHOICE, ""
        if info is not None:
            try:
                details = self.studio.service.training.details(info.id)
                words, picture = card_words(details), draw_curve(details.curve)
            except UserError:  # damaged: the list says why
                has_weights = False
        label = "Take it away from cloning" if info and info.installed else "Use for cloning"
        return {
            shown.card: words,
            shown.picture: picture,
            shown.go_on: gr.Button(visible=info is not None and is_idle and info.can_continue),
            shown.use: gr.Button(label, visible=has_weights),
            shown.save: self._file(info) if has_weights and is_idle else _no_file(),
            shown.delete: gr.Button(visible=is_idle),
            shown.sure: gr.Checkbox(visible=is_idle),
        }

    def _file(self, info: TrainingInfo | None) -> gr.DownloadButton:
        """Write the quantizer where the page hands files out, once for each state of it."""
        if info is None:
            return _no_file()
        kind = "safetensors" if info.architecture == "version_2" else "pth"
        state = hashlib.sha256(f"{info.id} {info.accuracy} {info.state}".encode()).hexdigest()[:8]
        path = self.studio.files / state / f"{info.id}.{kind}"
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                self.studio.service.training.export(info.id, path)
        except (UserError, OSError):
            return _no_file()
        return gr.DownloadButton("Save its file", value=str(path), visible=True)


def _no_file() -> gr.DownloadButton:
    return gr.DownloadButton(visible=False)


def _fingerprint(found: list[TrainingInfo]) -> int:
    return hash(tuple((each.id, each.state, each.fraction, each.installed) for each in found))
