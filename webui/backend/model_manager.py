"""Knows which families are in memory and what they cost; loads, evicts and shrinks them."""

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from webui.backend.device import Device, free_bytes, is_out_of_memory, release_memory
from webui.backend.facts import LoadedFamily
from webui.backend.family_folders import FamilyFolders
from webui.errors import DeviceMemoryError, JobCancelled
from webui.events import CancelToken, Event, Progress
from webui.family import FamilyConfig, NetworkConfig, read_family
from webui.synthesis.models import BarkModels, ProgressCallback, load_models

BYTES_PER_WEIGHT = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.1}
CODEC_BYTES = 130e6  # at most: Bark's EnCodec has 15 million weights, in fp32, and room to work
WORKING_SHARE = 0.15  # of the weights: caches and activations
WORDS = {"fp32": "full precision", "bf16": "half precision", "fp16": "half precision",
         "int8": "8-bit precision"}  # fmt: skip

Loader = Callable[[Path, str, str, ProgressCallback], BarkModels]


@dataclass(frozen=True)
class MemoryPlan:
    """How much loaded families may take, and how long they may lie idle."""

    budget_bytes: float | None = None  # None: what the device has free
    idle_seconds: float = 900.0


@dataclass(eq=False)
class _Loaded:
    models: BarkModels
    used_at: float


@runtime_checkable
class Guest(Protocol):
    """What else takes a device's memory: it counts in the plan and leaves before any family."""

    @property
    def nbytes(self) -> int:
        """The memory that it takes now."""

    @property
    def used_at(self) -> float:
        """When it was used last, by the manager's clock."""

    def unload(self) -> None:
        """Give the memory back."""


