"""Families are looked up by name among the folders that are there; no name becomes a path."""

import pytest

from webui.backend.family_folders import FamilyFolders, best_family
from webui.errors import FamilyNotFoundError


def add_family(root, name, file="config.json"):
    folder = root / name
    folder.mkdir(parents=True)
    (folder / file).write_text("{}")
    return folder


def test_every_folder_with_a_config_or_sunos_text_stage_is_a_family(tmp_path):
    add_family(tmp_path, "bark")
    add_family(tmp_path, "large", "text_2.pt")
    add_family(tmp_path, "small", "text.pt")
    add_family(tmp_path, "voices", "ada.npz")
    add_family(tmp_path, ".downloads")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd" / "config.json").mkdir(parents=True)
    assert list(FamilyFolders((tmp_path,)).all()) == ["bark", "large", "small"]


def test_the_first_root_that_has_a_name_wins(tmp_path):
    own, builtin = tmp_path / "own", tmp_path / "builtin"
    mine = add_family(own, "mini")
    add_family(builtin, "mini")
    other = add_family(builtin, "other")
    folders = FamilyFolders((own, tmp_path / "missing", builtin))
    assert folders.all() == {"mini": mine, "other": other}
    assert folders.find("mini") == mine


def test_new_folders_are_seen_at_once(tmp_path):
    folders = FamilyFolders((tmp_path / "models",))
    assert folders.all() == {}
    made = add_family(tmp_path / "models", "bark")
    assert folders.find("bark") == made


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../outside", "/", "bark/", "bark/../bark", "BARK", "bark\0", "b" * 999]
)
def test_a_hostile_name_is_not_found_and_leads_nowhere(tmp_path, name):
    add_family(tmp_path / "models", "bark")
    add_family(tmp_path, "outside")
    with pytest.raises(FamilyNotFoundError) as fault:
        FamilyFolders((tmp_path / "models",)).find(name)
    assert f"copy its folder into {tmp_path / 'models'}" in str(fault.value)
    assert len(str(fault.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("installed", "demos", "best"),
    [
        (("mini", "bark-small", "bark"), {"mini"}, "bark"),
        (("mini", "zebra", "bark-small"), {"mini"}, "bark-small"),
        (("mini", "zebra", "mine"), {"mini"}, "mine"),
        (("mini",), {"mini"}, "mini"),
        (("other", "mini"), {"mini", "other"}, "mini"),
        ((), set(), "mini"),
    ],
)
def test_bark_speaks_before_other_families_and_a_demonstration_last(installed, demos, best):
    assert best_family(installed, frozenset(demos)) == best
