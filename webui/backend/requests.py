"""What can be asked of the app (orders) and of the process that computes (requests).

An order names things the way a person does; a request carries the arrays themselves, so that a
worker which sees none of our folders of voices can do it.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from webui.arrays import FineCodes, Speaker
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
    """Say a text: progress, sound, then one `Done` with a speech for each take."""

    text: str
    family: str
    speaker: Speaker | None = None
    controls: SpeechControls = field(default_factory=SpeechControls)
    language: str = "en"


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


Request: TypeAlias = SpeakRequest | LoadRequest | UnloadRequest | PreviewRequest
