"""What the page asks of the service: the whole list, so that tests can stand in for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from webui.arrays import Waveform
from webui.backend.facts import (
    CloningPart,
    DeletedVoice,
    FamilyInfo,
    ImportedVoices,
    ServiceStatus,
    VoiceDetails,
    VoiceInfo,
)
from webui.backend.requests import CloneOrder, SpeakOrder, TrainingOrder
from webui.backend.training_facts import TrainingDetails, TrainingInfo
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
        self, chunks: Sequence[SpokenChunk], family: str, name: str, language: str = ""
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

    def start(self, order: TrainingOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Begin a training, which goes on when nobody reads its events."""

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
class SpeakingService(Protocol):
    """The part of `webui.backend.service.Service` that the page uses."""

    @property
    def library(self) -> VoiceLibrary:
        """All that can be done with voices."""

    @property
    def training(self) -> QuantizerStudio:
        """All that can be done with trainings."""

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

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        """The voices of the library."""

    def preview(self, voice_id: str) -> tuple[Waveform, int]:
        """The sound that a voice's own codes hold."""

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

    def close(self) -> None:
        """End all work."""
