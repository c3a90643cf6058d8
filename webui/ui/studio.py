"""What all tabs share: the service, and the page's own shelves and desks."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from webui.backend.facts import FamilyInfo, VoiceInfo
from webui.errors import FamilyNotFoundError, VoiceNotFoundError
from webui.settings import Settings
from webui.ui.clone_clips import ClipReader
from webui.ui.clone_shelf import CloneShelf
from webui.ui.downloads import Downloads
from webui.ui.jobs import JobDesk
from webui.ui.messages import language_name
from webui.ui.service_port import SpeakingService
from webui.ui.takes import TakeShelf

ANY_VOICE = "any voice"  # no id of a voice holds a space


@dataclass(frozen=True, eq=False)
class Studio:
    """One running page: nothing in it belongs to a single visitor except by that visitor's key."""

    service: SpeakingService
    settings: Settings
    shelf: TakeShelf
    clones: CloneShelf
    downloads: Downloads
    files: Path  # that the page hands out, beside takes and clones
    desk: JobDesk = field(default_factory=JobDesk)
    clips: ClipReader = field(default_factory=ClipReader)
    has_ffmpeg: bool = field(default_factory=lambda: shutil.which("ffmpeg") is not None)

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
        """The voices that a visitor may see: in public mode nobody's own ones."""
        return [
            voice
            for voice in self.service.voices(family)
            if voice.source != "own" or not self.settings.public
        ]

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


def open_studio(service: SpeakingService, settings: Settings, folder: Path) -> Studio:
    """Build what the tabs share; takes are handed out from `folder`."""
    kept_in = None if settings.public else settings.outputs_dir
    clones = CloneShelf(folder / "clones")
    takes, files = TakeShelf(folder, kept_in), folder / "files"
    return Studio(service, settings, takes, clones, Downloads(service), files)


def voice_label(voice: VoiceInfo) -> str:
    """How a voice is called in a list: its own ones carry a star."""
    star = "★ " if voice.source == "own" else ""
    return " · ".join([f"{star}{voice.name}", language_name(voice.language), *voice.tags[:2]])
