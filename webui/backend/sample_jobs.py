"""Makes audible what a quantizer hears by now, in a small part of its training's time."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webui.backend.device import is_device_lost, is_out_of_memory
from webui.backend.model_manager import ModelManager
from webui.backend.requests import SampleOrder
from webui.backend.side_by_side import PartToken
from webui.errors import JobCancelled, UserError
from webui.events import CancelToken, Event, Progress, told_as
from webui.synthesis.models import BarkModels
from webui.training_results import QuantizerWeights, SampleHeard, SampleMissed

if TYPE_CHECKING:
    from webui.arrays import OtherWaveform
    from webui.cloning.quantizer import Quantizer
    from webui.training.resynthesis import HeldOutSpeech

FIRST_SECONDS = 1.0  # that a sample is thought to take before one was made
SAFETY = 1.2  # times what the last one took
TICK_SECONDS = 0.1  # between two reports of progress
FULL = "The memory is too full to let the quantizer be heard meanwhile."

Clock = Callable[[], float]


@dataclass(frozen=True)
class SampleTools:
    """What layer 3 and 4 do for a sample; tests put others in their place."""

    quantizer: "Callable[[QuantizerWeights, str], Quantizer]"
    speak: (
        "Callable[[BarkModels, Quantizer, HeldOutSpeech, CancelToken], "
        "Generator[float, None, OtherWaveform]]"
    )


@dataclass
class BoundedToken(PartToken):
    """Asks one part of a larger work to stop when its time is over."""

    until: float = 0.0  # by the clock
    clock: Clock = time.monotonic

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for, or the time is over."""
        return super().cancelled or self.clock() >= self.until


class SamplePace:
    """Shares a training's time out: samples get a small part of it, and never more.

    One that would take longer than was earned is broken off, and begun again when twice as much
    has been earned.
    """

    def __init__(self, share: float, clock: Clock = time.monotonic) -> None:
        self._share, self._clock = share, clock
        self._begun = clock()
        self._spent, self._likely = 0.0, FIRST_SECONDS

    def allowed(self) -> float:
        """The seconds that a sample may take now; 0 where they would hardly be enough."""
        trained = self._clock() - self._begun - self._spent
        earned = trained * self._share - self._spent
        return earned if earned >= self._likely else 0.0

    def took(self, seconds: float, is_whole: bool) -> None:
        """Take note of what one has taken, also where it was broken off."""
        self._spent += seconds
        self._likely = seconds * (SAFETY if is_whole else 2.0)


class SampleJobs:
    """Makes samples with the models of one worker."""

    def __init__(
        self, manager: ModelManager, tools: SampleTools | None = None, clock: Clock = time.monotonic
    ) -> None:
        self._manager, self._clock = manager, clock
        self._tools = tools or sample_tools()

    def between(
        self, steps: Iterator[Event], order: SampleOrder, cancel: CancelToken
    ) -> Iterator[Event]:
        """Give the events of a training, and a sample after better weights where there is time.

        What goes wrong with a sample is told, and the training goes on without further ones.
        """
        pace, known = SamplePace(order.share, self._clock), order.known
        shown, has_failed = Progress("train", 0.0), False
        for event in steps:
            yield event
            shown = event if isinstance(event, Progress) else shown
            if not isinstance(event, QuantizerWeights) or event.is_final or has_failed:
                continue
            allowed = pace.allowed()
            if event.accuracy == known or not allowed or cancel.cancelled:
                continue
            begun = self._clock()
            token = BoundedToken(whole=cancel, until=begun + allowed, clock=self._clock)
            last: Event | None = None
            for last in self.sample(event, order, shown, token):
                yield last
            pace.took(self._clock() - begun, isinstance(last, SampleHeard))
            has_failed = isinstance(last, SampleMissed)
            if isinstance(last, SampleHeard):
                known = event.accuracy

    def sample(
        self, weights: QuantizerWeights, order: SampleOrder, shown: Progress, cancel: CancelToken
    ) -> Iterator[Event]:
        """Speak what a quantizer hears: a `SampleHeard`, or a `SampleMissed` that says why not.

        When it is stopped there is neither.

        Args:
            weights: of the quantizer.
            order: what is spoken again, and by which family.
            shown: how far the whole work is meanwhile.
            cancel: stops this sample.

        Raises:
            RuntimeError: the device is lost.
        """
        is_full = False
        try:
            heard = yield from self._heard(weights, order, shown, cancel)
        except JobCancelled:
            return
        except (UserError, RuntimeError, MemoryError) as fault:
            if is_device_lost(fault):
                raise
            is_full = is_out_of_memory(fault)
            words = FULL if is_full else _in_words(fault)
        else:
            yield heard
            return
        if is_full:  # out here: the fault held on to what filled it
            self._manager.unload(order.family)
        yield SampleMissed(weights.step, words)

    def _heard(
        self, weights: QuantizerWeights, order: SampleOrder, shown: Progress, cancel: CancelToken
    ) -> Generator[Event, None, SampleHeard]:
        told = Progress(
            shown.stage, shown.fraction, shown.seconds_left,
            message=f"Speaking what it hears after {weights.step:,} steps",
        )  # fmt: skip
        yield told
        models = yield from self._models(order.family, told, cancel)
        quantizer = self._tools.quantizer(weights, self._manager.device.name)
        steps = self._tools.speak(models, quantizer, order.speech, cancel)
        next_report = self._clock() + TICK_SECONDS
        while True:
            try:
                next(steps)
            except StopIteration as end:
                rate = models.codec.sample_rate
                return SampleHeard(weights.step, weights.accuracy, end.value, rate)
            if self._clock() >= next_report:
                next_report = self._clock() + TICK_SECONDS
                yield told

    def _models(
        self, family: str, told: Progress, cancel: CancelToken
    ) -> Generator[Event, None, BarkModels]:
        """Have the family ready; how far its loading is does not move the whole."""
        return told_as(self._manager.models(family, cancel), lambda _: told)


def sample_tools() -> SampleTools:
    """Give the real ones."""
    from webui.cloning.quantizer import quantizer_of
    from webui.training.resynthesis import speak_heard

    return SampleTools(quantizer_of, speak_heard)


def _in_words(fault: BaseException) -> str:
    if isinstance(fault, UserError):
        return str(fault)
    return f"The quantizer could not be heard ({type(fault).__name__})."
