"""Step 2, at the end: one decoder out of two that come from the same one.

    python -m recipes.mini.blend --work WORK --other BEFORE/codec_decoder.pt --share 0.5

Weights between those of a decoder before and after a training give nearly the best of both. What
the encoder teaches (`hearing`) makes speech clearer and voices a little more alike; half of it
keeps most of the first and none of the second.
"""

import argparse
from pathlib import Path

import torch

from recipes.mini import checkpoints
from recipes.mini.training import spent_before


def blend(work: Path, other: Path, share: float) -> None:
    """Replace the decoder's checkpoint by `share` of it and the rest of the other one.

    A training that goes on from there begins with fresh optimizers.

    Raises:
        SystemExit: a checkpoint is missing, or they are of different networks.
    """
    path = work / "codec_decoder.pt"
    first, second = checkpoints.load(path), checkpoints.load(other)
    if first is None or second is None:
        raise SystemExit(f"There is no checkpoint at {path if first is None else other}.")
    own, others = first["parts"], second["parts"]
    if {name: each.shape for name, each in own.items()} != {
        name: each.shape for name, each in others.items()
    }:
        raise SystemExit("These two are decoders of different sizes.")
    parts = {name: torch.lerp(others[name], own[name], share) for name in own}
    kept = {"step": first.get("step", 0), **spent_before(first)}
    checkpoints.save(path, {**kept, "parts": parts})


def main() -> None:
    """Blend two decoders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="the checkpoint from before")
    parser.add_argument("--share", type=float, default=0.5, help="of WORK's own decoder, 0..1")
    arguments = parser.parse_args()
    blend(arguments.work, arguments.other, arguments.share)


if __name__ == "__main__":
    main()
