"""Step 7b: codes as the fine stage fills them in, so that the decoder learns to live with its guesses.

    python -m recipes.mini.refined --work WORK --shards 4

The true first codebooks stay; the others are the fine stage's likeliest, in the window that speaking builds with a
voice before it. Frames beyond that window keep their true codes.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from recipes.mini import checkpoints, fine
from recipes.mini import layout as L
from recipes.mini.clips import shards_of, token_path
from recipes.mini.devices import add_device, here, use_device
from recipes.mini.network import FineNetwork
from recipes.mini.streams import Pairs, Take, takes_of_shards
from recipes.mini.tokens import write_tokens

BATCH = 16


def load_fine(work: Path) -> FineNetwork:
    """The trained fine stage."""
    model, state = fine.network(), checkpoints.load(work / "fine.pt")
    assert state is not None, "train the fine stage first"
    model.load_state_dict(state["model"])
    return model.eval()


@torch.no_grad()
def refine(model: FineNetwork, voices: list[np.ndarray], takes: list[Take]) -> list[np.ndarray]:
    """Codes (codebooks, frames) of each take with the later codebooks filled in."""
    windows, starts = zip(
        *(fine.window(voice, take.codes) for voice, take in zip(voices, takes, strict=True)),
        strict=True,
    )
    grid = here(np.stack(windows))
    new = grid[:, :, 0] != L.FINE_UNKNOWN
    for row, start in enumerate(starts):
        new[row, :start] = False
    for book, _, drawn in fine.filled_in(model, grid, new):
        grid[:, :, book][new] = drawn
    found, done = [], grid.cpu().numpy()
    for row, (take, start) in enumerate(zip(takes, starts, strict=True)):
        codes = take.codes.copy()
        frames = min(codes.shape[1], L.FINE_WINDOW - start)
        codes[:, :frames] = done[row, start : start + frames].T
        found.append(codes)
    return found


def write_refined(work: Path, shards: int, batch: int = BATCH) -> None:
    """Refined codes of each teacher's first shards, where they have codes."""
    model, found = load_fine(work), takes_of_shards(work)
    takes = [take for members in found.values() for take in members]
    pairs = Pairs(takes, L.FINE_WINDOW, np.random.default_rng(0))
    chosen = set(shards_of(work, shards))
    for shard, members in found.items():
        target = token_path(work, "refined", shard)
        if target.exists() or shard not in chosen:
            continue
        made = []
        for first in range(0, len(members), batch):
            some = members[first : first + batch]
            made += refine(model, [pairs.voice(take.speaker)[1] for take in some], some)
        write_tokens(target, [codes.astype(np.int16) for codes in made], 1)


def main() -> None:
    """Write the codes that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=4)
    add_device(parser, BATCH)
    arguments = parser.parse_args()
    use_device(arguments.device)
    write_refined(arguments.work, arguments.shards, arguments.batch)


if __name__ == "__main__":
    main()
