"""A tiny kNN-VC with random weights, as files in the published layouts."""

import json
from pathlib import Path
from typing import Any

import torch

from webui.cloning.conversion.vocoder import Vocoder, VocoderConfig

WIDTH = 16
TINY_VOCODER = VocoderConfig(
    features=WIDTH, width=12, channels=32, block_kernels=(3, 5), dilations=(1, 3)
)


def wavlm_values(layers: int = 8) -> dict[str, Any]:
    """A config in WavLM-Large's style with 50 frames a second."""
    return {
        "model_type": "wavlm", "hidden_size": WIDTH, "num_hidden_layers": layers,
        "num_attention_heads": 2, "intermediate_size": 32, "conv_dim": [8, 8, 8, 8, 8, 8, 8],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2], "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "num_feat_extract_layers": 7, "num_conv_pos_embeddings": 6,
        "num_conv_pos_embedding_groups": 2, "do_stable_layer_norm": True,
        "feat_extract_norm": "layer", "conv_bias": False, "layerdrop": 0.0,
        "num_buckets": 32, "max_bucket_distance": 80,
    }  # fmt: skip


def make_wavlm(folder: Path, layers: int = 8) -> Any:
    """Write a random encoder as microsoft/wavlm-large is; gives transformers' own model of it."""
    from transformers import WavLMConfig, WavLMModel

    values = wavlm_values(layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = WavLMModel(WavLMConfig(**values)).eval()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(values))
    old = "encoder.pos_conv_embed.conv."
    names = {
        f"{old}parametrizations.weight.original0": f"{old}weight_g",
        f"{old}parametrizations.weight.original1": f"{old}weight_v",
    }
    state = {names.get(key, key): each for key, each in model.state_dict().items()}
    torch.save(state, folder / "pytorch_model.bin")
    return model


def make_vocoder(path: Path, config: VocoderConfig = TINY_VOCODER) -> Vocoder:
    """Write a random vocoder as bshall/knn-vc's file is, its convolutions as length and direction.

    Returns:
        The same vocoder.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        vocoder = Vocoder(config).eval()
        lengths = {
            key: torch.rand(each.shape[0], *[1] * (each.dim() - 1)) + 0.5
            for key, each in vocoder.state_dict().items()
            if key.endswith("weight") and each.dim() == 3
        }
    published: dict[str, torch.Tensor] = {}
    plain: dict[str, torch.Tensor] = {}
    for key, weight in vocoder.state_dict().items():
        plain[key] = weight
        if key not in lengths:
            published[key] = weight
            continue
        published[f"{key}_g"], published[f"{key}_v"] = lengths[key], weight
        rows = weight.reshape(len(weight), -1)
        plain[key] = lengths[key] * weight / rows.norm(dim=1).reshape(lengths[key].shape)
    vocoder.load_state_dict(plain)
    torch.save({"generator": published}, path)
    return vocoder
