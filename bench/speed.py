"""How fast Bark's stages are here, beside transformers' own, timed in turn in the same run.

    python -m bench.speed --sizes small,large --precisions fp32,bf16,int8 --out FILE.json

Real sizes, random weights, one speech at a time. This process imports no torch, so that the peak
memory of its children is theirs alone.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import keep
from bench.measured_child import MeasuredChild, Timing, Variant, ask_machine_facts
from bench.quietness import QUIET_CORES, wait_for_quiet

STAGES = ("text", "coarse", "coarse_voice", "fine")
TOKENS = {"text": 192, "coarse": 240, "coarse_voice": 120, "fine": 1}  # some 4 s of speech
FINE_PASSES = 6  # of one window
QUIET_TRIES = 3  # of a timing that others disturbed
BARS = {"bf16": 2.0, "int8": 4.0}  # times as fast as transformers, in text and coarse


def measure_stage(
    variants: list[Variant], stage: str, rounds: int, patience: float
) -> dict[str, Any]:
    """Time all variants of one stage in turn, the first being the peer; medians, ratios, memory.

    Each timing waits until other programs rest, at most `patience` seconds, and is made again when
    they came in between.
    """
    children = []
    for variant in variants:
        wait_for_quiet(patience)
        children.append(MeasuredChild(variant))
    spent: dict[str, list[Timing]] = {each.variant.name: [] for each in children}
    for _ in range(rounds):
        for child in children:
            tries: list[Timing] = []
            while len(tries) < QUIET_TRIES and not any(_is_quiet(each) for each in tries):
                wait_for_quiet(patience)
                tries.append(child.time(TOKENS[stage]))
            best = min(tries, key=lambda each: each.cores_of_others)
            spent[child.variant.name].append(best)
    found: dict[str, Any] = {}
    for child in children:
        found[child.variant.name] = _summary(stage, child, spent[child.variant.name])
        found[child.variant.name]["peak_memory_bytes"] = child.close()
    theirs = found["transformers"]
    for name in (each.name for each in variants[1:]):
        for figure in ("seconds", "processor_seconds"):
            ratio = theirs[figure] / found[name][figure]
            found[name][f"times_transformers_by_{figure}"] = round(ratio, 2)
    compared = {each.variant.name: each.facts["compared"] for each in children}
    if "fp32" in compared and stage != "fine":
        found["same_greedy_tokens_in_fp32"] = compared["fp32"] == compared["transformers"]
    return found


def _is_quiet(timing: Timing) -> bool:
    return timing.cores_of_others <= QUIET_CORES


def _summary(stage: str, child: MeasuredChild, spent: list[Timing]) -> dict[str, Any]:
    seconds = median(each.seconds for each in spent)
    summary = {
        "threads": child.facts["threads"],
        "seconds": round(seconds, 4),
        "processor_seconds": round(median(each.processor_seconds for each in spent), 4),
        "all_seconds": [round(each.seconds, 3) for each in spent],
        "quiet_timings": sum(_is_quiet(each) for each in spent),
        "weight_bytes_per_token": child.facts["bytes_per_token"],
    }
    if stage == "fine":
        return summary | {"seconds_per_window": round(seconds * FINE_PASSES, 3)}
    return summary | {"tokens_per_second": round(TOKENS[stage] / seconds, 2)}


def add_floors(stages: dict[str, Any], bandwidths: dict[str, float]) -> None:
    """Put the speed that memory allows beside every decoding speed."""
    for stage, found in stages.items():
        for each in found.values():
            if stage == "fine" or not isinstance(each, dict):
                continue
            bandwidth = bandwidths.get(str(each["threads"])) or max(bandwidths.values())
            floor = bandwidth / each["weight_bytes_per_token"]
            each["tokens_per_second_if_only_weights_were_read"] = round(floor, 1)


def verdicts(sizes: dict[str, Any]) -> dict[str, Any]:
    """Whether each bar is reached, in the text and the coarse stage, by the clock."""
    judged: dict[str, Any] = {}
    for size, stages in sizes.items():
        for stage in ("text", "coarse", "coarse_voice"):
            for precision, bar in BARS.items():
                found = stages.get(stage, {}).get(precision)
                if found is not None:
                    ratio = found["times_transformers_by_seconds"]
                    judged[f"{size} {stage} {precision}"] = {
                        "times_transformers": ratio, "bar": bar, "reached": ratio >= bar
                    }  # fmt: skip
    return judged


def main() -> int:
    """Measure, write, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="small,large")
    parser.add_argument("--precisions", default="fp32,bf16,int8")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--device", default="cpu", help="cpu or cuda; on cuda there is no int8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--patience", type=float, default=5.0, help="seconds to wait for other programs to rest"
    )
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    precisions = [p for p in chosen.precisions.split(",") if chosen.device == "cpu" or p != "int8"]
    start = time.time()
    wait_for_quiet(chosen.patience)
    machine = ask_machine_facts() | {"processor": _processor(), "load_before": os.getloadavg()}
    sizes: dict[str, Any] = {}
    for size in chosen.sizes.split(","):
        sizes[size] = {}
        for stage in chosen.stages.split(","):
            variants = [Variant("transformers", size, stage, "fp32", chosen.device)] + [
                Variant("ours", size, stage, each, chosen.device, machine["threads_chosen"])
                for each in precisions
            ]
            sizes[size][stage] = found = measure_stage(
                variants, stage, chosen.rounds, chosen.patience
            )
            _print(size, stage, found)
        if chosen.device == "cpu":
            add_floors(sizes[size], machine["read_bytes_per_second"])
    machine["load_after"] = os.getloadavg()
    result = {
        "what": "Bark's stages with random weights, one speech at a time, beside transformers",
        "machine": machine,
        "device": chosen.device,
        "tokens": TOKENS,
        "rounds": chosen.rounds,
        "minutes": round((time.time() - start) / 60, 1),
        "bars": verdicts(sizes),
        "sizes": sizes,
    }
    keep(result, chosen.out)
    return 0


def _print(size: str, stage: str, found: dict[str, Any]) -> None:
    for name, each in found.items():
        if not isinstance(each, dict):
            print(f"{size:5} {stage:12} {name}: {each}", flush=True)
            continue
        speed = each.get("tokens_per_second")
        shown = f"{each['seconds_per_window']:8.2f} s" if speed is None else f"{speed:8.1f} /s"
        ratio = each.get("times_transformers_by_seconds", 1.0)
        busy = each.get("times_transformers_by_processor_seconds", 1.0)
        print(
            f"{size:5} {stage:12} {name:12} {shown}  x{ratio:5.2f} (processor x{busy:5.2f})  "
            f"{each['peak_memory_bytes'] / 1e9:5.2f} GB  {each['threads']} threads",
            flush=True,
        )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
