"""What happens to finished clones: they are heard, compared, kept, used, or put aside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.backend.facts import VoiceInfo
from webui.errors import StorageError
from webui.ui.clone_check import ADVICE
from webui.ui.clone_file import voice_file
from webui.ui.clone_form import NO_NAME, voice_tags
from webui.ui.clone_result import ClonePlace, CloneResult
from webui.ui.clone_run import done_words
from webui.ui.clone_shelf import GONE, MadeClones
from webui.ui.clone_widgets import CloneWidgets
from webui.ui.faults import worded
from webui.ui.library_tab import LibraryTab
from webui.ui.messages import plain
from webui.ui.speak_tab import SpeakTab
from webui.ui.studio import Studio
from webui.ui.takes import is_owner
from webui.ui.visiting import visited
from webui.voice_names import check_voice_name

Updates = dict[Any, Any]
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Neighbours:
    """What the tab shares a page with."""

    owner: gr.State
    draft: gr.BrowserState
    tabs: gr.Tabs
    speak_tab: SpeakTab
    library: LibraryTab


@dataclass(frozen=True)
class PickedClone:
    """Which clone is meant, as the browser sent it."""

    owner: object
    key: object
    index: object = 0

    def made(self, studio: Studio) -> MadeClones:
        """Look up what its owner had made.

        Raises:
            StorageError: it is gone, or it is somebody else's.
        """
        if not is_owner(self.owner):
            raise StorageError(GONE)
        return studio.clones.find(str(self.owner), self.key)


class CloneKeeping:
    """Answers the events of the result."""

    def __init__(self, studio: Studio, widgets: CloneWidgets, result: CloneResult) -> None:
        self.studio = studio
        self.widgets = widgets
        self.result = result
        self.key = gr.State("")  # of the clones that are shown
        self.kept = gr.State(None)  # the id of the voice that was kept last

    def wire(self, near: Neighbours) -> None:
        """Connect the widgets to the handlers."""
        result, known = self.result, [near.owner, self.key]
        for place in (result.first, result.second):
            heard = [place.choice, place.player, place.verdict, place.keep, place.save]
            judged = [result.report, result.picture]
            place.choice.input(
                worded(self._choose(place)), [*known, place.choice], [*heard, *judged], **QUIET
            )
        first = result.first
        result.ranking.select(
            worded(self.choose_row), known,
            [first.choice, first.player, first.verdict, first.keep, first.save, result.report,
             result.picture], **QUIET,
        )  # fmt: skip
        speak_tab, library = near.speak_tab, near.library
        form = speak_tab.widgets.form
        use = library.use_voice(speak_tab)
        spoken_with = [near.tabs, *form, speak_tab.widgets.examples]
        for place in (result.first, result.second):
            kept = place.keep.click(
                worded(self.keep), [*known, place.choice, self.widgets.name, self.widgets.tags],
                [self.kept, result.saved, result.use, self.widgets.status], **QUIET,
            )  # fmt: skip
            chosen = kept.success(
                worded(_without_leaving(use)), [near.owner, self.kept, *form], spoken_with, **QUIET
            )
            speak_tab.keep_draft_after(chosen.then, near.draft)
            kept.success(worded(visited(library.refill)), [near.owner], library.refilled(), **QUIET)
        used = result.use.click(worded(use), [near.owner, self.kept, *form], spoken_with, **QUIET)
        speak_tab.keep_draft_after(used.then, near.draft)
        shown = self.widgets
        result.another.click(
            worded(self.another), known,
            [shown.clip, shown.files, shown.name, shown.consent, shown.status, shown.check,
             shown.chooser, shown.clone, self.key, *result.components()], **QUIET,
        )  # fmt: skip

    def shown(self, made: MadeClones) -> Updates:
        """Show what was made."""
        files = tuple(self._file(made, index) for index in range(2))
        return {self.key: made.key, **self.result.shown(made, files)}

    def choose_row(self, event: gr.SelectData, *values: object) -> Updates:
        """Hear the clone of a row of the ranking, and read its report."""
        picked = PickedClone(*values)
        index = event.index
        row = index[0] if isinstance(index, list | tuple) and index else index
        return self._chosen(self.result.first, picked.made(self.studio), row)

    def keep(self, *values: object) -> list[Any]:
        """Save a clone into the library."""
        owner, key, index, name, tags = values
        picked = PickedClone(owner, key, index)
        made = picked.made(self.studio)
        made.candidate(picked.index)
        if not isinstance(name, str) or not name.strip():
            raise StorageError(NO_NAME)
        voice = self.studio.for_visitor(owner).voices.keep_clone(
            made.order, made.outcome, int(str(picked.index)), name=check_voice_name(name),
            consent=made.consent, tags=voice_tags(tags),
        )  # fmt: skip
        self.studio.clones.mark_kept(made)
        return [voice.id, *self._saved(voice)]

    def another(self, *values: object) -> Updates:
        """Put everything aside and begin anew."""
        picked, shown = PickedClone(*values), self.widgets
        if is_owner(picked.owner):
            self.studio.clones.drop(str(picked.owner), picked.key)
        return {
            shown.clip: None,
            shown.files: None,
            shown.name: "",
            shown.consent: False,
            shown.status: "",
            shown.check: ADVICE,
            shown.chooser: gr.Column(visible=False),
            shown.clone: gr.Button(interactive=False),
            self.key: "",
            **self.result.emptied(),
        }

    def refill(self, owner: str) -> Updates:
        """What a page that opens is to show: a clone that was not kept yet."""
        made = self.studio.clones.newest(owner)
        if made is None:
            return {}
        return {
            self.widgets.name: made.name,
            self.widgets.tags: list(made.tags),
            self.widgets.status: plain(done_words(made)),
            **self.shown(made),
        }

    def refilled(self) -> list[Any]:
        """The components that `refill` may fill."""
        shown = self.widgets
        return [shown.name, shown.tags, shown.status, self.key, *self.result.components()]

    def _choose(self, place: ClonePlace) -> Callable[..., Updates]:
        def choose(*values: object) -> Updates:
            picked = PickedClone(*values)
            return self._chosen(place, picked.made(self.studio), picked.index)

        return choose

    def _chosen(self, place: ClonePlace, made: MadeClones, index: object) -> Updates:
        made.candidate(index)
        number = int(str(index))
        updates = place.updates(made, number, self._file(made, number))
        return updates | self.result.judged(made, number)

    def _file(self, made: MadeClones, index: int) -> str | None:
        """The voice as a file to take away, where voices are not kept."""
        if not self.studio.settings.public or index >= len(made.outcome.candidates):
            return None
        return str(voice_file(made, index, self.studio.clones.folder(made)))

    def _saved(self, voice: VoiceInfo) -> list[Any]:
        words = f"**Saved to your library as “{plain(voice.name)}”.** It is chosen for speaking."
        if self.studio.settings.public:
            words += " It is here for a day; save its file to keep it."
        return [gr.Markdown(words, visible=True), gr.Button(visible=True), plain("Kept.")]


def _without_leaving(use: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Choose a voice for speaking, but stay on this tab."""

    def choose(*values: object) -> list[Any]:
        _, *updates = use(*values)
        return [gr.skip(), *updates]

    return choose
