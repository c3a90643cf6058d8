"""What the page asks of the service: the whole list, so that tests can stand in for it."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from webui.arrays import Waveform
from webui.backend.facts import CloningPart, FamilyInfo, ServiceStatus, VoiceInfo
from webui.backend.requests import CloneOrder, SpeakOrder
from webui.clone_results import CloneOutcome, Recording, RecordingCheck
from webui.events import CancelToken, Event
from webui.synthesis.controls import SpeechControls


@runtime_checkable
class SpeakingService(Protocol):
    """The part of `webui.backend.service.Service` that the page uses."""

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
