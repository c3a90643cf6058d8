"""One measured variant in a process of its own, so that its memory is its own."""

import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from bench.quietness import Watch

SHORT = {"text": 4, "coarse": 6, "coarse_voice": 6, "fine": 1}  # tokens when threads are chosen
COMPARED = 12  # tokens made greedily, to see that both make the same


@dataclass(frozen=True)
class Variant:
    """What a child measures."""

    who: str  # ours or transformers
    size: str
    stage: str
    precision: str
    device: str = "cpu"
    threads: int = 1  # of ours; transformers gets the better of 1 and 2

    @property
    def name(self) -> str:
        """How results call it."""
        return "transformers" if self.who == "transformers" else self.precision


@dataclass(frozen=True)
class Timing:
    """One run: by the clock, of the processor, and how many cores other programs kept busy."""

    seconds: float
    processor_seconds: float
    cores_of_others: float


class MeasuredChild:
    """Starts a child, asks it to work, and ends it."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=serve, args=(theirs, variant), daemon=True
        )
        self._process.start()
        theirs.close()
        self.facts: dict[str, Any] = self._connection.recv()

    def time(self, tokens: int) -> Timing:
        """Time one run for so many tokens."""
        watch = Watch()
        self._connection.send(("time", tokens))
        wall, processor = self._connection.recv()
        return Timing(wall, processor, watch.cores_of_others(processor))

    def close(self) -> float:
        """End the child; gives the most memory that it ever held, in bytes."""
        self._connection.send(("end", 0))
        peak: float = self._connection.recv()
        self._process.join(30)
        return peak


def serve(connection: Connection, variant: Variant) -> None:
    """Live in the child: build the variant, then time what is asked for."""
    import torch

    from bench.stage_runs import build_run
    from webui.backend.device import usable_cores

    ours = variant.who == "ours"
    torch.set_num_threads(variant.threads)
    run = build_run(variant.who, variant.size, variant.stage, variant.precision, variant.device)

    def timed(tokens: int) -> tuple[float, float]:
        wall, processor = time.perf_counter(), time.process_time()
        made = run.run(tokens, False)
        if variant.device != "cpu":
            torch.cuda.synchronize()
        spent = time.perf_counter() - wall, time.process_time() - processor
        if variant.stage != "fine" and len(made) != tokens:
            raise RuntimeError(f"{len(made)} tokens were made instead of {tokens}")
        return spent

    short = SHORT[variant.stage]
    compared = [] if variant.stage == "fine" else run.run(COMPARED, True)  # warms up, too
    if not ours:
        counts = [number for number in (1, 2) if number <= usable_cores()]
        spent = {}
        for number in counts:
            torch.set_num_threads(number)
            spent[number] = timed(short)[0]
        torch.set_num_threads(min(counts, key=lambda number: spent[number]))
    connection.send(
        {
            "threads": torch.get_num_threads(),
            "bytes_per_token": run.bytes_per_token(),
            "compared": compared,
        }
    )
    while True:
        word, tokens = connection.recv()
        if word == "end":
            unit = 1 if sys.platform == "darwin" else 1_024
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
            if variant.device != "cpu":
                peak = torch.cuda.max_memory_allocated()
            connection.send(float(peak))
            return
        connection.send(timed(tokens))


def machine_facts(connection: Connection) -> None:
    """Live in a child: what this machine is, and how fast it reads memory."""
    import torch
    import transformers

    from webui.backend.device import choose_threads, usable_cores

    threads = choose_threads(0)
    facts: dict[str, Any] = {
        "cores": usable_cores(),
        "threads_chosen": threads,
        "processor_capability": torch.backends.cpu.get_cpu_capability(),
        "graphics_card": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "read_bytes_per_second": {},
    }
    values = torch.ones(64 * 2**20)  # 256 MB, beyond every cache
    for number in sorted({1, threads}):
        torch.set_num_threads(number)
        best = float("inf")
        for _ in range(7):
            start = time.perf_counter()
            values.sum()
            best = min(best, time.perf_counter() - start)
        facts["read_bytes_per_second"][str(number)] = values.nbytes / best
    connection.send(facts)


def ask_machine_facts() -> dict[str, Any]:
    """Run `machine_facts` in a child."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=machine_facts, args=(theirs,), daemon=True)
    process.start()
    facts: dict[str, Any] = ours.recv()
    process.join(30)
    return facts
