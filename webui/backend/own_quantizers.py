"""The quantizers that users made: where they lie, what their cards say, how one comes and goes."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.errors import StorageError, TrainingError
from webui.file_saving import save_file, storage_error
from webui.training_results import QuantizerWeights

OWN_FOLDER = "own"  # in the folder of what cloning uses
SUFFIX, CARD = ".safetensors", ".json"
MAX_CARD_BYTES = 2**20


@dataclass(frozen=True)
class OwnQuantizer:
    """A quantizer that was made here. `card` tells how, and how good it is."""

    name: str
    file: Path
    title: str = ""
    language: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnQuantizers:
    """Those for the families whose semantic tokens are of one kind.

    `tokens` names the kind: the id of a family with its own, or "bark".
    """

    root: Path  # the folder of what cloning uses
    tokens: str

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.root / OWN_FOLDER / self.tokens

    def all(self) -> list[OwnQuantizer]:
        """List them, the newest first."""
        found = self.folder.glob(f"*{SUFFIX}") if self.folder.is_dir() else ()
        files = sorted(found, key=lambda file: (-file.stat().st_mtime_ns, file.name))
        return [_read(file) for file in files if file.is_file()]

    def add(self, name: str, weights: QuantizerWeights, card: Mapping[str, Any]) -> OwnQuantizer:
        """Put a quantizer there, in the place of an older one of this name.

        Raises:
            StorageError: it cannot be written.
        """
        from webui.quantizer_file import layer_note, write_quantizer

        file = self.folder / f"{name}{SUFFIX}"
        text = json.dumps(dict(card), ensure_ascii=False, indent=1)
        save_file(file.with_suffix(CARD), text.encode(), replace=True)
        notes = {each: str(card.get(each, "")) for each in ("title", "family", "language")}
        write_quantizer(file, weights, notes | layer_note(card.get("layer")), replace=True)
        return _read(file)

    def remove(self, name: str) -> None:
        """Take one away.

        Raises:
            TrainingError: there is none of this name.
            StorageError: it cannot be removed.
        """
        for each in self.all():
            if each.name == name:
                try:
                    each.file.unlink()
                    each.file.with_suffix(CARD).unlink(missing_ok=True)
                except OSError as fault:
                    raise storage_error(fault, each.file) from fault
                return
        raise TrainingError(f'There is no quantizer of yours called "{name[:64]}".')


def _read(file: Path) -> OwnQuantizer:
    card: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, RecursionError, StorageError):
        path = file.with_suffix(CARD)
        if path.stat().st_size <= MAX_CARD_BYTES:
            found = json.loads(path.read_text("utf-8"))
            card = found if isinstance(found, dict) else {}
    title = str(card.get("title") or file.stem)[:64]
    return OwnQuantizer(file.stem, file, title, str(card.get("language", ""))[:16], card)
