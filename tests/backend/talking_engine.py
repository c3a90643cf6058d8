"""An engine that says every text at once, with a sound that follows from text, voice and seed."""

import threading
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from webui.backend.facts import EngineStatus
from webui.backend.requests import SpeakRequest
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress, Speech, SpokenChunk

RATE = 16_000
SAMPLES_PER_LETTER = 20


def sound_of(request: SpeakRequest) -> np.ndarray:
    """What this engine says: another sound for another text, voice or seed."""
    print_ = b"" if request.speaker is None else request.speaker.fine.tobytes()
    words = f"{request.text}/{request.controls.seed}/{request.language}".encode()
    dice = np.random.default_rng(list(blake2b(words + print_, digest_size=8).digest()))
    return dice.uniform(-0.3, 0.3, SAMPLES_PER_LETTER * len(request.text)).astype(np.float32)


class TalkingEngine:
    """Speaks one text after the other; `gate` holds it up, `fails` says on which words it fails."""

    def __init__(self, devices: int = 1) -> None:
        self.asked: list[SpeakRequest] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Semaphore(0)  # one more for each text that was begun
        self.fails = ""
        self.silent = ""
        self.note = ""
        self._devices = devices

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.asked]

    def run(self, request: SpeakRequest, cancel: CancelToken | None = None) -> Iterator[Event]:
        self.asked.append(request)
        self.began.release()
        yield Progress("semantic", 0.5)
        while not self.gate.wait(0.005):
            if cancel is not None and cancel.cancelled:
                yield Cancelled()
                return
        if self.fails and self.fails in request.text:
            yield Failed(f"This cannot be said: {request.text}", "TextError")
            return
        is_silent = bool(self.silent) and self.silent in request.text
        sound = np.zeros(0, np.float32) if is_silent else sound_of(request)
        notes = (self.note,) if self.note else ()
        speaker = request.speaker
        chunks = (
            ()
            if speaker is None
            else (SpokenChunk(request.text, 0.0, len(sound) / RATE, speaker, 0, notes),)
        )
        yield Done(Speech(sound, RATE, chunks, 0, 0.1, request.family))

    def status(self) -> EngineStatus:
        return EngineStatus(running=False, devices=self._devices)

    def devices(self) -> int:
        return self._devices

    def close(self) -> None:
        self.gate.set()
