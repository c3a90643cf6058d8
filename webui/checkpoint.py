"""The one door for model weights: safetensors, and torch files that may hold nothing but tensors.

Both layouts come out the same: a state dict with transformers' names for one part of the family.
Suno's original files are dictionaries with numpy scalars beside the weights, so exactly those are
allowed; any other object in a torch file is refused before it comes to life.
"""

import hashlib
import io
import json
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from webui.errors import CheckpointError
from webui.family import NetworkConfig, network_config

PARTS = {
    "semantic": "semantic.",
    "coarse": "coarse_acoustics.",
    "fine": "fine_acoustics.",
    "codec": "codec_model.",
}
"""Prefix of each part's weights in transformers' checkpoint."""

MAX_FILE_BYTES = 32 * 2**30
MAX_KNOWN_BYTES = 2**26
MAX_TENSORS = 20_000
MAX_INDEX_BYTES = 2**24
MAX_NOTES_BYTES = 2**16
_SUNO_NAMES = (  # formats.md: Suno's names -> transformers' names
    (re.compile(r"^transformer\.wtes\."), "input_embeds_layers."),
    (re.compile(r"^transformer\.wte\."), "input_embeds_layer."),
    (re.compile(r"^transformer\.wpe\."), "position_embeds_layer."),
    (re.compile(r"^transformer\.ln_f\."), "layernorm_final."),
    (re.compile(r"^transformer\.h\."), "layers."),
    (re.compile(r"\.ln_([12])\."), r".layernorm_\1."),
    (re.compile(r"\.attn\.c_attn\."), ".attn.att_proj."),
    (re.compile(r"\.attn\.c_proj\."), ".attn.out_proj."),
    (re.compile(r"\.mlp\.c_fc\."), ".mlp.in_proj."),
    (re.compile(r"\.mlp\.c_proj\."), ".mlp.out_proj."),
)
_SUNO_SIZES = {"hidden_size": "n_embd", "num_layers": "n_layer", "num_heads": "n_head"}

StateDict = dict[str, torch.Tensor]


def load_part(folder: Path, part: str) -> StateDict:
    """Read one part of a family in transformers' layout.

    Args:
        folder: the family's folder.
        part: one of `PARTS`.

    Raises:
        CheckpointError: the file is missing, damaged, or lacks this part.
    """
    prefix = PARTS[part]
    state: StateDict = {}
    for path in _weight_files(folder):
        for name, tensor in _tensors(path, prefix):
            state[name.removeprefix(prefix)] = tensor
    if not state:
        raise CheckpointError(
            f'The weights of the model family "{folder.name}" have no {part} part. '
            "Download the family again."
        )
    return state


def load_tensors(path: Path, inside: str | None = None) -> StateDict:
    """Read all tensors of a single file, safetensors or torch's.

    Args:
        path: the file; one that does not end in .safetensors is taken for torch's.
        inside: the key under which a torch file holds them, where it has that key.

    Raises:
        CheckpointError: the file is missing or damaged, or holds no tensors.
    """
    if path.suffix == ".safetensors":
        state = dict(_tensors(path, ""))
    else:
        content = _read_torch(path)
        content = content[inside] if inside and isinstance(content.get(inside), dict) else content
        state = {str(k): each for k, each in content.items() if isinstance(each, torch.Tensor)}
    if not state:
        raise CheckpointError(f"The file {path.name} holds no weights. Download it again.")
    return state


