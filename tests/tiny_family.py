"""A complete family with random weights, small enough to be made in a second."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

SEMANTIC, CODES, CODEBOOKS = 40, 32, 8  # semantic tokens, codes of a codebook, codebooks
TEXT_POSITIONS, MOST_TOKENS = 16, 60
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def vocabulary() -> list[str]:
    return [*SPECIAL, *LETTERS, *".,?!'", *(f"##{letter}" for letter in LETTERS)]


def configs() -> tuple[dict[str, Any], dict[str, Any]]:
    """config.json and generation_config.json."""

    def network(inputs: int, outputs: int, positions: int) -> dict[str, Any]:
        return {
            "input_vocab_size": inputs, "output_vocab_size": outputs, "block_size": positions,
            "hidden_size": 32, "num_layers": 2, "num_heads": 4, "bias": False, "dropout": 0.0,
        }  # fmt: skip

    offset = SEMANTIC + 8
    text_pad = offset + 80
    coarse_pad = SEMANTIC + 2 * CODES
    config = {
        "architectures": ["BarkModel"],
        "model_type": "bark",
        "initializer_range": 0.02,
        "semantic_config": network(text_pad + 2, offset, 96),
        "coarse_acoustics_config": network(coarse_pad + 2, coarse_pad, 96),
        "fine_acoustics_config": {
            **network(CODES + 4, CODES + 4, 32), "n_codes_total": CODEBOOKS, "n_codes_given": 1,
        },
        "codec_config": {
            "model_type": "encodec", "sampling_rate": 16_000, "audio_channels": 1,
            "normalize": False, "num_filters": 2, "hidden_size": 8, "codebook_dim": 8,
            "codebook_size": CODES, "num_lstm_layers": 1, "upsampling_ratios": [8, 5, 4, 4],
            "target_bandwidths": [1.0], "use_causal_conv": False,
        },
    }  # fmt: skip
    generation = {
        "model_type": "bark",
        "codebook_size": CODES,
        "sample_rate": 16_000,
        "semantic_config": {
            "eos_token_id": SEMANTIC, "pad_token_id": SEMANTIC, "semantic_vocab_size": SEMANTIC,
            "semantic_infer_token": text_pad + 1, "text_pad_token": text_pad,
            "text_encoding_offset": offset, "max_input_semantic_length": TEXT_POSITIONS,
            "max_new_tokens": MOST_TOKENS, "semantic_rate_hz": 25.0,
        },
        "coarse_acoustics_config": {
            "coarse_semantic_pad_token": coarse_pad, "coarse_infer_token": coarse_pad + 1,
            "coarse_rate_hz": 25, "n_coarse_codebooks": 2, "max_coarse_input_length": 30,
            "max_coarse_history": 40, "sliding_window_len": 12,
        },
        "fine_acoustics_config": {
            "max_fine_history_length": 16, "max_fine_input_length": 32,
            "n_fine_codebooks": CODEBOOKS, "temperature": 0.5,
        },
    }  # fmt: skip
    return config, generation


def random_bark(seed: int = 0) -> Any:
    """transformers' own Bark with these sizes and random weights."""
    from transformers import BarkConfig, BarkModel

    config, _ = configs()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BarkModel(BarkConfig(**{k: v for k, v in config.items() if k != "model_type"}))
        for name, parameter in model.named_parameters():
            if not name.startswith("codec_model") and parameter.dim() == 2:
                torch.nn.init.normal_(parameter, std=0.3)
            elif "layernorm" in name:
                torch.nn.init.normal_(parameter, mean=1.0, std=0.1)
        for layer in model.codec_model.quantizer.layers:
            layer.codebook.embed.normal_()
    return model.eval()


def random_speaker(frames: int, seed: int) -> dict[str, np.ndarray]:
    """The three arrays of a voice."""
    dice = np.random.default_rng(seed)
    fine = dice.integers(0, CODES, (CODEBOOKS, frames))
    semantic = dice.integers(0, SEMANTIC, frames)
    return {"semantic_prompt": semantic, "coarse_prompt": fine[:2], "fine_prompt": fine}


def make_tiny_family(folder: Path, *, seed: int = 0) -> Path:
    """Write a complete family into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config, generation = configs()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps(generation))
    state = random_bark(seed).state_dict()
    tied = {name for name in state if name.startswith("fine_acoustics.lm_heads")}
    state = {name: value.contiguous() for name, value in state.items() if name not in tied}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "vocab.txt").write_text("\n".join(vocabulary()) + "\n")
    facts = {
        "title": "Tiny", "is_demo": True, "languages": ["en"], "licence": "MIT",
        "examples": ["hello there."],
    }  # fmt: skip
    (folder / "webui_family.json").write_text(json.dumps(facts))
    (folder / "speakers").mkdir(exist_ok=True)
    for index, name in enumerate(("Ada", "Bob")):
        metadata = json.dumps({"name": name, "family": folder.name, "language": "en"})
        np.savez(
            folder / "speakers" / f"{name.lower()}.npz",
            **random_speaker(50 + 10 * index, index),
            metadata=np.array(metadata),
        )
    return folder
