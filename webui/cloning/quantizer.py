"""HuBERT features -> semantic tokens: the small network that method 2 of cloning rests on.

Versions 0 and 1 and their file layout are those of gitmylo's bark-voice-cloning-HuBERT-quantizer:
a two-layer LSTM, then one linear layer (version 0) or two with nothing between them (version 1).
Version 2 is ours: convolutions in place of the LSTM. Published `.pth` files are read; ours are
safetensors with the same names of weights, and say in their metadata which encoder and family they
belong to, and by how many frames features and tokens are shifted.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from webui.arrays import SemanticTokens, SpeechFeatures
from webui.checkpoint import StateDict, load_tensors, read_notes
from webui.cloning.quantizer_blocks import ConvolutionTrunk
from webui.errors import CheckpointError
from webui.training_results import ARCHITECTURES, QuantizerSizes, QuantizerWeights, Shift

LSTM_LAYERS = 2
MAX_WIDTH = 8_192
MAX_BLOCKS = 32
MAX_KERNEL = 63  # frames
SHIFTS = (-1, 0, 1)  # frames


@dataclass(frozen=True)
class QuantizerConfig:
    """The sizes of a quantizer.

    Version 1 has a layer of `between` values before its scores; version 2 has `blocks` of
    convolutions over `kernel` frames where the others have an LSTM.
    """

    inputs: int = 768  # of HuBERT base
    hidden: int = 1_024
    tokens: int = 10_000  # Bark's semantic tokens
    between: int | None = None  # 4,096 in the published version 1
    blocks: int = 0
    kernel: int = 0  # odd

    @property
    def version(self) -> int:
        """The number under which this shape is known."""
        return 2 if self.blocks else 0 if self.between is None else 1


class Quantizer(nn.Module):
    """Scores of every semantic token for each frame of features."""

    def __init__(self, config: QuantizerConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.shift: Shift = 0  # the features of frame n + shift belong to token n
        if config.blocks:
            self.trunk = ConvolutionTrunk(
                config.inputs, config.hidden, config.blocks, config.kernel, dropout
            )
        else:
            self.lstm = nn.LSTM(
                config.inputs, config.hidden, LSTM_LAYERS, batch_first=True, dropout=dropout
            )
        if config.between is not None:
            self.intermediate = nn.Linear(config.hidden, config.between)
        self.fc = nn.Linear(config.between or config.hidden, config.tokens)

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        return sum(each.nbytes for each in self.parameters())

    def forward(self, features: torch.Tensor, is_sound: torch.Tensor | None = None) -> torch.Tensor:
        """Score features (batch, frames, inputs) -> (batch, frames, tokens).

        Args:
            features: as the encoder gives them.
            is_sound: (batch, frames, 1), 0 in the frames that fill up a shorter row; without it
                all rows are equally long.
        """
        if self.config.blocks:
            hidden = self.trunk(features, is_sound)
        else:
            hidden, _ = self.lstm(features)
        if self.config.between is not None:
            hidden = self.intermediate(hidden)
        scores: torch.Tensor = self.fc(hidden)
        return scores

    @torch.inference_mode()
    def tokens_of(self, features: SpeechFeatures) -> SemanticTokens:
        """Give the likeliest token of each frame: (frames,) int64.

        Raises:
            CheckpointError: the features are of another encoder.
        """
        if features.shape[1] != self.config.inputs:
            raise CheckpointError(
                f"This quantizer reads {self.config.inputs} features a frame and the encoder gives "
                f"{features.shape[1]}. Choose a quantizer that was trained with this encoder."
            )
        given = torch.from_numpy(features).to(self.fc.weight.device, self.fc.weight.dtype)
        named = np.asarray(self(given.unsqueeze(0))[0].argmax(-1).cpu()).astype(np.int64)
        frames = np.arange(len(named))
        return np.asarray(named[np.clip(frames + self.shift, 0, max(0, len(named) - 1))])


def config_of(state: StateDict, name: str = "this file") -> QuantizerConfig:
    """Read a quantizer's sizes off its weights.

    Raises:
        CheckpointError: they are not those of a quantizer.
    """
    shapes = {key: tuple(each.shape) for key, each in state.items()}
    try:
        config = _sizes_in(shapes)
    except (KeyError, ValueError, IndexError) as fault:
        raise _no_quantizer(name) from fault
    widest = max(config.inputs, config.hidden, config.tokens // 8, config.between or 0)
    most_blocks, longest = config.blocks > MAX_BLOCKS, config.kernel > MAX_KERNEL
    if widest > MAX_WIDTH or most_blocks or longest or (config.blocks and config.kernel % 2 == 0):
        raise _no_quantizer(name)
    with torch.device("meta"):
        wanted = {key: tuple(each.shape) for key, each in Quantizer(config).state_dict().items()}
    if {key: shapes.get(key) for key in wanted} != wanted:
        raise _no_quantizer(name)
    return config


def shift_of(value: int) -> Shift:
    """Give a number as a shift.

    Raises:
        ValueError: features and tokens are never shifted so far.
    """
    if value not in SHIFTS:
        raise ValueError(f"no shift: {value}")
    return 1 if value > 0 else -1 if value < 0 else 0


def sizes_of(config: QuantizerConfig) -> QuantizerSizes:
    """Give a quantizer's sizes as plain numbers, with the name of its architecture."""
    return QuantizerSizes(
        ARCHITECTURES[config.version],
        config.inputs,
        config.hidden,
        config.tokens,
        config.between,
        config.blocks,
        config.kernel,
    )


