"""Recording -> WavLM features: what is said and who says it, in each fiftieth of a second.

The only place where transformers' WavLM is imported, and not before an encoder is built. kNN-VC
reads the sixth layer of WavLM-Large, without normalising the sound; layers behind it are left out.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from webui.arrays import OtherWaveform
from webui.checkpoint import load_tensors
from webui.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import WavLMModel

RATE = 16_000  # Hz
LAYER = 6  # bshall/knn-vc, matcher.py
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
MAX_CONFIG_BYTES = 2**16
_BLOCK_SECONDS = 20  # are listened to at once: attention grows with the square of the length
_RENAMED = {  # weight normalisation as torch named it before version 2
    "encoder.pos_conv_embed.conv.weight_g": (
        "encoder.pos_conv_embed.conv.parametrizations.weight.original0"
    ),
    "encoder.pos_conv_embed.conv.weight_v": (
        "encoder.pos_conv_embed.conv.parametrizations.weight.original1"
    ),
}


class WavlmEncoder:
    """WavLM up to the layer that is read, in float32 on one device."""

    def __init__(self, model: "WavLMModel", layer: int = LAYER) -> None:
        self._model, self._layer = model, layer
        config = model.config
        self.width = int(config.hidden_size)
        self.hop = int(np.prod(config.conv_stride))  # samples a frame
        field, step = 1, 1
        for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
            field += (kernel - 1) * step
            step *= stride
        self._field = field  # samples that one frame sees

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        return sum(each.nbytes for each in self._model.parameters())

    @torch.inference_mode()
    def features(self, sound: OtherWaveform) -> torch.Tensor:
        """Describe a sound at `RATE`: (frames, width), a frame for each hop begun."""
        block = _BLOCK_SECONDS * RATE // self.hop * self.hop
        parts = [sound[start : start + block] for start in range(0, max(1, len(sound)), block)]
        return torch.cat([self._part(part) for part in parts])

    def _part(self, sound: OtherWaveform) -> torch.Tensor:
        frames = max(1, -(-len(sound) // self.hop))
        total = (frames - 1) * self.hop + self._field
        padded = np.pad(sound, (0, max(0, total - len(sound))))[:total].astype(np.float32)
        given = torch.from_numpy(padded).to(self._model.device).unsqueeze(0)
        states = self._model(given, output_hidden_states=True).hidden_states
        features: torch.Tensor = states[self._layer][0].float()
        return features


def load_wavlm(folder: Path, device: str = "cpu", layer: int = LAYER) -> WavlmEncoder:
    """Load an encoder from a folder in transformers' layout (microsoft/wavlm-large).

    Raises:
        CheckpointError: a file is missing, damaged, or not WavLM's.
    """
    from transformers import WavLMConfig, WavLMModel

    try:
        config = WavLMConfig.from_dict(_config_values(folder))
    except (TypeError, ValueError) as fault:
        raise CheckpointError(f"The config.json in {folder.name} cannot be used.") from fault
    if config.num_hidden_layers <= layer:
        raise CheckpointError(f"The encoder in {folder.name} has no layer {layer} in its middle.")
    # One layer more than is read: what comes out of the last one is normalised.
    config.num_hidden_layers = layer + 1
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(
            f"The encoder in {folder.name} has no {WEIGHTS[0]} and no {WEIGHTS[1]}. Download it."
        )
    state = {key.removeprefix("wavlm."): each for key, each in load_tensors(path).items()}
    state = {_RENAMED.get(key, key): each for key, each in state.items()}
    model = WavLMModel(config)
    for key, tensor in model.state_dict().items():
        found = state.get(key)
        if key == "masked_spec_embed":  # only used while training
            continue
        if found is None or found.shape != tensor.shape or not bool(torch.isfinite(found).all()):
            raise CheckpointError(
                f"The weights of the encoder in {folder.name} are damaged ({key}). "
                "Download it again."
            )
    model.load_state_dict({key: each.float() for key, each in state.items()}, strict=False)
    model.requires_grad_(False)
    torch.nn.Module.eval(model)
    torch.nn.Module.to(model, device)
    return WavlmEncoder(model, layer)


def _config_values(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError("too large")
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise CheckpointError(
            f"The folder {folder.name} holds no readable config.json. Download it again."
        ) from fault
    if not isinstance(values, dict) or values.get("model_type") != "wavlm":
        raise CheckpointError(
            f"The folder {folder.name} holds no WavLM encoder (config.json). Download it again."
        )
    return values
