"""Recording -> HuBERT features: what is said, with hardly anything of who says it.

The only place where transformers' HuBERT is imported, and not before an encoder is built. For
Bark this is HuBERT base and its ninth layer (`hidden_states[9]`, fairseq's `output_layer=9`); a
family that brings its own encoder names the layer in `semantic_tokens.json` beside it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from webui.arrays import SemanticTokens, SpeechFeatures, Waveform
from webui.audio import resample
from webui.checkpoint import StateDict, load_tensors, read_notes
from webui.cloning.quantizer import Quantizer, load_quantizer
from webui.errors import AudioFileError, CheckpointError

if TYPE_CHECKING:
    from transformers import HubertConfig, HubertModel

HUBERT_RATE = 16_000  # Hz; facebook/hubert-base-ls960
BARK_LAYER = 9  # of HuBERT base; gitmylo's hubert/pre_kmeans_hubert.py
BASE_LAYERS = 12  # of HuBERT base; a config.json that names none means so many
MAX_CONFIG_BYTES = 2**16
MAX_SECONDS = 60.0  # attention grows with the square of the length; a voice needs 7 s
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_RENAMED = {  # weight normalisation as torch named it before version 2
    "encoder.pos_conv_embed.conv.weight_g": (
        "encoder.pos_conv_embed.conv.parametrizations.weight.original0"
    ),
    "encoder.pos_conv_embed.conv.weight_v": (
        "encoder.pos_conv_embed.conv.parametrizations.weight.original1"
    ),
}


class HubertEncoder:
    """An encoder in float32 on one device."""

    def __init__(self, model: "HubertModel", layer: int) -> None:
        self._model, self.layer = model, layer
        config = model.config
        self.width = int(config.hidden_size)
        self.hop = int(np.prod(config.conv_stride))  # samples a frame
        self._field = _receptive_field(config)

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        return sum(each.nbytes for each in self._model.parameters())

    @property
    def device(self) -> torch.device:
        """Where the encoder computes."""
        return self._model.device

    @torch.inference_mode()
    def features(self, waveform: Waveform, rate: int) -> SpeechFeatures:
        """Describe what is said in each frame: (frames, width) in float32.

        The sound is padded by half of what a frame sees beyond its hop, so that frame n describes
        the samples n * hop to (n + 1) * hop (at 16 kHz), and there is one for each hop begun.

        Args:
            waveform: mono, at most `MAX_SECONDS`.
            rate: its sample rate in Hz; resampled to 16 kHz from there.

        Raises:
            AudioFileError: the sound is empty or too long.
        """
        if not waveform.size or len(waveform) > MAX_SECONDS * rate:
            raise AudioFileError(
                f"A part of 1 to {MAX_SECONDS:.0f} seconds can be listened to; this one has "
                f"{len(waveform) / rate:.1f}. Choose a shorter part."
            )
        sound = resample(waveform, rate, HUBERT_RATE)
        frames = -(-len(sound) // self.hop)
        before = (self._field - self.hop) // 2
        total = (frames - 1) * self.hop + self._field
        padded = np.pad(sound, (before, max(0, total - before - len(sound))))[:total]
        given = torch.from_numpy(padded.astype(np.float32)).to(self.device).unsqueeze(0)
        states = self._model(given, output_hidden_states=True).hidden_states
        return np.asarray(states[self.layer][0].float().cpu())


@dataclass(frozen=True)
class SpeechListener:
    """An encoder and the quantizer that was trained on its features."""

    encoder: HubertEncoder
    quantizer: Quantizer
    quantizer_name: str

    @property
    def nbytes(self) -> int:
        """The memory that the weights of both take."""
        return self.encoder.nbytes + self.quantizer.nbytes

    def semantics(self, waveform: Waveform, rate: int) -> SemanticTokens:
        """Hear what is said in a recording: one token a frame."""
        return self.quantizer.tokens_of(self.encoder.features(waveform, rate))


def load_listener(hubert_folder: Path, quantizer_file: Path, device: str = "cpu") -> SpeechListener:
    """Load an encoder and a quantizer that belong together.

    A quantizer that names the layer of the encoder it was trained with is given that one.

    Raises:
        CheckpointError: a file is missing or damaged, or the two do not fit together.
    """
    quantizer = load_quantizer(quantizer_file, device)
    layer = str(read_notes(quantizer_file).get("layer", ""))
    encoder = load_hubert(hubert_folder, device, int(layer) if layer.isdecimal() else None)
    if quantizer.config.inputs != encoder.width:
        raise CheckpointError(
            f"The quantizer {quantizer_file.name} reads {quantizer.config.inputs} features a frame "
            f"and this encoder gives {encoder.width}. Choose a quantizer trained with it."
        )
    return SpeechListener(encoder, quantizer, quantizer_file.stem)


def load_hubert(folder: Path, device: str = "cpu", layer: int | None = None) -> HubertEncoder:
    """Load an encoder from a folder in transformers' layout.

    Layers behind the one that is read are left out, which gives the same features sooner.

    Args:
        folder: the encoder's.
        device: where to compute.
        layer: whose features to give; None takes the one that the folder names, or Bark's.

    Raises:
        CheckpointError: a file is missing, damaged, or not HuBERT's, or there is no such layer.
    """
    config, layer = _read_config(folder, layer)
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(
            f"The encoder in {folder.name} has no {WEIGHTS[0]} and no {WEIGHTS[1]}. Download it."
        )
    from transformers import HubertModel

    # With a norm at the end of the stack (`do_stable_layer_norm`) the last layer is not what the
    # same layer is in the middle.
    if not config.do_stable_layer_norm:
        config.num_hidden_layers = layer
    state = {key.removeprefix("hubert."): each for key, each in load_tensors(path).items()}
    state = {_RENAMED.get(key, key): each.float() for key, each in state.items()}
    model = HubertModel(config)
    _check_weights(model.state_dict(), state, folder.name)
    model.load_state_dict(state, strict=False)
    model.requires_grad_(False)
    torch.nn.Module.eval(model)
    torch.nn.Module.to(model, device)
    return HubertEncoder(model, layer)


def encoder_layers(folder: Path) -> tuple[int, int]:
    """Say which layer is read where nobody chooses one, and how many there are.

    Raises:
        CheckpointError: the folder holds no HuBERT encoder.
    """
    values, facts = _config_values(folder), folder / "semantic_tokens.json"
    known = ((_read_json(facts) or {}) if facts.is_file() else {}).get("layer", BARK_LAYER)
    try:
        return int(known), int(values.get("num_hidden_layers", BASE_LAYERS))
    except (TypeError, ValueError) as fault:
        raise CheckpointError(f"The config.json in {folder.name} cannot be used.") from fault


def _read_config(folder: Path, wanted: int | None) -> "tuple[HubertConfig, int]":
    from transformers import HubertConfig

    own, layers = encoder_layers(folder)
    layer = own if wanted is None else wanted
    try:
        config = HubertConfig.from_dict(_config_values(folder))
    except (TypeError, ValueError, AttributeError) as fault:
        raise CheckpointError(f"The config.json in {folder.name} cannot be used.") from fault
    if not 0 < layer <= layers:
        raise CheckpointError(f"The encoder in {folder.name} has no layer {layer}.")
    return config, layer


def _config_values(folder: Path) -> dict[str, Any]:
    values = _read_json(folder / "config.json")
    if values is None or values.get("model_type") != "hubert":
        raise CheckpointError(
            f"The folder {folder.name} holds no HuBERT encoder (config.json). Download it again."
        )
    return values


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            return None
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _check_weights(wanted: StateDict, found: StateDict, name: str) -> None:
    for key, tensor in wanted.items():
        there = found.get(key)
        if key == "masked_spec_embed":  # only used while training
            continue
        if there is None or there.shape != tensor.shape or not bool(torch.isfinite(there).all()):
            raise CheckpointError(
                f"The weights of the encoder in {name} are damaged ({key}). Download it again."
            )


def _receptive_field(config: "HubertConfig") -> int:
    """How many samples one frame sees."""
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field
