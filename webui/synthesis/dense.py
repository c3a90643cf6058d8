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

import torch
from torch import nn

from webui.synthesis.scripted import (
    BytesProduct,
    HalvesProduct,
    PlainProduct,
    WidenedProduct,
)

PRECISIONS = ("fp32", "bf16", "fp16", "int8")
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Dense:
    """A linear layer in one of `PRECISIONS`; takes and gives float32 on the CPU.

    On other devices it takes and gives any dtype. `product` is what multiplies.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, precision: str) -> None:
        """Take the weights.

        Args:
            weight: (outputs, inputs).
            bias: (outputs,) or None.
            precision: one of `PRECISIONS`; int8 only on the CPU.
        """
        outputs, inputs = weight.shape
        self.kernel = kernel_of(precision, weight.device.type)
        self.product: nn.Module
        if self.kernel == "int8":
            self.nbytes = outputs * (inputs + 12)  # and a scale, a zero and a bias for each row
            self.product = BytesProduct(_packed_bytes(weight, bias))
        elif self.kernel == "fbgemm":
            self.nbytes = outputs * (2 * inputs + 4)
            self.product = HalvesProduct(_packed_halves(weight, bias))
        else:
            weight = weight.to(_DTYPES[precision]).contiguous()
            bias = None if bias is None else bias.to(weight.dtype)
            self.nbytes = weight.nbytes + (0 if bias is None else bias.nbytes)
            widened = self.kernel == "widened"
            self.product = (WidenedProduct if widened else PlainProduct)(weight, bias)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """`x` (..., rows, inputs) -> (..., rows, outputs)."""
        found: torch.Tensor = self.product(x)
        return found


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


def _packed_bytes(weight: torch.Tensor, bias: torch.Tensor | None) -> torch.ScriptObject:
    """A matrix in bytes, one scale per row, packed for the processor."""
    weight = weight.float().contiguous()
    scales = (weight.abs().amax(1) / _largest_byte()).clamp(min=1e-12).double()
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch points to a package that does the same
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
    packed: torch.ScriptObject = torch.ops.quantized.linear_prepack(
        quantised, None if bias is None else bias.float()
    )
    return packed


def _packed_halves(weight: torch.Tensor, bias: torch.Tensor | None) -> torch.ScriptObject:
    """A matrix in IEEE halves, packed for the processor; they saturate at 65,504."""
    packed: torch.ScriptObject = torch.ops.quantized.linear_prepack_fp16(
        weight.float().contiguous(), None if bias is None else bias.float()
    )
    return packed
