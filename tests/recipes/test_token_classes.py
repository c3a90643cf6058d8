"""The class of sounds of each token: read off the centres of the clusters, and kept small."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from recipes.mini.hubert import MOMENTS
from recipes.mini.spelling import PHONES
from recipes.mini.token_classes import CLASSES, FILE, token_classes, write_token_classes

MINI = Path(__file__).parents[2] / "models" / "mini"


def centre(*phones: str) -> np.ndarray:
    """The centre of a cluster of frames in whose moments these phones are heard for sure."""
    chances = np.zeros((MOMENTS, len(PHONES)), np.float16)
    chances[range(MOMENTS), [PHONES.index(each) for each in phones]] = 1.0
    return chances.flatten()


def test_every_phone_is_of_one_class() -> None:
    assert sorted(" ".join(CLASSES.values()).split()) == sorted(PHONES)


def test_a_token_is_of_the_class_that_takes_more_than_half_of_it() -> None:
    centres = np.stack(
        [
            centre("aa", "iy", "aa", "t"),
            centre("s", "s", "s", "sh"),
            centre("pau", "pau", "n", "n"),
            centre("m", "n", "ng", "aa"),
        ]
    )
    found = token_classes(centres)
    assert {name: tokens for name, tokens in found.items() if tokens} == {
        "vowel": [0], "fricative": [1], "nasal": [3],
    }  # fmt: skip


def test_the_published_file_is_what_the_recipe_writes_and_is_small(tmp_path: Path) -> None:
    (tmp_path / "hubert").mkdir()
    source = MINI / "hubert" / "semantic_tokens.safetensors"
    (tmp_path / "hubert" / source.name).write_bytes(source.read_bytes())
    write_token_classes(tmp_path)
    published = (MINI / FILE).read_bytes()
    assert (tmp_path / FILE).read_bytes() == published
    assert len(published) < 4_096
    classes = json.loads(published)
    assert all(len(tokens) > 10 for tokens in classes.values())
    numbers = [token for tokens in classes.values() for token in tokens]
    assert len(numbers) == len(set(numbers)) > 400


def test_a_family_of_other_clusters_gets_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "hubert").mkdir()
    centres = np.stack([centre("k", "k", "k", "k"), centre("y", "y", "y", "y")])
    save_file({"centroids": centres}, tmp_path / "hubert" / "semantic_tokens.safetensors")
    write_token_classes(tmp_path)
    classes = json.loads((tmp_path / FILE).read_text())
    assert (classes["plosive"], classes["approximant"], classes["vowel"]) == ([0], [1], [])
