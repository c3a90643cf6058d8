"""An engine that makes quantizers without computing: all follows from what it is given."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from webui.backend.facts import EngineStatus
from webui.backend.requests import (
    CompareRequest,
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    Request,
    TrainRequest,
)
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.training_results import (
    FeaturesHeard,
    PairDropped,
    PairMade,
    QuantizerComparison,
    QuantizerReport,
    QuantizerSizes,
    QuantizerWeights,
    SampleHeard,
    TrainingPoint,
)

RATE, WIDTH, TOKENS = 16_000, 6, 40
STEPS, SAVED_EVERY = 6, 2  # of a training
SIZES = QuantizerSizes("version_0", WIDTH, 8, TOKENS)
REPORT = QuantizerReport(0.81, 0.95, 0.2, 900, 10, 0, "version_2", 1_234, held_out_voices=("Ada",))

ALIKE = QuantizerComparison(0.8, 0.8, -0.1, 0.1, "alike")


def pair_of(number: int, text: str = "", voice: str = "") -> PairMade:
    """What this engine makes of a text."""
    dice = np.random.default_rng(number)
    sound = dice.uniform(-0.5, 0.5, 320 * 5).astype(np.float32)
    return PairMade(number, text, voice, dice.integers(0, TOKENS, 5), sound, RATE)


def weights_of(step: int, is_final: bool = False) -> QuantizerWeights:
    state = {"fc.weight": np.full((2, 3), step, np.float32)}
    resume = b"" if is_final else f"step {step}".encode()
    return QuantizerWeights(SIZES, state, 0, step, step / 10, is_final, resume)


def sample_of(step: int) -> SampleHeard:
    return SampleHeard(step, step / 10, np.full(1_600, step / 100, np.float32), RATE)


@dataclass
class TrainingEngine:
    """Set the attributes before; `asked` holds the requests in the order they began.

    `drop` are numbers that are dropped; `faults` are told instead of the result, one after the
    other; `meanwhile` is called before every result with how many there were; `waiting` says how
    many wait for the device.
    """

    drop: frozenset[int] = frozenset()
    faults: list[Event] = field(default_factory=list)
    meanwhile: Callable[[int], None] = lambda count: None
    waiting: int = 0
    samples: bool = False  # whether what is heard is told where that is asked for
    at_once: int = 1
    asked: list[Request] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    closed: bool = False
    count: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def run(self, request: Request, cancel: CancelToken | None = None) -> Iterator[Event]:
        cancel = cancel or CancelToken()
        with self.guard:
            self.asked.append(request)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            for result in self._results(request):
                with self.guard:
                    self.count += 1
                    fault = self.faults.pop(0) if self.faults else None
                self.meanwhile(self.count)
                if isinstance(fault, Failed):
                    yield fault
                    return
                if cancel.cancelled:
                    yield Cancelled()
                    return
                yield result
            yield Done()
        finally:
            with self.guard:
                self.running -= 1

    def status(self) -> EngineStatus:
        return EngineStatus(running=self.running > 0, waiting=self.waiting, devices=self.at_once)

    def devices(self) -> int:
        return self.at_once

    def close(self) -> None:
        self.closed = True

    def spoken(self) -> list[int]:
        """The numbers of all texts that it was asked to say."""
        return [
            text.number
            for each in self.asked
            if isinstance(each, PairsRequest)
            for text in each.texts
        ]

    def _results(self, request: Request) -> Iterator[Event]:
        if isinstance(request, PairsRequest):
            yield Progress("pairs", 0.1)
            for each in request.texts:
                made = pair_of(each.number, each.text, each.voice_name)
                yield PairDropped(each.number, "silent") if each.number in self.drop else made
        elif isinstance(request, FeaturesRequest):
            for number, waveform, _ in request.sounds:
                shape = (len(waveform) // 320, WIDTH)
                loud = 2.0 if request.augmentation else 1.0
                yield FeaturesHeard(number, np.full(shape, loud * number, np.float16))
        elif isinstance(request, TrainRequest):
            first = int(request.resume.split()[1]) if request.resume else 0
            for step in range(first + 1, STEPS + 1):
                yield Progress("train", step / STEPS, 1.0)
                yield TrainingPoint(step, step / 2, float(step), 1 / step, step / 10)
                if step % SAVED_EVERY == 0:
                    yield weights_of(step, step == STEPS)
                    yield from self._sample(request, step)
        elif isinstance(request, EvaluateRequest):
            yield Progress("evaluate", 0.5)
            yield from self._sample(request, request.weights.step)
            yield replace(REPORT, pairs=len(request.data.tokens))
        elif isinstance(request, CompareRequest):
            yield ALIKE

    def _sample(self, request: TrainRequest | EvaluateRequest, step: int) -> Iterator[Event]:
        order, is_last = request.sample, isinstance(request, TrainRequest) and step == STEPS
        if self.samples and order is not None and order.known != step / 10 and not is_last:
            yield sample_of(step)
