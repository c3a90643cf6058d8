"""Step 3, once more: the teachers' clips as the family's own codec says them, so that the encoder hears both alike.

    python -m recipes.mini.made --work WORK --shards 2

The codes are those of `recipes.mini.refined`, as the fine stage fills them in; the phones stay where
the teacher said them. `recipes.mini.hubert` takes its share of batches from these clips when they
are there: without them it hears in the family's speech less than in a recording, and a quantizer that
learns from the family's speech does not get used to recordings.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from recipes.mini.clips import read_shard, shards_of, token_path
from recipes.mini.codec import load_parts
from recipes.mini.crops import HOP
from recipes.mini.teacher import write_shard

BATCH = 8


@torch.inference_mode()
def say_again(parts: torch.nn.ModuleDict, codes: list[np.ndarray]) -> list[np.ndarray]:
    """The sound (samples,) int16 of each clip's codes (codebooks, frames)."""
    sounds: list[np.ndarray] = [np.zeros(0, np.int16)] * len(codes)
    order = sorted(range(len(codes)), key=lambda place: codes[place].shape[1])
    for first in range(0, len(order), BATCH):
        some = order[first : first + BATCH]
        longest = codes[some[-1]].shape[1]
        stacked = [
            np.pad(codes[place], ((0, 0), (0, longest - codes[place].shape[1]))) for place in some
        ]
        given = torch.from_numpy(np.stack(stacked).astype(np.int64))
        made = parts["decoder"](parts["quantizer"].decode(given))[:, 0].clamp(-1, 1)
        for place, sound in zip(some, made.numpy(), strict=True):
            length = codes[place].shape[1] * HOP
            sounds[place] = np.round(sound[:length] * 32_767).astype(np.int16)
    return sounds


def write_made(work: Path, shards: int) -> None:
    """The made sound of each teacher's first shards that have refined codes, where it is not there yet."""
    parts = load_parts(work).eval()
    for shard in shards_of(work, shards):
        refined, target = token_path(work, "refined", shard), token_path(work, "made", shard)
        if target.exists() or not refined.exists():
            continue
        clips = read_shard(shard)
        with np.load(refined) as archive:
            cuts = np.cumsum(archive["counts"])[:-1]
            codes = np.split(archive["values"], cuts, 1)
        made = (
            {
                "samples": sound[: len(c.samples)],
                "phones": c.phones,
                "ends": c.ends,
                "letters": c.letters,
            }
            for c, sound in zip(clips, say_again(parts, codes), strict=True)
        )
        target.parent.mkdir(exist_ok=True)
        jobs = [(clip.text, clip.speaker) for clip in clips]
        seconds = write_shard(target, jobs, lambda *_, made=made: next(made))
        print(f"{target} {seconds / 3600:.2f} h", flush=True)


def main() -> None:
    """Make the clips that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=2, help="of each teacher")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write_made(arguments.work, arguments.shards)


if __name__ == "__main__":
    main()
