"""`python -m webui doctor`: what is there to clone with, and how to get the rest."""

import pytest

from tests.backend.family_files import add_suno, add_tiny
from webui.backend.service import Service
from webui.cli_doctor import Finding, examine_cloning
from webui.settings import Settings


@pytest.fixture
def settings(tmp_path, monkeypatch):
    builtin = add_tiny(tmp_path / "builtin", "mini", title="Mini", demo=True).parent
    monkeypatch.setattr(Settings, "builtin_models_dir", property(lambda settings: builtin))
    folders = {f"{name}_dir": tmp_path / name for name in ("models", "speakers", "outputs", "data")}
    return Settings(**folders, engine="inline")


def examined(settings) -> dict[str, Finding]:
    return {each.what.removeprefix("cloning: "): each for each in examine_cloning(settings)}


def test_a_family_without_a_quantizer_gets_a_hint_and_the_rest_is_told(settings):
    found = examined(settings)
    assert list(found) == ["quantizer", "converter", "recogniser"]
    assert found["quantizer"].state == "hint"
    assert found["quantizer"].found == "none for mini"
    assert "models --cloning" in found["quantizer"].mend
    assert "builtin" in found["converter"].found


def test_a_quantizer_that_is_there_is_named(settings):
    folder = add_suno(settings.models_dir, "bark")
    for part in ("hubert", "quantizer"):
        (folder / part).mkdir()
        (folder / part / "mine.safetensors").write_bytes(b"x")
    assert examined(settings)["quantizer"] == Finding("cloning: quantizer", "ok", "mine (for bark)")


def test_without_a_recogniser_it_is_said_how_to_get_one(settings, monkeypatch):
    monkeypatch.setattr(Service, "cloning_parts", lambda self, family: [])
    found = examined(settings)
    assert {each.state for each in found.values()} == {"hint"}
    assert found["recogniser"].mend.endswith("models --download whisper-base")


def test_a_damaged_family_is_told_elsewhere(settings):
    folder = add_suno(settings.models_dir, "bark")
    (folder / "config.json").write_text("{")
    assert list(examine_cloning(Settings(models_dir=settings.models_dir, family="bark"))) == []
