"""The Voice Clone tab: from a recording to a voice in the library."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from webui.cloning.denoising import denoise
from webui.errors import SettingsError, UserError
from webui.ui import clone_run
from webui.ui.clone_check import ADVICE, CheckedClips
from webui.ui.clone_form import CLONE_FIELDS, CloneForm, suggested_name
from webui.ui.clone_keeping import CloneKeeping, Neighbours
from webui.ui.clone_parts import CloneParts
from webui.ui.clone_reading import reading_words
from webui.ui.clone_result import CloneResult, build_clone_result
from webui.ui.clone_run import CloneShown, job_key
from webui.ui.clone_widgets import CloneWidgets, build_clone_widgets
from webui.ui.faults import worded
from webui.ui.messages import fault_words, plain
from webui.ui.playing import heard
from webui.ui.studio import Studio
from webui.ui.takes import is_owner
from webui.ui.theme import SHOW_CLONES
from webui.ui.visiting import visited

Updates = dict[Any, Any]
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
LOOKING = "Looking at the recording…"
RELOAD = "**Please reload the page once.** What you gave is kept."
LOOKS_AT_ONCE = 4
NOISE_SECONDS = 10.0  # around a part, from which the noise in it is known


class CloneTab:
    """Builds the tab and answers its events."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.widgets: CloneWidgets = build_clone_widgets(studio.settings.public)
        self.result: CloneResult = build_clone_result()
        self.parts = CloneParts(studio, self.widgets)
        self.keeping = CloneKeeping(studio, self.widgets, self.result)
        self.checked = gr.State(None)  # the CheckedClips of this page

    def wire(self, near: Neighbours, moved: Callable[..., Any]) -> None:
        """Connect the widgets to the handlers; `moved` happens from time to time."""
        shown = self.widgets
        looked_at = [
            self.checked, shown.check, shown.chooser, shown.picture, shown.part, shown.which,
            shown.start, shown.end, shown.heard, shown.clone, shown.name,
        ]  # fmt: skip
        gr.on(
            [shown.clip.change, shown.files.change, shown.denoise.input], visited(self.look),
            [near.owner, *shown.form], looked_at, concurrency_limit=LOOKS_AT_ONCE,
            concurrency_id="clips", trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        placed = [shown.part, shown.which, shown.start, shown.end, shown.picture]
        for event, handler in (
            (shown.part.input, self.choose_part),
            (shown.which.input, self.choose_recording),
            (shown.start.release, self.move_part),
            (shown.end.release, self.move_part),
        ):
            event(worded(handler), [self.checked, *shown.form], placed, **QUIET)
        shown.listen.click(worded(self.listen), [self.checked, *shown.form], [shown.heard], **QUIET)
        shown.language.input(
            lambda language: reading_words(language), [shown.language], [shown.reading],
            queue=False, **QUIET,
        )  # fmt: skip
        self.parts.wire(moved)
        self.keeping.wire(near)
        done = shown.clone.click(
            self.clone, [near.owner, *shown.form],
            [shown.clone, shown.stop, shown.status, self.keeping.key, *self.result.components()],
            validator=self.validate, concurrency_limit=None, concurrency_id="clone", **QUIET,
        )  # fmt: skip
        done.then(None, None, None, js=SHOW_CLONES, queue=False, **QUIET)
        shown.stop.click(self.stop, None, [shown.status], queue=False, **QUIET)

    def look(self, *values: object) -> Iterator[Updates]:
        """Check the recordings and say what is good and what is not."""
        form, shown = CloneForm(*values), self.widgets
        if not form.paths():
            yield self._without_clip(ADVICE)
            return
        yield {shown.check: LOOKING, shown.clone: gr.Button(interactive=False)}
        try:
            recordings = self.studio.clips.read_all(form.paths())
            check = self.studio.service.check(recordings, form.denoise is True)
            checked = CheckedClips(recordings, check)
        except UserError as fault:
            yield self._without_clip(f"- ✗ **{plain(str(fault))}**")
        except Exception as fault:  # noqa: BLE001  the edge of the page: it must not stay "looking"
            yield self._without_clip(f"- ✗ **{plain(fault_words(fault))}**")
        else:
            yield self._looked(form, checked)

    def choose_part(self, checked: object, *values: object) -> Updates:
        """Put the sliders on the chosen part."""
        form, clips = CloneForm(*values), _checked(checked)
        return self._placed(clips, form.part)

    def choose_recording(self, checked: object, *values: object) -> Updates:
        """Choose freely in another recording."""
        form, clips = CloneForm(*values), _checked(checked)
        form = replace(form, start=0.0, end=1e6)
        return self._moved(form, clips)

    def move_part(self, checked: object, *values: object) -> Updates:
        """Draw the part that the sliders were moved to."""
        form, clips = CloneForm(*values), _checked(checked)
        return self._moved(form, clips)

    def listen(self, checked: object, *values: object) -> gr.Audio:
        """Play the part that is used."""
        form, clips = CloneForm(*values), _checked(checked)
        recording, start, end = form.chosen_part(clips.recordings)
        label = f"{start:.1f}–{end:.1f} s"
        sound, rate = recording.waveform, recording.rate
        if form.denoise is True:
            first = max(start - NOISE_SECONDS, 0.0)
            around = sound[int(first * rate) : int((end + NOISE_SECONDS) * rate)]
            sound, start, end = denoise(around, rate), start - first, end - first
        sound = sound[int(start * rate) : int(end * rate)]
        return gr.Audio(value=heard(sound, rate), label=label, visible=True, autoplay=True)

    def validate(self, *values: object) -> list[dict[str, Any]]:
        """Say beside each field what is missing there."""
        _, *filled = values
        problems = CloneForm(*filled).problems(self.studio)
        return [
            gr.validate(True, ""),
            *(gr.validate(each not in problems, problems.get(each, "")) for each in CLONE_FIELDS),
        ]

    def clone(self, request: gr.Request, owner: object, *values: object) -> Iterator[Updates]:
        """Clone the voice; the page changes as the work goes on."""
        form = CloneForm(*values)
        if not is_owner(owner):
            yield {self.widgets.status: RELOAD}
            return
        page = request.session_hash or ""
        for shown in clone_run.clone(self.studio, form, str(owner), page):
            yield self._updates(shown)

    def stop(self, request: gr.Request) -> str:
        """Ask this page's cloning to stop; it answers itself when it has."""
        stopping = self.studio.desk.stop(job_key(request.session_hash or ""))
        return "Stopping…" if stopping else "Nothing is being cloned."

    def refill(self, owner: str) -> list[Any]:
        """What a page that opens is to show: the choices, and a clone that was not kept yet."""
        updates = self.parts.refill() | self.keeping.refill(owner)
        return [updates.get(each, gr.skip()) for each in self.refilled()]

    def refilled(self) -> list[Any]:
        """The components that `refill` fills, in its order."""
        return [*self.parts.refilled(), *self.keeping.refilled()]

    def _updates(self, shown: CloneShown) -> Updates:
        widgets = self.widgets
        updates: Updates = {
            widgets.clone: gr.Button(interactive=not shown.running),
            widgets.stop: gr.Button(visible=shown.running),
        }
        if shown.status is not None:
            updates[widgets.status] = shown.status
        if shown.made is not None:
            updates |= self.keeping.shown(shown.made)
        return updates

    def _without_clip(self, words: str) -> Updates:
        shown = self.widgets
        return {
            self.checked: None,
            shown.check: words,
            shown.chooser: gr.Column(visible=False),
            shown.clone: gr.Button(interactive=False),
        }

    def _looked(self, form: CloneForm, clips: CheckedClips) -> Updates:
        """Show a finished check with the part that would be used."""
        shown, names = self.widgets, clips.names()
        updates = self._placed(clips, None)
        updates[shown.part] = gr.Dropdown(choices=clips.choices(), value=clips.choices()[0][1])
        updates |= {
            self.checked: clips,
            shown.check: clips.words(),
            shown.chooser: gr.Column(visible=clips.is_usable),
            shown.heard: gr.Audio(value=None, visible=False),
            shown.clone: gr.Button(interactive=clips.is_usable),
        }
        updates[shown.which] = gr.Dropdown(
            choices=names, value=clips.window(None).recording, visible=len(names) > 1
        )
        if not (isinstance(form.name, str) and form.name.strip()):
            updates[shown.name] = suggested_name(clips.recordings, self.studio)
        return updates

    def _placed(self, clips: CheckedClips, part: object) -> Updates:
        window = clips.window(part)
        return self._sliders(clips, window.recording, window.start_seconds, window.end_seconds)

    def _moved(self, form: CloneForm, clips: CheckedClips) -> Updates:
        chosen, start, end = form.chosen_part(clips.recordings)
        which = next(at for at, each in enumerate(clips.recordings) if each is chosen)
        return self._sliders(clips, which, start, end) | {self.widgets.part: "own"}

    def _sliders(self, clips: CheckedClips, which: int, start: float, end: float) -> Updates:
        shown, longest = self.widgets, round(clips.recordings[which].seconds, 2)
        return {
            shown.which: which,
            shown.start: gr.Slider(maximum=longest, value=round(start, 2)),
            shown.end: gr.Slider(maximum=longest, value=round(end, 2)),
            shown.picture: clips.picture(which, start, end),
        }


def _checked(value: object) -> CheckedClips:
    """The recordings that were looked at.

    Raises:
        SettingsError: nothing was looked at yet.
    """
    if not isinstance(value, CheckedClips):
        raise SettingsError("Record or upload a clip first.")
    return value
