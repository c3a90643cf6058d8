"""Pairs whose features plainly tell their tokens, so that learning takes a second."""

import numpy as np

from webui.training.plan import TrainingData, TrainingPlan

TOKENS, WIDTH = 12, 16
SHOWN = np.random.default_rng(99).standard_normal((TOKENS, WIDTH))  # features of every token


def lessons(
    pairs: int = 24, shift: int = 0, noise: float = 0.3, frames: int = 30, ahead: int = 0
) -> TrainingData:
    """Random tokens; the features of frame n + shift show token n, and of n - ahead a later one."""
    dice = np.random.default_rng(pairs)
    features, tokens = [], []
    for number in range(pairs):
        row = np.repeat(dice.integers(0, TOKENS, frames), dice.integers(1, 4, frames))
        row = row[: frames - number % 5]
        seen = SHOWN[np.roll(row, shift)] + noise * dice.standard_normal((len(row), WIDTH))
        features.append(np.roll(seen, ahead, axis=0).astype(np.float16))
        tokens.append(row.astype(np.int64))
    texts = tuple(f"text {number // 2}" for number in range(pairs))
    voices = tuple(("", "ada", "bob", "cleo", "dora")[number % 5] for number in range(pairs))
    return TrainingData(tuple(features), tuple(tokens), texts, voices, (25.0, 25.0))


def short_plan(**changes: object) -> TrainingPlan:
    """A training of a second."""
    values: dict[str, object] = {
        "tokens": TOKENS, "hidden": 16, "epochs": 20, "least_steps": 60, "batch": 4,
        "warm_up_steps": 5, "learning_rate": 1e-2, "shift": 0, "dropout": 0.0, "smoothing": 0.0,
        "checkpoint_seconds": 0.0,
    }  # fmt: skip
    return TrainingPlan(**{**values, **changes})  # type: ignore[arg-type]
