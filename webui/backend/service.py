"""The app behind every door: families, voices, speaking, downloads, and how it all is."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from webui.arrays import FineCodes, Speaker, Waveform
from webui.backend.catalogue import CATALOGUE, CatalogueEntry
from webui.backend.cloning_desk import CloningDesk
from webui.backend.downloads import Downloads
from webui.backend.engine import Engine, make_engine
from webui.backend.facts import (
    EngineStatus,
    FamilyInfo,
    ServiceStatus,
    VoiceInfo,
    voices_called,
)
from webui.backend.family_folders import FamilyFolders, best_family
from webui.backend.favourite_voices import FavouriteVoices
from webui.backend.library_desk import LibraryDesk
from webui.backend.project_beginning import ProjectStock
from webui.backend.project_desk import PROJECTS_FOLDER, ProjectDesk
from webui.backend.requests import (
    LoadRequest,
    SpeakOrder,
    SpeakRequest,
    UnloadRequest,
)
from webui.backend.speaker_library import SpeakerLibrary
from webui.backend.status import service_status
from webui.backend.training_desk import TrainingDesk, TrainingStock
from webui.backend.visitor_projects import VisitorProjects
from webui.backend.visitor_voices import VisitorShelf, VisitorVoices
from webui.backend.voice_previews import VoicePreviews
from webui.backend.voices_repo import VoicesRepo
from webui.backend.weights import is_installed
from webui.errors import (
    CheckpointError,
    FamilyNotFoundError,
    TextError,
    UserError,
    VoiceNotFoundError,
)
from webui.events import CancelToken, Event, Failed, Progress
from webui.family import FamilyConfig, read_family
from webui.file_saving import sweep_leftovers
from webui.settings import Settings
from webui.speaker_limits import check_ranges, limits_of
from webui.speaker_metadata import SpeakerMetadata
from webui.synthesis.controls import SpeechControls, controls_from_json
from webui.synthesis.text import normalise

VISITOR_CHARACTERS = 20_000  # of one long text of a public page's visitor: about 20 minutes
_INCOMPLETE = "A file is missing or has another size. Download the family again."


class Service(CloningDesk):
    """Everything that the page and the command line ask for. Safe to use from several threads."""

    def __init__(self, settings: Settings, engine: Engine | None = None) -> None:
        self.settings = settings
        roots = (settings.models_dir, settings.builtin_models_dir)
        self._folders = FamilyFolders(tuple(dict.fromkeys(roots)))
        own = settings.speakers_dir
        self._library = SpeakerLibrary(own, self._folders, FavouriteVoices(own))
        self._looking = threading.Lock()  # of the library
        self._engine = engine or make_engine(settings)
        self._downloads = Downloads(settings)
        self._sizes: dict[Path, tuple[int, int]] = {}  # of folders: time of change in ns, bytes
        self._previews = VoicePreviews(self._engine)
        self.library = LibraryDesk(self._library, self._looking, own, self._hear)
        stock = TrainingStock(self._config, self._whole, self.voices, self.speaker)
        self.training = TrainingDesk(settings, self._engine, stock)
        self.projects = self._project_desk(
            settings.outputs_dir / PROJECTS_FOLDER, self, is_open=not settings.public
        )
        self._visitor_projects: list[VisitorProjects[ProjectDesk]] = []
        self._voices_repo: VoicesRepo | None = None  # of visitors who signed in
        self._failure: Failed | None = None  # of the last job that needed the engine
        if own.is_dir():
            sweep_leftovers(own)
            self.library.sweep()

    def families(self) -> list[FamilyInfo]:
        """List all families: the installed ones, then those that can be downloaded."""
        folders = self._folders.all()
        loaded = {each.id for each in self._engine.status().loaded}
        found = [self._installed(name, folder, loaded) for name, folder in folders.items()]
        found += [self._offered(entry) for name, entry in CATALOGUE.items() if name not in folders]
        return sorted(found, key=lambda each: (not each.installed, each.is_demo, each.size_bytes))

    def family(self, family_id: str | None = None) -> FamilyInfo:
        """Describe one family; None is the one that speaks when nobody chooses.

        Raises:
            FamilyNotFoundError: there is none of this name.
        """
        name = family_id or self.default_family()
        for family in self.families():
            if family.id == name:
                return family
        raise FamilyNotFoundError(
            f'There is no model family "{name[:64]}". `python -m webui models` lists them.'
        )

    def default_family(self) -> str:
        """Give the family of the settings, or the best one that is installed."""
        if self.settings.family is not None:
            return self.settings.family
        usable = [each for each in self.families() if each.state == "installed"]
        demos = frozenset(each.id for each in usable if each.is_demo)
        return best_family(tuple(each.id for each in usable), demos)

    def recommended_controls(self, family_id: str | None = None) -> SpeechControls:
        """Give the controls that a family asks to be spoken with.

        Raises:
            FamilyNotFoundError: it is not installed.
            CheckpointError: its files are damaged.
            SettingsError: its recommendation cannot be used.
        """
        return controls_from_json(self._config(family_id or self.default_family()).controls)

    def status(self) -> ServiceStatus:
        """Say in a line how the whole app is."""
        return service_status(
            self._engine.status(), self.families(), self.default_family(), self._failure
        )

    def devices(self) -> int:
        """Say how many jobs can be computed at once.

        Raises:
            EngineError: the cluster that the settings name cannot be joined.
        """
        return self._engine.devices()

    def engine_status(self) -> EngineStatus:
        """Say how the process that computes is."""
        return self._engine.status()

    def download(self, family_id: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Bring a family or a part of cloning; who asks while it runs follows the same download."""
        return self._downloads.follow(family_id, cancel)

    def cancel_download(self, family_id: str) -> None:
        """Stop a download for everybody; what has come is kept."""
        self._downloads.cancel(family_id)

    def load(
        self, family_id: str | None = None, cancel: CancelToken | None = None
    ) -> Iterator[Event]:
        """Bring a family into memory before it is needed.

        Raises:
            FamilyNotFoundError: it is not installed.
            CheckpointError: its files are damaged.
        """
        return self._engine.run(LoadRequest(self._whole(family_id).id), cancel)

    def unload(self, family_id: str | None = None) -> Iterator[Event]:
        """Give a family's memory back; None means all of them."""
        return self._engine.run(UnloadRequest(family_id))

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        """List voices, own ones first; `family` leaves those that it can speak with."""
        with self._looking:
            return self._library.voices(family, language)

    def speaker(self, voice_id: str, family: str | None = None) -> Speaker:
        """Read the arrays of a voice.

        Raises:
            VoiceNotFoundError: no voice has this id, or it belongs to another family.
            SpeakerFileError: its file is broken.
        """
        with self._looking:
            return self._library.speaker(voice_id, family or self.default_family())

    def preview(self, voice_id: str) -> tuple[Waveform, int]:
        """Make the sound that a voice's own codes hold, and its rate in Hz.

        Raises:
            VoiceNotFoundError: no voice has this id, or its family is not installed.
            SpeakerFileError: its file is broken.
            EngineError: it could not be computed.
        """
        with self._looking:
            family = self._library.family_for(voice_id)
            speaker = self._library.speaker(voice_id, family)
            key = voice_id, self._library.stamp(voice_id)
        return self._previews.sound(self._config(family), speaker.fine, key)

    def visitor_voices(self, folder: Path) -> VisitorVoices:
        """Make the shelves for the voices of a public page's visitors, in a folder of this run."""
        settings = self.settings
        if settings.voices_repo and settings.hf_token and not settings.offline:
            self._voices_repo = VoicesRepo(
                settings.voices_repo, settings.hf_token, settings.hf_endpoint
            )
        return VisitorVoices(folder, self._library, self._looking, self._hear, self._voices_repo)

    def visitor_projects(self, folder: Path, voices: VisitorVoices) -> VisitorProjects[ProjectDesk]:
        """Make the shelves for the long texts of a public page's visitors, who speak with `voices`.

        Args:
            folder: that goes when the app ends.
            voices: the shelves of their voices.
        """

        def open_desk(place: Path, owner: str) -> ProjectDesk:
            return self._project_desk(place, voices.of(owner), most_characters=VISITOR_CHARACTERS)

        made = VisitorProjects(folder, open_desk)
        self._visitor_projects.append(made)
        return made

    def job_texts(self, folder: Path) -> ProjectDesk:
        """Make the desk for the long texts that programs have spoken, kept below a folder."""
        return self._project_desk(folder, self)

    def save_voice(self, made: Speaker, metadata: SpeakerMetadata) -> VoiceInfo:
        """Keep a voice among the user's own, under a file name that nobody else has.

        Raises:
            SpeakerFileError: the name or the arrays cannot be used.
            FamilyNotFoundError: `metadata` names no installed family.
            StorageError: it cannot be written.
        """
        return self.library.save(made, metadata)

    def speak(self, order: SpeakOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Say a text; what is wrong with the order is raised before anything is computed.

        Raises:
            TextError: there is nothing to say, or too much.
            SettingsError: a control is outside its range.
            FamilyNotFoundError: the family is not installed.
            CheckpointError: the family's files are damaged.
            VoiceNotFoundError: the voice is not there, or belongs to another family.
            SpeakerFileError: the voice's file is broken.
        """
        if not order.text.strip():
            raise TextError("Type something to speak first.")
        normalise(order.text)
        order.controls.validated()
        config = self._whole(order.family)
        family, speaker, language = config.id, order.speaker, order.language
        if speaker is not None:
            check_ranges(speaker.semantic, speaker.coarse, speaker.fine, limits_of(config))
        elif order.voice is not None:
            with self._looking:
                speaker = self._library.speaker(order.voice, family)
                language = language or self._library.voice(order.voice).language
        request = SpeakRequest(order.text, family, speaker, order.controls, language or "en")
        return self._watched(self._engine.run(request, cancel))

    def close(self) -> None:
        """Stop all work and give the memory back."""
        self._downloads.close()
        if self._voices_repo is not None:
            self._voices_repo.close()
        self.training.close()
        self._engine.close()

    def _project_desk(
        self,
        folder: Path,
        voices: "Service | VisitorShelf",
        is_open: bool = True,
        most_characters: int | None = None,
    ) -> ProjectDesk:
        """Make a desk for the long texts of a folder, spoken with voices of the library."""
        stock = ProjectStock(self._whole, voices.voices, voices.speaker, self.recommended_controls)
        return ProjectDesk(
            folder, self._engine, stock, is_open=is_open, most_characters=most_characters
        )

    def _watched(self, events: Iterator[Event]) -> Iterator[Event]:
        """Remember how the last job ended, for the status."""
        for event in events:
            if isinstance(event, Failed):
                self._failure = event
            elif not isinstance(event, Progress):
                self._failure = None
            yield event

    def _family_of(self, voice_id: str) -> tuple[str, str]:
        """Give an installed family that can use a voice, and the voice's language."""
        with self._looking:
            return self._library.family_for(voice_id), self._library.voice(voice_id).language

    def _hear(self, family: str, fine: FineCodes) -> tuple[Waveform, int]:
        """Make the sound of codes that are not those of a voice in the library."""
        return self._previews.sound(self._config(family), fine, (family, fine.tobytes()))

    def _config(self, family_id: str | None) -> FamilyConfig:
        return read_family(self._folders.find(family_id or self.default_family()))

    def _whole(self, family_id: str | None) -> FamilyConfig:
        """Read a family that shall be loaded, as far as sizes tell whether it can be.

        Raises:
            FamilyNotFoundError: it is not installed.
            CheckpointError: a file is missing, or has another size than it was downloaded with.
        """
        config = self._config(family_id)
        if not is_installed(config.id, config.folder.parent):
            raise CheckpointError(f"{config.title} cannot be loaded. {_INCOMPLETE}")
        return config

    def _installed(self, name: str, folder: Path, loaded: set[str]) -> FamilyInfo:
        entry = CATALOGUE.get(name)
        bare = FamilyInfo(
            name,
            title=entry.title if entry else name,
            state="installed",
            size_bytes=self._folder_bytes(folder),
            licence=entry.licence if entry else "",
            licence_url=entry.licence_url if entry else "",
            languages=entry.languages if entry else (),
            loaded=name in loaded,
        )
        try:
            config = read_family(folder)
        except UserError as fault:
            return self._damaged(bare, str(fault))
        if not is_installed(name, folder.parent):
            return self._damaged(bare, _INCOMPLETE)
        return replace(
            bare,
            title=bare.title if entry else config.title,
            licence=bare.licence or config.licence,
            languages=config.languages or bare.languages,
            is_demo=config.is_demo,
            sample_rate=config.sample_rate,
            examples=config.examples,
        )

    def _damaged(self, bare: FamilyInfo, why: str) -> FamilyInfo:
        """Say that a family cannot speak, unless it is being downloaded again."""
        again = self._downloading(bare)
        return again if again is not bare else replace(bare, state="damaged", broken=why)

    def _offered(self, entry: CatalogueEntry) -> FamilyInfo:
        bare = FamilyInfo(
            entry.id,
            entry.title,
            state="available",
            size_bytes=entry.about_bytes,
            licence=entry.licence,
            licence_url=entry.licence_url,
            languages=entry.languages,
        )
        return self._downloading(bare)

    def _downloading(self, bare: FamilyInfo) -> FamilyInfo:
        """Add how far its download is, if one runs."""
        running = self._downloads.progress(bare.id)
        if running is None:
            return bare
        return replace(bare, state="downloading", fraction=running[1].fraction)

    def _folder_bytes(self, folder: Path) -> int:
        """Add up a family's files, once for each change of its folder."""
        stamp = folder.stat().st_mtime_ns
        known = self._sizes.get(folder)
        if known is None or known[0] != stamp:
            size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
            known = self._sizes[folder] = stamp, size
        return known[1]


def require_voice(voices: list[VoiceInfo], wanted: str) -> VoiceInfo:
    """Find a voice by its id, or by its name where only one has it.

    Raises:
        VoiceNotFoundError: there is none, or several have this name.
    """
    named = voices_called(voices, wanted)
    if len(named) == 1:
        return named[0]
    if named:
        choices = ", ".join(voice.id for voice in named[:5])
        raise VoiceNotFoundError(f'Several voices are called "{wanted[:64]}": {choices}.')
    raise VoiceNotFoundError(
        f'The voice "{wanted[:64]}" is not there. `python -m webui voices` lists those that are.'
    )
