"""The training desk of the scripted service: trainings that move a step whenever they are asked."""

import shutil
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from webui.audio import write_audio
from webui.backend.requests import TrainingOrder
from webui.backend.training_facts import TrainingDetails, TrainingInfo, TrainingSample
from webui.backend.training_orders import check_training_order, free_id
from webui.errors import StorageError, TrainingError
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.training_results import (
    PairsRead,
    QuantizerComparison,
    QuantizerReport,
    SampleKept,
    TrainingPoint,
)

REPORT = QuantizerReport(
    0.812, 0.953, 0.21, 9_000, 1_340, 0, "version_2", 2_100_000, {"Ada": 0.79},
    {"vowel": 0.85, "plosive": 0.71}, 148, ("Ada",), 0.79, 0.82, 0.9, 0.81,
)  # fmt: skip
COMPARISON = QuantizerComparison(0.78, 0.812, 0.02, 0.05, "second")
STEPS = ("pairs", "pairs", "features", "train", "train", "evaluate")


@dataclass
class _Made:
    """One training: what was asked, how it stands, how far it is."""

    order: TrainingOrder
    info: TrainingInfo
    curve: list[TrainingPoint] = field(default_factory=list)
    step: int = 0
    sample: TrainingSample | None = None


class FakeTraining:
    """The public names of `webui.backend.training_desk.TrainingDesk` over a dictionary.

    `failure` ends a training at its next step; `moves` False holds it where it is.
    """

    def __init__(self) -> None:
        self.known: dict[str, _Made] = {}
        self.orders: list[TrainingOrder] = []
        self.compared: list[tuple[str, str, str]] = []
        self.imported: list[tuple[Path, ...]] = []
        self.failure: str | None = None
        self.moves = True
        self.folder = Path(mkdtemp())  # of samples
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.closed = False

    @property
    def is_at_work(self) -> bool:
        return any(each.info.state == "running" for each in self.known.values())

    def all(self) -> list[TrainingInfo]:
        for each in self.known.values():
            if self.moves and each.info.state == "running":
                self._move(each)
        return [each.info for each in reversed(self.known.values())]

    def details(self, training: str) -> TrainingDetails:
        made = self._find(training)
        if self.moves and made.info.state == "running":
            self._move(made)
        curve, seconds = tuple(made.curve), 2.5 * made.info.pairs
        return TrainingDetails(made.info, made.order, curve, seconds, sample=made.sample)

    def sample(self, training: str) -> TrainingSample | None:
        made = self.known.get(training)
        return None if made is None else made.sample

    def start(self, order: TrainingOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        check_training_order(order)
        if any(each.info.name == order.name for each in self.known.values()):
            raise TrainingError(f'There is a training "{order.name}" of this name already.')
        if self.is_at_work:
            raise TrainingError("Another training is at work. Wait for it, or stop it first.")
        self.orders.append(order)
        training = free_id(order.name, self.known)
        info = TrainingInfo(
            training, order.name, order.family or "mini", order.language, "running",
            "2026-01-02T03:04:05+00:00", order.texts, 0, architecture=order.architecture,
            stage="pairs",
        )  # fmt: skip
        self.known[training] = _Made(order, info)
        return self.follow(training, cancel)

    def import_pairs(
        self, order: TrainingOrder, sources: Sequence[Path], cancel: CancelToken | None = None
    ) -> Iterator[Event]:
        self.imported.append(tuple(sources))
        yield Progress("pairs", 0.0, message=f"8 pairs of {sources[0].name} are read")
        if self.failure is not None:
            raise TrainingError(self.failure)
        yield PairsRead(22, {"damaged": 2, "length": 1})
        yield from self.start(replace(order, texts=20), cancel)

    def resume(self, training: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        made = self._find(training)
        if made.info.state == "done":
            raise TrainingError("This training is at its end.")
        made.info = replace(made.info, state="running", words="")
        return self.follow(training, cancel)

    def follow(self, training: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        made = self._find(training)
        seen = len(made.curve)
        while made.info.state == "running":
            if cancel is not None and cancel.cancelled:
                self.stop(training)
                break
            self._move(made)
            info = made.info
            yield Progress(info.stage, info.fraction, info.seconds_left, message=info.words)
            yield from made.curve[seen:]
            if len(made.curve) > seen:
                yield let_hear(self, training, made.curve[-1].step)
            seen = len(made.curve)
        if made.info.state == "failed":
            yield Failed(made.info.words, "EngineError")
        else:
            yield Done() if made.info.state == "done" else Cancelled()

    def stop(self, training: str) -> None:
        made = self._find(training)
        if made.info.state == "running":
            made.info = replace(made.info, state="stopped", words="", can_continue=True)

    def delete(self, training: str) -> None:
        if self._find(training).info.state == "running":
            raise TrainingError("This training is at work. Stop it first.")
        del self.known[training]

    def install(self, training: str) -> str:
        made = self._find(training)
        if made.info.accuracy is None:
            raise TrainingError(f'Nothing has been learned yet in the training "{training}".')
        made.info = replace(made.info, installed=training)
        return training

    def uninstall(self, training: str) -> None:
        made = self._find(training)
        made.info = replace(made.info, installed="")

    def export(self, training: str, path: Path) -> None:
        if self._find(training).info.accuracy is None:
            raise TrainingError(f'Nothing has been learned yet in the training "{training}".')
        if path.exists():
            raise StorageError(f'The name "{path.name}" is taken. Choose another one.')
        path.write_bytes(b"quantizer")

    def compare(
        self, first: str, second: str, on: str = "", cancel: CancelToken | None = None
    ) -> QuantizerComparison:
        self.compared.append((first, second, on))
        return COMPARISON

    def close(self) -> None:
        self.closed = True

    def _find(self, training: str) -> _Made:
        if training not in self.known:
            raise TrainingError(f'There is no training "{training}".')
        return self.known[training]

    def _move(self, made: _Made) -> None:
        if self.failure is not None:
            made.info = replace(made.info, state="failed", words=self.failure, can_continue=True)
            return
        if made.step == len(STEPS):
            made.info = replace(
                made.info, state="done", report=REPORT, accuracy=REPORT.accuracy, fraction=0.0,
                stage="", seconds_left=None, words="",
            )  # fmt: skip
            return
        stage, texts = STEPS[made.step], made.order.texts
        made.step += 1
        pairs = min(texts, texts * made.step // 2)
        info = replace(
            made.info, stage=stage, fraction=made.step / (len(STEPS) + 1), pairs=pairs,
            seconds_left=None if made.step == 1 else 60.0 * (len(STEPS) - made.step),
            words=f"{pairs} of {texts} pairs" if stage == "pairs" else "",
        )  # fmt: skip
        if stage == "train":
            accuracy = 0.5 + 0.1 * (made.step - 3)
            step = 100 * (made.step - 3)
            point = TrainingPoint(
                step, step / 80, step / 5, 2.0 / made.step, accuracy, 0.9, accuracy
            )
            made.curve += [TrainingPoint(step - 50, step / 160, step / 10, 3.0), point]
            info = replace(info, accuracy=accuracy)
            let_hear(self, info.id, step)
        made.info = info


def let_hear(desk: FakeTraining, training: str, step: int) -> SampleKept:
    """Have a sample of this step, in files that can be played."""
    spoken, heard = desk.folder / "spoken.flac", desk.folder / f"heard-{step}.flac"
    tone = np.sin(np.arange(24_000) / 40 * (1 + step / 1_000)).astype(np.float32)
    for path in (spoken, heard):
        write_audio(path, 0.3 * tone, 24_000)
    desk.known[training].sample = TrainingSample(
        step, step / 1_000, "Sun and *moon*", "Ada", str(spoken), str(heard)
    )
    return SampleKept(step, str(spoken), str(heard))