def read_notes(path: Path) -> dict[str, Any]:
    """Read what a file of weights says of itself; empty where it says nothing.

    That is the metadata of a safetensors file (texts), or the JSON member `.info` that the
    quantizer's trainers put into torch's zip.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        if path.suffix == ".safetensors":
            found = _safetensors_header(path).get("__metadata__", {})
        else:
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.infolist() if m.filename.endswith("/.info")]
                if not members or members[0].file_size > MAX_NOTES_BYTES:
                    return {}
                found = json.loads(archive.read(members[0]))
    except CheckpointError:
        raise
    except Exception as fault:  # zipfile raises whatever the damage makes it
        raise _damaged(path) from fault
    return found if isinstance(found, dict) else {}


def load_suno(path: Path) -> tuple[NetworkConfig, StateDict]:
    """Read one of Suno's checkpoints: its sizes, and its weights under transformers' names.

    Raises:
        CheckpointError: the file is damaged, hostile, or not a Bark checkpoint.
    """
    content = _read_torch(path)
    sizes, weights = content.get("model_args"), content.get("model")
    if not isinstance(sizes, dict) or not isinstance(weights, dict):
        raise CheckpointError(
            f"The file {path.name} is not one of Suno's Bark checkpoints: it has no model and "
            "model_args. Copy the original file again."
        )
    try:
        config = network_config(_transformers_sizes(sizes))
    except (KeyError, TypeError, ValueError) as fault:
        raise CheckpointError(
            f"The file {path.name} names impossible sizes ({fault}). Copy the original file again."
        ) from fault
    state = {
        _transformers_name(str(name)): tensor
        for name, tensor in weights.items()
        if isinstance(tensor, torch.Tensor)
    }
    return config, state


def load_known(path: Path, sha256: str) -> dict[str, Any]:
    """Read a small torch file of which we know every byte; of any layout that torch has written.

    Raises:
        CheckpointError: the file is missing, or its bytes are others.
    """
    try:
        if path.stat().st_size > MAX_KNOWN_BYTES:
            raise ValueError("too large")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError("not the bytes we know")
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (OSError, ValueError) as fault:
        raise _damaged(path) from fault
    return dict(content)


TRAINING_DAMAGED = (
    "What this training was to go on from is damaged. Start the training again; its pairs are kept."
)


def load_training(data: bytes) -> dict[str, Any]:
    """Read what `quantizer_file.pack_training` made.

    Raises:
        CheckpointError: it is damaged, or holds more than tensors, numbers and texts.
    """
    try:
        if len(data) > MAX_FILE_BYTES:
            raise ValueError("too large")
        _check_archive(io.BytesIO(data))
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return dict(content)
    except Exception as fault:  # torch.load raises whatever the damage makes it
        raise CheckpointError(TRAINING_DAMAGED) from fault


def tensors_to_safetensors(state: StateDict, notes: Mapping[str, str]) -> bytes:
    """Put tensors into safetensors' format, with texts about them."""
    from safetensors.torch import save

    tensors = {key: each.detach().cpu().contiguous() for key, each in state.items()}
    return bytes(save(tensors, metadata=dict(notes)))


def check_network(config: NetworkConfig, state: Mapping[str, torch.Tensor], name: str) -> None:
    """Compare the weights of a transformer with its sizes, before it is built.

    Raises:
        CheckpointError: names the first weight that is missing, of another shape, or not a number.
    """
    for key, shape in _expected_shapes(config):
        tensor = state.get(key)
        if tensor is None or tuple(tensor.shape) != shape:
            found = "is missing" if tensor is None else f"has the shape {tuple(tensor.shape)}"
            raise CheckpointError(
                f"The weights of {name} do not fit its config: {key} {found}, expected {shape}. "
                "Download the family again."
            )
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"The weights of {name} are damaged: {key} holds values that are not numbers. "
                "Download the family again."
            )


