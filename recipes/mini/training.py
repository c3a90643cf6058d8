"""Trains one stage until the time is up: resumed from its checkpoint, reported on clips kept out."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recipes.mini import checkpoints
from recipes.mini.network import Optimizers, schedule

SAVE_SECONDS, REPORT_SECONDS, TELL_STEPS = 120, 420, 50
REPORTS = 6  # at least, however short a training is

NextLoss = Callable[[int], tuple[torch.Tensor, str]]
"""From the number of the step to its loss and a few words about it."""


def train_stage(
    path: Path,
    model: nn.Module,
    minutes: float,
    start: Callable[[int], NextLoss],
    report: Callable[[], str],
) -> None:
    """Train, save now and then, and say how it goes.

    Args:
        path: the checkpoint; where it exists, training goes on from it.
        model: the stage, untrained.
        minutes: when to stop; the learning rate falls to nearly nothing until then.
        start: given the first step, makes what gives the losses.
        report: measures the stage on clips kept out.
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
    next_loss = start(step)
    started = saved = reported = time.monotonic()

    def save() -> None:
        kept = {"model": model.state_dict(), "optimizers": optimizers.state_dict()}
        checkpoints.save(
            path, {**kept, "step": step, **spent_now(spent, time.monotonic() - started)}
        )

    while (elapsed := time.monotonic() - started) < 60 * minutes:
        loss, words = next_loss(step)
        optimizers.step(loss, schedule(elapsed, 60 * minutes, step))
        step += 1
        if step % TELL_STEPS == 0:
            print(f"step {step} {elapsed:.0f} s {words}", flush=True)
        if time.monotonic() - saved > SAVE_SECONDS:
            saved = time.monotonic()
            save()
        if time.monotonic() - reported > min(REPORT_SECONDS, 60 * minutes / REPORTS):
            reported = time.monotonic()
            print(f"kept out, at step {step}: {report()}", flush=True)
    save()
    print(f"kept out, at step {step}: {report()}", flush=True)


def spent_before(state: dict[str, Any]) -> dict[str, float]:
    """How long a checkpoint says it was trained: seconds of a processor and of a graphics card."""
    return {key: state.get(key, 0.0) for key in ("seconds", "card_seconds")}


def spent_now(before: dict[str, float], seconds: float) -> dict[str, float]:
    """The same with so many seconds more on the device in use."""
    key = "seconds" if torch.get_default_device().type == "cpu" else "card_seconds"
    return {**before, key: before[key] + seconds}


def told(figures: torch.Tensor) -> str:
    """Figures (count,) in words, for what a training says."""
    return " ".join(f"{each:.3f}" for each in figures.tolist())
