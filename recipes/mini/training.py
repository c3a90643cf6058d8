"""What every training does: it goes on until its time is up, tells how it goes, and saves now and then.

`train_stage` is the whole training of one of the three stages.
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from recipes.mini import checkpoints
from recipes.mini.devices import half_where_fast
from recipes.mini.network import Optimizers, schedule

SAVE_SECONDS, REPORT_SECONDS, TELL_STEPS = 120, 420, 50
REPORTS = 6  # at least, however short a training is

NextLoss = Callable[[int], tuple[torch.Tensor, dict[str, torch.Tensor]]]
"""From the number of the step to its loss, and what is to be told about it."""

Save = Callable[[int, float], None]
"""Writes a checkpoint after so many steps, this training's seconds so far."""


class Moment(NamedTuple):
    """Where a training is before one of its steps."""

    step: int
    """How many steps there were, those of earlier trainings too."""
    part: float
    """Of the time that is over, 0 to less than 1."""


def moments_of(
    minutes: float,
    step: int,
    tell: Callable[[], str],
    save: Save | None = None,
    report: Callable[[], str] | None = None,
) -> Iterator[Moment]:
    """The steps of a training until its time is up, to be made one after the other.

    Args:
        minutes: when to stop.
        step: how many steps there were before.
        tell: a few words about the last steps, asked for after every `TELL_STEPS`.
        save: called every `SAVE_SECONDS` and at the end.
        report: measures on clips kept out, every `REPORT_SECONDS` and at the end.

    Yields:
        Where the training is; what is done until the next one is asked for is one step.
    """
    seconds = 60 * minutes
    started = saved = reported = time.monotonic()
    while (elapsed := time.monotonic() - started) < seconds:
        yield Moment(step, elapsed / seconds)
        step += 1
        if step % TELL_STEPS == 0:
            print(f"step {step} {elapsed:.0f} s {tell()}", flush=True)
        now = time.monotonic()
        if save and now - saved > SAVE_SECONDS:
            saved = now
            save(step, now - started)
        if report and now - reported > min(REPORT_SECONDS, seconds / REPORTS):
            reported = now
            print(f"kept out, at step {step}: {report()}", flush=True)
    if save:
        save(step, elapsed)
    if report:
        print(f"kept out, at step {step}: {report()}", flush=True)


class Means:
    """Means of figures with names, since they were last told."""

    def __init__(self) -> None:
        self.figures: dict[str, list[torch.Tensor]] = {}

    def add(self, figures: dict[str, torch.Tensor]) -> None:
        """Count one step's figures, each of one or more values."""
        for name, each in figures.items():
            self.figures.setdefault(name, []).append(each.detach().float().reshape(-1))

    def told(self) -> str:
        """The names and the means of all that was added; begins anew."""
        means = {name: torch.stack(each).mean(0) for name, each in self.figures.items()}
        self.figures = {}
        return " ".join(f"{name} {told(each)}" for name, each in means.items())


def set_rate(
    optimizer: torch.optim.Optimizer, rate: float, steps: int, part: float, floor: float
) -> None:
    """Warm up, then follow a cosine down to `floor` of the rate when `part` of the time is 1."""
    cosine = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * part))
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1.0, (steps + 1) / 50) * cosine


def train_stage(
    path: Path,
    model: nn.Module,
    minutes: float,
    start: Callable[[int], NextLoss],
    report: Callable[[], str],
    rate: float = 1.0,
) -> None:
    """Train, save now and then, and say how it goes.

    Args:
        path: the checkpoint; where it exists, training goes on from it.
        model: the stage, untrained.
        minutes: when to stop; the learning rate falls to nearly nothing until then.
        start: given the first step, makes what gives the losses.
        report: measures the stage on clips kept out.
        rate: of learning, as a share of the usual.
    """
    optimizers, step = Optimizers(model), 0
    spent = spent_before({})
    state = checkpoints.load(path)
    if state is not None:
        model.load_state_dict(state["model"])
        if "optimizers" in state:
            optimizers.load_state_dict(state["optimizers"])
        step, spent = state["step"], spent_before(state)
    size = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    print(f"{size:.1f} M parameters, from step {step}", flush=True)
    next_loss, means = start(step), Means()

    def save(steps: int, seconds: float) -> None:
        kept = {"model": model.state_dict(), "optimizers": optimizers.state_dict()}
        checkpoints.save(path, {**kept, "step": steps, **spent_now(spent, seconds)})

    for moment in moments_of(minutes, step, means.told, save, report):
        with half_where_fast():
            loss, figures = next_loss(moment.step)
        means.add(figures)
        optimizers.set_rate(rate * schedule(moment.part, moment.step - step))
        optimizers.step(loss)


def spent_before(state: dict[str, Any]) -> dict[str, float]:
    """How long a checkpoint says it was trained: seconds of a processor and of a graphics card."""
    return {key: state.get(key, 0.0) for key in ("seconds", "card_seconds")}


def spent_now(before: dict[str, float], seconds: float) -> dict[str, float]:
    """The same with so many seconds more on the device in use."""
    key = "seconds" if torch.get_default_device().type == "cpu" else "card_seconds"
    return {**before, key: before[key] + seconds}


def told(figures: torch.Tensor) -> str:
    """Figures (count,) in words, for what a training says."""
    return " ".join(f"{each:.4f}" for each in figures.tolist())
