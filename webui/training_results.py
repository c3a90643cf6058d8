"""What making a quantizer gives: pairs, features, points of the curve, weights, a report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from webui.arrays import SemanticTokens, SpeechFeatures, Waveform

DropReason: TypeAlias = Literal["silent", "length", "unspoken", "damaged"]
Architecture: TypeAlias = Literal["version_0", "version_1", "version_2"]
ARCHITECTURES: tuple[Architecture, ...] = ("version_0", "version_1", "version_2")
Shift: TypeAlias = Literal[-1, 0, 1]
PHONE_CLASSES = (
    "vowel", "approximant", "trill", "tap", "nasal", "fricative", "affricate", "plosive", "click",
    "silence",
)  # fmt: skip
"""Of speech sounds by their manner of articulation, the more open ones first."""


@dataclass(frozen=True, eq=False)
class PairMade:
    """Speech that Bark made of a text, and the semantic tokens that it made it of."""

    number: int
    text: str
    voice: str  # its name; empty where there was none
    semantic: SemanticTokens
    waveform: Waveform
    sample_rate: int  # Hz


@dataclass(frozen=True)
class PairDropped:
    """Nothing can be learned from what Bark made of a text.

    `silent`: there is hardly any sound. `length`: tokens and sound do not last equally long, or the
    longest duration was reached. `unspoken`: there are hardly any tokens for so long a text.
    `damaged`: a file of the pair cannot be read; only where pairs of others are read.
    """

    number: int
    why: DropReason


@dataclass(frozen=True)
class PairsRead:
    """All pairs that others made have been read: how many there are, and what was dropped why."""

    pairs: int
    dropped: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class FeaturesHeard:
    """What an encoder hears in the sound of a pair, in half precision."""

    number: int
    features: SpeechFeatures


@dataclass(frozen=True)
class TrainingPoint:
    """A place on the curve of a training.

    `accuracy` and `accuracy_top5` are of the speech that was held out, None where it was not
    listened to at this step; `best` is the best accuracy so far.
    """

    step: int
    epoch: float
    seconds: float  # spent on training, earlier runs included
    loss: float
    accuracy: float | None = None
    accuracy_top5: float | None = None
    best: float | None = None


@dataclass(frozen=True)
class QuantizerSizes:
    """The sizes of a quantizer, as plain numbers."""

    architecture: Architecture
    inputs: int  # features a frame
    hidden: int
    tokens: int
    between: int | None = None  # version 1 only
    blocks: int = 0  # version 2 only
    kernel: int = 0  # frames that a block sees; version 2 only


@dataclass(frozen=True, eq=False)
class QuantizerWeights:
    """A quantizer as far as it is trained; `state` holds the best weights so far, by name.

    `shift` says where the token of a frame stands: the features of frame n + shift belong to token
    n. `resume` is everything that going on from here needs, also after a stop.
    """

    sizes: QuantizerSizes
    state: Mapping[str, np.ndarray]
    shift: Shift
    step: int
    accuracy: float | None  # of these weights, held out
    is_final: bool
    resume: bytes = b""


@dataclass(frozen=True, eq=False)
class SampleHeard:
    """A held-out speech as a quantizer hears it, spoken again by the family.

    `step` and `accuracy` are those of the weights that listened.
    """

    step: int
    accuracy: float | None
    waveform: Waveform
    sample_rate: int  # Hz


@dataclass(frozen=True)
class SampleMissed:
    """A held-out speech could not be spoken again: why, in words. The training goes on."""

    step: int
    words: str


@dataclass(frozen=True)
class SampleKept:
    """A held-out speech lies in two files: as it was spoken, and as a quantizer hears it."""

    step: int
    spoken: str
    heard: str


@dataclass(frozen=True)
class QuantizerReport:
    """How well a quantizer hears; None where something was not measured.

    `edit_distance` counts insertions, deletions and substitutions for each right token, repeated
    tokens taken as one. `by_voice` and `by_class` (of phones) are shares of right frames.
    `words_right` and `similarity` are those of clones that were made with it.
    """

    accuracy: float
    accuracy_top5: float
    edit_distance: float
    frames: int
    pairs: int  # trained on
    shift: Shift
    architecture: Architecture
    parameters: int
    by_voice: Mapping[str, float] = field(default_factory=dict)
    by_class: Mapping[str, float] = field(default_factory=dict)
    held_out_pairs: int = 0
    held_out_voices: tuple[str, ...] = ()
    unseen_voices_accuracy: float | None = None  # on held-out voices alone
    unseen_texts_accuracy: float | None = None  # on held-out texts in voices trained on
    words_right: float | None = None
    similarity: float | None = None
    sample_step: int | None = None  # of the weights that the kept sample was heard with


@dataclass(frozen=True)
class QuantizerComparison:
    """Which of two quantizers hears better, listening to the same pairs.

    `low` and `high` hold the difference of their accuracies (second minus first) in 95 of 100 draws
    of the pairs; `better` is alike where nothing between them is sure.
    """

    first_accuracy: float
    second_accuracy: float
    low: float
    high: float
    better: Literal["first", "second", "alike"]
