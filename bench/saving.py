"""Kills in mid-save and writers that race: no file is ever half, no name is ever lost.

    python -m bench.saving --kills 500 --writers 8 --saves 50 --out FILE.json

A process that saves voices without end is killed (SIGKILL) at moments spread over its work; after
each kill every file is read. Then several processes save under one name, round by round: in each
exactly one may win. tests/test_speaker_file.py does the same a few times.
"""

import argparse
import json
import multiprocessing
import random
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np

from bench.figures import keep
from webui.arrays import Speaker
from webui.errors import StorageError, UserError
from webui.file_saving import save_file
from webui.settings import PROJECT_FOLDER
from webui.speaker_file import pack_speaker, read_speaker

LONGEST_WAIT_SECONDS = 0.08  # until the kill; a save takes a few milliseconds
SAVE_FOR_EVER = """
import sys
from pathlib import Path
from webui.file_saving import save_file
folder, data = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()
print("ready", flush=True)
for number in range(10**6):
    save_file(folder / f"new-{number:06}.npz", data)
    save_file(folder / "same.npz", data, replace=True)
"""


def a_voice() -> bytes:
    """The bytes of a voice as Bark has them."""
    numbers = np.random.default_rng(0)
    fine = numbers.integers(0, 1_024, (8, 301))
    semantic = numbers.integers(0, 10_000, 200)
    return pack_speaker(Speaker(semantic, fine[:2], fine), json.dumps({"name": "Ada"}))


def kill_savers(kills: int, seed: int) -> dict[str, Any]:
    """Kill a saving process so often; count the files that are there and those that are broken."""
    dice, files, broken, saved = random.Random(seed), 0, [], 0
    with tempfile.TemporaryDirectory() as top:
        source, folder = Path(top, "source.npz"), Path(top, "speakers")
        source.write_bytes(a_voice())
        folder.mkdir()
        for _ in range(kills):
            child = subprocess.Popen(
                [sys.executable, "-c", SAVE_FOR_EVER, str(folder), str(source)],
                cwd=PROJECT_FOLDER, stdout=subprocess.PIPE,
            )  # fmt: skip
            with child:
                if child.stdout is None or child.stdout.readline() != b"ready\n":
                    raise RuntimeError("the saver did not start")
                time.sleep(dice.uniform(0, LONGEST_WAIT_SECONDS))
                child.send_signal(signal.SIGKILL)
            found = list(folder.glob("*.npz"))
            files += len(found)
            saved += any(each.name != "same.npz" for each in found)
            broken += [reason for each in found if (reason := what_is_wrong(each))]
            for each in found:
                if each.name != "same.npz":
                    each.unlink()
    return {"kills": kills, "with_saves": saved, "files_read": files, "broken": len(broken)}


def what_is_wrong(path: Path) -> str:
    """Why a file is no whole voice; empty where it is one."""
    try:
        name = read_speaker(path).metadata.name
    except UserError as fault:
        return str(fault)
    return "" if name == "Ada" else "it has another name"


def race(folder: str, rounds: int, start: Barrier, wins: "multiprocessing.Queue[int]") -> None:
    """Save under the name of each round, together with the others."""
    for number in range(rounds):
        start.wait(60)
        try:
            save_file(Path(folder, f"{number}.npz"), f"round {number}".encode())
        except StorageError:
            continue
        wins.put(number)


def race_writers(writers: int, rounds: int) -> dict[str, Any]:
    """Let processes save under one name at the same moment, and count the winners of each round."""
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with tempfile.TemporaryDirectory() as folder:
        start, wins = context.Barrier(writers), context.Queue()
        processes = [
            context.Process(target=race, args=(folder, rounds, start, wins)) for _ in range(writers)
        ]
        for each in processes:
            each.start()
        won = [wins.get(timeout=120) for _ in range(rounds)]
        for each in processes:
            each.join(60)
        whole = sum(
            Path(folder, f"{number}.npz").read_text() == f"round {number}"
            for number in range(rounds)
        )
        return {
            "writers": writers,
            "rounds": rounds,
            "rounds_with_one_winner": sum(won.count(number) == 1 for number in range(rounds)),
            "more_winners": wins.qsize() if hasattr(wins, "qsize") else 0,
            "whole_files": whole,
        }


def main() -> int:
    """Kill, race, keep and show; 1 where a file was broken or a name lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.saving", description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--saves", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    raced = race_writers(words.writers, words.saves)
    result = {"racing": raced, "killing": kill_savers(words.kills, words.seed)}
    print(keep(result, words.out))
    lost = raced["rounds"] - min(raced["rounds_with_one_winner"], raced["whole_files"])
    return 1 if lost or result["killing"]["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
