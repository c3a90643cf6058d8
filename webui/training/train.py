"""Pairs -> a quantizer: learn to name the token of every frame, and keep what hears best."""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from webui.checkpoint import TRAINING_DAMAGED, load_training
from webui.cloning.quantizer import Quantizer, shift_of, sizes_of
from webui.errors import CheckpointError, SettingsError
from webui.events import CancelToken, Progress
from webui.quantizer_file import pack_training
from webui.synthesis.rendering import seed_of
from webui.training.batches import (
    NO_TOKEN,
    batch_of,
    batches_an_epoch,
    shuffled_batch,
    with_mixed_voices,
)
from webui.training.evaluate import accuracy_of
from webui.training.plan import Split, TrainingData, TrainingPlan, split_pairs
from webui.training_results import QuantizerWeights, Shift, TrainingPoint

TOLD_STEPS = 10  # between two points of the curve
LEAST_LISTENING_STEPS = 40  # between two looks at the held-out pairs
TRIAL_SHARE, LEAST_TRIAL = 0.05, 40  # of the steps, for each shift that is tried
LOWEST_RATE = 0.02  # of the learning rate, at the end
LONGEST_STEP = 1.0  # norm of the gradient
LEAST_GAIN = 1e-4  # of the accuracy, to count as better

TrainingStep = Progress | TrainingPoint | QuantizerWeights


def train_quantizer(
    data: TrainingData,
    plan: TrainingPlan,
    cancel: CancelToken,
    resume: bytes | None = None,
    device: str = "cpu",
) -> Iterator[TrainingStep]:
    """Train a quantizer; the last thing given is the one that hears the held-out pairs best.

    Everything drawn follows from the plan's seed and the number of the step, so a training that was
    cut short and gone on with becomes what it would have become. Cancelling ends it with the best
    weights so far.

    Args:
        data: the pairs.
        plan: how.
        cancel: looked at before every step.
        resume: of weights given earlier by a training with the same plan.
        device: cpu, cuda, cuda:N or mps.

    Raises:
        SettingsError: a value of the plan is outside its range, or there are too few pairs.
        CheckpointError: `resume` is damaged or of another plan.
    """
    split = split_pairs(data, plan.validated())
    widths = {each.shape[1] for each in data.features}
    if len(widths) != 1:
        raise SettingsError("These pairs were heard by different encoders. Hear them again.")
    highest = max(int(each.max(initial=0)) for each in data.tokens)
    if highest >= plan.tokens:
        raise SettingsError(
            f"The pairs hold the token {highest:,}, but this family has only {plan.tokens:,}. They "
            "belong to another family."
        )
    course = _Course(data, plan, split, torch.device(device))
    return course.run(cancel, resume)


