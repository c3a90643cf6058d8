"""What the app tells about itself: its families, its voices, how it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from webui.speaker_metadata import SpeakerMetadata

FamilyState = Literal["installed", "available", "downloading", "damaged"]
VoiceSource = Literal["own", "builtin", "preset"]
PartKind = Literal["method", "encoder", "quantizer", "converter", "recogniser", "speaker_encoder"]
PartState = Literal["ready", "available", "downloading", "missing"]
State = Literal["no_model", "downloading", "loading", "ready", "busy", "asleep", "failed"]


@dataclass(frozen=True)
class FamilyInfo:
    """One model family: what it is, and whether it can speak now."""

    id: str
    title: str
    state: FamilyState
    size_bytes: int  # on disk when installed, else of the download, about
    licence: str
    licence_url: str = ""
    languages: tuple[str, ...] = ()
    is_demo: bool = False
    sample_rate: int = 0  # Hz; 0 while it is not installed
    examples: tuple[str, ...] = ()
    broken: str | None = None  # why it cannot be used, in words
    loaded: bool = False
    fraction: float | None = None  # of a running download

    @property
    def installed(self) -> bool:
        """Whether its files are here, be they usable or not."""
        return self.state in ("installed", "damaged")


@dataclass(frozen=True)
class VoiceInfo:
    """One voice in the library.

    `id` means nothing but itself: it is looked up, never taken apart. A `broken` voice cannot
    speak; when it is `repairable`, cutting its longer part would cure it.
    """

    id: str
    name: str
    family: str
    language: str
    source: VoiceSource
    tags: tuple[str, ...] = ()
    seconds: float | None = None
    broken: str | None = None
    repairable: bool = False
    method: str = ""
    created: str = ""  # ISO 8601, UTC
    notes: str = ""  # what is to be known before it is used; the user's own are in VoiceDetails
    favourite: bool = False


def voices_called(voices: Sequence[VoiceInfo], wanted: str) -> list[VoiceInfo]:
    """The voice with this id, or else all with this name: one is found, none is not there."""
    found = [each for each in voices if each.id == wanted]
    name = wanted.casefold()
    return found or [each for each in voices if each.name.casefold() == name]


@dataclass(frozen=True)
class VoiceDetails:
    """All that a voice's file says about it."""

    info: VoiceInfo
    metadata: SpeakerMetadata


@dataclass(frozen=True)
class DeletedVoice:
    """A voice that can be brought back by its `token` until `kept_until` (ISO 8601, UTC)."""

    token: str
    id: str  # that it had
    name: str
    kept_until: str


@dataclass(frozen=True)
class ImportedVoices:
    """What became of files that were to be voices."""

    added: tuple[VoiceInfo, ...]
    refused: tuple[tuple[str, str], ...]  # the file's name, and why


@dataclass(frozen=True)
class CloningPart:
    """Something that cloning uses: whether it is here, can be downloaded, or is missing and why.

    `id` is what orders and `Service.download` call it; a method's id is the method. What is
    `available` comes with `Service.download(id)`, together with what it needs itself. A method is
    `ready` or `missing`.
    """

    id: str
    kind: PartKind
    title: str
    state: PartState
    language: str = ""  # ISO 639 code; empty: any
    size_bytes: int = 0  # on disk when it is here, else of the download, about
    licence: str = ""
    licence_url: str = ""
    needs_licence_consent: bool = False  # used only after the user accepted the licence
    suggested: bool = False  # the best of its kind for its language
    reason: str = ""  # why it is missing, and what to do
    fraction: float | None = None  # of a running download


@dataclass(frozen=True)
class LoadedFamily:
    """A family in memory."""

    id: str
    precision: str
    nbytes: int


@dataclass(frozen=True)
class EngineStatus:
    """How the process that computes is.

    `device` is empty until it has looked for one.
    """

    running: bool
    waiting: int = 0  # jobs behind the running one
    stage: str = ""  # of the running job, as in `Progress`
    fraction: float = 0.0
    seconds_left: float | None = None
    device: str = ""
    device_name: str = ""
    precision: str = ""
    loaded: tuple[LoadedFamily, ...] = ()
    asleep: bool = False  # a family left the memory because nobody used it
    devices: int = 1  # that jobs can run on at once; `device` is the first of them


@dataclass(frozen=True)
class ServiceStatus:
    """One line about the whole app: `headline` in a few words, `detail` what to know or to do."""

    state: State
    headline: str
    detail: str = ""
    fraction: float | None = None
    family: str | None = None
    device: str = ""
    precision: str = ""
