"""kNN-VC's vocoder: the same sound as transformers' HiFi-GAN, and only from its own file."""

import pytest
import torch

from tests.cloning.converters import TINY_VOCODER, WIDTH, make_vocoder
from webui.cloning.conversion.vocoder import Vocoder, VocoderConfig, load_vocoder, plain_weights
from webui.errors import CheckpointError


def features(frames=5):
    return torch.randn(frames, WIDTH, generator=torch.Generator().manual_seed(1))


def test_the_published_sizes_have_the_published_number_of_weights():
    """16,523,393 parameters, which bshall/knn-vc prints when it loads its vocoder."""
    with torch.device("meta"):
        vocoder = Vocoder(VocoderConfig())
    assert sum(each.numel() for each in vocoder.parameters()) == 16_523_393
    assert vocoder.config.hop == 320


def test_it_sounds_like_transformers_hifigan_with_the_same_weights():
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        ours = Vocoder(TINY_VOCODER).eval()
    theirs = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=12, upsample_initial_channel=32, upsample_rates=[10, 8, 2, 2],
            upsample_kernel_sizes=[20, 16, 4, 4], resblock_kernel_sizes=[3, 5],
            resblock_dilation_sizes=[[1, 3], [1, 3]], normalize_before=False,
        )
    ).eval()  # fmt: skip
    state = {
        key.replace("ups.", "upsampler."): each
        for key, each in ours.state_dict().items()
        if not key.startswith("lin_pre")
    }
    theirs.load_state_dict(state, strict=False)
    with torch.inference_mode():
        wanted = theirs(ours.lin_pre(features()))
    torch.testing.assert_close(torch.from_numpy(ours.sound_of(features())), wanted)
    assert len(wanted) == 5 * 320


@pytest.mark.parametrize("names", ["old", "new"])
def test_weights_kept_as_length_and_direction_are_multiplied(names):
    from torch.nn.utils import parametrizations

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        layer = torch.nn.ConvTranspose1d(3, 2, 5)
        normed = parametrizations.weight_norm(torch.nn.ConvTranspose1d(3, 2, 5))
    state = {f"ups.0.{key}": each.detach() for key, each in normed.state_dict().items()}
    if names == "old":
        state = {
            key.replace("parametrizations.weight.original0", "weight_g").replace(
                "parametrizations.weight.original1", "weight_v"
            ): each
            for key, each in state.items()
        }
    layer.load_state_dict(
        {key.removeprefix("ups.0."): each for key, each in plain_weights(state).items()}
    )
    torch.testing.assert_close(layer.weight, normed.weight)


def test_the_published_layout_is_read(tmp_path):
    made = make_vocoder(tmp_path / "prematch.pt")
    loaded = load_vocoder(tmp_path / "prematch.pt", config=TINY_VOCODER)
    torch.testing.assert_close(
        torch.from_numpy(loaded.sound_of(features())), torch.from_numpy(made.sound_of(features()))
    )


def test_a_file_of_another_shape_is_refused(tmp_path):
    make_vocoder(tmp_path / "prematch.pt")
    with pytest.raises(CheckpointError, match="not kNN-VC's vocoder"):
        load_vocoder(tmp_path / "prematch.pt")


@pytest.mark.parametrize("fault", ["missing", "nan", "no direction", "integers"])
def test_a_damaged_file_is_refused_by_name(tmp_path, fault):
    make_vocoder(tmp_path / "prematch.pt")
    state = torch.load(tmp_path / "prematch.pt", weights_only=True)["generator"]
    if fault == "missing":
        del state["ups.1.bias"]
    elif fault == "nan":
        state["ups.1.weight_g"][0] = float("nan")
    elif fault == "no direction":
        del state["ups.1.weight_v"]
    else:
        state["lin_pre.weight"] = state["lin_pre.weight"].long()
    torch.save({"generator": state}, tmp_path / "prematch.pt")
    with pytest.raises(CheckpointError, match=r"prematch\.pt is not kNN-VC's vocoder"):
        load_vocoder(tmp_path / "prematch.pt", config=TINY_VOCODER)


def test_a_file_that_runs_code_is_refused(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"generator": {"lin_pre.weight": Hostile()}}, tmp_path / "prematch.pt")
    with pytest.raises(CheckpointError):
        load_vocoder(tmp_path / "prematch.pt")
