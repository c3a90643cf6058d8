"""A training stops when its time is up, keeps what it has learnt, and says how it goes."""

import pytest
import torch

from recipes.mini import training
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
