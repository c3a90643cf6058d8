"""What the app tells about the quantizers that are made with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from webui.backend.requests import TrainingOrder
from webui.training_results import QuantizerReport, TrainingPoint

TrainingState = Literal["running", "stopped", "failed", "done"]


@dataclass(frozen=True)
class TrainingInfo:
    """A quantizer that is being made, or was.

    `stage` and `fraction` are those of `Progress` while it runs. `seconds_left` is that of the
    stage, None while nothing has been measured. `accuracy` is the best so far on what was held out.
    `installed` is the name under which cloning can use it, empty where it cannot.
    """

    id: str
    name: str
    family: str
    language: str
    state: TrainingState
    created: str  # ISO 8601, UTC
    texts: int  # that are to be spoken
    pairs: int  # that were made of them
    dropped: Mapping[str, int] = field(default_factory=dict)  # how many, by the reason
    architecture: str = ""
    accuracy: float | None = None
    report: QuantizerReport | None = None
    stage: str = ""
    fraction: float = 0.0
    seconds_left: float | None = None
    words: str = ""  # what it does, or why it failed
    installed: str = ""
    can_continue: bool = False


@dataclass(frozen=True)
class TrainingSample:
    """A held-out speech in two files: as it was spoken, and as a quantizer hears it by now.

    `step` and `accuracy` are of the weights that it was heard with; the files are empty while
    there are none. `missed` says why the last one could not be made.
    """

    step: int = 0
    accuracy: float | None = None
    text: str = ""  # empty where nobody knows it
    voice: str = ""  # the name of the one who speaks; empty where there is none
    spoken: str = ""  # the path of a file
    heard: str = ""
    missed: str = ""


@dataclass(frozen=True)
class TrainingDetails:
    """All that is known of one training."""

    info: TrainingInfo
    order: TrainingOrder
    curve: tuple[TrainingPoint, ...]
    seconds_spoken: float  # of all pairs
    own_text: bool = False  # the nonsense was made of the user's text
    sample: TrainingSample | None = None
