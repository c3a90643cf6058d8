"""What long work reports while it runs: one stream for the page, the HTTP API and the terminal."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from webui.arrays import Speaker, Waveform
from webui.clone_results import CloneOutcome, CloneReport, RecordingCheck
from webui.training_results import (
    FeaturesHeard,
    PairDropped,
    PairMade,
    PairsRead,
    QuantizerComparison,
    QuantizerReport,
    QuantizerWeights,
    SampleHeard,
    SampleKept,
    SampleMissed,
    TrainingPoint,
)

Made = TypeVar("Made")
Step = TypeVar("Step")
Told = TypeVar("Told")


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    `stage` is one of queued, download, verify, load, semantic, coarse, fine, codec; while cloning
    also check, listen, encode, convert, report; while making a quantizer also pairs, features,
    train, evaluate.
    `fraction` is 0..1 of the whole job; `seconds_left` is None while nothing honest can be said.
    """

    stage: str
    fraction: float
    seconds_left: float | None = None
    chunk: int = 0  # counted from 0
    chunks: int = 1
    message: str = ""


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """The sound of one chunk of the text, ready to be played after the chunks before it."""

    index: int
    chunks: int
    text: str
    waveform: Waveform
    sample_rate: int


@dataclass(frozen=True, eq=False)
class SpokenChunk:
    """One chunk of a finished speech: where it lies in the sound and the arrays it was made of.

    `words_right` (0..1) and `similarity` (to the voice, a cosine) are None where nobody looked;
    `tries` says how often it was spoken until one try was kept, `is_drifted` that this one does
    not sound like the voice.
    """

    text: str
    start_seconds: float
    end_seconds: float
    speaker: Speaker
    seed: int
    notes: tuple[str, ...] = ()
    words_right: float | None = None
    similarity: float | None = None
    tries: int = 1
    is_drifted: bool = False


@dataclass(frozen=True, eq=False)
class Speech:
    """A finished speech with everything needed to make it again."""

    waveform: Waveform
    sample_rate: int
    chunks: tuple[SpokenChunk, ...]
    seed: int
    compute_seconds: float
    family: str = ""
    notes: tuple[str, ...] = ()  # what was done without being asked, in the user's words


@dataclass(frozen=True, eq=False)
class Checked:
    """A recording was looked at; `Done` follows."""

    check: RecordingCheck


@dataclass(frozen=True, eq=False)
class Cloned:
    """A voice was cloned; `Done` follows."""

    outcome: CloneOutcome


@dataclass(frozen=True, eq=False)
class Reported:
    """A voice was judged; `Done` follows."""

    report: CloneReport


@dataclass(frozen=True, eq=False)
class Done:
    """The job has ended well. `result` is a `Speech` for speaking, None for the rest."""

    result: Speech | None = None


@dataclass(frozen=True)
class Failed:
    """The job has ended badly. `message` is one sentence for the user, `kind` the error's class."""

    message: str
    kind: str = "UserError"


@dataclass(frozen=True, eq=False)
class Cancelled:
    """The job was stopped. `partial` holds the chunks finished before, or None."""

    partial: Speech | None = None


TrainingEvent: TypeAlias = (
    PairMade
    | PairDropped
    | PairsRead
    | FeaturesHeard
    | TrainingPoint
    | QuantizerWeights
    | QuantizerReport
    | QuantizerComparison
    | SampleHeard
    | SampleMissed
    | SampleKept
)
Event: TypeAlias = (
    Progress | AudioChunk | Checked | Cloned | Reported | TrainingEvent | Done | Failed | Cancelled
)


@dataclass
class CancelToken:
    """Asks a job to stop; the job looks at it at every token."""

    _event: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Ask for a stop. Calling it again changes nothing."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        return self._event.is_set()


@contextmanager
def when_cancelled(
    cancel: CancelToken, act: Callable[[], None], look_seconds: float = 0.1
) -> Iterator[None]:
    """Let another thread act once when a stop is asked for while this one is held up.

    Args:
        cancel: the token that is looked at.
        act: what frees the thread that waits; it must not raise.
        look_seconds: between two looks.
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(look_seconds):
            if cancel.cancelled:
                act()
                return

    watcher = threading.Thread(target=watch, name="stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def result_of(steps: Generator[Any, None, Made]) -> Made:
    """Run a generator to its end, whatever it yields, and give what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: Made = end.value
            return made


def followed(
    steps: Generator[Step, None, Made], tell: Callable[[Step], Iterable[Told]]
) -> Generator[Told, None, Made]:
    """Run a generator to its end, yield what is told of each step, and give what it returns."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            made: Made = end.value
            return made
        yield from tell(step)


def told_as(
    steps: Generator[Step, None, Made], tell: Callable[[Step], Told]
) -> Generator[Told, None, Made]:
    """Run a generator to its end, yield something else for each step, and give what it returns."""
    return followed(steps, lambda step: (tell(step),))
