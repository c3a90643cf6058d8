"""Goes back from a published family to the checkpoints it was exported from, to train on.

    python -m recipes.mini.resume --family models/mini --work WORK

Only optimizer states are lost; tokens made with the family's encoder and codec stay valid.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from recipes.mini import checkpoints
from recipes.mini.codec import CODEBOOKS


def resume(family: Path, work: Path) -> None:
    """Write the checkpoints of all parts that `work` does not have yet."""
    work.mkdir(parents=True, exist_ok=True)
    state = {name: value.float() for name, value in load_file(family / "model.safetensors").items()}
    stages = {"text": "semantic.", "coarse": "coarse_acoustics.", "fine": "fine_acoustics."}
    for name, prefix in stages.items():
        model = _under(state, prefix)
        model = {key: value for key, value in model.items() if not key.endswith("attn.bias")}
        _save(work / f"{name}.pt", {"model": model, "step": 0})
    codec = _under(state, "codec_model.")
    quantizer = _codebooks(codec)
    encoder = {key: value for key, value in codec.items() if key.startswith("encoder.")}
    decoder = {key: value for key, value in codec.items() if key.startswith("decoder.")}
    _save(work / "codec_encoder.pt", {"parts": encoder | quantizer, "step": 0})
    _save(work / "codec_decoder.pt", {"parts": decoder, "step": 0})
    hubert = {
        f"hubert.{k}": v.float() for k, v in load_file(family / "hubert/model.safetensors").items()
    }
    tokens = load_file(family / "hubert/semantic_tokens.safetensors")
    heads = {name: value.float() for name, value in tokens.items() if name.startswith("heads.")}
    _save(work / "hubert.pt", {"model": hubert | heads, "step": 0})
    quantizer_weights = load_file(family / "quantizer/mini.safetensors")
    _save(
        work / "quantizer.pt",
        {"model": {name: value.float() for name, value in quantizer_weights.items()}, "step": 0},
    )
    if not (work / "centroids.npy").exists():
        np.save(work / "centroids.npy", tokens["centroids"].float().numpy())


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
