"""The quantizer: published files of both versions, ours, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.cloning.listeners import WIDTH, quantizer_state, write_published
from webui.cloning.quantizer import Quantizer, QuantizerConfig, load_quantizer
from webui.errors import CheckpointError

INFO_1 = {"input_size": WIDTH, "hidden_size": 12, "output_size": 40, "version": 1}


def features(frames: int = 30) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((frames, WIDTH)).astype(np.float32)


def by_hand(state: dict[str, torch.Tensor], rows: np.ndarray) -> np.ndarray:
    """The published network, written out gate by gate."""
    x = torch.from_numpy(rows)
    for layer in range(2):
        ih, hh = state[f"lstm.weight_ih_l{layer}"], state[f"lstm.weight_hh_l{layer}"]
        bias = state[f"lstm.bias_ih_l{layer}"] + state[f"lstm.bias_hh_l{layer}"]
        h = c = torch.zeros(hh.shape[1])
        out = []
        for row in x:
            i, f, g, o = (ih @ row + hh @ h + bias).chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            out.append(h)
        x = torch.stack(out)
    if "intermediate.weight" in state:
        x = x @ state["intermediate.weight"].T + state["intermediate.bias"]
    return (x @ state["fc.weight"].T + state["fc.bias"]).argmax(-1).numpy()


@pytest.mark.parametrize("between", [None, 20])
def test_a_published_file_gives_the_tokens_of_the_network_written_out(
    tmp_path: Path, between: int | None
) -> None:
    state = quantizer_state(between=between)
    info = {**INFO_1, "version": 0 if between is None else 1}
    loaded = load_quantizer(write_published(tmp_path / "q.pth", state, info))
    assert loaded.config.version == info["version"]
    assert np.array_equal(loaded.tokens_of(features()), by_hand(state, features()))


def test_a_published_file_without_info_is_version_0(tmp_path: Path) -> None:
    loaded = load_quantizer(write_published(tmp_path / "q.pth", quantizer_state()))
    assert loaded.config.version == 0
    assert not any(each.requires_grad for each in loaded.parameters())


def test_our_own_file_gives_the_same_tokens_as_the_published_one(tmp_path: Path) -> None:
    state = quantizer_state(between=20)
    save_file(state, tmp_path / "q.safetensors", metadata={"version": "1", "family": "tiny"})
    ours = load_quantizer(tmp_path / "q.safetensors")
    theirs = load_quantizer(write_published(tmp_path / "q.pth", state, INFO_1))
    assert np.array_equal(ours.tokens_of(features()), theirs.tokens_of(features()))
    assert ours.nbytes == 4 * sum(each.numel() for each in state.values())


def test_a_version_that_is_not_that_of_its_layers_is_refused(tmp_path: Path) -> None:
    path = write_published(tmp_path / "q.pth", quantizer_state(), INFO_1)
    with pytest.raises(CheckpointError, match="calls itself version 1"):
        load_quantizer(path)


def test_other_weights_are_no_quantizer(tmp_path: Path) -> None:
    state = quantizer_state()
    for broken in (
        {"weight": torch.ones(3)},
        {key: each for key, each in state.items() if key != "lstm.weight_hh_l1"},
        {**state, "fc.weight": torch.ones(40, 5)},
    ):
        path = write_published(tmp_path / "q.pth", broken)
        with pytest.raises(CheckpointError, match="is not a quantizer"):
            load_quantizer(path)


def test_values_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    state = quantizer_state()
    state["fc.bias"][3] = float("nan")
    with pytest.raises(CheckpointError, match="not numbers"):
        load_quantizer(write_published(tmp_path / "q.pth", state))


def test_a_file_that_carries_a_program_is_refused_and_nothing_of_it_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (marker,)

    torch.save({"lstm": Trap()}, tmp_path / "q.pth")
    with pytest.raises(CheckpointError, match="damaged"):
        load_quantizer(tmp_path / "q.pth")
    assert not marker.exists()


def test_a_missing_file_and_features_of_another_encoder_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="Download it"):
        load_quantizer(tmp_path / "none.pth")
    loaded = load_quantizer(write_published(tmp_path / "q.pth", quantizer_state()))
    with pytest.raises(CheckpointError, match="trained with this encoder"):
        loaded.tokens_of(np.zeros((4, WIDTH + 1), np.float32))


def test_the_shapes_of_the_published_versions_are_the_defaults() -> None:
    with torch.device("meta"):
        first, second = Quantizer(QuantizerConfig()), Quantizer(QuantizerConfig(between=4_096))
    assert tuple(first.lstm.weight_ih_l0.shape) == (4_096, 768)
    assert tuple(first.fc.weight.shape) == (10_000, 1_024)
    assert tuple(second.intermediate.weight.shape) == (4_096, 1_024)
    assert tuple(second.fc.weight.shape) == (10_000, 4_096)


def convolutions(hidden: int = 12, blocks: int = 2, kernel: int = 5) -> Quantizer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        config = QuantizerConfig(WIDTH, hidden, 40, blocks=blocks, kernel=kernel)
        return Quantizer(config).eval()


def test_a_quantizer_of_version_2_is_read_with_its_sizes_and_its_shift(tmp_path: Path) -> None:
    model = convolutions()
    notes = {"version": "2", "shift": "-1"}
    save_file(model.state_dict(), tmp_path / "q.safetensors", metadata=notes)
    loaded = load_quantizer(tmp_path / "q.safetensors")
    assert (loaded.config, loaded.shift) == (model.config, -1)
    unshifted = model.tokens_of(features())
    assert loaded.tokens_of(features())[1:].tolist() == unshifted[:-1].tolist()
    assert loaded.tokens_of(features())[0] == unshifted[0]


def test_a_shift_that_there_is_not_is_refused(tmp_path: Path) -> None:
    for shift in ("2", "later"):
        save_file(quantizer_state(), tmp_path / "q.safetensors", metadata={"shift": shift})
        with pytest.raises(CheckpointError, match="names a shift of"):
            load_quantizer(tmp_path / "q.safetensors")


def test_version_2_hears_a_sound_alike_alone_and_filled_up_beside_a_longer_one() -> None:
    model = convolutions()
    short, long = torch.randn(1, 9, WIDTH), torch.randn(1, 20, WIDTH)
    both = torch.cat([torch.nn.functional.pad(short, (0, 0, 0, 11), value=5.0), long])
    is_sound = torch.ones(2, 20, 1)
    is_sound[0, 9:] = 0.0
    with torch.inference_mode():
        assert torch.allclose(model(both, is_sound)[0, :9], model(short)[0], atol=1e-5)


def test_version_2_sees_both_sides_of_a_frame_and_version_0_only_what_came_before() -> None:
    rows = torch.randn(1, 20, WIDTH)
    changed = rows.clone()
    changed[0, 12:] += 3.0
    older = Quantizer(QuantizerConfig(WIDTH, 12, 40)).eval()
    with torch.inference_mode():
        assert not torch.allclose(convolutions()(rows)[0, 11], convolutions()(changed)[0, 11])
        assert torch.allclose(older(rows)[0, 11], older(changed)[0, 11])


def test_sizes_beyond_reason_are_no_quantizer(tmp_path: Path) -> None:
    for model in (convolutions(kernel=65), convolutions(blocks=33)):
        save_file(model.state_dict(), tmp_path / "q.safetensors")
        with pytest.raises(CheckpointError, match="is not a quantizer"):
            load_quantizer(tmp_path / "q.safetensors")
