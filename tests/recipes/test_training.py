"""A training stops when its time is up, keeps what it has learnt, and says how it goes."""

import pytest
import torch

from recipes.mini import coarse, training
from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOK_SIZE
from recipes.mini.devices import half_where_fast
from recipes.mini.training import Means, moments_of, set_rate


class Clock:
    """Time that passes only when something is done."""

    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The clock that the training looks at."""
    found = Clock()
    monkeypatch.setattr(training, "time", found)
    return found


def test_steps_are_made_until_the_time_is_up_and_all_is_saved(clock, capsys):
    saved, reports = [], []
    course = moments_of(
        10.0,
        95,
        lambda: "loss 1",
        lambda *each: saved.append(each),
        lambda: f"well {len(reports) or reports.append(1)}",
    )
    found = []
    for moment in course:
        found.append(moment)
        clock.now += 50.0
    assert [moment.step for moment in found] == list(range(95, 107))
    assert [moment.part for moment in found] == pytest.approx([n / 12 for n in range(12)])
    assert saved == [(98, 150.0), (101, 300.0), (104, 450.0), (107, 600.0), (107, 600.0)]
    said = capsys.readouterr().out.splitlines()
    assert "step 100 200 s loss 1" in said
    assert sum(line.startswith("kept out, at step") for line in said) == 5
    assert said[-1].startswith("kept out, at step 107")


def test_nobody_needs_to_save_or_to_report(clock):
    for _ in moments_of(1.0, 0, lambda: ""):
        clock.now += 60.0
    assert clock.now == 60.0


def test_means_begin_anew_when_they_were_told():
    means = Means()
    means.add({"loss": torch.tensor([1.0, 2.0]), "right": torch.tensor(0.5)})
    means.add({"loss": torch.tensor([3.0, 4.0]), "right": torch.tensor(0.0)})
    assert means.told() == "loss 2.0000 3.0000 right 0.2500"
    means.add({"loss": torch.tensor([7.0, 8.0])})
    assert means.told() == "loss 7.0000 8.0000"
    assert means.told() == ""


def test_the_rate_of_learning_warms_up_and_falls():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)

    def rate(steps, part):
        set_rate(optimizer, 2.0, steps, part, 0.1)
        return optimizer.param_groups[0]["lr"]

    assert rate(0, 0.0) == pytest.approx(2.0 / 50)
    assert rate(100, 0.0) == pytest.approx(2.0)
    assert rate(100, 0.5) == pytest.approx(1.1)
    assert rate(100, 1.0) == pytest.approx(0.2)


@pytest.mark.parametrize("fast", [True, False])
def test_products_are_in_half_precision_where_the_processor_has_instructions_for_them(
    fast, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": fast})
    square = torch.eye(4)
    with half_where_fast():
        assert (square @ square).dtype == (torch.bfloat16 if fast else torch.float32)
    assert (square @ square).dtype == torch.float32


def test_losses_are_whole_and_nearly_the_same_in_half_precision(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = coarse.network()
        positions = coarse.COARSE_POSITIONS
        semantic = torch.randint(L.SEMANTIC_VOCABULARY, (2, L.COARSE_SEMANTIC_WINDOW))
        codes = torch.randint(CODEBOOK_SIZE, (2, positions)) + L.COARSE_OFFSET
        codes[:, 1::2] += CODEBOOK_SIZE
        places = torch.zeros(2, positions, dtype=torch.long)
    batch = coarse.Window(semantic, codes, places, places == 0)
    full = coarse.losses(model, batch)
    with half_where_fast():
        halved = coarse.losses(model, batch)
    for before, after in zip(full[:2], halved[:2], strict=True):
        assert after.dtype == torch.float32
        torch.testing.assert_close(after, before, rtol=0.01, atol=0.0)
        assert not torch.equal(after, before)