class _Learner:
    """The network and its optimizer, at one step of the training."""

    def __init__(
        self, data: TrainingData, plan: TrainingPlan, split: Split, device: torch.device
    ) -> None:
        self._data, self._plan, self._split, self._device = data, plan, split, device
        inputs = data.features[0].shape[1]
        with _dice(seed_of(plan.seed, "network"), device):
            self.model = Quantizer(plan.config(inputs), plan.dropout).to(device)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self._half = _half_precision(device)
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._half is torch.float16)

    def step(self, number: int, steps: int, shift: int) -> float:
        """Learn from one batch; gives how wrong the network was."""
        plan = self._plan
        chosen = shuffled_batch(self._data, self._split.training, plan.batch, plan.seed, number)
        batch = batch_of(self._data, chosen, shift, self._device)
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(number, steps, plan)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        with (
            _dice(seed_of(plan.seed, "step", number), self._device),
            torch.autocast(self._device.type, self._half, enabled=self._half is not None),
        ):
            heard = F.dropout(with_mixed_voices(batch, plan.mixing), plan.dropout)
            scores = self.model(heard, batch.is_sound).flatten(0, 1)
            loss = F.cross_entropy(
                scores.float(),
                batch.labels.flatten(),
                ignore_index=NO_TOKEN,
                label_smoothing=plan.smoothing,
            )
        torch.autograd.backward(self._scaler.scale(loss))
        self._scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), LONGEST_STEP)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return float(loss.detach())

    def listen(self, shift: int) -> tuple[float, float]:
        """The accuracy on held-out pairs, and how often the token is among the likeliest five."""
        self.model.eval()
        held_out = self._split.held_out
        every = max(1, math.ceil(len(held_out) / self._plan.most_listened))
        return accuracy_of(self.model, self._data, held_out[::every], shift)

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of the weights, in memory of the computer."""
        state = self.model.state_dict()
        return {key: each.detach().to("cpu", copy=True) for key, each in state.items()}


class _Course:
    """One training from its first step, or the one it goes on from, to its last."""

    def __init__(
        self, data: TrainingData, plan: TrainingPlan, split: Split, device: torch.device
    ) -> None:
        self._parts = data, plan, split, device
        self._plan = plan
        self._epoch_steps = batches_an_epoch(len(split.training), plan.batch)
        self._steps = max(plan.epochs * self._epoch_steps, plan.least_steps)
        self._listening = max(self._epoch_steps, LEAST_LISTENING_STEPS)
        self._learner = _Learner(*self._parts)
        self._step = self._stale = 0
        self._shift: Shift = plan.shift or 0
        self._best: dict[str, torch.Tensor] = {}
        self._best_accuracy: float | None = None
        self._before, self._started = 0.0, time.monotonic()  # seconds
        self._first_step = 0

    def run(self, cancel: CancelToken, resume: bytes | None) -> Iterator[TrainingStep]:
        if resume:
            self._go_on(resume)
        elif self._plan.shift is None:
            yield from self._try_shifts(cancel)
        kept_at, losses = time.monotonic(), []
        while self._step < self._steps and not cancel.cancelled:
            losses.append(self._learner.step(self._step, self._steps, self._shift))
            self._step += 1
            is_last = self._step == self._steps
            listens = is_last or self._step % self._listening == 0
            if not listens and self._step % TOLD_STEPS:
                continue
            yield self._point(losses, listens)
            losses = []
            yield self._progress()
            if listens and self._stale >= self._plan.patience:
                break
            if listens and time.monotonic() - kept_at >= self._plan.checkpoint_seconds:
                yield self._weights(is_final=False)
                kept_at = time.monotonic()
        if self._best_accuracy is None:  # stopped before anybody listened
            yield self._point(losses or [math.nan], listens=True)
        yield self._weights(is_final=True)

    def _try_shifts(self, cancel: CancelToken) -> Generator[TrainingStep, None, None]:
        """Learn a little with each shift, and go on with the one that is heard best."""
        steps = min(self._steps, max(LEAST_TRIAL, round(TRIAL_SHARE * self._steps)))
        best, tried = -1.0, 0
        for shift in (0, 1, -1):
            learner = _Learner(*self._parts)
            for number in range(steps):
                if cancel.cancelled:
                    return
                learner.step(number, self._steps, shift)
                tried += 1
                if tried % TOLD_STEPS == 0:
                    message = f"Trying a shift of {shift} frames"
                    yield self._progress(message)
            accuracy, _ = learner.listen(shift)
            if accuracy > best:
                best, self._shift, self._learner = accuracy, shift_of(shift), learner
                self._step = self._first_step = steps

    def _point(self, losses: list[float], listens: bool) -> TrainingPoint:
        accuracy = top5 = None
        if listens:
            accuracy, top5 = self._learner.listen(self._shift)
            self._stale += 1
            if self._best_accuracy is None or accuracy > self._best_accuracy + LEAST_GAIN:
                self._best_accuracy, self._best = accuracy, self._learner.weights()
                self._stale = 0
        return TrainingPoint(
            step=self._step,
            epoch=self._step / self._epoch_steps,
            seconds=self._seconds(),
            loss=sum(losses) / max(len(losses), 1),
            accuracy=accuracy,
            accuracy_top5=top5,
            best=self._best_accuracy,
        )

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._started

    def _progress(self, message: str = "") -> Progress:
        spent, made = time.monotonic() - self._started, self._step - self._first_step
        left = spent / made * (self._steps - self._step) if made >= TOLD_STEPS else None
        return Progress("train", self._step / self._steps, left, message=message)

    def _weights(self, *, is_final: bool) -> QuantizerWeights:
        return QuantizerWeights(
            sizes=sizes_of(self._learner.model.config),
            state={key: np.asarray(each) for key, each in self._best.items()},
            shift=self._shift,
            step=self._step,
            accuracy=self._best_accuracy,
            is_final=is_final,
            resume=self._packed(),
        )

    def _packed(self) -> bytes:
        return pack_training(
            {
                "model": self._learner.weights(),
                "optimizer": self._learner.optimizer.state_dict(),
                "best": self._best,
                "best_accuracy": self._best_accuracy,
                "step": self._step,
                "stale": self._stale,
                "shift": int(self._shift),
                "seconds": self._seconds(),
                "network": repr(self._learner.model.config),
            }
        )

    def _go_on(self, resume: bytes) -> None:
        """Put everything back to where it was.

        Raises:
            CheckpointError: it is damaged, or of another plan.
        """
        content: dict[str, Any] = load_training(resume)
        learner = self._learner
        if content.get("network") != repr(learner.model.config):
            raise CheckpointError(
                "This training was begun with another encoder, family or architecture. Choose the "
                "same ones, or start again; the pairs are kept."
            )
        try:
            learner.model.load_state_dict(content["model"])
            learner.optimizer.load_state_dict(content["optimizer"])
            self._best = {str(key): each.clone() for key, each in content["best"].items()}
            self._best_accuracy = content["best_accuracy"]
            self._step = self._first_step = int(content["step"])
            self._stale, self._before = int(content["stale"]), float(content["seconds"])
            self._shift = shift_of(int(content["shift"]))
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as fault:
            raise CheckpointError(TRAINING_DAMAGED) from fault


def rate_at(step: int, steps: int, plan: TrainingPlan) -> float:
    """The learning rate at a step: it rises to its highest, then falls to nearly nothing."""
    warm = min(1.0, (step + 1) / max(plan.warm_up_steps, 1))
    fallen = math.cos(min(1.0, step / steps) * math.pi / 2) ** 2
    return plan.learning_rate * warm * (LOWEST_RATE + (1 - LOWEST_RATE) * fallen)


@contextmanager
def _dice(seed: int, device: torch.device) -> Iterator[None]:
    """Let a layer's own draws follow from a seed, and leave everybody else's as they were."""
    cards = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.manual_seed(seed)
        yield


def _half_precision(device: torch.device) -> torch.dtype | None:
    """What a graphics card computes fastest in without losing the small numbers; else None."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
