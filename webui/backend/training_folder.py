"""One training on disk: what was asked for, its texts and voices, its curve, how far it is."""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import webui
from webui.array_archive import pack_arrays, read_arrays, read_facts
from webui.arrays import Speaker
from webui.backend.pair_store import PairStore
from webui.backend.requests import TrainingOrder
from webui.backend.sample_files import SampleFiles
from webui.errors import StorageError, TrainingError
from webui.file_lock import folder_lock
from webui.file_saving import remove_folder, save_file, storage_error, sweep_leftovers
from webui.training_results import (
    QuantizerReport,
    QuantizerSizes,
    QuantizerWeights,
    TrainingPoint,
)

if TYPE_CHECKING:
    from webui.training.pairs import NumberedText

PLAN, TEXTS, VOICES = "plan.json", "texts.json", "voices.npz"
SAMPLE = "sample"
CURVE, CHECKPOINT, REPORT, STATE = "curve.jsonl", "checkpoint.npz", "report.json", "state.json"
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_ID_CHARACTERS = 60
MAX_JSON_BYTES = 2**26
LOCK_PATIENCE_SECONDS = 0.5
IN_USE = "This training is at work in another window or program. Stop it there first."


@dataclass(frozen=True)
class TrainingPlanFile:
    """What was decided once and for all when a training was begun."""

    order: TrainingOrder
    family: str
    created: str  # ISO 8601, UTC
    app_version: str = ""
    own_text: bool = False  # the nonsense was made from the user's text


@dataclass(frozen=True)
class TrainingEnd:
    """How the work on a training ended last: "", "stopped", "failed", "done"; `words` say why."""

    outcome: str = ""
    words: str = ""


@dataclass(frozen=True)
class WeightsFacts:
    """What is known of weights without reading them."""

    sizes: QuantizerSizes
    step: int
    accuracy: float | None
    is_final: bool


