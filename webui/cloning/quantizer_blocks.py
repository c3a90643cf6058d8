"""The layers of a quantizer of version 2: convolutions, which see both sides of every frame.

Ours, after ConvNeXt (https://arxiv.org/abs/2201.03545): each block looks along time in every
channel by itself, then mixes the channels of each frame. Unlike an LSTM it computes all frames at
once.
"""

import torch
from torch import nn
from torch.nn import functional as F

WIDENING = 2  # of the channels inside a block


class ConvolutionBlock(nn.Module):
    """One look along time, then a mix of the channels; added to what came in."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, WIDENING * width)
        self.narrow = nn.Linear(WIDENING * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, is_sound: torch.Tensor | None) -> torch.Tensor:
        """(batch, frames, width) -> the same; `is_sound` is 0 in frames beyond a sound's end."""
        seen = x if is_sound is None else x * is_sound
        seen = self.depthwise(seen.transpose(1, 2)).transpose(1, 2)
        mixed: torch.Tensor = self.narrow(F.gelu(self.widen(self.norm(seen))))
        out: torch.Tensor = x + self.dropout(mixed)
        return out


class ConvolutionTrunk(nn.Module):
    """Features -> what scores are made of: (batch, frames, inputs) -> (batch, frames, width)."""

    def __init__(self, inputs: int, width: int, blocks: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.intake = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(ConvolutionBlock(width, kernel, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, features: torch.Tensor, is_sound: torch.Tensor | None) -> torch.Tensor:
        """Look at every frame and its neighbours."""
        x = self.intake(features)
        for block in self.blocks:
            x = block(x, is_sound)
        out: torch.Tensor = self.norm(x)
        return out
