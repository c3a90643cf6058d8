"""A codec with more channels computes what it did before, and its copies can learn to differ."""

import pytest
import torch
from transformers import EncodecModel

from recipes.mini import checkpoints, codec
from recipes.mini import widen as widening


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A folder with an untrained codec of fewer channels and shorter filters, and the codec."""
    config = codec.codec_config()
    config.num_filters, config.kernel_size, config.last_kernel_size = 16, 7, 7
    with monkeypatch.context() as patched:
        patched.setattr(codec, "codec_config", lambda: config)
        torch.manual_seed(1)
        parts = codec.new_parts().eval()
    for layer in parts.modules():
        if isinstance(layer, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
            torch.nn.init.normal_(layer.bias, std=0.1)
    state = parts.state_dict()
    (tmp_path / "old").mkdir()
    for name, is_decoder in (("codec_encoder.pt", False), ("codec_decoder.pt", True)):
        kept = {k: v for k, v in state.items() if k.startswith("decoder") == is_decoder}
        checkpoints.save(
            tmp_path / "old" / name, {"parts": kept, "step": 3, "seconds": 2.0, "optimizer": {}}
        )
    return tmp_path / "old", parts


def test_it_computes_the_same(small, tmp_path):
    old, before = small
    widening.widen(old, tmp_path)
    after = codec.load_parts(tmp_path).eval()
    sound = torch.randn(2, 1, 6_400) * 0.1
    with torch.no_grad():
        z = before["encoder"](sound)
        torch.testing.assert_close(after["encoder"](sound), z, atol=1e-4, rtol=1e-4)
        made = before["decoder"](z)
        torch.testing.assert_close(after["decoder"](z), made, atol=1e-4, rtol=1e-4)
    codes = before["quantizer"].encode(z)
    assert torch.equal(after["quantizer"].encode(z), codes)


def test_it_is_larger_and_begins_its_optimizers_anew(small, tmp_path):
    old, before = small
    widening.widen(old, tmp_path)
    state = checkpoints.load(tmp_path / "codec_decoder.pt")
    assert {key: state[key] for key in ("step", "seconds")} == {"step": 3, "seconds": 2.0}
    assert "optimizer" not in state
    sizes = [
        sum(each.numel() for each in parts["decoder"].parameters())
        for parts in (before, codec.load_parts(tmp_path))
    ]
    assert sizes[1] > 2 * sizes[0]
    EncodecModel(codec.codec_config()).decoder.load_state_dict(
        {k.removeprefix("decoder."): v for k, v in state["parts"].items()}
    )


def test_copies_share_a_weight_unevenly():
    torch.manual_seed(0)
    weight = torch.randn(5, 4)
    wide = widening.more_inputs(weight, 1, 6)
    models = widening.copied_from(4, 6)[4:]
    torch.testing.assert_close(wide[:, models] + wide[:, 4:], weight[:, models])
    assert (wide[:, models] - wide[:, 4:]).abs().min() > 1e-4


@pytest.mark.parametrize("after", [3, 9])
def test_fewer_or_too_many_channels_are_refused(after):
    with pytest.raises(SystemExit, match="at most twice as many"):
        widening.copied_from(4, after)


def test_a_missing_half_is_told(tmp_path):
    with pytest.raises(SystemExit, match="encoder and its decoder first"):
        widening.widen(tmp_path, tmp_path)
