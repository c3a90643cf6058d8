"""What can be asked of the app (orders) and of the process that computes (requests).

An order names things the way a person does; a request carries the arrays themselves, so that a
worker which sees none of our folders of voices can do it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from webui.arrays import AnyFeatures, FineCodes, OtherWaveform, Speaker
from webui.clone_results import MOST_ENDINGS, Method, Recording
from webui.synthesis.controls import SpeechControls
from webui.training_results import Architecture, QuantizerWeights

if TYPE_CHECKING:
    from webui.training.features import Augmentation
    from webui.training.pairs import NumberedText
    from webui.training.plan import TrainingData, TrainingPlan
    from webui.training.resynthesis import HeldOutSpeech


@dataclass(frozen=True)
class SpeakOrder:
    """A text to be spoken, as a person asks for it.

    `family` None is the one from the settings; `voice` None lets the family choose how it sounds.
    `speaker` are the arrays of a voice that is in no library, such as a visitor's own; `voice` only
    names it then.
    """

    text: str
    family: str | None = None
    voice: str | None = None
    controls: SpeechControls = field(default_factory=SpeechControls)
    language: str | None = None  # ISO 639 code of the text; None is the voice's, or English
    speaker: Speaker | None = field(default=None, repr=False, compare=False)


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
    part; the clones come ranked. With a report, each clone speaks with up to `endings` different
    ends, and the one with the best report is kept. `window` (start and end in seconds of the first
    recording) is the user's own choice instead. `transcript` None is recognised where a method
    needs it; `quantizer`, `converter` and `seed` None leave the choice to the app.
    `accepts_licence` says that the user has read and accepted the licence of a converter that asks
    for it.
    """

    recordings: tuple[Recording, ...]
    methods: tuple[Method, ...] = ("quantizer",)
    family: str | None = None
    language: str = "en"
    transcript: str | None = None
    windows: int = 1
    window: tuple[float, float] | None = None
    takes: int = 1
    endings: int = MOST_ENDINGS
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


@dataclass(frozen=True)
class TrainingOrder:
    """A quantizer to be made, as a person asks for it.

    `texts` are spoken; a few of the pairs are dropped. `corpus` is a text that the nonsense is made
    of, None the built-in one of the language; with `by_letter` words are made up too. `voices` are
    ids; None takes the family's own ones, and none at all is allowed.
    """

    name: str
    family: str | None = None
    language: str = "en"
    texts: int = 1_500
    corpus: str | None = None
    by_letter: bool = False
    voices: tuple[str, ...] | None = None
    temperature: float = 0.7
    seed: int = 0
    architecture: Architecture = "version_2"
    augment: bool = False
    epochs: int | None = None  # how often all pairs are learned from at most
    layer: int | None = None  # of the encoder that is learned from; None: the family's own choice


@dataclass(frozen=True, eq=False)
class PairsRequest:
    """Speak texts: progress, then a `PairMade` or a `PairDropped` for each of them."""

    family: str
    texts: "tuple[NumberedText, ...]"
    controls: SpeechControls


@dataclass(frozen=True, eq=False)
class FeaturesRequest:
    """Listen to sounds with a family's encoder: one `FeaturesHeard` for each of them.

    `sounds` are numbers, sounds and their rates in Hz. What is augmented follows from `seed` and
    the number.
    """

    family: str
    sounds: tuple[tuple[int, OtherWaveform, int], ...]
    augmentation: "Augmentation | None" = None
    seed: int = 0
    layer: int | None = None  # of the encoder; None: the family's own choice


@dataclass(frozen=True, eq=False)
class SampleOrder:
    """A held-out speech that is to be spoken again as a quantizer hears it.

    `known` is the accuracy of the weights that this was done with last: they hear nothing new.
    """

    family: str
    speech: "HeldOutSpeech"
    known: float | None = None
    share: float = 0.05  # of the time of a training that samples may take while it goes on


@dataclass(frozen=True, eq=False)
class TrainRequest:
    """Train a quantizer: points of the curve, and `QuantizerWeights` from time to time.

    `resume` are those of the weights that came last; None begins. With `sample` a `SampleHeard`
    follows where better weights have come and there is time for it, or a `SampleMissed`.
    """

    data: "TrainingData"
    plan: "TrainingPlan"
    resume: bytes | None = None
    sample: SampleOrder | None = None


@dataclass(frozen=True, eq=False)
class EvaluateRequest:
    """Say how good a quantizer is: one `QuantizerReport`.

    Of each of `clips` a clone is made with it, by the family, and judged; without clips its words
    and its likeness stay unknown. With `sample` a `SampleHeard` or a `SampleMissed` comes first,
    unless nothing new would be heard.
    """

    data: "TrainingData"
    plan: "TrainingPlan"
    weights: QuantizerWeights
    family: str = ""
    language: str = "en"
    clips: tuple[Recording, ...] = ()
    layer: int | None = None  # of the encoder that the quantizer was trained with
    classes: Mapping[int, str] = field(default_factory=dict)  # of sounds, by token, where known
    sample: SampleOrder | None = None


@dataclass(frozen=True, eq=False)
class CompareRequest:
    """Say which of two quantizers hears pairs better: one `QuantizerComparison`.

    `data` are pairs that neither was trained on, as the first hears them. `second_features` are
    those of the same pairs for the second, where it reads another layer of the encoder.
    """

    data: "TrainingData"
    first: QuantizerWeights
    second: QuantizerWeights
    second_features: tuple[AnyFeatures, ...] | None = None


Request: TypeAlias = (
    SpeakRequest
    | LoadRequest
    | UnloadRequest
    | PreviewRequest
    | CheckRequest
    | CloneRequest
    | ReportRequest
    | PairsRequest
    | FeaturesRequest
    | TrainRequest
    | EvaluateRequest
    | CompareRequest
)