def _expected_shapes(config: NetworkConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = config.width
    if config.codebooks:
        for book in range(config.codebooks):
            yield f"input_embeds_layers.{book}.weight", (config.inputs, width)
    else:
        yield "input_embeds_layer.weight", (config.inputs, width)
        yield "lm_head.weight", (config.outputs, width)
    yield "position_embeds_layer.weight", (config.positions, width)
    yield "layernorm_final.weight", (width,)
    for layer in range(config.layers):
        start = f"layers.{layer}."
        yield f"{start}layernorm_1.weight", (width,)
        yield f"{start}layernorm_2.weight", (width,)
        yield f"{start}attn.att_proj.weight", (3 * width, width)
        yield f"{start}attn.out_proj.weight", (width, width)
        yield f"{start}mlp.in_proj.weight", (4 * width, width)
        yield f"{start}mlp.out_proj.weight", (width, 4 * width)


def _weight_files(folder: Path) -> list[Path]:
    """The files that hold a family's weights: safetensors before torch's, whole before sharded."""
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _shards(index)
    raise CheckpointError(
        f'The weights of the model family "{folder.name}" are missing: there is no '
        "model.safetensors and no pytorch_model.bin. Download the family."
    )


def _shards(index: Path) -> list[Path]:
    try:
        if index.stat().st_size > MAX_INDEX_BYTES:
            raise ValueError("too large")
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        paths = [index.parent / name for name in names if Path(name).name == name]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise _damaged(index) from fault
    missing = next((path for path in paths if not path.is_file()), None)
    if missing is not None or not paths:
        name = index.name if missing is None else missing.name
        raise CheckpointError(f"The model file {name} is missing. Download the family again.")
    return paths


def _tensors(path: Path, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of one file whose names begin with `prefix`."""
    if path.suffix != ".safetensors":
        content = _read_torch(path)
        for name, tensor in content.items():
            if isinstance(tensor, torch.Tensor) and str(name).startswith(prefix):
                yield str(name), tensor
        return
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("too large")
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if len(names) > MAX_TENSORS:
                raise ValueError("too many tensors")
            for name in names:
                if name.startswith(prefix):
                    yield name, file.get_tensor(name)
    except (SafetensorError, OSError, ValueError, RuntimeError) as fault:
        raise _damaged(path) from fault


def _read_torch(path: Path) -> dict[Any, Any]:
    """Read a torch file that holds a dictionary of tensors, numbers and texts, and nothing else."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("too large")
        _check_archive(path)
        with torch.serialization.safe_globals(_numpy_scalars()):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as fault:  # torch.load raises whatever the damage makes it
        raise _damaged(path) from fault
    if not isinstance(content, dict) or len(content) > MAX_TENSORS:
        raise CheckpointError(
            f"The file {path.name} holds no dictionary of weights. Copy the original file again."
        )
    return content


def _check_archive(source: Path | io.BytesIO) -> None:
    """Refuse what is not a zip of stored members, so that nothing can swell while it is read."""
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
    if len(members) > MAX_TENSORS or any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise ValueError("not an archive as torch writes it")


def _numpy_scalars() -> list[Any]:
    """What Suno's files hold beside tensors: numpy numbers, by name and nothing more."""
    kinds = [type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8", "?")]
    rebuild = np.float64(0).__reduce__()[0]
    return [
        rebuild,
        (rebuild, "numpy.core.multiarray.scalar"),
        np.dtype,
        *kinds,
    ]


def _transformers_sizes(sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Suno's `model_args` under transformers' names."""
    renamed = {ours: int(sizes[theirs]) for ours, theirs in _SUNO_SIZES.items()}
    both = sizes.get("vocab_size")
    return {
        **renamed,
        "block_size": int(sizes["block_size"]),
        "bias": bool(sizes.get("bias", False)),
        "input_vocab_size": int(sizes.get("input_vocab_size", both)),
        "output_vocab_size": int(sizes.get("output_vocab_size", both)),
        "n_codes_total": int(sizes.get("n_codes_total", 0)),
        "n_codes_given": int(sizes.get("n_codes_given", 0)),
    }


def _transformers_name(name: str) -> str:
    name = name.removeprefix("_orig_mod.")
    for pattern, replacement in _SUNO_NAMES:
        name = pattern.sub(replacement, name)
    return name


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(
        f"The model file {path.name} is damaged, or not a file of weights. It was not loaded. "
        "Download it again."
    )


def safetensors_bytes(path: Path, prefix: str = "") -> int:
    """How many bytes of weights a safetensors file holds under `prefix`, from its header alone.

    Raises:
        CheckpointError: the file has no readable header.
    """
    try:
        size = path.stat().st_size
        total = 0
        for name, entry in _safetensors_header(path).items():
            if name == "__metadata__" or not name.startswith(prefix):
                continue
            start, end = entry["data_offsets"]
            if not 0 <= start <= end <= size:
                raise ValueError("a tensor outside the file")
            total += int(end - start)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise _damaged(path) from fault
    return total


def _safetensors_header(path: Path) -> dict[str, Any]:
    """The head of a safetensors file: what its tensors are and where they lie.

    Raises:
        CheckpointError: there is none.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_INDEX_BYTES:
                raise ValueError("header too large")
            header = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError, struct.error) as fault:
        raise _damaged(path) from fault
    if not isinstance(header, dict):
        raise _damaged(path)
    return header
