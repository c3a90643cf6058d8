"""Folders of families without weights, and a loader that loads nothing."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.tiny_family import configs
from webui.synthesis.models import BarkModels, ProgressCallback


def add_tiny(
    root: Path, name: str, *, layers: int = 2, title: str = "", demo: bool = False
) -> Path:
    """A family with the numbers of the tiny one; it counts as installed and cannot be loaded."""
    folder = root / name
    folder.mkdir(parents=True)
    config, generation = configs()
    for stage in ("semantic_config", "coarse_acoustics_config", "fine_acoustics_config"):
        config[stage]["num_layers"] = layers
    facts = {"title": title or name.title(), "languages": ["en"], "licence": "MIT", "is_demo": demo}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps(generation))
    (folder / "webui_family.json").write_text(json.dumps(facts))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def add_suno(root: Path, name: str) -> Path:
    """A family in Suno's layout, whose numbers are Bark's own."""
    folder = root / name
    folder.mkdir(parents=True)
    for file in ("text_2.pt", "coarse_2.pt", "fine_2.pt"):
        (folder / file).write_bytes(b"weights")
    return folder


class FakeModels(BarkModels):
    """A family in memory that only knows what it costs."""

    def __init__(self, precision: str, size_bytes: int) -> None:
        object.__setattr__(self, "precision", precision)
        object.__setattr__(self, "size_bytes", size_bytes)

    @property
    def nbytes(self) -> int:
        return self.size_bytes


class FakeLoader:
    """Stands in for `load_models`, and remembers what it was asked for.

    Set `faults` (raised one after the other, before anything is loaded) or `meanwhile` (called
    between the two parts that it tells).
    """

    size_bytes = 1_000

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.faults: list[BaseException] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(
        self, folder: Path, device: str, precision: str, progress: ProgressCallback
    ) -> BarkModels:
        self.asked.append((folder.name, precision))
        progress("semantic", 0.1)
        self.meanwhile()
        if self.faults:
            raise self.faults.pop(0)
        progress("codec", 1.0)
        return FakeModels(precision, self.size_bytes)
