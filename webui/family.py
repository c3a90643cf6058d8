"""A model family on disk: which files it has, and every number its stages need.

A family is one folder in the layout of `suno/bark` on the Hugging Face hub, or a folder with Suno's
original checkpoints, whose numbers are Bark's own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.errors import CheckpointError, FamilyNotFoundError

MAX_CONFIG_BYTES = 2**22
MAX_WIDTH, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY = 8_192, 96, 8_192, 1_000_000
SUNO_FILES = {  # formats.md: small and large checkpoints of each stage; the larger is preferred
    "semantic": ("text_2.pt", "text.pt"),
    "coarse": ("coarse_2.pt", "coarse.pt"),
    "fine": ("fine_2.pt", "fine.pt"),
}
BARK_GENERATION: dict[str, Any] = {
    "codebook_size": 1_024,
    "sample_rate": 24_000,
    "semantic_config": {
        "semantic_vocab_size": 10_000, "eos_token_id": 10_000, "text_encoding_offset": 10_048,
        "text_pad_token": 129_595, "semantic_infer_token": 129_599, "semantic_rate_hz": 49.9,
        "max_input_semantic_length": 256, "max_new_tokens": 768,
    },
    "coarse_acoustics_config": {
        "coarse_semantic_pad_token": 12_048, "coarse_infer_token": 12_050, "coarse_rate_hz": 75,
        "n_coarse_codebooks": 2, "max_coarse_input_length": 256, "max_coarse_history": 630,
        "sliding_window_len": 60,
    },
    "fine_acoustics_config": {
        "max_fine_history_length": 512, "max_fine_input_length": 1_024, "n_fine_codebooks": 8,
    },
}  # fmt: skip
"""Bark's numbers (suno-ai/bark generation.py), for what a family's files leave out."""


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of one transformer."""

    inputs: int
    outputs: int
    positions: int
    width: int
    layers: int
    heads: int
    bias: bool
    codebooks: int = 0  # of the fine stage, else 0
    codebooks_given: int = 0


@dataclass(frozen=True)
class SemanticConfig:
    """The text stage: text and history positions, then the infer token, then semantic tokens."""

    network: NetworkConfig | None  # None until Suno's own file is opened
    vocabulary: int
    end_token: int  # also pads the history
    text_offset: int
    text_pad_token: int
    infer_token: int
    rate_hz: float
    text_positions: int
    max_tokens: int


@dataclass(frozen=True)
class CoarseConfig:
    """The coarse stage: a semantic window, the infer token, history, then new codes."""

    network: NetworkConfig | None
    semantic_pad_token: int
    infer_token: int
    rate_hz: float  # frames per second
    codebooks: int
    semantic_window: int
    max_history: int
    window: int


@dataclass(frozen=True)
class FineConfig:
    """The fine stage: windows of frames, of which the first part is history."""

    network: NetworkConfig | None
    window: int
    history: int
    codebooks: int


@dataclass(frozen=True)
class FamilyConfig:
    """All numbers of a family, and where it lies."""

    id: str
    folder: Path
    title: str
    is_demo: bool
    languages: tuple[str, ...]
    licence: str
    sample_rate: int
    codebook_size: int
    semantic: SemanticConfig
    coarse: CoarseConfig
    fine: FineConfig
    codec: Mapping[str, Any]
    suno_files: Mapping[str, Path] = field(default_factory=dict)  # stage -> Suno's checkpoint
    examples: tuple[str, ...] = ()
    controls: Mapping[str, Any] = field(default_factory=dict)  # recommended SpeechControls
    chunk_seconds: float | None = None  # the longest chunk the family says well
    voice_level_db: float | None = None  # of full scale: how loud speech was that it learnt from

    @property
    def coarse_per_semantic(self) -> float:
        """Coarse tokens for one semantic token."""
        return self.coarse.rate_hz / self.semantic.rate_hz * self.coarse.codebooks


