"""A linear layer gives nearly the same in every precision, by every kernel, for any rows."""

import pytest
import torch
from torch.nn import functional as F

from webui.synthesis import dense
from webui.synthesis.dense import Dense, kernel_of

HAS_FBGEMM = "fbgemm" in torch.backends.quantized.supported_engines
PACKS_HALVES = kernel_of("bf16", "cpu") == "fbgemm"  # a processor with units for bf16 needs not
CLOSE = {"fp32": 1e-5, "fp16": 2e-3, "bf16": 1.5e-2, "int8": 3e-2}  # of the largest output


def layer(bias: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
    dice = torch.Generator().manual_seed(0)
    weight = torch.randn(48, 64, generator=dice)
    return weight, torch.randn(48, generator=dice) if bias else None


@pytest.mark.parametrize("precision", dense.PRECISIONS)
@pytest.mark.parametrize("shape", [(1, 64), (1, 1, 64), (2, 5, 64)])
@pytest.mark.parametrize("bias", [False, True])
def test_every_precision_gives_nearly_the_product(
    precision: str, shape: tuple[int, ...], bias: bool
) -> None:
    weight, offset = layer(bias)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = F.linear(x, weight, offset)
    found = Dense(weight, offset, precision)(x)
    assert found.dtype == x.dtype
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= CLOSE[precision] * expected.abs().max()


@pytest.mark.parametrize("kernel", ["plain", "widened"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_processor_without_the_fast_kernel_gives_the_same(
    kernel: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "kernel_of", lambda precision, device: kernel)
    weight, offset = layer(bias=True)
    x = torch.randn(rows, 64, generator=torch.Generator().manual_seed(1))
    expected = F.linear(x, weight, offset)
    made = Dense(weight, offset, "bf16")
    assert made.kernel == kernel
    assert made(x).dtype == torch.float32
    assert (made(x) - expected).abs().max() <= CLOSE["bf16"] * expected.abs().max()


@pytest.mark.parametrize(
    ("precision", "device", "has_units", "kernel"),
    [
        ("fp32", "cpu", False, "plain"),
        ("int8", "cpu", False, "int8"),
        ("bf16", "cuda", False, "plain"),
        ("fp16", "cuda", False, "plain"),
        ("bf16", "cpu", True, "plain"),
        ("bf16", "cpu", False, "fbgemm" if HAS_FBGEMM else "widened"),
        ("fp16", "cpu", True, "fbgemm" if HAS_FBGEMM else "widened"),
    ],
)
def test_the_kernel_is_what_the_device_is_fast_at(
    precision: str, device: str, has_units: bool, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "_has_bf16_units", lambda: has_units)
    assert kernel_of(precision, device) == kernel


def test_small_precisions_take_less_memory() -> None:
    weight, offset = layer(bias=True)
    sizes = [Dense(weight, offset, each).nbytes for each in ("fp32", "bf16", "int8")]
    assert sizes == [4 * 48 * 65, 2 * 48 * 64 + (4 if PACKS_HALVES else 2) * 48, 48 * (64 + 12)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_bytes_do_not_overflow_where_everything_is_largest(sign: float) -> None:
    x = torch.full((2, 64), 3.0)
    x[:, 0] = 0.0  # so that the others become the largest byte
    made = Dense(torch.full((4, 64), sign), None, "int8")(x)
    torch.testing.assert_close(made, torch.full((2, 4), sign * 63 * 3.0), rtol=0.01, atol=0.0)


@pytest.mark.skipif(not HAS_FBGEMM, reason="halves are packed by FBGEMM only")
def test_a_weight_beyond_halves_stays_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "kernel_of", lambda precision, device: "fbgemm")
    made = Dense(torch.full((1, 4), 1e6), None, "bf16")(torch.ones(1, 4))
    assert made.item() == pytest.approx(4 * 65_504)
