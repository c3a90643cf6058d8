"""A job on its way through the cluster: what it has told already, so that nothing is told twice."""

import queue
from collections import Counter
from dataclasses import dataclass, field, replace

from webui.backend.lease import Ticket
from webui.backend.requests import (
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    Request,
    SampleOrder,
    TrainRequest,
)
from webui.events import Cancelled, CancelToken, Event, Failed, Progress
from webui.training_results import (
    FeaturesHeard,
    PairDropped,
    PairMade,
    QuantizerWeights,
    SampleHeard,
    SampleMissed,
    TrainingPoint,
)

ALWAYS_NEW = Progress | Failed | Cancelled | QuantizerWeights | SampleHeard | SampleMissed


class Delivered:
    """Lets each result of a job pass once, also when the job is begun again.

    A request gives the same results in the same order wherever and how often it is computed: so the
    second result of a kind is the one that was the second before. Numbered results are known by
    their numbers, because what is there is not computed again.
    """

    def __init__(self) -> None:
        self._numbers: set[tuple[str, int]] = set()
        self._most: Counter[str] = Counter()  # of each other kind, that were passed on
        self._now: Counter[str] = Counter()  # since the job was begun the last time
        self._resume: bytes | None = None  # where a training that came so far goes on
        self._sampled: SampleHeard | None = None  # the last that was heard of its quantizer

    def is_new(self, event: Event) -> bool:
        """Count an event, and say whether it was never passed on before."""
        if isinstance(event, QuantizerWeights):
            self._resume = event.resume
        if isinstance(event, SampleHeard):
            self._sampled = event
        if isinstance(event, ALWAYS_NEW):
            return True
        number = _number_of(event)
        if number is not None:
            is_new = number not in self._numbers
            self._numbers.add(number)
            return is_new
        kind = type(event).__name__
        self._now[kind] += 1
        if self._now[kind] <= self._most[kind]:
            return False
        self._most[kind] = self._now[kind]
        return True

    def rest_of(self, request: Request) -> Request:
        """Begin a job again: what has to be computed of it."""
        self._now.clear()
        if isinstance(request, PairsRequest):
            texts = tuple(each for each in request.texts if not self._has("pair", each.number))
            return replace(request, texts=texts)
        if isinstance(request, FeaturesRequest):
            sounds = tuple(each for each in request.sounds if not self._has("features", each[0]))
            return replace(request, sounds=sounds)
        if isinstance(request, TrainRequest) and self._resume is not None:
            request = replace(request, resume=self._resume)
        if isinstance(request, TrainRequest | EvaluateRequest):
            return replace(request, sample=self._new_sample(request.sample))
        return request

    def _new_sample(self, order: SampleOrder | None) -> SampleOrder | None:
        """What was heard already is not spoken once more."""
        if order is None or self._sampled is None:
            return order
        return replace(order, known=self._sampled.accuracy)

    def _has(self, kind: str, number: int) -> bool:
        return (kind, number) in self._numbers


def _number_of(event: Event) -> tuple[str, int] | None:
    if isinstance(event, PairMade | PairDropped):
        return "pair", event.number
    if isinstance(event, FeaturesHeard):
        return "features", event.number
    return ("point", event.step) if isinstance(event, TrainingPoint) else None


@dataclass(eq=False)
class RayJob:
    """One request, from the moment it has the right to a device."""

    number: int
    request: Request
    ticket: Ticket
    cancel: CancelToken
    abandoned: CancelToken = field(default_factory=CancelToken)
    events: "queue.SimpleQueue[Event | None]" = field(default_factory=queue.SimpleQueue)
    delivered: Delivered = field(default_factory=Delivered)
    is_taken: bool = False  # a process has begun it
    deaths: int = 0  # of processes that had begun it
    starts: int = 0  # of processes that ended before they had begun it
    is_moving: bool = False  # it ends here and goes on to another node
    cancelled_at: float | None = None  # when that was seen
    worker_knows: bool = False  # that the job is no longer wanted
    failed_on: set[str] = field(default_factory=set)  # nodes where it could not be done

    @property
    def unwanted(self) -> bool:
        """Whether somebody pressed Stop, or nobody listens any more."""
        return self.cancel.cancelled or self.abandoned.cancelled

    def begin_again(self) -> None:
        """Go to another process, with what is left to do."""
        self.is_taken = False
        self.is_moving = False
        self.worker_knows = False
        self.request = self.delivered.rest_of(self.request)
