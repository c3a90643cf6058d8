"""Step 7b: codes as the stages make them, so that the decoder learns to live with their guesses.

    python -m recipes.mini.refined --work WORK --shards 4

The later codebooks are the fine stage's likeliest, in the window that speaking builds with a voice before it. In half of
the clips (`--said`) the first codebooks are the coarse stage's likeliest too, each from the codes before it: these are
not quite the sound's, but at every moment near to it, so the decoder can be told what they should have sounded like. In
the others the true ones stay. Frames beyond the fine stage's window keep their true codes.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from recipes.mini import checkpoints, coarse, fine
from recipes.mini import layout as L
from recipes.mini.clips import shards_of, token_path
from recipes.mini.devices import add_device, half_where_fast, here, moved, use_device
from recipes.mini.network import CausalNetwork, FineNetwork
from recipes.mini.streams import Pairs, Take, takes_of_shards
from recipes.mini.tokens import write_tokens

BATCH = 16
SAID = 0.5  # of the clips
ROUNDS = 2  # the first goes on from the true codes, each later one from those of the one before
SAID_FRAMES = L.FINE_WINDOW - L.FINE_HISTORY
STRIDE = 2 * L.COARSE_WINDOW  # tokens for which a window is asked; those before are its history

Voice = tuple[np.ndarray, np.ndarray]  # semantic tokens, codes
Network = TypeVar("Network", bound=torch.nn.Module)


def trained(work: Path, stage: str, model: Network) -> Network:
    """A stage's network, as it was trained last."""
    state = checkpoints.load(work / f"{stage}.pt")
    assert state is not None, f"train the {stage} stage first"
    model.load_state_dict(state["model"])
    return model.eval()


def say(model: CausalNetwork, voices: list[Voice], takes: list[Take]) -> list[Take]:
    """The takes with the coarse stage's likeliest first codes, as far as the fine stage's window goes."""
    for _ in range(ROUNDS):
        takes = _said_once(model, voices, takes)
    return takes


@torch.no_grad()
def _said_once(model: CausalNetwork, voices: list[Voice], takes: list[Take]) -> list[Take]:
    """The takes with, for each of those codes, what is likeliest after the takes' codes before it."""
    asked = []
    for index, take in enumerate(takes):
        count = L.COARSE_CODEBOOKS * min(SAID_FRAMES, take.codes.shape[1])
        asked += [
            (index, ahead - L.COARSE_WINDOW) for ahead in range(STRIDE, count + STRIDE, STRIDE)
        ]
    windows = coarse.stacked([coarse.window(voices[i], takes[i], step) for i, step in asked])
    with half_where_fast():
        answers = coarse.likeliest(model, moved(windows))
    said = [coarse.interleaved(take.codes) for take in takes]
    for (index, step), answer, own in zip(asked, answers.cpu().numpy(), windows.own, strict=True):
        new = answer[own.numpy()][-STRIDE:]
        end = min(step + L.COARSE_WINDOW, len(said[index]))
        said[index][end - len(new) : end] = new
    found = []
    for take, tokens in zip(takes, said, strict=True):
        codes = take.codes.copy()
        codes[: L.COARSE_CODEBOOKS, :SAID_FRAMES] = coarse.apart(tokens)[:, :SAID_FRAMES]
        found.append(replace(take, codes=codes))
    return found


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


def write_refined(work: Path, shards: int, batch: int = BATCH, said: float = SAID) -> None:
    """Refined codes of each teacher's first shards, where they have codes.

    In `said` of the clips (0..1) the first codebooks are the coarse stage's too.
    """
    model, found = trained(work, "fine", fine.network()), takes_of_shards(work)
    speaking = trained(work, "coarse", coarse.network()) if said else None
    dice = np.random.default_rng(1)
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
            voices = [pairs.voice(take.speaker) for take in some]
            lines = np.flatnonzero(dice.random(len(some)) < said)
            if speaking and len(lines):
                spoken = say(speaking, [voices[i] for i in lines], [some[i] for i in lines])
                for index, take in zip(lines, spoken, strict=True):
                    some[index] = take
            made += refine(model, [codes for _, codes in voices], some)
        write_tokens(target, [codes.astype(np.int16) for codes in made], 1)


def main() -> None:
    """Write the codes that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument(
        "--said",
        type=float,
        default=SAID,
        metavar="PART",
        help="of the clips, whose first codes are the coarse stage's",
    )
    add_device(parser, BATCH)
    arguments = parser.parse_args()
    use_device(arguments.device)
    write_refined(arguments.work, arguments.shards, arguments.batch, arguments.said)


if __name__ == "__main__":
    main()
