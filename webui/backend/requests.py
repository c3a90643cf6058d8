"""What can be asked of the app (orders) and of the process that computes (requests).

An order names things the way a person does; a request carries the arrays themselves, so that a
worker which sees none of our folders of voices can do it.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from webui.arrays import FineCodes, Speaker
from webui.clone_results import Method, Recording
from webui.synthesis.controls import SpeechControls


@dataclass(frozen=True)
class SpeakOrder:
    """A text to be spoken, as a person asks for it.

    `family` None is the one from the settings; `voice` None lets the family choose how it sounds.
    """

    text: str
    family: str | None = None
    voice: str | None = None
    controls: SpeechControls = field(default_factory=SpeechControls)
    language: str | None = None  # ISO 639 code of the text; None is the voice's, or English


@dataclass(frozen=True, eq=False)
class SpeakRequest:
    """Say a text: progress, sound, then one `Done` with a speech for each take.

    `share` (1, 3) is every third take, beginning with the second: the others are made elsewhere.
    """

    text: str
    family: str
    speaker: Speaker | None = None
    controls: SpeechControls = field(default_factory=SpeechControls)
    language: str = "en"
    share: tuple[int, int] = (0, 1)


@dataclass(frozen=True)
class DownloadRequest:
    """Bring a family of the catalogue."""

    family: str


@dataclass(frozen=True)
class LoadRequest:
    """Bring a family into memory before it is needed."""

    family: str


@dataclass(frozen=True)
class UnloadRequest:
    """Give a family's memory back; None means all of them."""

    family: str | None = None


@dataclass(frozen=True, eq=False)
class PreviewRequest:
    """Make the sound that a voice's own codes hold: one `AudioChunk`, nothing is generated."""

    family: str
    fine: FineCodes


@dataclass(frozen=True, eq=False)
class CloneOrder:
    """A voice to be cloned from recordings of one speaker, as a person asks for it.

    Every method is tried on the `windows` best parts, `takes` times each where chance plays a
    part; the clones come ranked. `window` (start and end in seconds of the first recording) is the
    user's own choice instead. `transcript` None is recognised where a method needs it; `quantizer`,
    `converter` and `seed` None leave the choice to the app. `accepts_licence` says that the user
    has read and accepted the licence of a converter that asks for it.
    """

    recordings: tuple[Recording, ...]
    methods: tuple[Method, ...] = ("quantizer",)
    family: str | None = None
    language: str = "en"
    transcript: str | None = None
    windows: int = 1
    window: tuple[float, float] | None = None
    takes: int = 1
    denoise: bool = False
    quantizer: str | None = None
    converter: str | None = None
    seed: int | None = None
    report: bool = True
    accepts_licence: bool = False


@dataclass(frozen=True, eq=False)
class CheckRequest:
    """Say what is known of recordings: one `Checked`."""

    recordings: tuple[Recording, ...]
    denoise: bool = False


@dataclass(frozen=True, eq=False)
class CloneRequest:
    """Clone a voice: progress, then one `Cloned`.

    `bases` are voices, with their names, that a conversion may start from. `share` (1, 3) is every
    third clone of the order, beginning with the second: the others are made elsewhere.
    """

    order: CloneOrder
    family: str
    bases: tuple[tuple[str, Speaker], ...] = ()
    share: tuple[int, int] = (0, 1)


@dataclass(frozen=True, eq=False)
class ReportRequest:
    """Let a voice say the report's sentences: progress, then one `Reported`.

    `reference` is what it is compared with; None is the voice's own prompt.
    """

    family: str
    speaker: Speaker
    reference: Recording | None = None
    language: str = "en"


Request: TypeAlias = (
    SpeakRequest
    | LoadRequest
    | UnloadRequest
    | PreviewRequest
    | CheckRequest
    | CloneRequest
    | ReportRequest
)
