"""Carries the coarse and the fine stage over to new codes, when the codec's encoder has been trained on.

    python -m recipes.mini.carry_over --old OLDWORK --work WORK

Both folders hold codes of the same clips: those the stages know, and the new ones. What a new code
means is told by the old ones that stood in its frames: its embedding is theirs, weighted by how
often each did. The stages then learn on from there instead of from nothing.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from recipes.mini import checkpoints
from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOK_SIZE, CODEBOOKS

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
    """Write coarse.pt and fine.pt into `work` from those of `old`; optimizers begin anew."""
    before, after = codes_in_both(old, work)
    tables = [meanings(before[book], after[book]) for book in range(CODEBOOKS)]
    for name in ("coarse", "fine"):
        state = checkpoints.load(old / f"{name}.pt")
        assert state is not None, f"train the {name} stage first"
        model = state["model"]
        if name == "coarse":
            for book in range(L.COARSE_CODEBOOKS):
                rows = slice(L.COARSE_OFFSET + book * CODEBOOK_SIZE, None)
                for weight in ("input_embeds_layer.weight", "lm_head.weight"):
                    _move(model[weight][rows][:CODEBOOK_SIZE], tables[book])
        else:
            for book in range(CODEBOOKS):
                _move(model[f"input_embeds_layers.{book}.weight"][:CODEBOOK_SIZE], tables[book])
        kept = {key: state[key] for key in ("step", "seconds") if key in state}
        checkpoints.save(work / f"{name}.pt", {"model": model, **kept})
        print(work / f"{name}.pt")


def _move(rows: torch.Tensor, table: torch.Tensor) -> None:
    rows.copy_(table @ rows)


def main() -> None:
    """Carry both stages over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    carry_over(arguments.old, arguments.work)


if __name__ == "__main__":
    main()
