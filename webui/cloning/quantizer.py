"""HuBERT features -> semantic tokens: the small network that method 2 of cloning rests on.

The architecture, its two versions and the file layout are those of gitmylo's
bark-voice-cloning-HuBERT-quantizer: a two-layer LSTM, then one linear layer (version 0) or two
without anything between them (version 1). Its published `.pth` files are read; ours are safetensors
with the same names of weights, and say in their metadata which encoder and family they belong to.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from webui.arrays import SemanticTokens
from webui.checkpoint import StateDict, load_tensors, read_notes
from webui.errors import CheckpointError

LSTM_LAYERS = 2
MAX_WIDTH = 8_192
Features = Float[np.ndarray, "frames width"]


@dataclass(frozen=True)
class QuantizerConfig:
    """The sizes of a quantizer; version 1 has a layer of `between` values before its scores."""

    inputs: int = 768  # of HuBERT base
    hidden: int = 1_024
    tokens: int = 10_000  # Bark's semantic tokens
    between: int | None = None  # 4,096 in the published version 1

    @property
    def version(self) -> int:
        """The number under which this shape is published."""
        return 0 if self.between is None else 1


class Quantizer(nn.Module):
    """Scores of every semantic token for each frame of features."""

    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self.config = config
        self.lstm = nn.LSTM(config.inputs, config.hidden, LSTM_LAYERS, batch_first=True)
        if config.between is not None:
            self.intermediate = nn.Linear(config.hidden, config.between)
        self.fc = nn.Linear(config.between or config.hidden, config.tokens)

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        return sum(each.nbytes for each in self.parameters())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Score features (batch, frames, inputs) -> (batch, frames, tokens)."""
        hidden, _ = self.lstm(features)
        if self.config.between is not None:
            hidden = self.intermediate(hidden)
        scores: torch.Tensor = self.fc(hidden)
        return scores

    @torch.inference_mode()
    def tokens_of(self, features: Features) -> SemanticTokens:
        """Give the likeliest token of each frame: (frames,) int64.

        Raises:
            CheckpointError: the features are of another encoder.
        """
        if features.shape[1] != self.config.inputs:
            raise CheckpointError(
                f"This quantizer reads {self.config.inputs} features a frame and the encoder gives "
                f"{features.shape[1]}. Choose a quantizer that was trained with this encoder."
            )
        scores = self(torch.from_numpy(features).to(self.fc.weight.device).unsqueeze(0))
        return np.asarray(scores[0].argmax(-1).cpu()).astype(np.int64)


def config_of(state: StateDict, name: str = "this file") -> QuantizerConfig:
    """Read a quantizer's sizes off its weights.

    Raises:
        CheckpointError: they are not those of a quantizer.
    """
    shapes = {key: tuple(each.shape) for key, each in state.items()}
    try:
        (rows, inputs), (tokens, last) = shapes["lstm.weight_ih_l0"], shapes["fc.weight"]
        between = shapes["intermediate.weight"][0] if "intermediate.weight" in shapes else None
        config = QuantizerConfig(inputs, rows // 4, tokens, between)
    except (KeyError, ValueError, IndexError) as fault:
        raise _no_quantizer(name) from fault
    if max(inputs, rows // 4, tokens // 8, between or 0) > MAX_WIDTH:
        raise _no_quantizer(name)
    with torch.device("meta"):
        wanted = {key: tuple(each.shape) for key, each in Quantizer(config).state_dict().items()}
    if {key: shapes.get(key) for key in wanted} != wanted or last != (between or config.hidden):
        raise _no_quantizer(name)
    return config


def load_quantizer(path: Path, device: str = "cpu") -> Quantizer:
    """Load a quantizer: a published `.pth` of either version, or ours.

    Raises:
        CheckpointError: the file is missing, damaged, or no quantizer.
    """
    if not path.is_file():
        raise CheckpointError(f"The quantizer {path.name} is not there. Download it first.")
    state = {
        key.removeprefix("_orig_mod."): tensor.float()
        for key, tensor in load_tensors(path, "model").items()
    }
    config = config_of(state, path.name)
    notes = read_notes(path)
    declared = notes.get("version", config.version)
    if str(declared) not in ("0", "1") or int(declared) != config.version:
        raise CheckpointError(
            f"The quantizer {path.name} calls itself version {str(declared)[:20]}, but has the "
            f"layers of version {config.version}. Download it again."
        )
    if not all(bool(torch.isfinite(each).all()) for each in state.values()):
        raise CheckpointError(
            f"The quantizer {path.name} is damaged: it holds values that are not numbers."
        )
    with torch.device("meta"):
        model = Quantizer(config)
    model.load_state_dict({key: state[key] for key in model.state_dict()}, assign=True)
    return model.requires_grad_(False).eval().to(device)


def _no_quantizer(name: str) -> CheckpointError:
    return CheckpointError(
        f"{name} is not a quantizer: its weights are not an LSTM of two layers and the layers "
        "behind it. Choose another file."
    )
