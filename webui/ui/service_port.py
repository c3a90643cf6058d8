"""What the page asks of the service: the whole list, so that tests can stand in for it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import EllipsisType
from typing import Literal, Protocol, runtime_checkable

from webui.arrays import Speaker, Waveform
from webui.backend.facts import (
    CloningPart,
    DeletedVoice,
    FamilyInfo,
    ImportedVoices,
    ServiceStatus,
    VoiceDetails,
    VoiceInfo,
)
from webui.backend.project_facts import Card, ProjectDetails, ProjectInfo, SpokenCard
from webui.backend.requests import CloneOrder, SpeakOrder, TrainingOrder
from webui.backend.speech_recipe import SpeechRecipe
from webui.backend.training_facts import TrainingDetails, TrainingInfo, TrainingSample
from webui.clone_results import CloneOutcome, Recording, RecordingCheck
from webui.events import CancelToken, Event, SpokenChunk
from webui.synthesis.controls import SpeechControls
from webui.training_results import QuantizerComparison


@runtime_checkable
class VoiceLibrary(Protocol):
    """The part of `webui.backend.library_desk.LibraryDesk` that the page uses."""

    def details(self, voice_id: str) -> VoiceDetails:
        """All that a voice's file says about it."""

    def describe(
        self,
        voice_id: str,
        *,
        name: str | None = None,
        language: str | None = None,
        tags: Sequence[str] | None = None,
        notes: str | None = None,
    ) -> VoiceInfo:
        """Change what is said about an own voice."""

    def set_favourite(self, voice_id: str, is_favourite: bool) -> VoiceInfo:
        """Mark any voice as a favourite, or no longer."""

    def delete(self, voice_id: str) -> DeletedVoice:
        """Take an own voice out of the library."""

    def undelete(self, token: str) -> VoiceInfo:
        """Bring a deleted voice back."""

    def duplicate(self, voice_id: str, name: str = "") -> VoiceInfo:
        """Copy any voice to an own one."""

    def import_files(
        self,
        files: Sequence[tuple[str, bytes]],
        family: str | None = None,
        *,
        repair: bool = False,
    ) -> ImportedVoices:
        """Add speaker files."""

    def export(self, voice_id: str) -> tuple[str, bytes]:
        """A name for a voice's file, and its bytes."""

    def preview_crop(self, voice_id: str, start: float, end: float) -> tuple[Waveform, int]:
        """The sound of a part of a voice."""

    def crop(self, voice_id: str, start: float, end: float, name: str = "") -> VoiceInfo:
        """Keep a part of a voice as a new one."""

    def preview_blend(self, first: str, second: str, share: float = 0.5) -> tuple[Waveform, int]:
        """The sound of two blended voices."""

    def blend(self, first: str, second: str, share: float = 0.5, name: str = "") -> VoiceInfo:
        """Keep a mixture of two voices as a new one."""

    def keep_speech(
        self, chunks: Sequence[SpokenChunk], recipe: SpeechRecipe, name: str
    ) -> VoiceInfo:
        """Keep the end of a speech as a voice."""

    def repair(self, voice_id: str) -> tuple[VoiceInfo, tuple[str, ...]]:
        """Cut what does not fit in a broken voice."""


