"""Features -> sound: the HiFi-GAN generator that kNN-VC published for WavLM's features.

Kong and others, 2020, configuration V1 at 16 kHz with 320 samples a frame, behind one linear
layer. The names of the weights are the published file's.
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from webui.arrays import OtherWaveform
from webui.checkpoint import StateDict, load_tensors
from webui.errors import CheckpointError

SLOPE = 0.1  # of the leaky units between the layers; the last one has torch's own, 0.01
_NORMS = (  # how torch writes a weight as length and direction, before version 2 and since
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)


@dataclass(frozen=True)
class VocoderConfig:
    """Sizes; the defaults are those of bshall/knn-vc, hifigan/config_v1_wavlm.json."""

    features: int = 1_024
    width: int = 512  # between the linear layer and the first convolution
    channels: int = 512  # halved at each upsampling
    upsample_rates: tuple[int, ...] = (10, 8, 2, 2)
    upsample_kernels: tuple[int, ...] = (20, 16, 4, 4)
    block_kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)

    @property
    def hop(self) -> int:
        """Samples a frame."""
        return prod(self.upsample_rates)


class _Block(nn.Module):
    """Pairs of convolutions, each added to what went in."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=each, padding=each * (kernel - 1) // 2)
            for each in dilations
        )
        self.convs2 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
        )

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        for wide, narrow in zip(self.convs1, self.convs2, strict=True):
            step = wide(functional.leaky_relu(sound, SLOPE))
            sound = sound + narrow(functional.leaky_relu(step, SLOPE))
        return sound


class Vocoder(nn.Module):
    """The generator, with plain weights."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.lin_pre = nn.Linear(config.features, config.width)
        self.conv_pre = nn.Conv1d(config.width, config.channels, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        channels = config.channels
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernels, strict=True):
            padding = (kernel - rate) // 2
            self.ups.append(
                nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=padding)
            )
            channels //= 2
            self.resblocks.extend(
                _Block(channels, each, config.dilations) for each in config.block_kernels
            )
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Turn features, (1, frames, features), into a sound, (1, 1, samples)."""
        sound = self.conv_pre(self.lin_pre(features).transpose(1, 2))  # (1, channels, frames)
        count = len(self.config.block_kernels)
        for place, up in enumerate(self.ups):
            sound = up(functional.leaky_relu(sound, SLOPE))  # fewer channels, more frames
            blocks = self.resblocks[place * count : (place + 1) * count]
            sound = torch.stack([block(sound) for block in blocks]).mean(dim=0)
        return torch.tanh(self.conv_post(functional.leaky_relu(sound)))

    @torch.inference_mode()
    def sound_of(self, features: torch.Tensor) -> OtherWaveform:
        """Turn features, (frames, features), into a sound of `config.hop` samples a frame."""
        return np.asarray(self(features.unsqueeze(0))[0, 0].float().cpu())


def load_vocoder(path: Path, device: str = "cpu", config: VocoderConfig | None = None) -> Vocoder:
    """Load the published file, `prematch_g_02500000.pt`, or one like it.

    Raises:
        CheckpointError: the file is missing, damaged, or of another shape.
    """
    vocoder = Vocoder(config or VocoderConfig())
    state = plain_weights(load_tensors(path, inside="generator"))
    wanted = vocoder.state_dict()
    for key, tensor in wanted.items():
        found = state.get(key)
        fits = found is not None and found.shape == tensor.shape and found.is_floating_point()
        if found is None or not fits or not bool(torch.isfinite(found).all()):
            raise CheckpointError(
                f"The file {path.name} is not kNN-VC's vocoder, or it is damaged ({key}). "
                "Download it again."
            )
    vocoder.load_state_dict({key: state[key].float() for key in wanted})
    vocoder.requires_grad_(False)
    nn.Module.eval(vocoder)
    return vocoder.to(device)


def plain_weights(state: StateDict) -> StateDict:
    """Multiply weights that are kept as length and direction (weight normalisation)."""
    plain: StateDict = dict(state)
    for length_name, direction_name in _NORMS:
        for key in [each for each in state if each.endswith(f".{direction_name}")]:
            start = key.removesuffix(direction_name)
            length = plain.pop(start + length_name, None)
            direction = plain.pop(key).float()
            if length is None or length.shape[1:].numel() != 1 or direction.dim() < 2:
                continue  # found missing by the caller
            others = tuple(range(1, direction.dim()))
            norm = direction.norm(dim=others, keepdim=True).clamp_min(1e-12)
            plain[start + "weight"] = length.float() * direction / norm
    return plain
