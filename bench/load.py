"""Many clients at once on the real app: errors, times of answers, growth of its memory.

    python -m bench.load --clients 16 --seconds 60 --out FILE.json
    python -m bench.load --soak-minutes 30 --out FILE.json

`app.py` runs as a process of its own with the built-in family. Each client opens the page, lists
voices, asks how the app is, and has a short text spoken over the HTTP API, in turn. Who is asked to
come back later (429) does so: that is counted by itself, as an answer and not as an error.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.figures import keep
from webui.settings import PROJECT_FOLDER

START_SECONDS, ANSWER_SECONDS = 300.0, 120.0
WARM_SHARE = 0.25  # of the time, after which memory is looked at for the first time
SAMPLE_SECONDS = 1.0
SPEECH = {"model": "mini", "input": "Good morning.", "voice": "alloy", "response_format": "wav"}
ASKED = (
    ("page", "/", None),
    ("voices", "/v1/audio/voices", None),
    ("health", "/healthz", None),
    ("speech", "/v1/audio/speech", SPEECH),
)


@dataclass
class Seen:
    """What all clients together have seen; each has its own numbers until the end."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    later: int = 0  # answers that asked to come back
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """How many answers had come, and what the page and its engine held, in MiB."""

    calls: int
    page: float
    engine: float


@contextlib.contextmanager
def running_app(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app on a free port, from its first answer to its end by SIGTERM."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "app.py", "--port", str(port), "--offline", "--family", "mini",
        "--speakers-dir", f"{folder}/speakers", "--outputs-dir", f"{folder}/outputs",
        "--data-dir", f"{folder}/state",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=PROJECT_FOLDER, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + START_SECONDS
        while ask(address + "/healthz", None)[0] != 200:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the app does not answer")
            time.sleep(0.2)
        yield address, process
    finally:
        process.terminate()
        process.wait(60)


def ask(address: str, body: dict[str, Any] | None) -> tuple[int, int, str]:
    """(status, bytes of the answer, what went wrong); 0 is no answer at all."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return answer.status, len(answer.read()), ""
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, 0, refused.read(200).decode("utf-8", "replace")
    except OSError as fault:
        return 0, 0, type(fault).__name__


def visit(address: str, number: int, end: float, seen: Seen) -> None:
    """One client: ask in turn until the time is over."""
    turn = number
    while time.monotonic() < end:
        name, path, body = ASKED[turn % len(ASKED)]
        turn += 1
        began = time.perf_counter()
        status, size, words = ask(address + path, body)
        seconds = time.perf_counter() - began
        if status == 429:
            seen.later += 1
            time.sleep(0.5)
        elif status == 200 and size:
            seen.seconds[name].append(seconds)
        else:
            seen.errors.append(f"{name}: {status} {words[:100]}")


def memory_mib(processes: list[int]) -> float:
    """What processes hold that they share with no other one."""
    total = 0.0
    for each in processes:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Private_Clean", "Private_Dirty")):
                    total += int(line.split()[1]) / 1_024
    return total


def sample(seen: list[Seen], process: int) -> Sample:
    """Look at the calls and the memory of now."""
    return Sample(calls(seen), memory_mib([process]), memory_mib(children_of(process)))


def children_of(process: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *children_of(child)]
    return found


def measure(clients: int, seconds: float) -> dict[str, Any]:
    """Load the app for so long, and sum up."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as (address, process):
        for _, path, body in ASKED:  # loads the family before anything is counted
            ask(address + path, body)
        end = time.monotonic() + seconds
        seen = [Seen() for _ in range(clients)]
        threads = [
            threading.Thread(target=visit, args=(address, number, end, each), daemon=True)
            for number, each in enumerate(seen)
        ]
        for thread in threads:
            thread.start()
        samples: list[Sample] = []
        while time.monotonic() < end:
            time.sleep(SAMPLE_SECONDS)
            samples.append(sample(seen, process.pid))
        for thread in threads:
            thread.join(ANSWER_SECONDS)
        samples.append(sample(seen, process.pid))
    return summary(clients, seconds, seen, samples)


def calls(seen: list[Seen]) -> int:
    """How many answers came so far."""
    return sum(each.later + sum(map(len, each.seconds.values())) for each in seen)


def summary(
    clients: int, seconds: float, seen: list[Seen], samples: list[Sample]
) -> dict[str, Any]:
    """Put the figures together; memory grows from the warm part of the run to its end."""
    times = {name: [t for each in seen for t in each.seconds[name]] for name, _, _ in ASKED}
    warm = samples[int(len(samples) * WARM_SHARE) :]
    errors = [error for each in seen for error in each.errors]
    return {
        "clients": clients,
        "seconds": seconds,
        "calls": calls(seen),
        "errors": len(errors),
        "kinds_of_errors": sorted(set(errors))[:5],
        "asked_to_come_back": sum(each.later for each in seen),
        "answers": {name: figures(each) for name, each in times.items()},
        "memory": {"page": growth(warm, "page"), "engine": growth(warm, "engine")},
        "load_of_the_machine": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def growth(samples: list[Sample], part: str) -> dict[str, float]:
    """From the first look to the last, and the same over the second half alone."""

    def per_1000_calls(first: Sample) -> float:
        grown = getattr(samples[-1], part) - getattr(first, part)
        return round(1_000 * grown / max(samples[-1].calls - first.calls, 1), 2)

    return {
        "mib_warm": round(getattr(samples[0], part), 1),
        "mib_end": round(getattr(samples[-1], part), 1),
        "mib_grown_per_1000_calls": per_1000_calls(samples[0]),
        "mib_grown_per_1000_calls_second_half": per_1000_calls(samples[len(samples) // 2]),
    }


def figures(seconds: list[float]) -> dict[str, float | int]:
    """How many, and how long the middle one and the slow ones took."""
    if len(seconds) < 2:
        return {"count": len(seconds)}
    return {
        "count": len(seconds),
        "median_seconds": round(median(seconds), 3),
        "seconds_of_95_percent": round(quantiles(seconds, n=20)[-1], 3),
    }


def main() -> int:
    """Measure, keep and show; 1 where a call failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--soak-minutes", type=float, default=0, help="instead of --seconds")
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    result = measure(words.clients, words.soak_minutes * 60 or words.seconds)
    print(keep(result, words.out))
    return 1 if result["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
