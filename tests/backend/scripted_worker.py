"""Workers that do what a request's text says, and the jobs to give them.

The first word of a text is one of the names in `ScriptedWorker.run`, the second how many tokens.
"""

import atexit
import fcntl
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from webui.backend.engine import Engine
from webui.backend.facts import EngineStatus, LoadedFamily
from webui.backend.requests import Request, SpeakRequest
from webui.errors import FamilyNotFoundError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Progress
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls

RATE = 16_000
TOKEN_SECONDS = 0.001
ENDLESS = "tokens 1000000"


def says(text: str, seed: int = 0, family: str = "tiny") -> SpeakRequest:
    return SpeakRequest(text, family, controls=SpeechControls(seed=seed))


def kinds(events: Iterable[Event]) -> list[str]:
    """The events' names, each once where it is repeated."""
    return [name for name, _ in itertools.groupby(type(event).__name__ for event in events)]


def start(engine: Engine, text: str = ENDLESS, cancel: CancelToken | None = None):
    """A job that has begun to compute."""
    stream = engine.run(says(text), cancel)
    for event in stream:
        if isinstance(event, Progress) and event.stage == "semantic":
            return stream
    raise AssertionError("the job ended before its first token")


def assert_speaks(engine: Engine) -> None:
    """The next job runs as if nothing had been."""
    assert kinds(engine.run(says("tokens 1"))) == ["Progress", "AudioChunk", "Done"]


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def clashes(settings: Settings) -> str:
    """What the workers wrote down about jobs that met on the device."""
    path = settings.data_dir / "clashes"
    return path.read_text() if path.exists() else ""


@contextmanager
def alone_on_the_device(folder: Path) -> Iterator[None]:
    """Hold a lock that ends with the process; whoever finds it held writes that down."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "device").open("a") as device:
        try:
            fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with (folder / "clashes").open("a") as log:
                log.write(f"two jobs at once, seen by process {os.getpid()}\n")
        yield


class ScriptedWorker:
    """The names of `webui.backend.worker.Worker`, without a model."""

    idle_seconds: float | None = None

    def __init__(self, settings: Settings) -> None:
        self.device_lost = False
        self.closed = False
        self._settings = settings
        self._loaded: dict[str, float] = {}  # when each family was used last
        self._asleep = False

    def run(self, request: Request, cancel: CancelToken) -> Iterator[Event]:
        with alone_on_the_device(self._settings.data_dir):
            name, _, count = request.text.partition(" ")
            self._loaded[request.family] = time.monotonic()
            self._asleep = False
            yield Progress("load", 0.0)
            script = {
                "tokens": self._speak,
                "deaf": self._ignore_cancel,
                "fault": self._fail,
                "full": self._run_out_of_memory,
                "unknown": self._fail_in_words,
                "exit": self._exit,
                "lost": self._lose_the_device,
            }[name]
            yield from script(request, cancel, int(count or 0))

    def status(self) -> EngineStatus:
        loaded = tuple(LoadedFamily(name, "fp32", 1_000) for name in self._loaded)
        return EngineStatus(running=False, device="cpu", loaded=loaded, asleep=self._asleep)

    def seconds_until_idle(self) -> float | None:
        if self.idle_seconds is None or not self._loaded:
            return None
        return max(0.0, min(self._loaded.values()) + self.idle_seconds - time.monotonic())

    def unload_idle(self) -> bool:
        oldest = time.monotonic() - (self.idle_seconds or 0.0)
        idle = [name for name, used_at in self._loaded.items() if used_at <= oldest]
        for name in idle:
            del self._loaded[name]
        self._asleep = self._asleep or bool(idle)
        return bool(idle)

    def close(self) -> None:
        self.closed = True
        self._loaded.clear()

    def _speak(self, request: SpeakRequest, cancel: CancelToken, count: int) -> Iterator[Event]:
        for number in range(count):
            if cancel.cancelled:
                yield Cancelled()
                return
            time.sleep(TOKEN_SECONDS)
            yield Progress("semantic", number / count)
        dice = np.random.default_rng(request.controls.seed)
        sound = dice.uniform(-1, 1, 100).astype(np.float32)
        yield AudioChunk(0, 1, request.text, sound, RATE)
        yield Done()

    def _ignore_cancel(self, request: SpeakRequest, cancel: CancelToken, _: int) -> Iterator[Event]:
        yield Progress("semantic", 0.0)
        while True:
            time.sleep(0.01)

    def _fail(self, request: SpeakRequest, cancel: CancelToken, _: int) -> Iterator[Event]:
        raise RuntimeError("the dice\nfell off")
        yield

    def _run_out_of_memory(
        self, request: SpeakRequest, cancel: CancelToken, _: int
    ) -> Iterator[Event]:
        raise MemoryError
        yield

    def _fail_in_words(self, request: SpeakRequest, cancel: CancelToken, _: int) -> Iterator[Event]:
        raise FamilyNotFoundError("This family is not here.")
        yield

    def _exit(self, request: SpeakRequest, cancel: CancelToken, _: int) -> Iterator[Event]:
        yield Progress("semantic", 0.0)
        os._exit(3)

    def _lose_the_device(
        self, request: SpeakRequest, cancel: CancelToken, _: int
    ) -> Iterator[Event]:
        atexit.register(time.sleep, 0.3)  # a process with a graphics card leaves slowly
        self.device_lost = True
        yield Done()


class SleepyWorker(ScriptedWorker):
    """Unloads what nobody used for a moment."""

    idle_seconds = 0.2


class StillbornWorker(ScriptedWorker):
    """Cannot be made as long as a file lies in its folder."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if (settings.data_dir / "stillborn").exists():
            raise ImportError("libtorch.so: cannot open\nshared object file")
