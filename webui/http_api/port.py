"""What the HTTP API asks of the service: the whole list, so that tests can stand in for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from webui.arrays import Waveform
from webui.backend.facts import (
    DeletedVoice,
    EngineStatus,
    FamilyInfo,
    ServiceStatus,
    VoiceDetails,
    VoiceInfo,
)
from webui.backend.project_facts import ProjectDetails, ProjectInfo, SpokenCard
from webui.backend.requests import CloneOrder, SpeakOrder
from webui.clone_results import CloneOutcome
from webui.events import CancelToken, Event
from webui.synthesis.controls import SpeechControls


@runtime_checkable
class KeptVoices(Protocol):
    """The part of `webui.backend.library_desk.LibraryDesk` that programs use."""

    def details(self, voice_id: str) -> VoiceDetails:
        """All that a voice's file says."""

    def delete(self, voice_id: str) -> DeletedVoice:
        """Take a voice out of the library."""

    def export(self, voice_id: str) -> tuple[str, bytes]:
        """A name for a voice's file, and its bytes."""


@runtime_checkable
class JobTexts(Protocol):
    """The part of `webui.backend.project_desk.ProjectDesk` that jobs are spoken with."""

    def create_speech(self, name: str, order: SpeakOrder) -> ProjectInfo:
        """Make a text of an order, cut into sentences."""

    def details(self, project: str) -> ProjectDetails:
        """All that is known of a text."""

    def render(self, project: str, *, cards: Sequence[str] | None = None) -> Iterator[Event]:
        """Speak sentences that were not spoken yet."""

    def stop(self, project: str) -> None:
        """Stop speaking a text."""

    def timeline(self, project: str) -> list[SpokenCard]:
        """When each sentence is heard that was spoken."""

    def track(self, project: str) -> tuple[Iterator[Waveform], int]:
        """The sound of what was spoken, part by part, and its rate."""

    def delete(self, project: str) -> None:
        """Remove a text with its sounds."""

    def close(self) -> None:
        """Stop all work."""


@runtime_checkable
class ProgramService(Protocol):
    """The part of `webui.backend.service.Service` that programs use."""

    @property
    def library(self) -> KeptVoices:
        """All that can be done with voices."""

    def families(self) -> list[FamilyInfo]:
        """All families, installed or to be had."""

    def default_family(self) -> str:
        """The family that speaks when nobody chooses."""

    def recommended_controls(self, family_id: str | None = None) -> SpeechControls:
        """What a family asks to be spoken with."""

    def status(self) -> ServiceStatus:
        """How the whole app is."""

    def engine_status(self) -> EngineStatus:
        """How the process that computes is."""

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        """The voices of the library."""

    def job_texts(self, folder: Path) -> JobTexts:
        """The desk for the long texts that programs have spoken, kept below a folder."""

    def speak(self, order: SpeakOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Say a text."""

    def clone(self, order: CloneOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Clone a voice: one `Cloned`, then `Done`."""

    def keep_clone(  # noqa: PLR0913  all that a voice remembers of how it was made
        self,
        order: CloneOrder,
        outcome: CloneOutcome,
        candidate_index: int,
        name: str,
        consent: str,
        tags: tuple[str, ...] = (),
        notes: str = "",
    ) -> VoiceInfo:
        """Keep a clone among the user's own voices."""
