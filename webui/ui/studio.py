"""What all tabs share: the service, and the page's own shelves and desks."""

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from webui.arrays import Speaker, Waveform
from webui.backend.facts import FamilyInfo, VoiceInfo
from webui.errors import FamilyNotFoundError, StorageError, VoiceNotFoundError
from webui.settings import Settings
from webui.ui.clone_clips import ClipReader
from webui.ui.clone_shelf import CloneShelf
from webui.ui.downloads import Downloads
from webui.ui.jobs import JobDesk
from webui.ui.laid_ready import LaidReady
from webui.ui.long_runs import MAX_PUBLIC_RUNS, LongRuns
from webui.ui.messages import language_name
from webui.ui.service_port import (
    LongTexts,
    ProjectShelves,
    SpeakingService,
    VoiceKeeper,
    VoiceShelves,
)
from webui.ui.takes import TakeShelf, is_owner
from webui.ui.text_facts import Pace

ANY_VOICE = "any voice"  # no id of a voice holds a space


@dataclass(frozen=True, eq=False)
class Studio:
    """One running page: nothing in it belongs to a single visitor except by that visitor's key.

    `for_visitor` gives it as one visitor sees it; on a local page there is only one person.
    """

    service: SpeakingService
    settings: Settings
    shelf: TakeShelf
    clones: CloneShelf
    downloads: Downloads
    files: Path  # that the page hands out, beside takes and clones
    visitors: VoiceShelves  # of a public page
    visitor_projects: ProjectShelves  # of a public page
    laid_ready: LaidReady
    visitor: str = ""  # the key of who looks at a public page; empty: nobody in particular
    desk: JobDesk = field(default_factory=JobDesk)
    clips: ClipReader = field(default_factory=ClipReader)
    long_runs: LongRuns = field(default_factory=LongRuns)
    pace: Pace = field(default_factory=Pace)
    has_ffmpeg: bool = field(default_factory=lambda: shutil.which("ffmpeg") is not None)

    def for_visitor(self, owner: object) -> "Studio":
        """The page as one visitor sees it, by the key that their browser keeps."""
        if not self.settings.public:
            return self
        return replace(self, visitor=str(owner) if is_owner(owner) else "")

    @property
    def voices(self) -> VoiceKeeper:
        """Where voices are read and kept: the library, or a visitor's own shelf.

        Raises:
            StorageError: on a public page it is not known who looks.
        """
        if not self.settings.public:
            return self.service
        if not self.visitor:
            raise StorageError("Please reload the page once. What you gave is kept.")
        return self.visitors.of(self.visitor)

    @property
    def projects(self) -> LongTexts:
        """Where long texts are made and kept: the service's own desk, or a visitor's.

        Raises:
            StorageError: on a public page it is not known who looks.
        """
        if not self.settings.public:
            return self.service.projects
        if not self.visitor:
            raise StorageError("Please reload the page once. What you gave is kept.")
        return self.visitor_projects.of(self.visitor)

    def installed_families(self) -> list[FamilyInfo]:
        """The families that can speak now."""
        return [family for family in self.service.families() if family.state == "installed"]

    def speaking_family(self, wanted: object) -> FamilyInfo:
        """An installed family by the name that a browser sent.

        Raises:
            FamilyNotFoundError: it is not here.
        """
        for family in self.installed_families():
            if family.id == wanted:
                return family
        raise FamilyNotFoundError("This model family is not here. Choose another one.")

    def default_family(self) -> str | None:
        """The family that speaks when nobody chooses; None while there is none."""
        installed = [family.id for family in self.installed_families()]
        try:
            chosen = self.service.family(None).id
        except FamilyNotFoundError:
            chosen = None
        return chosen if chosen in installed else next(iter(installed), None)

    def visible_voices(self, family: str | None = None) -> list[VoiceInfo]:
        """The voices that a visitor may see: on a public page built-in ones and their own."""
        if self.settings.public and not self.visitor:
            return [each for each in self.service.voices(family) if each.source != "own"]
        return self.voices.voices(family)

    def visible_voice(self, voice_id: object, family: str | None = None) -> VoiceInfo:
        """One voice by the id that a browser sent.

        Raises:
            VoiceNotFoundError: there is none, or it is not for this visitor or family.
        """
        for voice in self.visible_voices(family):
            if voice.id == voice_id:
                return voice
        raise VoiceNotFoundError(
            "This voice is no longer there. Pick another one; nothing was spoken."
        )

    def speaking_voice(self, wanted: object, family: FamilyInfo) -> tuple[VoiceInfo | None, str]:
        """The voice that a browser chose for speaking, None for any, and the language to speak.

        Raises:
            VoiceNotFoundError: it is not for this visitor or family, or it is broken.
        """
        language = family.languages[0] if family.languages else "en"
        if wanted == ANY_VOICE:
            return None, language
        voice = self.visible_voice(wanted, family.id)
        if voice.broken:
            raise VoiceNotFoundError(f"This voice cannot speak: {voice.broken}")
        return voice, voice.language or language

    def arrays_of(self, voice: VoiceInfo, family: str) -> Speaker | None:
        """The arrays of a voice that only its visitor has; None: the service knows it by its id.

        Raises:
            UserError: the voice is broken or gone.
        """
        if not self.settings.public or voice.source != "own":
            return None
        return self.voices.speaker(voice.id, family)

    def preview(self, voice: VoiceInfo) -> tuple[Waveform, int]:
        """The sound that a voice's own codes hold.

        Raises:
            UserError: it is broken or gone, or could not be computed.
        """
        keeper = self.voices if voice.source == "own" else self.service
        return keeper.preview(voice.id)

    def forget(self, owner: str) -> None:
        """Remove all that a visitor has on this page: takes, clones, long texts and voices."""
        self.shelf.forget(owner)
        self.clones.forget(owner)
        self.laid_ready.forget(owner)
        self.visitor_projects.forget(owner)
        self.visitors.forget(owner)

    def sweep(self) -> None:
        """Remove what visitors left here for too long."""
        self.shelf.sweep()
        self.clones.sweep()
        self.clips.sweep()
        self.laid_ready.sweep()
        self.visitor_projects.sweep()
        self.visitors.sweep()


def open_studio(service: SpeakingService, settings: Settings, folder: Path) -> Studio:
    """Build what the tabs share; takes are handed out from `folder`."""
    kept_in = None if settings.public else settings.outputs_dir
    clones = CloneShelf(folder / "clones")
    takes, files = TakeShelf(folder, kept_in), folder / "files"
    shelves = service.visitor_voices(folder / "visitors")
    projects = service.visitor_projects(folder / "visitor-texts", shelves)
    runs = LongRuns(MAX_PUBLIC_RUNS) if settings.public else LongRuns()
    return Studio(
        service, settings, takes, clones, Downloads(service), files, shelves, projects,
        LaidReady(folder), long_runs=runs,
    )  # fmt: skip


def voice_label(voice: VoiceInfo) -> str:
    """How a voice is called in a list: its own ones carry a star."""
    star = "★ " if voice.source == "own" else ""
    return " · ".join([f"{star}{voice.name}", language_name(voice.language), *voice.tags[:2]])