@runtime_checkable
class QuantizerStudio(Protocol):
    """The part of `webui.backend.training_desk.TrainingDesk` that the page uses."""

    def all(self) -> list[TrainingInfo]:
        """All trainings, the newest first."""

    def details(self, training: str) -> TrainingDetails:
        """All that is known of one."""

    def sample(self, training: str) -> TrainingSample | None:
        """What is to be heard of a training; None where there is nothing, or no such training."""

    def start(self, order: TrainingOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Begin a training, which goes on when nobody reads its events."""

    def import_pairs(
        self, order: TrainingOrder, sources: Sequence[Path], cancel: CancelToken | None = None
    ) -> Iterator[Event]:
        """Begin a training with pairs that others made, which are read while this is followed."""

    def resume(self, training: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Go on with a training where it was left."""

    def stop(self, training: str) -> None:
        """Stop a training; what it has made is kept."""

    def delete(self, training: str) -> None:
        """Remove a training with its pairs."""

    def install(self, training: str) -> str:
        """Make the best weights so far usable for cloning."""

    def uninstall(self, training: str) -> None:
        """Take a training's quantizer away from cloning."""

    def export(self, training: str, path: Path) -> None:
        """Write the best weights so far into a new file."""

    def compare(
        self, first: str, second: str, on: str = "", cancel: CancelToken | None = None
    ) -> QuantizerComparison:
        """Let two quantizers listen to the same pairs."""


@runtime_checkable
class LongTexts(Protocol):
    """The part of `webui.backend.project_desk.ProjectDesk` that the page uses."""

    def all(self) -> list[ProjectInfo]:
        """All projects, the one that was changed last first."""

    def details(self, project: str) -> ProjectDetails:
        """All that is known of one."""

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
        """Make a project of a text, or of a file (its name and its bytes)."""

    def rename(self, project: str, name: str) -> ProjectInfo:
        """Call a project differently."""

    def delete(self, project: str) -> None:
        """Remove a project with its sounds."""

    def edit_card(  # noqa: PLR0913  all that can be changed of a card
        self,
        project: str,
        card: str,
        *,
        text: str | None = None,
        speaker: str | None = None,
        voice: str | None | EllipsisType = ...,
        seed: int | None | EllipsisType = ...,
        pause_seconds: float | None | EllipsisType = ...,
    ) -> Card:
        """Change what is given; the rest, and all that is `...`, stays as it is."""

    def lock(self, project: str, card: str, is_locked: bool) -> Card:
        """Keep a card's sound as it is, or no longer."""

    def split_card(self, project: str, card: str, place: int) -> tuple[Card, Card]:
        """Make two cards of one, at a place in its text."""

    def merge_with_next(self, project: str, card: str) -> Card:
        """Make one card of two that follow each other."""

    def insert_card_after(self, project: str, card: str, text: str) -> Card:
        """Add a card of the same speaker behind another one."""

    def move_card(self, project: str, card: str, by: int) -> Card:
        """Move a card by so many places, forward (above 0) or back, within its chapter."""

    def delete_card(self, project: str, card: str) -> None:
        """Take a card out."""

    def assign_voice(self, project: str, speaker: str, voice: str) -> ProjectDetails:
        """Let a speaker (the narrator is the empty name) have a voice."""

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
        `AudioChunk`.
        """

    def follow(self, project: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Watch a rendering that runs; nothing where none does."""

    def reroll(self, project: str, card: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Speak one card again with another seed; the sound before can be brought back."""

    def undo_reroll(self, project: str, card: str) -> Card:
        """Bring the sound before the last `reroll` back."""

    def stop(self, project: str) -> None:
        """Stop a rendering; the cards that are done are kept."""

    def card_sound(self, project: str, card: str) -> tuple[Waveform, int]:
        """The sound of one card, and its rate in Hz."""

    def chapter_sound(self, project: str, chapter: int) -> tuple[Waveform, int]:
        """The sound of what is done of a chapter (counted from 0), and its rate in Hz."""

    def timeline(self, project: str, chapter: int | None = None) -> list[SpokenCard]:
        """When each card that is done is heard."""

    def subtitles(
        self, project: str, kind: Literal["srt", "vtt"], chapter: int | None = None
    ) -> str:
        """Subtitles that fit the exported sound of a chapter, or of the whole."""

    def export(
        self, project: str, path: Path, audio_format: str, chapter: int | None = None
    ) -> None:
        """Write what is done into a new sound file: wav, flac, mp3 or m4b (with chapters)."""


@runtime_checkable
class VoiceKeeper(Protocol):
    """Where voices are read and kept: the service itself, or a visitor's own shelf."""

    @property
    def library(self) -> VoiceLibrary:
        """All that can be done with voices."""

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        """The voices of the library."""

    def speaker(self, voice_id: str, family: str) -> Speaker:
        """The arrays of a voice."""

    def preview(self, voice_id: str) -> tuple[Waveform, int]:
        """The sound that a voice's own codes hold."""

    def keep_clone(  # noqa: PLR0913  all that a voice remembers of how it was made
        self,
        order: CloneOrder,
        outcome: CloneOutcome,
        candidate_index: int,
        *,
        name: str,
        consent: str,
        tags: tuple[str, ...] = (),
        notes: str = "",
    ) -> VoiceInfo:
        """Keep a clone among the user's own voices."""


@runtime_checkable
class VoiceShelves(Protocol):
    """The part of `webui.backend.visitor_voices.VisitorVoices` that a public page uses."""

    def of(self, owner: str) -> VoiceKeeper:
        """A visitor's shelf."""

    def forget(self, owner: str) -> None:
        """Remove all that a visitor has."""

    def sweep(self) -> None:
        """Remove what has been here for too long."""

    def keeps_for_good(self, owner: str) -> bool:
        """Whether a visitor's voices outlast the day."""


@runtime_checkable
class ProjectShelves(Protocol):
    """The part of `webui.backend.visitor_projects.VisitorProjects` that a public page uses."""

    def of(self, owner: str) -> LongTexts:
        """A visitor's long texts."""

    def forget(self, owner: str) -> None:
        """Remove all long texts of a visitor."""

    def sweep(self) -> None:
        """Remove what has been here for too long."""


@runtime_checkable
class SpeakingService(VoiceKeeper, Protocol):
    """The part of `webui.backend.service.Service` that the page uses."""

    @property
    def library(self) -> VoiceLibrary:
        """All that can be done with voices."""

    @property
    def training(self) -> QuantizerStudio:
        """All that can be done with trainings."""

    @property
    def projects(self) -> LongTexts:
        """All that can be done with long texts."""

    def families(self) -> list[FamilyInfo]:
        """All families, installed or to be had."""

    def family(self, family_id: str | None = None) -> FamilyInfo:
        """One family; None is the one that speaks when nobody chooses."""

    def recommended_controls(self, family_id: str | None = None) -> SpeechControls:
        """What a family asks to be spoken with."""

    def status(self) -> ServiceStatus:
        """How the whole app is."""

    def download(self, family_id: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Bring a family."""

    def visitor_voices(self, folder: Path) -> VoiceShelves:
        """The shelves for the voices of a public page's visitors."""

    def visitor_projects(self, folder: Path, voices: VoiceShelves) -> ProjectShelves:
        """The shelves for the long texts of a public page's visitors, who speak with `voices`."""

    def speak(self, order: SpeakOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Say a text."""

    def cloning_parts(self, family: str | None = None) -> list[CloningPart]:
        """What cloning for a family uses: ready, to be downloaded, or missing and why."""

    def check(
        self,
        recordings: tuple[Recording, ...],
        denoise: bool = False,
        cancel: CancelToken | None = None,
    ) -> RecordingCheck:
        """Say what is known of recordings before anything is cloned from them."""

    def clone(self, order: CloneOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Clone a voice: one `Cloned`, then `Done`."""

    def report(
        self,
        voice_id: str,
        reference: Recording | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Event]:
        """Let a voice speak and judge it: one `Reported`, then `Done`."""

    def close(self) -> None:
        """End all work."""
