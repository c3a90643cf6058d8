"""The engine of a Space whose graphics card is lent for one call at a time (ZeroGPU).

`spaces` runs a lent call in a fork of this process, and keeps the fork for the next call while the
card is not needed elsewhere. Models live in the fork only: this process never has a card, and what
looks like one here is an imitation that holds for its main thread alone. Events come back.
"""

import multiprocessing
import re
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event as SharedEvent
from typing import TYPE_CHECKING

from webui.backend.inline_engine import InlineEngine
from webui.backend.requests import (
    CloneRequest,
    LoadRequest,
    PreviewRequest,
    ReportRequest,
    Request,
    SpeakRequest,
    UnloadRequest,
)
from webui.errors import EngineError, SettingsError
from webui.events import CancelToken, Done, Event
from webui.settings import Settings
from webui.synthesis.chunking import estimate_seconds

if TYPE_CHECKING:
    from webui.backend.worker import Worker

NEEDS_CARD = SpeakRequest | CloneRequest | PreviewRequest | ReportRequest
COMPUTE_PER_SECOND = 1.0  # seconds of work for one of speech, on the slowest card that is lent
START_SECONDS = 10.0  # until a new fork has the models on the card
CLONE_SECONDS = 15.0  # of one clone with its report
ENDING_SECONDS = 8.0  # of the report of one more ending
LEAST_SECONDS, MOST_SECONDS = 10, 120  # what a visitor may ask for at once
_LEFT = re.compile(r"\((\d+)s requested vs\. (\d+)s left\)")
_AGAIN = re.compile(r"Try again in ([\d:]+)")

Task = Callable[[Request], Iterator[Event]]
Lend = Callable[[Task, Callable[[Request], int]], Task]


class ZeroGpuEngine(InlineEngine):
    """The engine in this process, whose jobs that need the card run where it is lent.

    Args:
        settings: of the app.
        make_worker: makes what computes.
        lend: makes a task run where the card is, for as many seconds as its second argument says.
    """

    def __init__(
        self,
        settings: Settings,
        make_worker: "Callable[[Settings], Worker] | None" = None,
        lend: Lend | None = None,
    ) -> None:
        super().__init__(settings, make_worker)
        self._stop = multiprocessing.get_context("fork").Event()  # seen in the fork, too

        def compute(request: Request) -> Iterator[Event]:
            yield from self._ready_worker().run(request, _StopSeenInFork(self._stop))

        self._compute = (lend or _lend)(compute, card_seconds)

    def _work(self, request: Request, cancel: CancelToken) -> Iterator[Event]:
        if isinstance(request, LoadRequest | UnloadRequest):
            yield Done()  # there is no card to load to between two calls
            return
        if not isinstance(request, NEEDS_CARD):
            yield from super()._work(request, cancel)
            return
        self._stop.clear()
        try:
            for event in self._compute(request):
                if cancel.cancelled:
                    self._stop.set()
                yield event
        except Exception as fault:
            raise _in_words(fault) from fault
        finally:
            self._stop.set()


class _StopSeenInFork(CancelToken):
    """A token of the fork that is cancelled when this process says so."""

    def __init__(self, stop: SharedEvent) -> None:
        super().__init__()
        self._stop = stop

    @property
    def cancelled(self) -> bool:
        """Whether somebody pressed Stop."""
        return self._stop.is_set() or super().cancelled


def card_seconds(request: Request) -> int:
    """For how long the card is needed: a visitor with less than that left is refused."""
    needed = START_SECONDS
    if isinstance(request, SpeakRequest):
        tries = request.controls.verify_tries if request.controls.verify else 1
        spoken = estimate_seconds(request.text) * request.controls.takes
        needed += spoken * COMPUTE_PER_SECOND * tries
    elif isinstance(request, CloneRequest):
        order = request.order
        seconds = CLONE_SECONDS + ENDING_SECONDS * (order.endings - 1) * order.report
        needed += seconds * len(order.methods) * order.windows * order.takes
    elif isinstance(request, ReportRequest):
        needed += CLONE_SECONDS
    return round(min(max(needed, LEAST_SECONDS), MOST_SECONDS))


def _lend(task: Task, seconds: Callable[[Request], int]) -> Task:
    """Let a task run where a Space's card is.

    Raises:
        SettingsError: this is no such Space.
    """
    try:
        import spaces
    except ImportError as fault:
        raise SettingsError(
            "SPACES_ZERO_GPU is set, but the package spaces is not here: it comes with a Space. "
            "Unset SPACES_ZERO_GPU to run the app elsewhere."
        ) from fault
    lent: Task = spaces.GPU(duration=seconds)(task)
    return lent


def _in_words(fault: Exception) -> Exception:
    """Say what the lender of cards said, in words that tell what to do."""
    words = str(getattr(fault, "message", fault))
    title = str(getattr(fault, "title", ""))
    if "ZeroGPU" not in title:
        return fault
    known = _LEFT.search(words)
    again = _AGAIN.search(words)
    if "quota" in title and known:
        when = f"Try again in {again[1]}, " if again else "Come back tomorrow, "
        return EngineError(
            f"Today's free time on the graphics card is used up: this takes {known[1]} s, and "
            f"{known[2]} s are left. {when}sign in for more, or give a shorter text."
        )
    if "quota" in title or "No GPU was available" in words:
        return EngineError(
            "No graphics card is free for this page now. Please try again in a minute; who signs "
            "in waits less."
        )
    if "illegal duration" in title:
        return EngineError(
            "This would need the graphics card for longer than it is lent. Give a shorter text."
        )
    if "worker error" in title:
        return EngineError(
            "The graphics card was taken back before the work was done. Please try again with a "
            "shorter text."
        )
    return EngineError(f"The graphics card could not be had ({words[:200]}). Please try again.")