class ModelManager:
    """The families in one device's memory. Not for several threads: its worker runs one job."""

    def __init__(
        self,
        folders: FamilyFolders,
        device: Device,
        plan: MemoryPlan,
        load: Loader = load_models,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders, self.device, self._plan = folders, device, plan
        self._load, self._clock = load, clock
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()  # the last used is the last
        self._precisions: dict[str, str] = {}  # of families that had to be made smaller
        self._notes: dict[str, str] = {}
        self._guests: list[Guest] = []
        self.asleep = False

    def loaded(self) -> tuple[LoadedFamily, ...]:
        """What is in memory, the last used last."""
        return tuple(
            LoadedFamily(name, each.models.precision, each.models.nbytes)
            for name, each in list(self._loaded.items())  # asked while a job loads and unloads
        )

    def host(self, guest: Guest) -> None:
        """Let something else live in the same memory."""
        self._guests.append(guest)

    def make_room(self, need_bytes: float, keep: str, title: str) -> None:
        """Evict families other than `keep`, so that a guest fits before it is loaded.

        Raises:
            DeviceMemoryError: it does not fit.
        """
        while need_bytes > self._room():
            others = [name for name in self._loaded if name != keep]
            if not others:
                raise DeviceMemoryError(
                    f"There is too little free memory for {title}: it needs "
                    f"{_gigabytes(need_bytes)} GB, {_gigabytes(self._room())} GB are free. Choose "
                    "a smaller family, or close other programs."
                )
            self.unload(others[0])

    def config(self, family: str) -> FamilyConfig:
        """Read a family's numbers; nothing is loaded.

        Raises:
            FamilyNotFoundError: it is not installed.
            CheckpointError: its files are damaged.
        """
        return read_family(self._folders.find(family))

    def models(self, family: str, cancel: CancelToken) -> Generator[Event, None, BarkModels]:
        """Give a family that is ready to speak, loading it when it is not in memory.

        Raises:
            FamilyNotFoundError: it is not installed.
            CheckpointError: its files are damaged.
            DeviceMemoryError: it does not fit, however small.
            JobCancelled: somebody pressed Stop.
        """
        if family not in self._loaded:
            folder = self._folders.find(family)
            config = read_family(folder)
            yield Progress("load", 0.0, message=f"Loading {config.title}")
            precision = self._make_room(config)
            models = None
            try:
                models = yield from self._load_in_steps(config, precision, cancel)
            except DeviceMemoryError:
                if self.shrink(family, precision) is None:
                    raise
            if models is None:  # out here: the fault above held on to what was half loaded
                release_memory(self.device.name)
                models = yield from self._load_in_steps(config, self._precisions[family], cancel)
            self._loaded[family] = _Loaded(models, self._clock())
            self.asleep = False
        self._loaded.move_to_end(family)
        self._loaded[family].used_at = self._clock()
        return self._loaded[family].models

    def note(self, family: str) -> str | None:
        """What was done to make a family fit, in the user's words."""
        return self._notes.get(family)

    def shrink(self, family: str, precision: str | None = None) -> str | None:
        """After memory ran out: free all of it and choose the next smaller precision.

        Returns:
            What was done, in the user's words; None when the family cannot be made smaller.
        """
        kept = self._loaded.get(family)
        before = precision or (kept.models.precision if kept else self._wanted(family))
        smaller = self.device.smaller_than(before)
        self.unload()
        if smaller is None:
            return None
        self._precisions[family] = smaller
        self._notes[family] = f"The memory was full, so the model now runs in {WORDS[smaller]}."
        return self._notes[family]

    def unload(self, family: str | None = None) -> None:
        """Give the memory of one family back, or of all."""
        for name in [family] if family else list(self._loaded):
            self._loaded.pop(name, None)
        if family is None:
            self._dismiss_guests()
        release_memory(self.device.name)

    def unload_idle(self) -> bool:
        """Unload what nobody used for long; says whether anything was."""
        oldest = self._clock() - self._plan.idle_seconds
        idle = [name for name, each in self._loaded.items() if each.used_at <= oldest]
        for name in idle:
            self.unload(name)
        self.asleep = self.asleep or bool(idle)
        leaving = [each for each in self._guests if each.nbytes and each.used_at <= oldest]
        for guest in leaving:
            guest.unload()
        if leaving:
            release_memory(self.device.name)
        return bool(idle or leaving)

    def seconds_until_idle(self) -> float | None:
        """When `unload_idle` will next have something to do; None while nothing is loaded."""
        used = [each.used_at for each in self._loaded.values()]
        used += [each.used_at for each in self._guests if each.nbytes]
        if not used:
            return None
        first = min(used)
        return max(0.0, first + self._plan.idle_seconds - self._clock())

    def touch(self, family: str) -> None:
        """Count the idle time of a family from now: its job has just ended."""
        if family in self._loaded:
            self._loaded[family].used_at = self._clock()

    def _wanted(self, family: str) -> str:
        return self._precisions.get(family, self.device.precision)

    def _make_room(self, config: FamilyConfig) -> str:
        """Evict, and choose a precision, so that a family fits before it is loaded.

        Raises:
            DeviceMemoryError: it does not fit.
        """
        precision: str | None = self._wanted(config.id)
        first = precision
        while precision is not None:
            need = predicted_bytes(config, precision)
            if need > self._room():
                self._dismiss_guests()
            while need > self._room() and self._loaded:
                oldest = next(iter(self._loaded))
                self.unload(oldest)
            if need <= self._room():
                if precision != first:
                    self._precisions[config.id] = precision
                    self._notes[config.id] = (
                        f"{_gigabytes(self._room())} GB of memory are free, too little for "
                        f"{config.title} in {WORDS[str(first)]}; it runs in {WORDS[precision]}."
                    )
                return precision
            precision = self.device.smaller_than(precision)
        place = "The computer" if self.device.kind == "cpu" else "The graphics card"
        raise DeviceMemoryError(
            f"{place} has too little free memory for {config.title}: it needs "
            f"{_gigabytes(need)} GB, {_gigabytes(self._room())} GB are free. Choose a smaller "
            "family, or close other programs."
        )

    def _dismiss_guests(self) -> None:
        for guest in self._guests:
            guest.unload()
        release_memory(self.device.name)

    def _room(self) -> float:
        """Bytes that may still be taken."""
        free = free_bytes(self.device.name)
        room = float("inf") if free is None else float(free)
        if self._plan.budget_bytes is not None:
            taken = sum(each.nbytes for each in self.loaded())
            taken += sum(each.nbytes for each in self._guests)
            room = min(room, self._plan.budget_bytes - taken)
        return room

    def _load_in_steps(
        self, config: FamilyConfig, precision: str, cancel: CancelToken
    ) -> Generator[Event, None, BarkModels]:
        """Load in a thread beside, so that the parts can be told while they come."""
        steps: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        made: list[BarkModels] = []
        faults: list[BaseException] = []

        def tell(part: str, done: float) -> None:
            if cancel.cancelled:
                raise JobCancelled
            steps.put(Progress("load", done, message=f"Loading {config.title}: {part}"))

        def work() -> None:
            try:
                made.append(self._load(config.folder, self.device.name, precision, tell))
            except BaseException as fault:  # noqa: BLE001  (raised again where it is awaited)
                faults.append(fault)
            finally:
                steps.put(None)

        thread = threading.Thread(target=work, name=f"load-{config.id}", daemon=True)
        thread.start()
        try:
            while (step := steps.get()) is not None:
                yield step
        except GeneratorExit:
            cancel.cancel()
            raise
        finally:
            thread.join()
        if faults:
            if is_out_of_memory(faults[0]):
                raise DeviceMemoryError(
                    f"Not enough free memory for {config.title}. Choose a smaller family."
                ) from faults[0]
            raise faults[0]
        return made[0]


def predicted_bytes(config: FamilyConfig, precision: str) -> float:
    """Reckon the memory that a family takes at most while it is loaded, from its sizes alone."""
    stages = [
        _stage_bytes(config, "semantic", config.semantic.network),
        _stage_bytes(config, "coarse", config.coarse.network),
        _stage_bytes(config, "fine", config.fine.network),
    ]
    kept = sum(stages) * BYTES_PER_WEIGHT[precision] / 4
    passing = 0.0 if precision == "fp32" else max(stages)  # read in fp32, then made smaller
    codec = min(CODEC_BYTES, sum(stages))
    return kept * (1 + WORKING_SHARE) + passing + codec


def _stage_bytes(config: FamilyConfig, stage: str, network: NetworkConfig | None) -> float:
    """Bytes of one stage in fp32."""
    if stage in config.suno_files:
        return float(config.suno_files[stage].stat().st_size)
    if network is None:
        return 0.0
    tables = network.inputs * (network.codebooks or 1) + network.positions
    tables += 0 if network.codebooks else network.outputs  # the fine heads are the embeddings
    return 4.0 * (tables * network.width + 12 * network.layers * network.width**2)


def _gigabytes(size: float) -> str:
    return f"{max(size, 0) / 1e9:.1f}"
