"""Step 8: the class of phones that each semantic token is of, for the report cards of quantizers.

A token is a cluster of what is said in the four moments of a frame, and its centre holds the square roots of the
phones' chances in each. A token is of the class that takes more than half of its moments; one in which a sound turns
into another of another class is of none. `export` writes the file; for a family that is there already:

    python -m recipes.mini.token_classes --family models/mini
"""

import argparse
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from recipes.mini.hubert import MOMENTS
from recipes.mini.spelling import PHONES

FILE = "token_classes.json"  # beside the family's config.json
MORE_THAN_HALF = 0.51  # two moments of four, softened, come to 0.5 and a rounding
CLASSES = {
    "vowel": "aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw",
    "approximant": "l r w y",
    "nasal": "m n ng",
    "fricative": "dh f hh s sh th v z zh",
    "affricate": "ch jh",
    "plosive": "b d g k p t",
    "silence": "pau",
}
"""The phones of each class, by their manner of articulation."""


def token_classes(centroids: np.ndarray) -> dict[str, list[int]]:
    """The tokens of each class, from the centres of the clusters (tokens, moments * phones)."""
    chances = np.square(centroids.astype(np.float64)).reshape(len(centroids), MOMENTS, len(PHONES))
    phones = (chances / chances.sum(-1, keepdims=True)).mean(1)
    found = {}
    for name, members in CLASSES.items():
        share = phones[:, [PHONES.index(each) for each in members.split()]].sum(1)
        found[name] = np.flatnonzero(share > MORE_THAN_HALF).tolist()
    return found


def write_token_classes(family: Path) -> None:
    """Write the file of a family whose encoder is there."""
    centroids = load_file(family / "hubert" / "semantic_tokens.safetensors")["centroids"]
    lines = (
        f"  {json.dumps(name)}: {json.dumps(tokens, separators=(',', ':'))}"
        for name, tokens in token_classes(centroids).items()
    )
    (family / FILE).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", type=Path, required=True)
    write_token_classes(parser.parse_args().family)


if __name__ == "__main__":
    main()
