"""Tokens are drawn in proportion to their chances, within what the controls leave over."""

import subprocess
import sys

import pytest
import torch

from webui.errors import SettingsError
from webui.synthesis.controls import (
    SpeechControls,
    StageControls,
    controls_from_json,
)
from webui.synthesis.sampling import draw, generators_of, probabilities

LOGITS = torch.tensor([[2.0, 1.0, 0.5, -1.0, -3.0]])


def test_temperature_is_that_of_the_softmax() -> None:
    expected = (LOGITS / 0.7).softmax(-1)
    torch.testing.assert_close(probabilities(LOGITS, StageControls(0.7)), expected)


def test_no_temperature_takes_the_likeliest() -> None:
    assert probabilities(LOGITS, StageControls(0.0)).tolist() == [[1, 0, 0, 0, 0]]


def test_top_k_keeps_the_k_likeliest() -> None:
    chances = probabilities(LOGITS, StageControls(1.0, top_k=2))[0]
    assert (chances > 0).tolist() == [True, True, False, False, False]
    assert chances.sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize(("top_p", "kept"), [(0.01, 1), (0.7, 2), (0.9, 3), (1.0, 5)])
def test_top_p_keeps_the_fewest_that_reach_it(top_p: float, kept: int) -> None:
    chances = probabilities(LOGITS, StageControls(1.0, top_p=top_p))[0]
    plain = LOGITS.softmax(-1)[0]
    assert int((chances > 0).sum()) == kept
    assert plain[:kept].sum() >= top_p - 1e-6
    assert kept == 1 or plain[: kept - 1].sum() < top_p


def test_draws_come_in_proportion() -> None:
    chances = torch.tensor([0.5, 0.3, 0.2]).expand(1, 20_000, 3)
    counts = torch.bincount(draw(chances, generators_of([1]))[0], minlength=3) / 20_000
    torch.testing.assert_close(counts, torch.tensor([0.5, 0.3, 0.2]), atol=0.015, rtol=0)


def test_a_token_without_chance_is_never_drawn() -> None:
    chances = torch.tensor([0.0, 1.0, 0.0]).expand(1, 5_000, 3)
    assert set(draw(chances, generators_of([1]))[0].tolist()) == {1}


def test_a_row_is_drawn_alike_alone_and_among_others() -> None:
    chances = torch.rand(3, 50, generator=torch.Generator().manual_seed(0))
    together = draw(chances, generators_of([7, 8, 9]))
    alone = [draw(chances[i : i + 1], generators_of([7 + i]))[0] for i in range(3)]
    assert together.tolist() == [int(token) for token in alone]


def test_the_global_seed_is_neither_read_nor_moved() -> None:
    chances = torch.rand(1, 50, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw(chances, generators_of([3]))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(draw(chances, generators_of([3])), first)


def test_a_new_process_draws_the_same() -> None:
    code = (
        "import torch; from webui.synthesis.sampling import draw, generators_of; "
        "c = torch.arange(1, 41.0).expand(1, 9, 40); print(draw(c, generators_of([5]))[0].tolist())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = draw(torch.arange(1, 41.0).expand(1, 9, 40), generators_of([5]))[0].tolist()
    assert told.stdout.strip() == str(here)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"semantic": {"temperature": -1.0}}, "text temperature"),
        ({"coarse": {"temperature": float("nan")}}, "coarse temperature"),
        ({"fine": {"top_p": 0.0}}, "fine top-p"),
        ({"fine": {"top_k": 1.5}}, "fine top_k"),
        ({"fine": {"heat": 1}}, "temperature, top_k and top_p"),
        ({"fine": 3}, "temperature, top_k and top_p"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"min_eos_p": 0.0}, "end-of-speech threshold"),
        ({"takes": 99}, "takes"),
        ({"pause_seconds": [1]}, "pause_seconds"),
        ({"loudness": 3}, "loudness"),
    ],
)
def test_controls_outside_their_range_are_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        controls_from_json(changes)


def test_controls_survive_the_way_through_json() -> None:
    controls = SpeechControls(StageControls(0.9, 50, 0.95), seed=7, pause_seconds=0.5)
    assert controls_from_json(controls.to_json()) == controls
    changed = controls_from_json({"seed": 8}, controls)
    assert (changed.seed, changed.pause_seconds) == (8, 0.5)
