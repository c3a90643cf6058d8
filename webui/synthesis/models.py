"""All parts of a family in memory: tokenizer, three transformers and the codec."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from webui.checkpoint import StateDict, check_network, load_part, load_suno
from webui.errors import CheckpointError, DeviceMemoryError, SettingsError
from webui.family import FamilyConfig, NetworkConfig, read_family
from webui.synthesis import coarse, semantic
from webui.synthesis.codec import Codec, build_codec
from webui.synthesis.dense import PRECISIONS
from webui.synthesis.text import TextTokenizer, load_tokenizer
from webui.synthesis.transformer import CausalTransformer, FineTransformer

ProgressCallback = Callable[[str, float], None]


@dataclass(frozen=True)
class BarkModels:
    """A family ready to speak."""

    family: FamilyConfig
    tokenizer: TextTokenizer
    text: CausalTransformer
    coarse: CausalTransformer
    fine: FineTransformer
    codec: Codec
    device: str
    precision: str

    @property
    def nbytes(self) -> int:
        """The memory that all weights take."""
        return self.text.nbytes + self.coarse.nbytes + self.fine.nbytes + self.codec.nbytes


def load_models(
    folder: Path,
    device: str = "cpu",
    precision: str = "fp32",
    progress: ProgressCallback | None = None,
) -> BarkModels:
    """Load a family.

    Args:
        folder: the family's folder, in transformers' or Suno's layout.
        device: cpu, cuda, cuda:N or mps.
        precision: fp32, bf16, fp16 (graphics cards only) or int8 (processors only).
        progress: told the part that is being loaded, and how much is done (0..1).

    Raises:
        SettingsError: this device cannot work in this precision.
        FamilyNotFoundError: the files are not there.
        CheckpointError: the files are damaged.
        DeviceMemoryError: the device is full.
    """
    _check_precision(device, precision)
    family = read_family(folder)
    report = progress or (lambda part, done: None)
    report("tokenizer", 0.0)
    room = family.semantic.text_pad_token - family.semantic.text_offset
    tokenizer = load_tokenizer(folder, room)
    try:
        report("semantic", 0.02)
        config, state = _network(family, "semantic", device)
        text = CausalTransformer(config, state, semantic.emitted_ranges(family.semantic), precision)
        report("coarse", 0.4)
        config, state = _network(family, "coarse", device)
        coarse_stage = CausalTransformer(config, state, coarse.emitted_ranges(family), precision)
        report("fine", 0.7)
        config, state = _network(family, "fine", device)
        fine_stage = FineTransformer(config, state, precision)
        report("codec", 0.95)
        codec = build_codec(family.codec, load_part(folder, "codec"), family.fine.codebooks, device)
    except (torch.OutOfMemoryError, MemoryError) as fault:
        raise DeviceMemoryError(
            f'There is not enough free memory for the model family "{family.id}" on {device}. '
            "Choose a smaller family, or close other programs."
        ) from fault
    report("codec", 1.0)
    return BarkModels(family, tokenizer, text, coarse_stage, fine_stage, codec, device, precision)


def _network(family: FamilyConfig, stage: str, device: str) -> tuple[NetworkConfig, StateDict]:
    """The checked weights of one stage, on the device."""
    if stage in family.suno_files:
        config, state = load_suno(family.suno_files[stage])
    else:
        known = {
            "semantic": family.semantic.network,
            "coarse": family.coarse.network,
            "fine": family.fine.network,
        }
        found = known[stage]
        if found is None:
            raise CheckpointError(f'The family "{family.id}" has no {stage} stage.')
        config, state = found, load_part(family.folder, stage)
    if stage == "fine" and not config.codebooks:
        config = replace(config, codebooks=family.fine.codebooks, codebooks_given=1)
    check_network(config, state, f'the {stage} stage of "{family.id}"')
    floats = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
    return config, {name: tensor.to(device, torch.float32) for name, tensor in floats.items()}


def _check_precision(device: str, precision: str) -> None:
    if precision not in PRECISIONS:
        raise SettingsError(
            f'"{precision}" is no precision; choose one of {", ".join(PRECISIONS)}.'
        )
    if precision == "int8" and device != "cpu":
        raise SettingsError("int8 works on the processor only. Choose bf16 or fp16 on this device.")
    if precision == "fp16" and device == "cpu":
        raise SettingsError("fp16 works on graphics cards only. Choose fp32, bf16 or int8 here.")
