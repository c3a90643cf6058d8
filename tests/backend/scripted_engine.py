"""An engine that computes nothing: it remembers what it was asked for."""

from collections.abc import Iterator

import numpy as np

from webui.backend.facts import EngineStatus
from webui.backend.requests import Request
from webui.events import AudioChunk, CancelToken, Done, Event, Progress

SOUND = AudioChunk(0, 1, "", np.full(10, 0.5, np.float32), 16_000)


class ScriptedEngine:
    """Tells `events` at every request; `now` is its status."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.events: list[Event] = [Progress("semantic", 0.0), SOUND, Done()]
        self.now = EngineStatus(running=False)
        self.closed = False

    def run(self, request: Request, cancel: CancelToken | None = None) -> Iterator[Event]:
        self.asked.append(request)
        yield from self.events

    def status(self) -> EngineStatus:
        return self.now

    def devices(self) -> int:
        return self.now.devices

    def close(self) -> None:
        self.closed = True
