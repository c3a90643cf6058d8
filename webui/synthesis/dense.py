"""Matrix times vector, as fast as this machine can: the layer that decoding spends its time in.

One token at a time reads every weight once, so the speed is that of memory: half-size weights are
twice as fast, bytes four times. On processors, torch's own products of 16-bit matrices are slow
unless the processor has units for them, so there the weights are packed for FBGEMM, which widens
them on the way and multiplies in float32; it packs IEEE halves, so `bf16` is held as these (three
more bits of each weight are kept). `int8` is torch's dynamically quantised linear, with one scale
per output; what comes in is rounded to bytes with one scale per call.
"""

import functools
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

PRECISIONS = ("fp32", "bf16", "fp16", "int8")
_MULTIPLY_BYTES = torch.ops.quantized.linear_dynamic.default
_MULTIPLY_HALVES = torch.ops.quantized.linear_dynamic_fp16.default
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
        self.outputs, self.inputs = weight.shape
        self.kernel = kernel_of(precision, weight.device.type)
        self._packed: object | None = None
        self.register_buffer("weight", None)
        self.register_buffer("bias", None)
        self.weight: torch.Tensor | None
        self.bias: torch.Tensor | None
        if self.kernel == "int8":
            self._packed = _pack_bytes(weight, bias)
        elif self.kernel == "fbgemm":
            self._packed = _pack_halves(weight, bias)
        else:
            self.weight = weight.to(_DTYPES[precision]).contiguous()
            self.bias = None if bias is None else bias.to(_DTYPES[precision])

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        if self.kernel == "int8":
            return self.outputs * (self.inputs + 12)  # bytes, and per row a scale, zero and bias
        if self.weight is None:
            return self.outputs * (2 * self.inputs + 4)
        return self.weight.nbytes + (0 if self.bias is None else self.bias.nbytes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., rows, inputs) -> (..., rows, outputs)."""
        if self.weight is None:
            return self._packed_product(x)
        if self.weight.dtype == x.dtype:
            return F.linear(x, self.weight, self.bias)
        if self.kernel == "plain":
            return F.linear(x.to(self.weight.dtype), self.weight, self.bias).to(x.dtype)
        return self._widened_product(x, self.weight)

    __call__ = forward  # nobody hooks into it, and a module's own way there costs decoding 2 %

    def _packed_product(self, x: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor
        if self.kernel == "int8":
            product = _MULTIPLY_BYTES(x.float(), self._packed, False)
        else:
            product = _MULTIPLY_HALVES(x.float(), self._packed)
        return product if x.dtype == torch.float32 else product.to(x.dtype)

    def _widened_product(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Multiply on a processor that has neither 16-bit units nor FBGEMM.

        One row goes through `mv`, which widens as it reads; for several rows the whole matrix is
        widened first, because their product in 16 bits is eight times slower than in float32.
        """
        bias = None if self.bias is None else self.bias.to(x.dtype)
        if x.numel() > self.inputs:
            return F.linear(x, weight.to(x.dtype), bias)
        row = torch.mv(weight, x.to(weight.dtype).view(self.inputs)).to(x.dtype)
        row = row if bias is None else row + bias
        return row.view(*x.shape[:-1], self.outputs)


def kernel_of(precision: str, device: str) -> str:
    """Say how a precision is multiplied on a kind of device.

    Returns:
        int8: bytes; fbgemm: packed IEEE halves; widened: 16 bits, multiplied in float32;
        plain: torch's own linear in the dtype of the precision.
    """
    if precision == "int8":
        return "int8"
    if precision == "fp32" or device != "cpu" or (precision == "bf16" and _has_bf16_units()):
        return "plain"
    return "fbgemm" if "fbgemm" in torch.backends.quantized.supported_engines else "widened"


@functools.cache
def _has_bf16_units() -> bool:
    """Whether the processor multiplies bfloat16 by itself."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@functools.cache
def _largest_byte() -> int:
    """The largest weight in bytes.

    Without VNNI units a processor adds two products in 16 bits, which must hold 2 * 255 * weight.
    Seven bits for the weights and eight for what comes in lose less than torch's usual choice, the
    other way round, for that has one scale in all and not one per output.
    """
    return 127 if torch.cpu._is_vnni_supported() else 64


def _pack_bytes(weight: torch.Tensor, bias: torch.Tensor | None) -> object:
    """Quantise a matrix to bytes with one scale per row, packed for the processor."""
    weight = weight.float().contiguous()
    scales = (weight.abs().amax(1) / _largest_byte()).clamp(min=1e-12).double()
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch points to a package that does the same
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
    packed: Any = torch.ops.quantized.linear_prepack(
        quantised, None if bias is None else bias.float()
    )
    return packed


def _pack_halves(weight: torch.Tensor, bias: torch.Tensor | None) -> object:
    """Round a matrix to IEEE halves, packed for the processor; beyond 65,504 they saturate."""
    packed: Any = torch.ops.quantized.linear_prepack_fp16(
        weight.float().contiguous(), None if bias is None else bias.float()
    )
    return packed
