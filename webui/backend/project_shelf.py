"""The projects of one folder: looked up by their ids, read once, changed one at a time."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from webui.backend.engine import Engine
from webui.backend.project_beginning import ProjectStock
from webui.backend.project_cards import find_card
from webui.backend.project_facts import Card, ProjectDetails, ProjectInfo
from webui.backend.project_store import (
    ProjectFolder,
    StoredCard,
    StoredProject,
    project_folders,
)
from webui.backend.project_view import Naming, View, voice_print
from webui.backend.watched_work import WatchedWork
from webui.errors import ProjectError, SettingsError, UserError

PUBLIC_WORDS = "Long texts of the owner are not shown on a public page."


@dataclass
class Change:
    """A project while it is changed: what it was like, and what it becomes."""

    view: View
    project: StoredProject

    def unlocked(self, card: str) -> StoredCard:
        """Give a card that may be changed.

        Raises:
            ProjectError: there is none of this id, or it is locked.
        """
        found = find_card(self.project, card)
        refuse_locked(found)
        return found


class ProjectShelf:
    """Finds, reads and changes projects. Safe to use from several threads.

    Args:
        root: the folder of the projects, one folder each.
        engine: speaks.
        stock: families and voices that may be used.
        is_open: False refuses everything, as on a public page, where nobody owns this folder.
        most_characters: of a text; None leaves the bounds of books.
    """

    def __init__(
        self,
        root: Path,
        engine: Engine,
        stock: ProjectStock,
        *,
        is_open: bool = True,
        most_characters: int | None = None,
    ) -> None:
        self._root, self._engine, self._stock = root, engine, stock
        self._is_open, self._most_characters = is_open, most_characters
        self._guard = threading.Lock()
        self._known: dict[str, ProjectFolder] = {}  # they remember what they read
        self._namings: dict[str, Naming] = {}
        self._at_work: dict[str, WatchedWork] = {}
        self._closed = False

    def all(self) -> list[ProjectInfo]:
        """List all projects, the one that was changed last first; a damaged one says why."""
        if not self._is_open:
            return []
        found = [self._info(each) for each in self._folders().values()]
        return sorted(found, key=lambda each: (each.changed, each.id), reverse=True)

    def details(self, project: str) -> ProjectDetails:
        """Tell all that is known of one.

        Raises:
            ProjectError: there is none of this id, or it is damaged.
        """
        folder = self._folder(project)
        return self._view(folder).details(self._info(folder))

    def _folders(self) -> Mapping[str, ProjectFolder]:
        found = project_folders(self._root)
        with self._guard:
            self._known = {
                name: self._known.get(name) or ProjectFolder(path) for name, path in found.items()
            }
            return dict(self._known)

    def _folder(self, project: str) -> ProjectFolder:
        self._only_owner()
        found = self._folders().get(project)
        if found is None:
            raise ProjectError("There is no such text. `python -m webui audiobook --list` does.")
        return found

    def _view(self, folder: ProjectFolder) -> View:
        """Look at a project as it is now."""
        return View(self._naming(folder, folder.load()), folder.sounds(), folder.notes())

    def _naming(self, folder: ProjectFolder, project: StoredProject) -> Naming:
        """Name the sounds of a project; the names are reckoned again only when something changed.

        A voice that is not there any more counts as it was when it was chosen.
        """
        voices = {*project.voices.values(), *(each.voice for each in project.cards())} - {None}
        prints = {each: self._print(str(each), project) for each in voices if each is not None}
        known = {voice: each for voice, each in prints.items() if each}
        with self._guard:
            before = self._namings.get(folder.id)
            if before is None or before.project is not project or before.prints != known:
                before = self._namings[folder.id] = Naming(project, known)
            return before

    def _print(self, voice: str, project: StoredProject) -> str:
        try:
            return voice_print(self._stock.speaker(voice, project.family))
        except UserError:
            return project.prints.get(voice, "")

    def _info(self, folder: ProjectFolder) -> ProjectInfo:
        try:
            info = self._view(folder).info(folder.id)
        except ProjectError as fault:
            return ProjectInfo(folder.id, folder.id, 0, 0, 0, 0.0, "", broken=str(fault))
        work = self._at_work.get(folder.id)
        progress = None if work is None else work.progress
        if progress is None:
            return info
        fraction, left = progress.fraction, progress.seconds_left
        return replace(info, running=True, fraction=fraction, seconds_left=left)

    def _card(self, folder: ProjectFolder, card: str) -> Card:
        view = self._view(folder)
        return view.card(find_card(view.project, card))

    @contextmanager
    def _changing(self, folder: ProjectFolder) -> Iterator[Change]:
        """Change a project: one at a time, in whatever process, and whole or not at all."""
        with folder.editing():
            view = self._view(folder)
            change = Change(view, view.keeping())
            yield change
            folder.save(change.project)

    def _with_print(self, project: StoredProject, voice: str | None) -> StoredProject:
        """The project remembering a voice that is used in it from now on.

        Raises:
            VoiceNotFoundError: there is no such voice for the family.
            SpeakerFileError: its file is broken.
        """
        if voice is None:
            return project
        made = voice_print(self._stock.speaker(voice, project.family))
        return replace(project, prints={**project.prints, voice: made})

    def _only_owner(self) -> None:
        if not self._is_open:
            raise SettingsError(PUBLIC_WORDS)


def refuse_locked(card: StoredCard) -> None:
    """Let nobody change a locked card.

    Raises:
        ProjectError: it is locked.
    """
    if card.locked:
        raise ProjectError("This card is locked. Unlock it first.")
