"""Goes back from a published family to the checkpoints it was exported from, to train on.

    python -m recipes.mini.resume --family models/mini --work WORK

Steps and minutes are taken from the family's card. Only optimizer states are lost; tokens made with the family's encoder and codec stay valid.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from recipes.mini import checkpoints
from recipes.mini.card import CHECKPOINTS
from recipes.mini.codec import CODEBOOKS

_HEARD = r"The encoder names (\d+)% of the phones"
_ROW = r"^\| {title} \| ([\d,]+) \| ([\d.,]+) \|(?: ([\d.,]+) \|)?$"


def resume(family: Path, work: Path) -> None:
    """Write the checkpoints of all parts that `work` does not have yet."""
    work.mkdir(parents=True, exist_ok=True)
    state = {name: value.float() for name, value in load_file(family / "model.safetensors").items()}
    known = figures(family)
    stages = {"text": "semantic.", "coarse": "coarse_acoustics.", "fine": "fine_acoustics."}
    for name, prefix in stages.items():
        model = _under(state, prefix)
        model = {key: value for key, value in model.items() if not key.endswith("attn.bias")}
        _save(work / f"{name}.pt", {"model": model, **known[name]})
    codec = _under(state, "codec_model.")
    quantizer = _codebooks(codec)
    encoder = {key: value for key, value in codec.items() if key.startswith("encoder.")}
    decoder = {key: value for key, value in codec.items() if key.startswith("decoder.")}
    _save(work / "codec_encoder.pt", {"parts": encoder | quantizer, **known["codec_encoder"]})
    _save(work / "codec_decoder.pt", {"parts": decoder, **known["codec_decoder"]})
    hubert = {
        f"hubert.{k}": v.float() for k, v in load_file(family / "hubert/model.safetensors").items()
    }
    tokens = load_file(family / "hubert/semantic_tokens.safetensors")
    heads = {name: value.float() for name, value in tokens.items() if name.startswith("heads.")}
    _save(work / "hubert.pt", {"model": hubert | heads, **known["hubert"]})
    weights = load_file(family / "quantizer/mini.safetensors")
    with safe_open(family / "quantizer/mini.safetensors", "np") as file:
        accuracy = float((file.metadata() or {}).get("accuracy", "nan"))
    weights = {name: value.float() for name, value in weights.items()}
    _save(work / "quantizer.pt", {"model": weights, "accuracy": accuracy, **known["quantizer"]})
    if not (work / "centroids.npy").exists():
        np.save(work / "centroids.npy", tokens["centroids"].float().numpy())


def figures(family: Path) -> dict[str, dict[str, float]]:
    """Steps and seconds of each part's training so far, and what the encoder gets right, as the family's card tells them.

    Where it does not, steps and seconds are none.
    """
    card = family / "README.md"
    page = card.read_text("utf-8") if card.exists() else ""
    found: dict[str, dict[str, float]] = {}
    for name, title in CHECKPOINTS.items():
        row = re.search(_ROW.format(title=re.escape(title)), page, re.MULTILINE)
        numbers = [float(each.replace(",", "")) for each in row.groups("0")] if row else [0, 0, 0]
        found[name] = {
            "step": int(numbers[0]),
            "seconds": 60 * numbers[1],
            "card_seconds": 60 * numbers[2],
        }
    heard = re.search(_HEARD, page)
    return (
        found
        if heard is None
        else {**found, "hubert": {**found["hubert"], "accuracy": int(heard[1]) / 100}}
    )


def _under(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _codebooks(codec: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    codes = torch.stack(
        [codec[f"quantizer.layers.{book}.codebook.embed"] for book in range(CODEBOOKS)]
    )
    counts = torch.ones(codes.shape[:2])
    return {"quantizer.codes": codes, "quantizer.sums": codes.clone(), "quantizer.counts": counts}


def _save(path: Path, state: dict[str, object]) -> None:
    if not path.exists():
        checkpoints.save(path, state)
        print(path)


def main() -> None:
    """Write the checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    resume(arguments.family, arguments.work)


if __name__ == "__main__":
    main()