class TrainingFolder:
    """Reads and writes the files of one training; each appears whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pairs = PairStore(path)
        self.sample = SampleFiles(path / SAMPLE)
        self._texts: int | None = None  # how many there are, once that was looked up

    @property
    def id(self) -> str:
        """How the training is called on the command line."""
        return self.path.name

    def create(
        self, plan: TrainingPlanFile, texts: Sequence["NumberedText"], voices: dict[str, Speaker]
    ) -> None:
        """Begin a training: the plan comes last, and without it there is none.

        Raises:
            StorageError: it cannot be written, or the name is taken.
        """
        save_file(self.path / VOICES, pack_arrays(_voice_arrays(voices), {"names": list(voices)}))
        lines = [[each.text, each.seed, each.voice_name] for each in texts]
        save_file(self.path / TEXTS, _json_bytes(lines))
        save_file(self.path / PLAN, _json_bytes(asdict(plan)))

    def plan(self) -> TrainingPlanFile:
        """Read what was asked for.

        Raises:
            TrainingError: the file is damaged or not there.
        """
        try:
            found = _read_json(self.path / PLAN)
            known = {each.name for each in fields(TrainingOrder)}
            values = {name: value for name, value in found["order"].items() if name in known}
            if values.get("voices") is not None:
                values["voices"] = tuple(map(str, values["voices"]))
            return TrainingPlanFile(
                TrainingOrder(**values),
                str(found["family"]),
                str(found["created"]),
                str(found.get("app_version", "")),
                bool(found.get("own_text", False)),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise _damaged(self.path.name, PLAN) from fault

    def texts(self) -> list["NumberedText"]:
        """Read all texts, with the voices that shall say them.

        Raises:
            TrainingError: a file is damaged or not there.
        """
        from webui.training.pairs import NumberedText

        try:
            voices = self._voices()
            return [
                NumberedText(number, str(text), int(seed), str(voice), voices.get(str(voice)))
                for number, (text, seed, voice) in enumerate(_read_json(self.path / TEXTS))
            ]
        except (OSError, ValueError, KeyError, TypeError, StorageError) as fault:
            raise _damaged(self.path.name, TEXTS) from fault

    def count(self) -> int:
        """How many texts there are to be spoken."""
        if self._texts is None:
            with contextlib.suppress(OSError, ValueError, TypeError):
                self._texts = len(_read_json(self.path / TEXTS))
        return self._texts or 0

    def add_points(self, points: Sequence[TrainingPoint]) -> None:
        """Write points of the curve behind those that are there.

        Raises:
            StorageError: they cannot be written.
        """
        lines = "".join(f"{json.dumps(asdict(each))}\n" for each in points)
        try:
            with (self.path / CURVE).open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as fault:
            raise storage_error(fault, self.path / CURVE) from fault

    def curve(self) -> list[TrainingPoint]:
        """Read the curve; after a kill the steps that were done again stand in it once."""
        points: list[TrainingPoint] = []
        try:
            lines = (self.path / CURVE).read_text("utf-8", "replace").splitlines()
        except OSError:
            return []
        for line in lines:
            try:
                point = TrainingPoint(**json.loads(line))
            except (ValueError, TypeError):
                continue  # cut off by a kill
            while points and points[-1].step >= point.step:
                points.pop()
            points.append(point)
        return points

    def save_weights(self, weights: QuantizerWeights) -> None:
        """Keep the best weights so far, and what going on needs, in one file.

        Raises:
            StorageError: it cannot be written.
        """
        arrays = {f"state/{name}": array for name, array in weights.state.items()}
        arrays["resume"] = np.frombuffer(weights.resume, np.uint8)
        facts = {
            "sizes": asdict(weights.sizes), "shift": weights.shift, "step": weights.step,
            "accuracy": weights.accuracy, "is_final": weights.is_final,
        }  # fmt: skip
        save_file(self.path / CHECKPOINT, pack_arrays(arrays, facts), replace=True)

    def weights_facts(self) -> WeightsFacts | None:
        """What is known of the best weights so far without reading them; None without any."""
        with contextlib.suppress(StorageError, KeyError, TypeError, ValueError):
            facts = read_facts(self.path / CHECKPOINT)
            sizes = QuantizerSizes(**facts["sizes"])
            return WeightsFacts(sizes, int(facts["step"]), facts["accuracy"], facts["is_final"])
        return None

    def weights(self) -> QuantizerWeights | None:
        """Read the best weights so far; None where there are none that can be used."""
        try:
            arrays, facts = read_arrays(self.path / CHECKPOINT)
            state = {
                name.removeprefix("state/"): array
                for name, array in arrays.items()
                if name.startswith("state/")
            }
            return QuantizerWeights(
                QuantizerSizes(**facts["sizes"]),
                state,
                facts["shift"],
                int(facts["step"]),
                facts["accuracy"],
                bool(facts["is_final"]),
                arrays["resume"].tobytes(),
            )
        except (StorageError, KeyError, TypeError, ValueError):
            return None

    def save_report(self, report: QuantizerReport) -> None:
        """Keep how good the quantizer is.

        Raises:
            StorageError: it cannot be written.
        """
        save_file(self.path / REPORT, _json_bytes(asdict(report)), replace=True)

    def report(self) -> QuantizerReport | None:
        """Read how good the quantizer is; None while nobody knows."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            return report_from_json(_read_json(self.path / REPORT))
        return None

    def forget_report(self) -> None:
        """Take the report out: it is of other weights."""
        (self.path / REPORT).unlink(missing_ok=True)

    def save_end(self, end: TrainingEnd) -> None:
        """Remember how the work ended.

        Raises:
            StorageError: it cannot be written.
        """
        save_file(self.path / STATE, _json_bytes(asdict(end)), replace=True)

    def end(self) -> TrainingEnd:
        """How the work ended last; nothing where it was killed."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return TrainingEnd(**_read_json(self.path / STATE))
        return TrainingEnd()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let nobody else work on this training meanwhile, in whatever process.

        Raises:
            TrainingError: somebody does.
        """
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(folder_lock(self.path, LOCK_PATIENCE_SECONDS))
            except StorageError as fault:
                raise TrainingError(IN_USE) from fault
            sweep_leftovers(self.path, 0.0)
            self.pairs.sweep()
            self.sample.sweep()
            yield

    def delete(self) -> None:
        """Remove everything.

        Raises:
            TrainingError: somebody works on it.
            StorageError: it cannot be removed.
        """
        with self.at_work():
            remove_folder(self.path, PLAN)

    def _voices(self) -> dict[str, Speaker]:
        arrays, facts = read_arrays(self.path / VOICES)
        return {
            str(name): Speaker(
                *(arrays[f"{number}.{part}"] for part in ("semantic", "coarse", "fine"))
            )
            for number, name in enumerate(facts["names"])
        }


def training_folders(root: Path) -> dict[str, TrainingFolder]:
    """Find all trainings below a folder, by their ids."""
    found = sorted(root.iterdir()) if root.is_dir() else []
    return {
        each.name: TrainingFolder(each)
        for each in found
        if is_training_id(each.name) and (each / PLAN).is_file()
    }


def is_training_id(text: str) -> bool:
    """Whether this can be the id of a training: never a path."""
    return len(text) <= MAX_ID_CHARACTERS and ID.fullmatch(text) is not None


def plan_file(order: TrainingOrder, family: str) -> TrainingPlanFile:
    """Write down a plan that is decided now; the user's text itself is not kept."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kept = replace(order, family=family, corpus=None)
    return TrainingPlanFile(kept, family, now, webui.__version__, order.corpus is not None)


def report_from_json(values: dict[str, Any]) -> QuantizerReport:
    """Read a report that was kept as JSON; what a later version added is left out.

    Raises:
        TypeError: something is missing.
        AttributeError: it is no object.
    """
    known = {each.name for each in fields(QuantizerReport)}
    found = {name: value for name, value in values.items() if name in known}
    found["held_out_voices"] = tuple(found.get("held_out_voices", ()))
    return QuantizerReport(**found)


def _voice_arrays(voices: dict[str, Speaker]) -> dict[str, np.ndarray]:
    return {
        f"{number}.{part}": getattr(voice, part)
        for number, voice in enumerate(voices.values())
        for part in ("semantic", "coarse", "fine")
    }


def _json_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _read_json(path: Path) -> Any:  # noqa: ANN401  (a JSON value)
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ValueError("too large")
    return json.loads(path.read_text("utf-8"))


def _damaged(name: str, file: str) -> TrainingError:
    return TrainingError(
        f'The training "{name}" is damaged: its {file} cannot be read. Delete it and start again.'
    )
