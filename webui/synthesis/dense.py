"""Matrix times vector, as fast as this machine can: the layer that decoding spends its time in.

One token at a time reads every weight once, so the speed is that of memory: half-size weights are
twice as fast, bytes four times. `bf16` multiplies vectors with `mv`, because `linear` is slower for
one row on processors without bf16 units; `int8` is torch's dynamically quantised linear, with one
scale per output.
"""

import warnings

import torch
from torch import nn
from torch.nn import functional as F

PRECISIONS = ("fp32", "bf16", "fp16", "int8")
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Dense(nn.Module):
    """A linear layer in one of `PRECISIONS`; takes and gives the caller's dtype."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, precision: str) -> None:
        """Take the weights.

        Args:
            weight: (outputs, inputs).
            bias: (outputs,) or None.
            precision: one of `PRECISIONS`; int8 only on the CPU.
        """
        super().__init__()
        self.precision = precision
        self.outputs, self.inputs = weight.shape
        self._packed: object | None = None
        self.register_buffer("weight", None)
        self.register_buffer("bias", None)
        self.weight: torch.Tensor | None
        self.bias: torch.Tensor | None
        if precision == "int8":
            self._packed = _pack(weight, bias)
        else:
            self.weight = weight.to(_DTYPES[precision]).contiguous()
            self.bias = None if bias is None else bias.to(_DTYPES[precision])

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        if self.weight is None:
            return self.outputs * (self.inputs + 12)  # bytes, and per row a scale, zero and bias
        return self.weight.nbytes + (0 if self.bias is None else self.bias.nbytes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., inputs) -> (..., outputs)."""
        if self.weight is None:
            packed: torch.Tensor = torch.ops.quantized.linear_dynamic(
                x.reshape(-1, self.inputs).float(), self._packed, True
            )
            return packed.view(*x.shape[:-1], self.outputs).to(x.dtype)
        if self.precision == "fp32":
            return F.linear(x, self.weight, self.bias)
        narrow = x.to(self.weight.dtype)
        if x.device.type == "cpu" and x.numel() == self.inputs:
            row = torch.mv(self.weight, narrow.view(self.inputs))
            if self.bias is not None:
                row = row + self.bias
            return row.view(*x.shape[:-1], self.outputs).to(x.dtype)
        return F.linear(narrow, self.weight, self.bias).to(x.dtype)


def _pack(weight: torch.Tensor, bias: torch.Tensor | None) -> object:
    """Quantise a matrix to bytes with one scale per row, packed for the processor."""
    weight = weight.float().contiguous()
    scales = (weight.abs().amax(1) / 127).clamp(min=1e-12).double()
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch points to a package that does the same
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
    packed: object = torch.ops.quantized.linear_prepack(
        quantised, None if bias is None else bias.float()
    )
    return packed