def read_family(folder: Path) -> FamilyConfig:
    """Read a family's numbers; no weights are touched.

    Raises:
        FamilyNotFoundError: the folder or its config.json is not there.
        CheckpointError: the files are not those of a Bark family.
    """
    if not folder.is_dir():
        raise FamilyNotFoundError(
            f'The model family "{folder.name}" is not in {folder.parent}. Download it first.'
        )
    suno_files = _find_suno_files(folder)
    if not (folder / "config.json").is_file() and len(suno_files) < len(SUNO_FILES):
        raise FamilyNotFoundError(
            f'The folder of the model family "{folder.name}" has no config.json, and not all of '
            "Suno's text, coarse and fine checkpoints. Download the family again."
        )
    config = _read_json(folder / "config.json")
    generation = _read_json(folder / "generation_config.json")
    facts = _read_json(folder / "webui_family.json")
    try:
        family = _family(folder, config, generation, facts, suno_files)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise CheckpointError(
            f'The config files of the model family "{folder.name}" are damaged ({fault}). '
            "Download the family again."
        ) from fault
    _check_relations(family)
    return family


def family_from_configs(
    config: Mapping[str, Any], generation: Mapping[str, Any], folder: Path
) -> FamilyConfig:
    """The numbers of a family whose two config files are already read."""
    return _family(folder, config, generation, {}, {})


def _family(
    folder: Path,
    config: Mapping[str, Any],
    generation: Mapping[str, Any],
    facts: Mapping[str, Any],
    suno_files: Mapping[str, Path],
) -> FamilyConfig:
    def value(part: str, name: str) -> Any:  # noqa: ANN401  (a JSON value)
        return {**BARK_GENERATION[part], **generation.get(part, {})}[name]

    def network(name: str, stage: str) -> NetworkConfig | None:
        return None if stage in suno_files else network_config(config[name])

    text, coarse, fine = "semantic_config", "coarse_acoustics_config", "fine_acoustics_config"
    end_token = int(value(text, "eos_token_id"))
    return FamilyConfig(
        id=folder.name,
        folder=folder,
        title=str(facts.get("title", folder.name)),
        is_demo=facts.get("is_demo", False) is True,
        languages=tuple(map(str, facts.get("languages", ()))),
        licence=str(facts.get("licence", "MIT")),
        sample_rate=int(generation.get("sample_rate", BARK_GENERATION["sample_rate"])),
        codebook_size=int(generation.get("codebook_size", BARK_GENERATION["codebook_size"])),
        semantic=SemanticConfig(
            network=network(text, "semantic"),
            vocabulary=int(value(text, "semantic_vocab_size")),
            end_token=end_token,
            text_offset=int(value(text, "text_encoding_offset")),
            text_pad_token=int(value(text, "text_pad_token")),
            infer_token=int(value(text, "semantic_infer_token")),
            rate_hz=float(value(text, "semantic_rate_hz")),
            text_positions=int(value(text, "max_input_semantic_length")),
            max_tokens=int(value(text, "max_new_tokens")),
        ),
        coarse=CoarseConfig(
            network=network(coarse, "coarse"),
            semantic_pad_token=int(value(coarse, "coarse_semantic_pad_token")),
            infer_token=int(value(coarse, "coarse_infer_token")),
            rate_hz=float(value(coarse, "coarse_rate_hz")),
            codebooks=int(value(coarse, "n_coarse_codebooks")),
            semantic_window=int(value(coarse, "max_coarse_input_length")),
            max_history=int(value(coarse, "max_coarse_history")),
            window=int(value(coarse, "sliding_window_len")),
        ),
        fine=FineConfig(
            network=network(fine, "fine"),
            window=int(value(fine, "max_fine_input_length")),
            history=int(value(fine, "max_fine_history_length")),
            codebooks=int(value(fine, "n_fine_codebooks")),
        ),
        codec=dict(config.get("codec_config", {})),
        suno_files=dict(suno_files),
        examples=tuple(map(str, facts.get("examples", ()))),
        controls=dict(facts.get("controls", {})),
        chunk_seconds=float(facts["chunk_seconds"]) if "chunk_seconds" in facts else None,
        voice_level_db=float(facts["voice_level_db"]) if "voice_level_db" in facts else None,
    )


