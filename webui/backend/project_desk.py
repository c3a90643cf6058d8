"""The part of the service that speaks long texts: begins, edits, renders, tells, hands out."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from webui.arrays import Waveform
from webui.backend import project_export
from webui.backend.engine import failed
from webui.backend.project_beginning import ProjectOrder, begin_project
from webui.backend.project_cards import find_card
from webui.backend.project_editing import ProjectEditing
from webui.backend.project_facts import ProjectInfo, SpokenCard
from webui.backend.project_render import SILENT, CardJob, ProjectRender, rerolled
from webui.backend.project_shelf import refuse_locked
from webui.backend.project_store import ProjectFolder, StoredProject
from webui.backend.requests import SpeakOrder
from webui.backend.speech_project import begin_speech
from webui.backend.watched_work import WatchedWork
from webui.errors import ProjectError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Failed
from webui.synthesis.controls import MAX_SEED, SpeechControls
from webui.voice_names import slug

PROJECTS_FOLDER = "projects"  # in the folder of results
MOST_TAKES = 8  # of one card can be brought back


class ProjectDesk(ProjectEditing):
    """All that can be done with long texts. Safe to use from several threads.

    A rendering works in a thread of its own: it goes on when nobody looks, and each card that is
    done is kept when it is stopped, when the app ends and when the machine fails.
    """

    def create(  # noqa: PLR0913  all that is decided when a long text is begun
        self,
        name: str,
        source: tuple[str, bytes] | str,
        *,
        family: str | None = None,
        voice: str | None = None,
        voices: Mapping[str, str] | None = None,
        controls: SpeechControls | None = None,
        language: str = "",
    ) -> ProjectInfo:
        """Make a project of a text, or of a file (its name and its bytes).

        Args:
            name: how people call it; empty takes the title of the text.
            source: the text.
            family: None is the one that speaks when nobody chooses.
            voice: of the narrator; None takes the family's first one.
            voices: ids of voices by the names of speakers; the others get different ones.
            controls: None is what the family recommends.
            language: ISO 639 code; empty is the narrator's.

        Raises:
            TextError: the file cannot be read, or there is nothing to say in it.
            ProjectError: the name cannot be used.
            UserError: the family or a voice is not there, or a control is out of range.
        """
        order = ProjectOrder(name, source, family, voice, dict(voices or {}), controls, language)
        self._only_owner()
        return self._begun(begin_project(order, self._stock, self._most_characters))

    def open_or_create(self, order: ProjectOrder) -> ProjectInfo:
        """Give the project that was begun with the same text and settings, or begin it.

        Raises:
            UserError: as `create`.
        """
        self._only_owner()
        begun = begin_project(order, self._stock, self._most_characters)
        for folder in self._folders().values():
            try:
                if folder.load().origin == begun.origin:
                    return self._info(folder)
            except ProjectError:
                continue
        return self._begun(begun)

    def create_speech(self, name: str, order: SpeakOrder) -> ProjectInfo:
        """Make a project that sounds as an order would if it were spoken in one go.

        Raises:
            ProjectError: its sentences would hang together, so that none can be spoken alone.
            UserError: the order cannot be spoken.
        """
        self._only_owner()
        return self._begun(begin_speech(name, order, self._stock))

    def delete(self, project: str) -> None:
        """Remove a project with its sounds.

        Raises:
            ProjectError: there is none of this id, or it is being spoken.
            StorageError: it cannot be removed.
        """
        self._folder(project).delete()
        with self._guard:
            self._at_work.pop(project, None)
            self._namings.pop(project, None)

    def render(
        self,
        project: str,
        *,
        chapter: int | None = None,
        cards: Sequence[str] | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Event]:
        """Speak what is new or changed and not locked; it goes on when nobody reads the events.

        `Progress` counts cards (`chunk` of `chunks`), and each card that is ready is one
        `AudioChunk`. A project that is being spoken already is watched instead.

        Raises:
            ProjectError: there is no such project or chapter, or the app is ending.
        """
        folder = self._folder(project)
        stored = folder.load()
        if chapter is not None and not 0 <= chapter < len(stored.chapters):
            raise ProjectError(f"There is no chapter {chapter + 1} in this text.")
        chosen = stored.chapters if chapter is None else stored.chapters[chapter : chapter + 1]
        ids = [card.id for each in chosen for card in each.cards]
        wanted = ids if cards is None else [each for each in ids if each in set(cards)]
        with self._guard:
            if self._closed:
                raise ProjectError("The app is ending. Start it again, then go on.")
            work = self._at_work.get(folder.id)
            if work is None or work.ended:
                begun = work = self._at_work[folder.id] = WatchedWork()
                work.begin(lambda: self._to_the_end(folder, wanted, begun), f"project-{folder.id}")
        return work.follow(cancel)

    def follow(self, project: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Watch a rendering that runs; nothing where none does."""
        work = self._at_work.get(project)
        if work is not None and not work.ended:
            yield from work.follow(cancel)

    def stop(self, project: str) -> None:
        """Stop a rendering; the cards that are done are kept."""
        work = self._at_work.get(project)
        if work is not None:
            work.cancel.cancel()

    def reroll(self, project: str, card: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Speak one card again with another seed; the sound before can be brought back.

        Nothing is changed until the new sound is there.

        Raises:
            ProjectError: there is no such card, or it is locked.
            VoiceNotFoundError: its voice is not there any more.
        """
        folder = self._folder(project)
        view = self._view(folder)
        found = find_card(view.project, card)
        refuse_locked(found)
        other = replace(found, seed=secrets.randbelow(MAX_SEED + 1))
        render = self._render(folder, cancel or CancelToken())
        job = render.job(view.naming, other)
        return self._rerolled(folder, render, job)

    def card_sound(self, project: str, card: str) -> tuple[Waveform, int]:
        """Give the sound of one card, and its rate in Hz; of a changed card the one before.

        Raises:
            ProjectError: there is no such card, or it was never spoken.
            AudioFileError: its file is damaged.
        """
        folder = self._folder(project)
        view = self._view(folder)
        found = find_card(view.project, card)
        return folder.read_sound(view.sound_of(found) or found.kept)

    def chapter_sound(self, project: str, chapter: int) -> tuple[Waveform, int]:
        """Give the sound of what is done of a chapter (counted from 0), and its rate in Hz.

        Raises:
            ProjectError: nothing is done, there is no such chapter, or it is too long to be played.
        """
        folder = self._folder(project)
        return project_export.chapter_sound(folder, self._view(folder), chapter)

    def subtitles(
        self, project: str, kind: Literal["srt", "vtt"], chapter: int | None = None
    ) -> str:
        """Give subtitles that fit the exported sound of a chapter, or of the whole.

        Raises:
            ProjectError: nothing is done, or there is no such chapter.
        """
        return project_export.subtitles(self._view(self._folder(project)), kind, chapter)

    def timeline(self, project: str, chapter: int | None = None) -> list[SpokenCard]:
        """Say when each card that is done is heard in the sound of a chapter, or of the whole.

        Raises:
            ProjectError: nothing is done, or there is no such chapter.
        """
        return project_export.timeline(self._view(self._folder(project)), chapter)

    def track(self, project: str) -> tuple[Iterator[Waveform], int]:
        """Give the sound of what is done part by part, and its rate in Hz.

        Raises:
            ProjectError: nothing is done, or there is no such project.
        """
        folder = self._folder(project)
        view = self._view(folder)
        return project_export.track(folder, view), view.project.rate

    def export(
        self, project: str, path: Path, audio_format: str, chapter: int | None = None
    ) -> None:
        """Write what is done into a sound file: wav, flac, mp3 or m4b (with chapters).

        Raises:
            ProjectError: nothing is done, or there is no such chapter.
            AudioFileError: an unknown format, or one that needs a program that is not installed.
            StorageError: the file cannot be written.
        """
        folder = self._folder(project)
        project_export.export(folder, self._view(folder), path, audio_format, chapter)

    def close(self) -> None:
        """Stop all work."""
        with self._guard:
            self._closed, at_work = True, list(self._at_work.values())
        for work in at_work:
            work.cancel.cancel()
        for work in at_work:
            work.stop()

    def _begun(self, project: StoredProject) -> ProjectInfo:
        """Write a new project down, in a folder that nobody else has."""
        folder = ProjectFolder(self._root / f"{slug(project.name)}-{secrets.token_hex(4)}")
        folder.save(project)
        return self._info(self._folder(folder.id))

    def _render(self, folder: ProjectFolder, cancel: CancelToken) -> ProjectRender:
        return ProjectRender(
            folder, lambda: self._view(folder), self._stock.speaker, self._engine, cancel
        )

    def _to_the_end(self, folder: ProjectFolder, cards: Sequence[str], work: WatchedWork) -> Event:
        """Speak cards, tell everybody who listens, and say how it ended."""
        try:
            with folder.at_work():
                view = self._view(folder)
                if all(view.naming.keys.values()):  # else somebody's sounds have no names now
                    folder.sweep_sounds(view.wanted())
                for event in self._render(folder, work.cancel).events(cards):
                    if isinstance(event, Done | Failed | Cancelled):
                        return event
                    work.tell(event)
        except Exception as fault:  # noqa: BLE001  (who waits for it must hear of it)
            return failed(fault)
        return Done()

    def _rerolled(
        self, folder: ProjectFolder, render: ProjectRender, job: CardJob
    ) -> Iterator[Event]:
        """Speak one card; when its sound is on disk, and not before, the card gets it."""
        for event in self._engine.run(job.request, job.token):
            if not isinstance(event, Done) or event.result is None:
                if not isinstance(event, AudioChunk):
                    yield event
                continue
            speech = event.result
            if not len(speech.waveform):
                yield failed(ProjectError(SILENT))
                return
            render.keep(job, speech)
            with self._changing(folder) as change:
                card = change.unlocked(job.card.id)
                changed = rerolled(card, change.view.naming, job.seed, MOST_TAKES)
                change.project = change.project.with_cards({card.id: changed})
            yield AudioChunk(0, 1, job.card.text, speech.waveform, speech.sample_rate)
            yield Done()
