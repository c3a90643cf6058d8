"""Bark's two sizes with random weights: what the speed is measured on, with no download."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from webui.family import FamilyConfig, NetworkConfig, family_from_configs

STAGES = ("text", "coarse", "coarse_voice", "fine")
VOCABULARIES = {"text": (129_600, 10_048), "coarse": (12_096, 12_096), "fine": (1_056, 1_056)}
POSITIONS = 1_024
CODEBOOKS, CODEBOOKS_GIVEN = 8, 1
WEIGHT_SPREAD = 0.03  # standard deviation; gives scores that differ, without extremes
POOL = 2**22  # random numbers drawn; matrices are pieces of them, for speed


@dataclass(frozen=True)
class Size:
    """The sizes that Bark's checkpoints share among the stages."""

    layers: int
    heads: int
    width: int


SIZES = {"small": Size(12, 12, 768), "large": Size(24, 16, 1_024)}  # suno-ai/bark model cards


def network_values(size: Size, stage: str) -> dict[str, Any]:
    """The sizes of one stage, as they stand in a config.json of transformers."""
    inputs, outputs = VOCABULARIES[stage]
    values: dict[str, Any] = {
        "input_vocab_size": inputs, "output_vocab_size": outputs, "block_size": POSITIONS,
        "hidden_size": size.width, "num_layers": size.layers, "num_heads": size.heads,
        "bias": False, "dropout": 0.0,
    }  # fmt: skip
    if stage == "fine":
        values |= {"n_codes_total": CODEBOOKS, "n_codes_given": CODEBOOKS_GIVEN}
    return values


def bark_family(size: Size) -> FamilyConfig:
    """All numbers of Bark in one size; what no config names is Bark's own."""
    config = {
        "semantic_config": network_values(size, "text"),
        "coarse_acoustics_config": network_values(size, "coarse"),
        "fine_acoustics_config": network_values(size, "fine"),
    }
    return replace(family_from_configs(config, {}, Path("bark")), codec={})


def network_of(family: FamilyConfig, stage: str) -> NetworkConfig:
    """The sizes of one stage's transformer."""
    parts = {"text": family.semantic, "coarse": family.coarse, "fine": family.fine}
    network = parts[stage].network
    if network is None:
        raise ValueError(f"the {stage} stage has no sizes")
    return network


def random_weights(size: Size, stage: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """A state dict with transformers' names, the same at every call.

    The text stage's score for the end of speech is always 0, which nobody draws among ten thousand
    others that spread, so that a speech has the length that is asked for.
    """
    dice = torch.Generator().manual_seed(seed)
    pool = torch.randn(POOL, generator=dice) * WEIGHT_SPREAD
    inputs, outputs = VOCABULARIES[stage]

    def matrix(rows: int, columns: int) -> torch.Tensor:
        start = int(torch.randint(POOL, (), generator=dice))
        made = torch.empty(rows * columns)
        for piece in made.split(POOL):
            tail = min(len(piece), POOL - start)
            piece[:tail] = pool[start : start + tail]
            piece[tail:] = pool[: len(piece) - tail]
        return made.view(rows, columns)

    width = size.width
    state = {"position_embeds_layer.weight": matrix(POSITIONS, width)}
    if stage == "fine":
        for book in range(CODEBOOKS):
            state[f"input_embeds_layers.{book}.weight"] = matrix(inputs, width)
    else:
        state["input_embeds_layer.weight"] = matrix(inputs, width)
        state["lm_head.weight"] = matrix(outputs, width)
        if stage == "text":
            state["lm_head.weight"][10_000] = 0.0
    norms = ["layernorm_final"]
    for layer in range(size.layers):
        block = f"layers.{layer}"
        norms += [f"{block}.layernorm_1", f"{block}.layernorm_2"]
        state[f"{block}.attn.att_proj.weight"] = matrix(3 * width, width)
        state[f"{block}.attn.out_proj.weight"] = matrix(width, width)
        state[f"{block}.mlp.in_proj.weight"] = matrix(4 * width, width)
        state[f"{block}.mlp.out_proj.weight"] = matrix(width, 4 * width)
    for name in norms:
        state[f"{name}.weight"] = torch.ones(width)
        if stage == "fine":  # its LayerNorms have biases in every checkpoint
            state[f"{name}.bias"] = torch.zeros(width)
    return state
