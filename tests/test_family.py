"""A family's numbers come from its files; contradictions are refused before weights are read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import tiny_family as tiny
from webui.errors import CheckpointError, FamilyNotFoundError
from webui.family import BARK_GENERATION, read_family

Change = Callable[[dict[str, Any], dict[str, Any]], None]


def write_family(folder: Path, change: Change | None = None) -> Path:
    folder.mkdir()
    config, generation = tiny.configs()
    if change is not None:
        change(config, generation)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps(generation))
    return folder


def test_every_number_comes_from_the_files(tmp_path: Path) -> None:
    family = read_family(write_family(tmp_path / "tiny"))
    assert family.id == "tiny"
    assert (family.sample_rate, family.codebook_size) == (16_000, tiny.CODES)
    assert (family.semantic.vocabulary, family.semantic.rate_hz) == (tiny.SEMANTIC, 25.0)
    assert (family.coarse.window, family.coarse.max_history) == (12, 40)
    assert (family.fine.window, family.fine.history) == (32, 16)
    assert family.coarse_per_semantic == 2.0
    assert family.semantic.network is not None
    assert family.semantic.network.layers == 2


def test_suno_checkpoints_alone_have_barks_numbers(tmp_path: Path) -> None:
    for name in ("text_2.pt", "coarse.pt", "coarse_2.pt", "fine.pt"):
        (tmp_path / name).write_bytes(b"weights")
    family = read_family(tmp_path)
    assert family.semantic.vocabulary == 10_000
    assert family.semantic.max_tokens == 768
    assert family.coarse_per_semantic == pytest.approx(75 / 49.9 * 2)
    assert family.suno_files["coarse"].name == "coarse_2.pt"
    assert family.semantic.network is None


def test_the_published_sizes_of_bark_hold_together(tmp_path: Path) -> None:
    def published(config: dict[str, Any], generation: dict[str, Any]) -> None:
        generation.clear()
        generation.update(BARK_GENERATION)
        sizes = (("semantic_config", 129_600, 10_048), ("coarse_acoustics_config", 12_096, 12_096))
        for name, inputs, outputs in (*sizes, ("fine_acoustics_config", 1_056, 1_056)):
            config[name] |= {
                "input_vocab_size": inputs, "output_vocab_size": outputs, "block_size": 1_024,
            }  # fmt: skip

    family = read_family(write_family(tmp_path / "bark", published))
    assert family.coarse.max_history == 630


def test_a_missing_family_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FamilyNotFoundError, match='"bark" is not in .* Download it first'):
        read_family(tmp_path / "bark")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FamilyNotFoundError, match="no config.json"):
        read_family(tmp_path / "empty")


def set_value(part: str, name: str, value: object) -> Change:
    def change(config: dict[str, Any], generation: dict[str, Any]) -> None:
        (generation if name in generation[part] else config)[part][name] = value

    return change


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("semantic_config", "max_new_tokens", 90),
        ("semantic_config", "text_pad_token", 40),
        ("semantic_config", "semantic_infer_token", 999_999),
        ("semantic_config", "semantic_rate_hz", 0),
        ("semantic_config", "hidden_size", 33),
        ("semantic_config", "hidden_size", 10**9),
        ("semantic_config", "num_layers", -1),
        ("semantic_config", "num_layers", "many"),
        ("coarse_acoustics_config", "sliding_window_len", 70),
        ("coarse_acoustics_config", "coarse_semantic_pad_token", 41),
        ("coarse_acoustics_config", "n_coarse_codebooks", 8),
        ("fine_acoustics_config", "max_fine_history_length", 32),
        ("fine_acoustics_config", "n_codes_total", 1_000),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(
    tmp_path: Path, part: str, name: str, value: object
) -> None:
    folder = write_family(tmp_path / "tiny", set_value(part, name, value))
    with pytest.raises(CheckpointError, match=r'"tiny".* Download the family again'):
        read_family(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": ' * 5_000, "\x00\xff"])
def test_a_damaged_config_file_is_named(tmp_path: Path, text: str) -> None:
    folder = write_family(tmp_path / "tiny")
    (folder / "generation_config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"generation_config\.json"):
        read_family(folder)
