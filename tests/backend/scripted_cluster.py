"""A worker for a cluster: it can die once, and its node can lack a family; what it makes follows
from the request alone.

The first word of a text names the script, as in `scripted_worker`. Files in the data folder tell
what has happened, because the workers are processes.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.backend.scripted_worker import RATE, ScriptedWorker
from webui.backend.requests import PairsRequest, Request, SpeakRequest, UnloadRequest
from webui.errors import FamilyNotFoundError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Progress, Speech
from webui.training_results import PairDropped, PairMade

CHUNKS = 3
PAIR_SECONDS = 0.05


def node_here() -> str:
    import ray

    return ray.get_runtime_context().get_node_id()


def sound_of(*seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, 100).astype(np.float32)


def happens_once(folder: Path, name: str) -> bool:
    """Whether nobody was here before."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class ClusterWorker(ScriptedWorker):
    """Several may run at once, so nothing is written about jobs that meet."""

    def run(self, request: Request, cancel: CancelToken) -> Iterator[Event]:
        if isinstance(request, UnloadRequest):
            self._loaded.clear()
            yield Done()
            return
        folder, node = self._settings.data_dir, node_here()
        if (folder / f"lacks-{node}").exists():
            raise FamilyNotFoundError(f"{request.family} is not here.")
        self._loaded[request.family] = time.monotonic()
        with (folder / "asked").open("a") as log:
            log.write(f"{node} {os.getpid()}\n")
        yield Progress("load", 0.0)
        if isinstance(request, PairsRequest):
            yield from self._pairs(request, cancel)
        elif request.text.startswith("takes"):
            yield from self._takes(request)
        elif request.text.startswith("chunks"):
            yield from self._chunks(request)
        else:
            yield from self._script(request, cancel)

    def _script(self, request: SpeakRequest, cancel: CancelToken) -> Iterator[Event]:
        name, _, count = request.text.partition(" ")
        scripts = {"tokens": self._speak, "deaf": self._ignore_cancel, "exit": self._exit}
        yield from scripts[name](request, cancel, int(count or 0))

    def _takes(self, request: SpeakRequest) -> Iterator[Event]:
        first, step = request.share
        for take in range(request.controls.takes)[first::step]:
            time.sleep(0.2)  # so that no process makes them all before the others have started
            sound = sound_of(request.controls.seed, take)
            yield Done(Speech(sound, RATE, (), take, 0.1, notes=(node_here(),)))

    def _chunks(self, request: SpeakRequest) -> Iterator[Event]:
        """Die once, when a word of the text names the chunk before which."""
        for index in range(CHUNKS):
            if f"die-{index}" in request.text and happens_once(self._settings.data_dir, "died"):
                time.sleep(0.3)  # what was told is on its way
                os._exit(3)
            sound = sound_of(request.controls.seed, index)
            yield AudioChunk(index, CHUNKS, request.text, sound, RATE)
        yield Done()

    def _pairs(self, request: PairsRequest, cancel: CancelToken) -> Iterator[Event]:
        for done, each in enumerate(request.texts):
            if cancel.cancelled:
                yield Cancelled()
                return
            time.sleep(PAIR_SECONDS)
            yield Progress("pairs", done / len(request.texts))
            if each.number % 7 == 3:
                yield PairDropped(each.number, "silent")
            else:
                tokens = np.arange(each.number, each.number + 5)
                sound = sound_of(each.seed, 9)
                yield PairMade(each.number, each.text, "", tokens, sound, RATE)
        yield Done()