def quantizer_of(weights: QuantizerWeights, device: str = "cpu") -> Quantizer:
    """Build the quantizer that these weights make.

    Raises:
        CheckpointError: they are not those of a quantizer.
    """
    state = {key: torch.from_numpy(np.array(each)) for key, each in weights.state.items()}
    config = config_of(state)
    floats = {key: each.float() for key, each in state.items()}
    return _built(config, floats, weights.shift, device)


def _sizes_in(shapes: dict[str, tuple[int, ...]]) -> QuantizerConfig:
    tokens, _ = shapes["fc.weight"]
    between = shapes["intermediate.weight"][0] if "intermediate.weight" in shapes else None
    if "trunk.intake.weight" not in shapes:
        rows, inputs = shapes["lstm.weight_ih_l0"]
        return QuantizerConfig(inputs, rows // 4, tokens, between)
    hidden, inputs = shapes["trunk.intake.weight"]
    blocks = sum(
        key.startswith("trunk.blocks.") and key.endswith("depthwise.bias") for key in shapes
    )
    kernel = shapes["trunk.blocks.0.depthwise.weight"][2]
    return QuantizerConfig(inputs, hidden, tokens, between, blocks, kernel)


def load_quantizer(path: Path, device: str = "cpu") -> Quantizer:
    """Load a quantizer: a published `.pth` of either version, or ours of any.

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
    if str(declared) not in ("0", "1", "2") or int(declared) != config.version:
        raise CheckpointError(
            f"The quantizer {path.name} calls itself version {str(declared)[:20]}, but has the "
            f"layers of version {config.version}. Download it again."
        )
    if not all(bool(torch.isfinite(each).all()) for each in state.values()):
        raise CheckpointError(
            f"The quantizer {path.name} is damaged: it holds values that are not numbers."
        )
    return _built(config, state, _shift_in(notes, path.name), device)


def _built(config: QuantizerConfig, state: StateDict, shift: Shift, device: str) -> Quantizer:
    """Put weights that fit into a network."""
    with torch.device("meta"):
        model = Quantizer(config)
    model.load_state_dict({key: state[key] for key in model.state_dict()}, assign=True)
    model.shift = shift
    return model.requires_grad_(False).eval().to(device)


def _shift_in(notes: dict[str, Any], name: str) -> Shift:
    declared = str(notes.get("shift", 0))[:20]
    try:
        return shift_of(int(declared))
    except ValueError as fault:
        raise CheckpointError(
            f"The quantizer {name} names a shift of {declared} frames; possible are -1, 0 and 1. "
            "Download it again."
        ) from fault


def _no_quantizer(name: str) -> CheckpointError:
    return CheckpointError(
        f"{name} is not a quantizer: its weights are not an LSTM of two layers, or convolutions, "
        "and the layers behind them. Choose another file."
    )
