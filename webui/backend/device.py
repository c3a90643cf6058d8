"""The device that computes: which one, in which precision, how much memory, how many threads."""

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from webui.errors import SettingsError
from webui.synthesis.dense import Dense

MEMORY_FACTS = Path("/proc/meminfo")
PROCESSOR_FACTS = Path("/proc/cpuinfo")
CONTAINER_MEMORY = Path("/sys/fs/cgroup")
HALF_PRECISION_FLAGS = ("avx512_bf16", "amx_bf16", " bf16")  # x86, x86, arm
SMALLER = {
    "cpu": {"fp32": "bf16", "bf16": "int8"},
    "cuda": {"fp32": "fp16"},
    "mps": {"fp32": "fp16"},
}
"""The next smaller precision of each kind of device."""

MEASURED_SIDE = 1_024  # of the matrices whose products with a vector are timed
MEASURED_MATRICES = 8
MEASURED_ROUNDS = 7


@dataclass(frozen=True)
class Device:
    """A device and the precision that suits it."""

    name: str  # as torch calls it
    title: str  # as a person calls it
    precision: str

    @property
    def kind(self) -> str:
        """One of cpu, cuda, mps."""
        return self.name.partition(":")[0]

    def smaller_than(self, precision: str) -> str | None:
        """The next smaller precision, if there is one."""
        return SMALLER[self.kind].get(precision)


def choose_device(wanted: str, precision: str = "auto") -> Device:
    """Find the device that a setting asks for.

    Raises:
        SettingsError: it is not here.
    """
    name = _best_name() if wanted == "auto" else wanted
    kind, _, number = name.partition(":")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            raise SettingsError(
                f'There is no graphics card "{wanted}" here ({count} usable). Choose --device auto.'
            )
        name = f"cuda:{int(number or 0)}"
        title = torch.cuda.get_device_name(int(number or 0))
    elif kind == "mps":
        if not torch.backends.mps.is_available():
            raise SettingsError("There is no Apple GPU here. Choose --device auto.")
        title = "Apple GPU"
    else:
        title = "CPU"
    chosen = _best_precision(kind) if precision == "auto" else precision
    return Device(name, title, chosen)


def free_bytes(device: str) -> int | None:
    """Memory that can still be taken on a device; None where the system does not say."""
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    if not MEMORY_FACTS.is_file():
        return None
    for line in MEMORY_FACTS.read_text("ascii").splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1_024
            room = _container_room()
            return available if room is None else min(available, room)
    return None


def release_memory(device: str) -> None:
    """Give back what Python and torch still hold of models that are gone."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether a fault says that memory ran out, in any of torch's ways."""
    if isinstance(fault, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(fault).lower()
    return isinstance(fault, RuntimeError) and (
        "out of memory" in words or "can't allocate memory" in words
    )


def is_device_lost(fault: BaseException) -> bool:
    """Whether a graphics card's context is spoilt, so that only a new process can use it."""
    return isinstance(fault, RuntimeError) and "CUDA error" in str(fault)


def choose_threads(wanted: int, measure: Callable[[int], float] | None = None) -> int:
    """Give the number of threads: the one asked for, else the fastest by measuring.

    More threads than whole cores make decoding slower, and a system does not tell how much of its
    cores others are using.

    Args:
        wanted: 0 to measure.
        measure: gives the seconds that a piece of work takes with so many threads.
    """
    if wanted > 0:
        return wanted
    most = usable_cores()
    candidates = sorted({1, 2, 4, 8, 16, most // 2, most} - {0})
    timed = measure or _seconds_of_decoding
    return min((number for number in candidates if number <= most), key=timed)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _best_name() -> str:
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _best_precision(kind: str) -> str:
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if kind == "cpu" and PROCESSOR_FACTS.is_file():
        facts = PROCESSOR_FACTS.read_text("utf-8", errors="replace")
        flags = next(
            (line for line in facts.splitlines() if line.startswith(("flags", "Feat"))), ""
        )
        return "bf16" if any(flag in flags for flag in HALF_PRECISION_FLAGS) else "fp32"
    return "fp32"


def _container_room() -> int | None:
    """What a container's limit leaves, where there is one."""
    try:
        limit = (CONTAINER_MEMORY / "memory.max").read_text("ascii").strip()
        used = int((CONTAINER_MEMORY / "memory.current").read_text("ascii"))
        facts = (CONTAINER_MEMORY / "memory.stat").read_text("ascii")
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    cached = sum(
        int(line.split()[1]) for line in facts.splitlines() if line.startswith("inactive_file ")
    )
    return max(0, int(limit) - used + cached)


def _seconds_of_decoding(threads: int) -> float:
    """Time what decoding does: one row through half-size matrices, layer by layer.

    The median counts, not the best: where others use the cores, threads that wait for each other
    are at times as fast as they could be, and mostly a hundred times slower.
    """
    torch.set_num_threads(threads)
    layers = [
        Dense(torch.ones(MEASURED_SIDE, MEASURED_SIDE), None, "bf16")
        for _ in range(MEASURED_MATRICES)
    ]
    row, seconds = torch.ones(1, MEASURED_SIDE), []
    for _ in range(MEASURED_ROUNDS):
        start = time.perf_counter()
        for layer in layers:
            layer(row)
        seconds.append(time.perf_counter() - start)
    return median(seconds)
