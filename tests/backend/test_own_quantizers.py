"""Quantizers that users made: which family finds them, what their cards say, which is first."""

import os

import pytest

from tests.backend.family_files import add_suno, add_tiny
from tests.backend.scripted_training import weights_of
from tests.backend.test_cloning_parts import listed, parts, put  # noqa: F401  (a fixture)
from webui.backend.cloning_catalogue import ENCODER
from webui.backend.own_quantizers import OwnQuantizers
from webui.errors import TrainingError
from webui.family import read_family


@pytest.fixture
def tiny(tmp_path):
    folder = add_tiny(tmp_path, "tiny", title="Tiny")
    (folder / "hubert").mkdir()
    return read_family(folder)


def card(title, language="de"):
    return {"title": title, "language": language, "accuracy": 0.8}


def test_a_quantizer_comes_with_its_card(tmp_path):
    own = OwnQuantizers(tmp_path, "tiny")
    assert own.all() == []
    own.add("german-1", weights_of(2), card("German 1"))
    (found,) = own.all()
    assert (found.name, found.title, found.language) == ("german-1", "German 1", "de")
    assert found.card["accuracy"] == 0.8
    assert found.file == tmp_path / "own" / "tiny" / "german-1.safetensors"


def test_the_same_name_again_replaces_it(tmp_path):
    own = OwnQuantizers(tmp_path, "tiny")
    own.add("a", weights_of(2), card("Old"))
    own.add("a", weights_of(4), card("New"))
    assert [each.title for each in own.all()] == ["New"]


@pytest.mark.parametrize("text", ["{", "[]", "\x00", "9" * 2_000_000])
def test_a_damaged_card_leaves_the_name(tmp_path, text):
    own = OwnQuantizers(tmp_path, "tiny")
    file = own.add("a", weights_of(2), card("A")).file
    file.with_suffix(".json").write_text(text)
    (found,) = own.all()
    assert (found.title, found.language, found.card) == ("a", "", {})


def test_one_is_taken_away_with_its_card(tmp_path):
    own = OwnQuantizers(tmp_path, "tiny")
    own.add("a", weights_of(2), card("A"))
    with pytest.raises(TrainingError, match='called "../a"'):
        own.remove("../a")
    own.remove("a")
    assert list(own.folder.iterdir()) == []


def test_the_newest_of_a_language_is_chosen_before_the_familys_own(parts, tiny):  # noqa: F811
    folder = tiny.folder / "quantizer"
    folder.mkdir()
    (folder / "own.safetensors").write_bytes(b"x")
    own = parts.made_here(tiny)
    for age, name, language in ((300, "a", "en"), (200, "b", "en"), (100, "c", "de")):
        file = own.add(name, weights_of(2), card(name.upper(), language)).file
        os.utime(file, (1_000_000 - age, 1_000_000 - age))
    assert [each.name for each in parts.quantizers(tiny)] == ["c", "b", "a", "own"]
    assert parts.quantizer(tiny, "en", None).name == "b"
    assert parts.quantizer(tiny, "de", None).name == "c"
    assert parts.quantizer(tiny, "fr", None).name == "b"
    assert parts.quantizer(tiny, "en", "own").title == ""
    found = listed(parts, tiny)
    assert found["b"].title == "B, made here"
    assert found["own"].title == "Tiny's own quantizer"


def test_families_with_barks_tokens_share_theirs_and_others_do_not_see_them(
    parts,  # noqa: F811
    tiny,
    tmp_path,
):
    bark, small = (read_family(add_suno(tmp_path, name)) for name in ("bark", "bark-small"))
    put(parts, ENCODER)
    parts.made_here(small).add("german-1", weights_of(2), card("German 1"))
    assert parts.quantizer(bark, "de", None).name == "german-1"
    assert parts.quantizer(bark, "de", None).encoder == parts.root / ENCODER
    assert parts.quantizers(tiny) == []
