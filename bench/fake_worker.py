"""A worker that only waits or tells: what is left of the time is the engine's own."""

import time
from collections.abc import Iterator

import numpy as np

from webui.backend.facts import EngineStatus
from webui.backend.requests import PairsRequest, Request
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Progress
from webui.settings import Settings
from webui.training_results import PairMade

PAIR_SECONDS = 0.25  # so long a device seems to work on one
RATE = 16_000
SOUND = np.zeros(RATE, np.float32)  # of a pair: one second
TOKENS = np.zeros(50, np.int64)


class FakeWorker:
    """The names of `webui.backend.worker.Worker`. A text is `events N` or `megabytes N`."""

    device_lost = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def run(self, request: Request, cancel: CancelToken) -> Iterator[Event]:
        """Do what the request says."""
        if isinstance(request, PairsRequest):
            yield from self._pairs(request, cancel)
            return
        what, _, count = getattr(request, "text", "events 0").partition(" ")
        if what == "events":
            for number in range(int(count)):
                yield Progress("semantic", number / int(count))
        else:
            sound = np.zeros(int(count) * 2**18, np.float32)
            yield AudioChunk(0, 1, "", sound, RATE)
        yield Done()

    def status(self) -> EngineStatus:
        """Say that there is a device."""
        return EngineStatus(running=False, device="cpu")

    def seconds_until_idle(self) -> float | None:
        """Nothing is loaded."""
        return None

    def unload_idle(self) -> bool:
        """Nothing is loaded."""
        return False

    def close(self) -> None:
        """There is nothing to give back."""

    def _pairs(self, request: PairsRequest, cancel: CancelToken) -> Iterator[Event]:
        for done, each in enumerate(request.texts):
            if cancel.cancelled:
                yield Cancelled()
                return
            time.sleep(PAIR_SECONDS)
            yield Progress("pairs", done / len(request.texts))
            yield PairMade(each.number, each.text, "", TOKENS, SOUND, RATE)
        yield Done()