def network_config(values: Mapping[str, Any]) -> NetworkConfig:
    """The sizes of one transformer, bounded so that no file can ask for all the memory.

    Raises:
        ValueError: a size is missing or beyond reason.
    """
    names = {
        "inputs": "input_vocab_size", "outputs": "output_vocab_size", "positions": "block_size",
        "width": "hidden_size", "layers": "num_layers", "heads": "num_heads",
    }  # fmt: skip
    sizes = {ours: int(values[theirs]) for ours, theirs in names.items()}
    limits = (
        (sizes["inputs"], MAX_VOCABULARY), (sizes["outputs"], MAX_VOCABULARY),
        (sizes["positions"], MAX_POSITIONS), (sizes["width"], MAX_WIDTH),
        (sizes["layers"], MAX_LAYERS), (sizes["heads"], sizes["width"]),
    )  # fmt: skip
    if not all(0 < size <= limit for size, limit in limits) or sizes["width"] % sizes["heads"]:
        raise ValueError("a transformer's sizes are beyond reason")
    codebooks = int(values.get("n_codes_total", 0))
    given = int(values.get("n_codes_given", 0))
    if not 0 <= given <= codebooks <= 64:
        raise ValueError("the number of codebooks is beyond reason")
    return NetworkConfig(
        **sizes, bias=bool(values.get("bias", True)), codebooks=codebooks, codebooks_given=given
    )


def _check_relations(family: FamilyConfig) -> None:
    """Refuse numbers that would make a stage read outside its tables.

    Raises:
        CheckpointError: names the relation that does not hold.
    """
    semantic, coarse, fine = family.semantic, family.coarse, family.fine
    last_coarse = semantic.vocabulary + coarse.codebooks * family.codebook_size
    positive = (
        semantic.vocabulary, semantic.rate_hz, semantic.text_positions, semantic.max_tokens,
        coarse.rate_hz, coarse.codebooks, coarse.semantic_window, coarse.window,
        fine.window, fine.history, family.codebook_size, family.sample_rate,
    )  # fmt: skip
    holds = {
        "all rates and lengths are positive": min(positive) > 0,
        "the history fits the fine window": fine.history < fine.window,
        "the coarse codebooks are some of all": coarse.codebooks < fine.codebooks,
        "the coarse pad token follows the codes": coarse.semantic_pad_token >= last_coarse,
        "there is room for text": semantic.text_offset < semantic.text_pad_token,
    }
    if semantic.network is not None:
        positions = semantic.text_positions + semantic.max_tokens  # the last token is never read
        tokens = (semantic.infer_token, semantic.text_pad_token)
        holds["the text stage has enough positions"] = positions <= semantic.network.positions
        holds["the text stage knows its tokens"] = max(tokens) < semantic.network.inputs
        holds["the text stage can end"] = semantic.end_token < semantic.network.outputs
    if coarse.network is not None:
        positions = coarse.semantic_window + coarse.max_history + coarse.window
        tokens = (coarse.infer_token, coarse.semantic_pad_token)
        holds["the coarse stage has enough positions"] = positions <= coarse.network.positions
        holds["the coarse stage knows its tokens"] = max(tokens) < coarse.network.inputs
    if fine.network is not None:
        holds["the fine stage has enough positions"] = fine.window <= fine.network.positions
        holds["the fine stage knows its codes"] = family.codebook_size < fine.network.inputs
    for relation, is_true in holds.items():
        if not is_true:
            raise CheckpointError(
                f'The config files of the model family "{family.id}" contradict themselves: it '
                f"does not hold that {relation}. Download the family again."
            )


def _find_suno_files(folder: Path) -> dict[str, Path]:
    found = {}
    for stage, names in SUNO_FILES.items():
        path = next((folder / name for name in names if (folder / name).is_file()), None)
        if path is not None:
            found[stage] = path
    return found


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError("too large")
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise CheckpointError(
            f'The file {path.name} of the model family "{path.parent.name}" is damaged. '
            "Download the family again."
        ) from fault
    if not isinstance(values, dict):
        raise CheckpointError(
            f'The file {path.name} of the model family "{path.parent.name}" is not a config file.'
        )
    return values
