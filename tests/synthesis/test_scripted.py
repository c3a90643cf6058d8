"""What TorchScript runs is what Python would have run, bit for bit, with every kernel."""

import pytest
import torch

from webui.family import NetworkConfig
from webui.synthesis import dense
from webui.synthesis.scripted import Steps
from webui.synthesis.transformer import CausalTransformer

CONFIG = NetworkConfig(layers=3, heads=4, width=32, positions=24, inputs=40, outputs=40, bias=True)
HAS_FBGEMM = "fbgemm" in torch.backends.quantized.supported_engines


def weights(biased: bool) -> dict[str, torch.Tensor]:
    dice = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=dice) * 0.3

    made = {
        "input_embeds_layer.weight": random(40, 32),
        "position_embeds_layer.weight": random(24, 32),
        "layernorm_final.weight": 1 + random(32),
        "lm_head.weight": random(40, 32),
    }
    shapes = {"att_proj": (96, 32), "out_proj": (32, 32), "in_proj": (128, 32)}
    for layer in range(CONFIG.layers):
        for name, shape in (
            *((f"attn.{each}", shapes[each]) for each in ("att_proj", "out_proj")),
            ("mlp.in_proj", shapes["in_proj"]),
            ("mlp.out_proj", (32, 128)),
        ):
            made[f"layers.{layer}.{name}.weight"] = random(*shape)
            if biased:
                made[f"layers.{layer}.{name}.bias"] = random(shape[0])
        for norm in ("layernorm_1", "layernorm_2"):
            made[f"layers.{layer}.{norm}.weight"] = 1 + random(32)
            if biased:
                made[f"layers.{layer}.{norm}.bias"] = random(32)
    return made


def said(model: CausalTransformer, rows: int) -> list[torch.Tensor]:
    """The logits after a prompt of five positions, and after each of eight more."""
    dice = torch.Generator().manual_seed(1)
    cache = model.new_cache(rows)
    found = [model(model.embed(torch.randint(40, (rows, 5), generator=dice)), cache)]
    for _ in range(8):
        found.append(model(model.embed(torch.randint(40, (rows, 1), generator=dice)), cache))
    return found


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(
    ("precision", "kernel"),
    [
        ("fp32", "plain"),
        ("bf16", "plain"),
        ("bf16", "widened"),
        pytest.param("bf16", "fbgemm", marks=pytest.mark.skipif(not HAS_FBGEMM, reason="FBGEMM")),
        ("int8", "int8"),
    ],
)
def test_the_scripted_steps_give_the_logits_of_the_plain_ones(
    rows: int, biased: bool, precision: str, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "kernel_of", lambda precision, device: kernel)
    model = CausalTransformer(CONFIG, weights(biased), [range(40)], precision)
    assert isinstance(model._steps, torch.jit.ScriptModule)
    scripted = said(model, rows)
    monkeypatch.setattr(model, "_steps", Steps([block.as_step() for block in model.blocks]))
    for found, expected in zip(scripted, said(model, rows), strict=True):
        assert torch.equal(found, expected)
    assert not torch.equal(scripted[0], scripted[-1])


def test_a_step_sees_what_was_read_before_it() -> None:
    model = CausalTransformer(CONFIG, weights(False), [range(40)])
    tokens = torch.randint(40, (1, 9), generator=torch.Generator().manual_seed(2))
    at_once = model(model.embed(tokens), model.new_cache(1))
    cache = model.new_cache(1)
    for place in range(9):
        last = model(model.embed(tokens[:, place : place + 1]), cache)
    torch.testing.assert_close(last, at_once)
