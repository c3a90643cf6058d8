"""How the Ray engine scales, and what it costs: with workers that only wait, on this machine alone.

    python -m bench.ray_scaling --out FILE.json

Each device seems to need a quarter of a second for a pair, so the ideal for n devices is n times as
many pairs a second as for one. What a job, an event and a megabyte cost is measured beside the
local engine, whose worker is a child process of this one.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.fake_worker import PAIR_SECONDS, FakeWorker
from bench.figures import keep
from bench.local_cluster import local_cluster
from webui.backend.engine import Engine
from webui.backend.fan_out import LEAST_TEXTS
from webui.backend.local_engine import LocalEngine
from webui.backend.ray_engine import RayEngine
from webui.backend.requests import PairsRequest, SpeakRequest
from webui.events import Done
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls
from webui.training.pairs import NumberedText
from webui.training_results import PairMade

PAIRS_EACH = 20  # for each device
JOBS = 30
EVENTS = 5_000
MEGABYTES = 32
REPEATS = 3
STORE_BYTES = 200 * 2**20


def texts(count: int) -> tuple[NumberedText, ...]:
    """Texts to be spoken in name."""
    return tuple(NumberedText(number, "text", number) for number in range(count))


def seconds_of_pairs(engine: Engine, count: int) -> float:
    """Make pairs, and see that each came once."""
    request = PairsRequest("fake", texts(count), SpeechControls())
    begun = time.perf_counter()
    events = list(engine.run(request))
    seconds = time.perf_counter() - begun
    numbers = sorted(each.number for each in events if isinstance(each, PairMade))
    if numbers != list(range(count)):
        raise RuntimeError(f"{count} pairs were asked for and {len(numbers)} came: {events[-1]}")
    return seconds


def scaling(settings: Settings, counts: Sequence[int]) -> list[dict[str, float]]:
    """Pairs a second of more and more devices, against so many times those of the cost alone."""
    rows = []
    for devices in counts:
        engine = RayEngine(settings, FakeWorker, most_devices=devices)
        try:
            said = seconds_of_pairs(engine, devices * LEAST_TEXTS)  # starts all processes
            start = said - LEAST_TEXTS * PAIR_SECONDS
            seconds = seconds_of_pairs(engine, devices * PAIRS_EACH)
        finally:
            engine.close()
        ideal = PAIRS_EACH * PAIR_SECONDS
        row = {
            "devices": devices,
            "start_seconds": round(start, 2),
            "pairs_per_second": round(devices * PAIRS_EACH / seconds, 2),
            "of_ideal": round(ideal / seconds, 3),
        }
        rows.append(row)
        print(row, flush=True)
    return rows


def costs(engine: Engine) -> dict[str, float]:
    """What one job, one event and one megabyte cost, in milliseconds: the medians of several."""

    def seconds(text: str) -> float:
        begun = time.perf_counter()
        *_, last = engine.run(SpeakRequest(text, "fake"))
        if not isinstance(last, Done):
            raise RuntimeError(f"the engine said {last}")
        return time.perf_counter() - begun

    seconds("events 1")  # the process is there
    job = median(seconds("events 0") for _ in range(JOBS))
    events = median(seconds(f"events {EVENTS}") for _ in range(REPEATS)) - job
    megabytes = median(seconds(f"megabytes {MEGABYTES}") for _ in range(REPEATS)) - job
    return {
        "job_ms": round(job * 1_000, 2),
        "event_ms": round(events / EVENTS * 1_000, 4),
        "megabyte_ms": round(megabytes / MEGABYTES * 1_000, 3),
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--devices", default="1,2,4,8,16", help="how many, one after the other")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    counts = [int(each) for each in arguments.devices.split(",")]
    settings = Settings(device="cpu", threads=1, ray="auto")
    local = LocalEngine(settings, FakeWorker)
    try:
        result: dict[str, Any] = {"local": costs(local)}
    finally:
        local.close()
    with local_cluster(max(counts), STORE_BYTES):
        engine = RayEngine(settings, FakeWorker, most_devices=1)
        try:
            result["ray"] = costs(engine)
        finally:
            engine.close()
        print(result, flush=True)
        result["scaling"] = scaling(settings, counts)
    result |= {
        "pair_seconds": PAIR_SECONDS,
        "pairs_each": PAIRS_EACH,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[2], 1),  # of 15 minutes: others computed too
    }
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
