"""Quantizers as files: ours, those that other tools read, and a training to be gone on with.

The only place where torch writes a file. Everything written here is read back through
`webui/checkpoint.py`, which takes tensors, numbers and texts and nothing else.
"""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from webui.checkpoint import tensors_to_safetensors
from webui.errors import StorageError
from webui.file_saving import save_file, storage_error
from webui.training_results import QuantizerWeights

PUBLISHED = {"version_0": 0, "version_1": 1}  # what other tools read
OURS = {**PUBLISHED, "version_2": 2}


def write_quantizer(
    path: Path, weights: QuantizerWeights, notes: Mapping[str, str], *, replace: bool = False
) -> None:
    """Write a quantizer so that cloning can use it: safetensors, with notes about it inside.

    Args:
        path: the file to make.
        weights: of the quantizer; `shift` and version are noted by themselves.
        notes: plain texts, for example family, language, layer and licence.
        replace: update the file that is there.

    Raises:
        StorageError: the name is taken, or there is no space or no permission.
    """
    known = {
        "format": "pt",
        "version": str(OURS[weights.sizes.architecture]),
        "shift": str(weights.shift),
    }
    data = tensors_to_safetensors(_tensors(weights), {**notes, **known})
    save_file(path, data, replace=replace)


def layer_note(layer: int | None) -> dict[str, str]:
    """Note which layer of the encoder a quantizer reads; nothing where the family chooses."""
    return {} if layer is None else {"layer": str(layer)}


def write_published(
    path: Path, weights: QuantizerWeights, layer: int | None = None, *, replace: bool = False
) -> None:
    """Write a quantizer as every other tool reads it: `.pth`, with its sizes in `<name>/.info`.

    Other tools know no shift: where it is not 0, what they hear is a frame early or late. They know
    one layer, HuBERT's ninth: what another layer was learned from is of no use to them.

    Args:
        path: the file to make.
        weights: of the quantizer.
        layer: of the encoder that it reads; None is the family's own choice.
        replace: update the file that is there.

    Raises:
        StorageError: the architecture is ours alone, the name is taken, or there is no space.
    """
    version = PUBLISHED.get(weights.sizes.architecture)
    if version is None:
        raise StorageError(
            "Other tools do not know version 2. Save this quantizer as safetensors, or train one "
            "of version 0 or 1."
        )
    info: dict[str, int | str] = {
        "input_size": weights.sizes.inputs,
        "hidden_size": weights.sizes.hidden,
        "output_size": weights.sizes.tokens,
        "version": version,
        "shift": weights.shift,
        **layer_note(layer),
    }
    save_file(path, _published_bytes(path, weights, info), replace=replace)


def pack_training(content: Mapping[str, Any]) -> bytes:
    """Put what a training goes on from into bytes: tensors, numbers and texts only."""
    memory = io.BytesIO()
    torch.save(dict(content), memory)
    return memory.getvalue()


def _published_bytes(path: Path, weights: QuantizerWeights, info: Mapping[str, int | str]) -> bytes:
    """Let torch name its archive after the file, as it does in the published ones."""
    stem = re.sub(r"[^\w-]", "_", path.stem) or "quantizer"
    try:
        with TemporaryDirectory() as folder:
            draft = Path(folder) / f"{stem}.pth"
            torch.save(_tensors(weights), draft)
            with zipfile.ZipFile(draft, "a") as archive:
                archive.writestr(f"{stem}/.info", json.dumps(info))
            return draft.read_bytes()
    except OSError as fault:
        raise storage_error(fault, path) from fault


def _tensors(weights: QuantizerWeights) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(np.array(each)) for key, each in weights.state.items()}
