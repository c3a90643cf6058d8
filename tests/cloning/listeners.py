"""Small encoders and quantizers with random weights, as files."""

import json
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

WIDTH = 16


def hubert_values(stable: bool = False, layers: int = 12) -> dict[str, Any]:
    """A config in HuBERT base's style with 25 frames a second."""
    return {
        "model_type": "hubert", "hidden_size": WIDTH, "num_hidden_layers": layers,
        "num_attention_heads": 2, "intermediate_size": 32, "conv_dim": [8, 8, 8, 8, 8, 8, 8],
        "conv_stride": [5, 4, 2, 2, 2, 2, 2], "conv_kernel": [10, 8, 4, 4, 3, 2, 2],
        "num_feat_extract_layers": 7, "num_conv_pos_embeddings": 6,
        "num_conv_pos_embedding_groups": 2, "do_stable_layer_norm": stable,
        "feat_extract_norm": "layer" if stable else "group", "conv_bias": stable,
        "layerdrop": 0.0,
    }  # fmt: skip


def make_hubert(folder: Path, *, stable: bool = False, layer: int | None = None) -> Any:
    """Write a random encoder; gives transformers' own model of it."""
    from transformers import HubertConfig, HubertModel

    values = hubert_values(stable, layer if stable and layer else 12)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = HubertModel(HubertConfig(**values)).eval()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(values))
    save_file(
        {k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors"
    )
    if layer is not None:
        (folder / "semantic_tokens.json").write_text(json.dumps({"layer": layer}))
    return model


def quantizer_state(
    inputs: int = WIDTH, hidden: int = 12, tokens: int = 40, between: int | None = None
) -> dict[str, torch.Tensor]:
    """Random weights under the published names."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        lstm = torch.nn.LSTM(inputs, hidden, 2, batch_first=True)
        state = {f"lstm.{name}": tensor.detach() for name, tensor in lstm.state_dict().items()}
        if between is not None:
            state |= {"intermediate.weight": torch.randn(between, hidden) / 4}
            state |= {"intermediate.bias": torch.randn(between) / 4}
        last = between or hidden
        return state | {"fc.weight": torch.randn(tokens, last), "fc.bias": torch.randn(tokens)}


def write_published(
    path: Path, state: dict[str, torch.Tensor], info: dict[str, Any] | None = None
) -> Path:
    """Write a `.pth` as the quantizer's trainers do: torch's zip with a member `.info`."""
    torch.save(state, path)
    if info is not None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"{path.stem}/.info", json.dumps(info))
    return path
