"""One request on several devices: shared out, and its events put together as if one had done it."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from webui.backend.clone_plan import MAX_SEED as MAX_CLONE_SEED
from webui.backend.clone_plan import with_failures
from webui.backend.engine import failed
from webui.backend.requests import (
    CloneRequest,
    FeaturesRequest,
    PairsRequest,
    Request,
    SpeakRequest,
    UnloadRequest,
)
from webui.backend.side_by_side import PartToken, side_by_side
from webui.clone_results import CloneCandidate, CloneOutcome, Method
from webui.errors import CloneError, UserError
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Cloned,
    Done,
    Event,
    Failed,
    Progress,
)
from webui.synthesis.controls import MAX_SEED

Part: TypeAlias = Callable[[int, CancelToken], Iterator[Event]]
LEAST_TEXTS = 8  # of a share: several are spoken in one pass, and a training sends small requests


def seeded(request: Request) -> Request:
    """Fix what chance decides, so that a part, or a second try, gives what the first one gave."""
    if isinstance(request, SpeakRequest) and request.controls.seed is None:
        seed = secrets.randbelow(MAX_SEED + 1)
        return replace(request, controls=replace(request.controls, seed=seed))
    if isinstance(request, CloneRequest) and request.order.seed is None:
        seed = secrets.randbelow(MAX_CLONE_SEED)
        return replace(request, order=replace(request.order, seed=seed))
    return request


def split(request: Request, devices: int) -> list[Request]:
    """Share a request out to so many devices; what cannot be shared stays whole.

    Together the parts give exactly what the request gives on one device.
    """
    parts = max(1, min(devices, _pieces(request)))
    if parts == 1:
        return [request]
    if isinstance(request, PairsRequest):
        return [replace(request, texts=request.texts[number::parts]) for number in range(parts)]
    if isinstance(request, FeaturesRequest):
        return [replace(request, sounds=request.sounds[number::parts]) for number in range(parts)]
    if isinstance(request, SpeakRequest | CloneRequest):
        return [replace(request, share=(number, parts)) for number in range(parts)]
    return [request] * parts


def _pieces(request: Request) -> int:
    """How many pieces a request has that do not need each other."""
    if isinstance(request, SpeakRequest):
        return request.controls.takes
    if isinstance(request, CloneRequest):
        order = request.order
        windows = 1 if order.window is not None else max(1, order.windows)
        takes = [1 if method == "quantizer" else order.takes for method in set(order.methods)]
        return windows * sum(takes)
    if isinstance(request, PairsRequest):
        return len(request.texts) // LEAST_TEXTS
    if isinstance(request, FeaturesRequest):
        return len(request.sounds) // LEAST_TEXTS
    return MAX_SEED if isinstance(request, UnloadRequest) else 1


def together(request: Request, parts: int, run: Part, cancel: CancelToken) -> Iterator[Event]:
    """Run all parts at once and pass on what the whole request would have told.

    When one fails, the others are stopped and the failure is the last event. Closing the stream
    stops all.
    """
    stop = PartToken(whole=cancel)
    numbers = iter(range(parts))
    whole = _Whole(request, parts)
    try:
        for number, event in side_by_side(
            lambda: next(numbers, None), lambda number: run(number, stop), parts
        ):
            if event is not None:
                yield from whole.take(number, event)
            if whole.failure is not None:
                stop.cancel()
        yield from whole.ending()
    finally:
        stop.cancel()


@dataclass(eq=False)
class _Whole:
    """What the parts have told so far."""

    request: Request
    parts: int
    failure: Failed | None = None
    cancelled: Cancelled | None = None
    fractions: list[float] = field(default_factory=list)
    seconds_left: dict[int, float | None] = field(default_factory=dict)
    ends: dict[int, list[Done]] = field(default_factory=dict)
    clones: dict[int, CloneOutcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fractions = [0.0] * self.parts

    def take(self, number: int, event: Event) -> Iterator[Event]:
        """Keep a part's event, or pass it on at once."""
        if isinstance(event, Progress):
            yield self._progress(number, event)
        elif isinstance(event, Failed):
            self.failure = self.failure or event
        elif isinstance(event, Cancelled):
            self.cancelled = event
        elif isinstance(event, Done):
            self.fractions[number] = 1.0
            self.seconds_left[number] = 0.0
            self.ends.setdefault(number, []).append(event)
        elif isinstance(event, Cloned):
            self.clones[number] = event.outcome
        elif not isinstance(event, AudioChunk):  # of several takes none is played while it is made
            yield event

    def ending(self) -> Iterator[Event]:
        """Say how it all ended."""
        if self.failure is not None:
            yield self.failure
        elif self.cancelled is not None:
            yield self.cancelled
        elif isinstance(self.request, CloneRequest):
            yield from _cloned(self.request, [self.clones[each] for each in sorted(self.clones)])
        elif isinstance(self.request, SpeakRequest):
            yield from in_turn([self.ends[each] for each in sorted(self.ends)])
        else:
            yield Done()

    def _progress(self, number: int, event: Progress) -> Progress:
        """How far the whole is: the mean of the parts, and the time of the slowest."""
        self.fractions[number] = max(self.fractions[number], event.fraction)
        self.seconds_left[number] = event.seconds_left
        known = [each for each in self.seconds_left.values() if each is not None]
        is_known = len(known) == self.parts
        return replace(
            event,
            fraction=sum(self.fractions) / self.parts,
            seconds_left=max(known) if is_known else None,
        )


def in_turn(shares: Sequence[Sequence[Done]]) -> Iterator[Done]:
    """Put the takes back in their order: the first of each share, then the second of each."""
    for place in range(max(map(len, shares), default=0)):
        yield from (share[place] for share in shares if place < len(share))


def _cloned(request: CloneRequest, outcomes: Sequence[CloneOutcome]) -> Iterator[Event]:
    """Rank the clones of all shares together; say what failed where the whole order would."""
    order = request.order
    methods = list(dict.fromkeys(order.methods))
    faults: dict[Method, UserError] = {}
    for method, words in (each for outcome in outcomes for each in outcome.failures):
        faults.setdefault(method, CloneError(words))

    def rank(each: CloneCandidate) -> tuple[float, int, int, int]:
        score = each.report.score if each.report else 0.0
        windows = outcomes[0].check.windows
        window = windows.index(each.window) if each.window in windows else 0
        return -score, methods.index(each.method), window, each.seed

    made = sorted((each for outcome in outcomes for each in outcome.candidates), key=rank)
    try:
        ranked = with_failures(faults, made)
    except CloneError as fault:
        yield failed(fault)
        return
    best = next(outcome for outcome in outcomes if made[0] in outcome.candidates)
    seconds = max(outcome.compute_seconds for outcome in outcomes)
    yield Cloned(replace(best, candidates=tuple(ranked), compute_seconds=seconds))
    yield Done()
