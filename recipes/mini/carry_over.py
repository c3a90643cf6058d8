"""Carries the coarse stage over to new codes, when the codec's encoder has been trained on.

    python -m recipes.mini.carry_over --old OLDWORK --work WORK

Both folders hold codes of the same clips: those the stage knows, and the new ones. What a new code
means is told by the old ones that stood in its frames: its embedding is theirs, weighted by how
often each did. The stage then learns on from there instead of from nothing. The fine stage takes its embeddings
from the codebooks, and begins anew.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from recipes.mini import checkpoints
from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOK_SIZE
from recipes.mini.training import spent_before

FEWEST = 3.0  # frames; a code that was seen less often leans on the mean of all


def meanings(old: np.ndarray, new: np.ndarray) -> torch.Tensor:
    """How often each old code stood where a new one does: (new codes, old codes), rows add up to 1.

    `old` and `new` are one codebook's codes of the same frames.
    """
    pairs = torch.from_numpy(new.astype(np.int64) * CODEBOOK_SIZE + old.astype(np.int64))
    counts = torch.bincount(pairs, minlength=CODEBOOK_SIZE**2).float()
    counts = counts.view(CODEBOOK_SIZE, CODEBOOK_SIZE)
    everywhere = counts.sum(0) / counts.sum()
    counts = counts + FEWEST * everywhere
    return counts / counts.sum(1, keepdim=True)


def codes_in_both(old: Path, new: Path) -> tuple[np.ndarray, np.ndarray]:
    """Codes (codebooks, frames) of the shards that both folders have.

    Raises:
        SystemExit: there are none, or they are not of the same clips.
    """
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for path in sorted((new / "codes").glob("*.npz")):
        if (old / "codes" / path.name).exists():
            for folder, rows in zip((old, new), found, strict=True):
                with np.load(folder / "codes" / path.name) as archive:
                    rows.append(archive["values"])
    if [each.shape for each in found[0]] != [each.shape for each in found[1]] or not found[0]:
        raise SystemExit("The two folders have no codes of the same clips.")
    return np.concatenate(found[0], 1), np.concatenate(found[1], 1)


def carry_over(old: Path, work: Path) -> None:
    """Write coarse.pt into `work` from that of `old`; the optimizer begins anew."""
    before, after = codes_in_both(old, work)
    state = checkpoints.load(old / "coarse.pt")
    assert state is not None, "train the coarse stage first"
    model = state["model"]
    for book in range(L.COARSE_CODEBOOKS):
        table = meanings(before[book], after[book])
        rows = slice(L.COARSE_OFFSET + book * CODEBOOK_SIZE, None)
        for weight in ("input_embeds_layer.weight", "lm_head.weight"):
            codes = model[weight][rows][:CODEBOOK_SIZE]
            codes.copy_(table @ codes)
    kept = {"step": state.get("step", 0), **spent_before(state)}
    checkpoints.save(work / "coarse.pt", {"model": model, **kept})
    print(work / "coarse.pt")


def main() -> None:
    """Carry the stage over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    carry_over(arguments.old, arguments.work)


if __name__ == "__main__":
    main()
