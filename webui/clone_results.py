"""What cloning a voice gives: what is known of a recording, the clones, how good they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal, TypeAlias

import numpy as np

from webui.arrays import Speaker, Waveform

Method: TypeAlias = Literal["quantizer", "transcript", "conversion"]
MOST_ENDINGS = 3  # with which a voice is tried before it is kept
METHODS: tuple[Method, ...] = ("quantizer", "transcript", "conversion")  # methods 2, 1 and 3


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording of the speaker: mono sound in -1..1, at the rate it came in."""

    waveform: Waveform
    rate: int  # Hz
    name: str = ""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.waveform) / self.rate

    @cached_property
    def digest(self) -> str:
        """A fingerprint: 16 hexadecimal digits of the SHA-256 of the 16-bit samples."""
        samples = np.round(np.clip(self.waveform, -1, 1) * 32_767).astype("<i2")
        return sha256(samples.tobytes()).hexdigest()[:16]


@dataclass(frozen=True)
class Finding:
    """One thing about a recording, in words that a user can act on.

    `kind` is one of short, silence, quiet, noise, music, clipped, several_speakers, abrupt_end.
    With `is_fatal` nothing can be cloned from the recording.
    """

    kind: str
    words: str
    is_fatal: bool = False


@dataclass(frozen=True)
class Window:
    """A part of a recording that a voice could be made of; `score` is 0 (useless) to 1."""

    start_seconds: float
    end_seconds: float
    score: float
    ends_in_pause: bool = False
    recording: int = 0  # which of several recordings, counted from 0


@dataclass(frozen=True)
class RecordingCheck:
    """What is known of a recording before anything is cloned from it."""

    seconds: float
    speech_seconds: float
    level_db: float  # root mean square of the speech, in dB below full scale
    noise_db: float  # how far the pauses are below the speech, in dB; more is cleaner
    clipped_share: float  # of the samples of speech, 0..1
    spans: tuple[tuple[float, float], ...] = ()  # of speech, in seconds; recordings end to end
    windows: tuple[Window, ...] = ()  # the best one first
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class SoundFacts:
    """What can be measured of any speech; None where it cannot be told."""

    seconds: float
    level_db: float  # as in RecordingCheck
    noise_db: float
    silence_share: float  # of the time, 0..1
    syllables_per_second: float | None = None  # while speaking
    pitch_hz: float | None = None  # the median
    pitch_low_hz: float | None = None  # a tenth of the voiced time is lower
    pitch_high_hz: float | None = None  # a tenth of the voiced time is higher


@dataclass(frozen=True)
class SentenceHeard:
    """A sentence that the clone was asked to say, and what a recogniser heard."""

    asked: str
    heard: str | None  # None: there is no recogniser for the language
    words_right: float | None  # 1 - word errors / words, not below 0


@dataclass(frozen=True)
class CloneReport:
    """How good a clone is, beside what the recording itself allows.

    `similarity` and `ceiling` are cosines of speaker embeddings: clone against recording, and the
    recording's two halves against each other; None where there is no speaker encoder.
    `closeness` is close, somewhat or far (or "" where it is unknown); `verdict` says it in words.
    """

    similarity: float | None
    ceiling: float | None
    words_right: float | None  # the mean of the sentences
    sentences: tuple[SentenceHeard, ...]
    reference: SoundFacts
    clone: SoundFacts
    closeness: str
    verdict: str
    score: float  # 0..1, what candidates are ranked by


@dataclass(frozen=True, eq=False)
class CloneCandidate:
    """One clone: its voice, how it was made, what it said, and how good that is."""

    speaker: Speaker
    method: Method
    window: Window
    seed: int
    seconds: float  # it took to clone
    report: CloneReport | None = None
    speech: Waveform | None = None  # the report's sentences, one after the other
    sample_rate: int = 0
    notes: tuple[str, ...] = ()  # what was done without being asked, in the user's words
    details: Mapping[str, str | float] = field(default_factory=dict)  # kept in the voice's file


@dataclass(frozen=True, eq=False)
class CloneOutcome:
    """All clones of one order, the best one first.

    `failures` are for who puts the shares of an order together: a share may even have no clone. Of
    a whole order they stand in the best clone's notes.
    """

    family: str
    candidates: tuple[CloneCandidate, ...]
    check: RecordingCheck
    reference: Waveform  # the part that was used for the best candidate, at `sample_rate`
    sample_rate: int
    compute_seconds: float = 0.0
    failures: tuple[tuple[Method, str], ...] = ()  # what failed, and why
