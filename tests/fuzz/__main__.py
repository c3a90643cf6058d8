"""The long search: `python -m tests.fuzz --minutes N [--target NAME]`.

tests/test_fuzz.py is the short one. Every file that is spoilt has to be read or refused in words.
What is found is kept in a folder, with what happened. Where atheris is installed (by pip,
Linux), `--atheris` lets the search follow which lines of the readers each file reaches.
"""

import argparse
import collections
import json
import random
import resource
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.spoiling import WAYS, Spoiling, spoilt
from tests.fuzz.targets import TARGETS, Target
from webui.errors import UserError

MOST_SECONDS = 1.0  # of processor time, on a busy machine; nothing that is refused takes a tenth
MOST_SPOILINGS = 6


@dataclass
class Findings:
    """What a search has seen."""

    runs: int = 0
    read: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    reasons: collections.Counter = field(default_factory=collections.Counter)
    faults: dict[str, str] = field(default_factory=dict)  # where it broke: the file that breaks it


def random_spoilings(dice: random.Random) -> list[Spoiling]:
    def one() -> Spoiling:
        member = dice.randrange(8) if dice.random() < 0.8 else -1
        return Spoiling(member, dice.choice(WAYS), dice.randrange(65_536), dice.randrange(65_536))

    return [one() for _ in range(dice.randint(1, MOST_SPOILINGS))]


def run_once(target: Target, data: bytes, ending: str, found: Findings, folder: Path) -> None:
    """Have a file read, and write down what came of it."""
    found.runs += 1
    began = time.process_time()
    try:
        target.read(data, ending)
        found.read += 1
    except UserError as refusal:
        found.refused += 1
        found.reasons[str(refusal)[:60]] += 1
    except Exception as fault:  # noqa: BLE001  that is what is looked for
        where = traceback.extract_tb(fault.__traceback__)[-1]
        keep(found, folder, f"{type(fault).__name__} in {where.name}", data, ending)
    seconds = time.process_time() - began
    found.slowest_seconds = max(found.slowest_seconds, seconds)
    if seconds > MOST_SECONDS:
        keep(found, folder, f"slow by {round(seconds)} s", data, ending)


def keep(found: Findings, folder: Path, what: str, data: bytes, ending: str) -> None:
    if what not in found.faults:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{what.replace(' ', '-')}{ending}"
        path.write_bytes(data)
        found.faults[what] = str(path)


def search(target: Target, seconds: float, seed: int, folder: Path) -> Findings:
    """Spoil and read for so long."""
    dice, found, seeds = random.Random(seed), Findings(), target.seeds()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ending, good = seeds[dice.randrange(len(seeds))]
        run_once(target, spoilt(good, random_spoilings(dice)), ending, found, folder)
    return found


def search_with_atheris(name: str, target: Target, seconds: float, folder: Path) -> None:
    """Let atheris choose the changes; it ends the program itself."""
    import atheris  # optional

    found = Findings()
    with atheris.instrument_imports(include=["webui"]):  # the readers import what they need late
        seeds = target.seeds()
        for ending, good in seeds:
            target.read(good, ending)

    def one(data: bytes) -> None:
        given = atheris.FuzzedDataProvider(data)
        ending, good = seeds[given.ConsumeIntInRange(0, len(seeds) - 1)]
        changes = [
            Spoiling(
                given.ConsumeIntInRange(-1, 7), WAYS[given.ConsumeIntInRange(0, len(WAYS) - 1)],
                given.ConsumeIntInRange(0, 65_535), given.ConsumeIntInRange(0, 65_535),
            )
            for _ in range(given.ConsumeIntInRange(1, MOST_SPOILINGS))
        ]  # fmt: skip
        run_once(target, spoilt(good, changes), ending, found, folder)
        if found.faults:
            raise AssertionError(f"{name}: {found.faults}")

    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}"], one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("--target", choices=TARGETS, action="append", help="may be repeated")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", type=Path, default=Path("outputs/fuzz"))
    parser.add_argument("--atheris", action="store_true")
    parser.add_argument("--out", type=Path, help="write what was seen as JSON")
    words = parser.parse_args()
    seen = {}
    for name in words.target or TARGETS:
        folder, seconds = words.folder / name, words.minutes * 60
        if words.atheris:
            search_with_atheris(name, TARGETS[name], seconds, folder)
        found = search(TARGETS[name], seconds, words.seed, folder)
        seen[name] = {
            "minutes": words.minutes, "seed": words.seed, "runs": found.runs, "read": found.read,
            "refused": found.refused, "kinds_of_refusal": len(found.reasons),
            "slowest_seconds": round(found.slowest_seconds, 3), "faults": found.faults,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024,
        }  # fmt: skip
        print(name, json.dumps(seen[name]), flush=True)  # noqa: T201
        if words.out:
            words.out.write_text(json.dumps(seen, indent=2) + "\n")
    return 1 if any(each["faults"] for each in seen.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
