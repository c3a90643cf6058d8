"""The part of the service that clones: looks at recordings, clones, keeps, judges, lists parts."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import webui
from webui.arrays import Speaker
from webui.backend.cloning_parts import CloningParts
from webui.backend.downloads import Downloads
from webui.backend.engine import Engine, error_of
from webui.backend.facts import CloningPart, VoiceInfo
from webui.backend.library_desk import LibraryDesk
from webui.backend.requests import CheckRequest, CloneOrder, CloneRequest, ReportRequest
from webui.backend.voice_edits import free_name
from webui.clone_results import (
    METHODS,
    MOST_ENDINGS,
    CloneCandidate,
    CloneOutcome,
    Recording,
    RecordingCheck,
)
from webui.errors import AudioFileError, CloneError, EngineError, SettingsError
from webui.events import Cancelled, CancelToken, Checked, Event, Failed
from webui.family import FamilyConfig
from webui.settings import Settings
from webui.speaker_metadata import MAX_VALUE_CHARACTERS, SpeakerMetadata, clean_text
from webui.synthesis.controls import MAX_SEED
from webui.voice_names import check_voice_name

CONSENT = "This is my voice, or the speaker agreed that I clone it."
MOST_BASES = 24  # voices that a conversion chooses from
MOST_WINDOWS, MOST_TAKES, MOST_RECORDINGS = 12, 8, 16
KEPT_DETAILS = ("base_voice", "length_gap_seconds", "sentence")


class CloningDesk(ABC):
    """What `Service` can do about cloning; it gives what this stands on."""

    settings: Settings
    library: LibraryDesk
    _engine: Engine
    _downloads: Downloads

    @abstractmethod
    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        """List voices."""

    @abstractmethod
    def speaker(self, voice_id: str, family: str | None = None) -> Speaker:
        """Read the arrays of a voice."""

    @abstractmethod
    def _config(self, family_id: str | None) -> FamilyConfig:
        """Read a family's numbers."""

    @abstractmethod
    def _whole(self, family_id: str | None) -> FamilyConfig:
        """Read a family that shall be loaded."""

    @abstractmethod
    def _family_of(self, voice_id: str) -> tuple[str, str]:
        """Give an installed family that can use a voice, and the voice's language."""

    @abstractmethod
    def _watched(self, events: Iterator[Event]) -> Iterator[Event]:
        """Remember how a job ended."""

    def cloning_parts(self, family: str | None = None) -> list[CloningPart]:
        """List what cloning for a family uses: ready, to be downloaded, or missing and why.

        `download` brings a part by its id, with all that it needs.

        Raises:
            FamilyNotFoundError: the family is not installed.
            CheckpointError: its files are damaged.
        """

        def running(part: str) -> float | None:
            found = self._downloads.progress(part)
            return None if found is None else found[1].fraction

        return CloningParts(self.settings.models_dir).listing(self._config(family), running)

    def check(
        self,
        recordings: tuple[Recording, ...],
        denoise: bool = False,
        cancel: CancelToken | None = None,
    ) -> RecordingCheck:
        """Say what is known of recordings before anything is cloned from them.

        Raises:
            AudioFileError: there is none.
            EngineError: they could not be looked at, or somebody pressed Stop.
        """
        _check_recordings(recordings)
        for event in self._engine.run(CheckRequest(recordings, denoise), cancel):
            if isinstance(event, Checked):
                return event.check
            if isinstance(event, Failed):
                raise error_of(event)
            if isinstance(event, Cancelled):
                raise EngineError("The recording was not looked at: somebody pressed Stop.")
        raise EngineError("The recording could not be looked at. Please try it again.")

    def clone(self, order: CloneOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Clone a voice; what is wrong with the order is raised before anything is computed.

        Raises:
            AudioFileError: there is no recording.
            SettingsError: a number or a method of the order cannot be used.
            FamilyNotFoundError: the family is not installed.
            CheckpointError: the family's files are damaged.
        """
        _check_recordings(order.recordings)
        _check_order(order)
        family = self._whole(order.family).id
        bases = self._bases(family, order.language) if "conversion" in order.methods else ()
        return self._watched(self._engine.run(CloneRequest(order, family, bases), cancel))

    def keep_clone(  # noqa: PLR0913  (all that a voice remembers of how it was made)
        self,
        order: CloneOrder,
        outcome: CloneOutcome,
        candidate_index: int,
        name: str,
        consent: str,
        tags: tuple[str, ...] = (),
        notes: str = "",
    ) -> VoiceInfo:
        """Keep a clone among the user's own voices, with how it was made.

        Args:
            order: what was asked for.
            outcome: what came of it.
            candidate_index: which clone, counted from 0.
            name: of the voice; a number is added when another own voice has it.
            consent: the sentence that the user confirmed, such as `CONSENT`.
            tags: labels.
            notes: the user's own.

        Raises:
            CloneError: nobody confirmed anything, or there is no such clone.
            SpeakerFileError: the name or the voice cannot be used.
            StorageError: it cannot be written.
        """
        own = [each.name for each in self.voices() if each.source == "own"]
        metadata = clone_metadata(
            order, outcome, candidate_index, name=name, consent=consent, tags=tags, notes=notes,
            taken=own,
        )  # fmt: skip
        return self.library.save(outcome.candidates[candidate_index].speaker, metadata)

    def report(
        self,
        voice_id: str,
        reference: Recording | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Event]:
        """Let a voice say the report's sentences and judge them: one `Reported`, then `Done`.

        Args:
            voice_id: of the library.
            reference: a recording of the speaker to compare with; None is the voice's own prompt.
            cancel: looked at before every token.

        Raises:
            VoiceNotFoundError: no voice has this id, or its family is not installed.
            SpeakerFileError: its file is broken.
            CheckpointError: the family's files are damaged.
        """
        family, language = self._family_of(voice_id)
        speaker = self.speaker(voice_id, self._whole(family).id)
        request = ReportRequest(family, speaker, reference, language or "en")
        return self._watched(self._engine.run(request, cancel))

    def _bases(self, family: str, language: str) -> tuple[tuple[str, Speaker], ...]:
        """Voices that a conversion may start from: the family's own, of this language first."""
        known = [
            each
            for each in self.voices(family)
            if each.source != "own" and each.broken is None and each.family
        ]
        known.sort(key=lambda each: each.language != language)
        return tuple((each.name, self.speaker(each.id, family)) for each in known[:MOST_BASES])


def clone_metadata(  # noqa: PLR0913  (all that a voice remembers of how it was made)
    order: CloneOrder,
    outcome: CloneOutcome,
    candidate_index: int,
    *,
    name: str,
    consent: str,
    tags: tuple[str, ...],
    notes: str,
    taken: Sequence[str],
) -> SpeakerMetadata:
    """Write down how a clone was made that is to be kept; `taken` are names that others have.

    Raises:
        CloneError: nobody confirmed anything, or there is no such clone.
        SpeakerFileError: the name cannot be used.
    """
    sentence = clean_text(consent)
    if not sentence:
        raise CloneError(f'Confirm first that you may clone this voice: "{CONSENT}"')
    if not 0 <= candidate_index < len(outcome.candidates):
        raise CloneError("This clone is no longer there. Clone the voice again.")
    made = outcome.candidates[candidate_index]
    reference = order.recordings[made.window.recording]
    return SpeakerMetadata(
        name=free_name(check_voice_name(name), taken),
        family=outcome.family,
        language=order.language,
        method=made.method,
        quantizer=str(made.details.get("quantizer", "")),
        converter=str(made.details.get("converter", "")),
        window=f"{made.window.start_seconds:.2f}-{made.window.end_seconds:.2f}",
        reference_seconds=round(reference.seconds, 2),
        reference_sha256=reference.digest,
        similarity=_similarity(made),
        consent=True,
        consent_text=sentence,
        app_version=webui.__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        tags=tags,
        notes=notes[:MAX_VALUE_CHARACTERS],
        other={"seed": made.seed}
        | {each: made.details[each] for each in KEPT_DETAILS if each in made.details},
    )


def _check_recordings(recordings: tuple[Recording, ...]) -> None:
    if not any(len(each.waveform) for each in recordings):
        raise AudioFileError("There is no recording. Record or upload some seconds of speech.")
    if len(recordings) > MOST_RECORDINGS:
        raise AudioFileError(f"At most {MOST_RECORDINGS} recordings can be used. Choose the best.")


def _check_order(order: CloneOrder) -> None:
    """Refuse what cannot be done, before anything is computed."""
    for method in order.methods or ("",):
        if method not in METHODS:
            raise SettingsError(
                f'There is no method "{method[:64]}" to clone. There are {", ".join(METHODS)}.'
            )
    bounds = {
        "number of parts": (order.windows, 1, MOST_WINDOWS),
        "number of takes": (order.takes, 1, MOST_TAKES),
        "number of endings": (order.endings, 1, MOST_ENDINGS),
        "seed": (0 if order.seed is None else order.seed, 0, MAX_SEED - MOST_TAKES),
    }
    for what, (value, least, most) in bounds.items():
        if not least <= value <= most:
            raise SettingsError(f"The {what} is {value}; it must be from {least} to {most:,}.")
    if order.window is not None and not all(map(math.isfinite, order.window)):
        raise SettingsError("The part of the recording must be two numbers of seconds.")


def _similarity(made: CloneCandidate) -> float | None:
    found = None if made.report is None else made.report.similarity
    return None if found is None else round(found, 4)
