"""The operations of one new token, as TorchScript runs them: without Python in between.

At one row a token of a small Bark is some 170 operations of a few microseconds each. Calling them
from Python takes as long again, and a product with packed weights ten times as long (25 µs for 2 µs
of work). TorchScript calls the very same operations in the same order, so the numbers are the same
bit for bit. What is in this file is restricted to what it can read, and is nothing but arithmetic.
"""

import warnings

import torch
from torch import nn
from torch.nn import functional as F


class BytesProduct(nn.Module):
    """Times a matrix of bytes, packed by `quantized.linear_prepack`."""

    def __init__(self, packed: torch.ScriptObject) -> None:
        super().__init__()
        self.packed = packed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., rows, inputs) -> (..., rows, outputs), in float32."""
        product: torch.Tensor = torch.ops.quantized.linear_dynamic(x, self.packed, False)
        return product


class HalvesProduct(nn.Module):
    """Times a matrix of IEEE halves, packed by `quantized.linear_prepack_fp16`."""

    def __init__(self, packed: torch.ScriptObject) -> None:
        super().__init__()
        self.packed = packed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., rows, inputs) -> (..., rows, outputs), in float32."""
        product: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(x, self.packed)
        return product


class PlainProduct(nn.Module):
    """Times a matrix in its own dtype; gives the dtype of what comes in."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., rows, inputs) -> (..., rows, outputs)."""
        return F.linear(x.to(self.weight.dtype), self.weight, self.bias).to(x.dtype)


class WidenedProduct(nn.Module):
    """Times a matrix of 16 bits in float32, where there are neither their units nor FBGEMM.

    One row goes through `mv`, which widens as it reads; for several rows the whole matrix is
    widened first, because their product in 16 bits is eight times slower than in float32.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.weight, self.bias = weight, None if bias is None else bias.float()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., rows, inputs) -> (..., rows, outputs)."""
        bias = self.bias
        outputs, inputs = self.weight.size(0), self.weight.size(1)
        if x.numel() > inputs:
            return F.linear(x, self.weight.to(x.dtype), bias)
        row = torch.mv(self.weight, x.to(self.weight.dtype).view(inputs)).to(x.dtype)
        if bias is not None:
            row = row + bias
        return row.view(x.shape[:-1] + (outputs,))


class BlockStep(nn.Module):
    """One block for one new position: attention and a two-layer perceptron behind their norms."""

    def __init__(
        self,
        heads: int,
        norms: tuple[tuple[torch.Tensor, torch.Tensor | None], ...],
        products: tuple[nn.Module, ...],
    ) -> None:
        """Take the parts.

        Args:
            heads: of the attention.
            norms: weight and bias of the two LayerNorms.
            products: to query, key and value; out of the attention; into and out of the perceptron.
        """
        super().__init__()
        self.heads = heads
        (self.weight_1, self.bias_1), (self.weight_2, self.bias_2) = norms
        self.width = [len(self.weight_1)]
        self.att_proj, self.att_out, self.mlp_in, self.mlp_out = products

    def forward(self, x: torch.Tensor, memory: torch.Tensor, length: int) -> torch.Tensor:
        """Compute `x` (batch, 1, width), and put its key and value into the block's memory.

        `memory` is (2, batch, heads, positions, head width); `length` positions of it are filled.
        """
        merged = self.att_proj(torch.layer_norm(x, self.width, self.weight_1, self.bias_1))
        merged = merged.view([x.size(0), 3, self.heads, 1, -1]).transpose(0, 1)
        seen = memory[:, :, :, : length + 1]
        seen[:, :, :, length:].copy_(merged[1:])
        mixed = F.scaled_dot_product_attention(merged[0], seen[0], seen[1])
        x = x + self.att_out(mixed.reshape(x.shape))
        between = self.mlp_in(torch.layer_norm(x, self.width, self.weight_2, self.bias_2))
        stepped: torch.Tensor = x + self.mlp_out(F.gelu(between))
        return stepped


class Steps(nn.Module):
    """All blocks, one after the other."""

    def __init__(self, blocks: list[BlockStep]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: torch.Tensor, memory: torch.Tensor, length: int) -> torch.Tensor:
        """`x` (batch, 1, width) -> the same shape; `memory` is that of all blocks."""
        for index, block in enumerate(self.blocks):
            x = block(x, memory[index], length)
        return x


def scripted(steps: Steps) -> torch.jit.ScriptModule:
    """Compile for TorchScript; called as `steps` is."""
    with warnings.catch_warnings():
        # Deprecated in favour of compilers, which a user's machine need not have.
        warnings.simplefilter("ignore", DeprecationWarning)
        compiled: torch.jit.ScriptModule = torch.jit.script(steps.eval())
    return compiled
