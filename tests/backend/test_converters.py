"""Which voice converters there are, whose licence is asked for, what is said without one."""

import numpy as np
import pytest

from tests.backend.family_files import add_tiny
from webui.backend import cloning_parts
from webui.backend.cloning_parts import CloningParts
from webui.backend.converters import check_licence, load_converter
from webui.cloning.conversion.builtin import BuiltinConverter
from webui.cloning.conversion.coqui import COQUI_MODELS, CoquiConverter
from webui.errors import CheckpointError, CloneError, FamilyNotFoundError
from webui.family import read_family


@pytest.fixture
def parts(tmp_path):
    return CloningParts(tmp_path)


@pytest.fixture
def tts(tmp_path, monkeypatch):
    """As if `./install.sh --with tts` had been run."""
    python = tmp_path / "python"
    python.touch()
    monkeypatch.setattr(cloning_parts, "TTS_PYTHON", python)
    return python


@pytest.fixture
def no_tts(tmp_path, monkeypatch):
    monkeypatch.setattr(cloning_parts, "TTS_PYTHON", tmp_path / "none")


def test_the_built_in_converter_is_always_there(parts):
    assert isinstance(load_converter("builtin", parts, "cpu"), BuiltinConverter)


def test_knn_vc_says_how_to_get_it_and_that_its_files_are_damaged(parts):
    with pytest.raises(FamilyNotFoundError, match="models --download knn-vc"):
        load_converter("knn-vc", parts, "cpu")
    for part, names in (
        ("knn-vc", ("prematch_g_02500000.pt",)),
        ("wavlm-large", ("config.json", "model.safetensors")),
    ):
        (parts.root / part).mkdir(parents=True)
        for name in names:
            (parts.root / part / name).write_bytes(b"no weights")
    with pytest.raises(CheckpointError):
        load_converter("knn-vc", parts, "cpu")


def test_a_converter_that_there_is_not_is_refused_in_a_short_sentence(parts):
    with pytest.raises(FamilyNotFoundError, match="There is no converter") as fault:
        load_converter("x" * 9_000, parts, "cpu")
    assert len(str(fault.value)) < 200


@pytest.mark.usefixtures("no_tts")
@pytest.mark.parametrize("name", COQUI_MODELS)
def test_coquis_converters_need_their_own_installation(parts, name):
    with pytest.raises(FamilyNotFoundError, match="install.sh --with tts"):
        load_converter(name, parts, "cpu")


@pytest.mark.usefixtures("tts")
def test_coquis_converters_are_made_without_starting_anything(parts):
    made = load_converter("freevc24", parts, "cpu")
    assert isinstance(made, CoquiConverter)
    assert made.name == "freevc24"


@pytest.mark.usefixtures("tts")
def test_offline_a_model_that_coqui_would_download_is_refused(tmp_path):
    offline = CloningParts(tmp_path, offline=True)
    with pytest.raises(CloneError, match="work offline"):
        load_converter("freevc24", offline, "cpu")
    name = "voice_conversion_models--multilingual--vctk--freevc24"
    (offline.root / "coqui" / "tts" / name).mkdir(parents=True)
    assert isinstance(load_converter("freevc24", offline, "cpu"), CoquiConverter)


def test_only_your_tts_asks_for_its_licence():
    for name in (*COQUI_MODELS, "builtin", "knn-vc"):
        check_licence(name, accepted=True)
        if name != "your_tts":
            check_licence(name, accepted=False)
    with pytest.raises(CloneError, match="CC BY-NC-ND 4.0.* Accept it first"):
        check_licence("your_tts", accepted=False)


@pytest.mark.usefixtures("no_tts")
def test_the_list_tells_which_converters_are_missing_and_why(parts, tmp_path):
    config = read_family(add_tiny(tmp_path, "mini"))
    found = {each.id: each for each in parts.listing(config, lambda part: None)}
    assert found["your_tts"].state == "missing"
    assert found["your_tts"].needs_licence_consent
    assert "install.sh --with tts" in found["freevc24"].reason
    assert not found["freevc24"].needs_licence_consent


@pytest.mark.usefixtures("tts")
def test_the_list_tells_that_they_are_ready_once_installed(parts, tmp_path):
    config = read_family(add_tiny(tmp_path, "mini"))
    found = {each.id: each for each in parts.listing(config, lambda part: None)}
    assert {found[name].state for name in COQUI_MODELS} == {"ready"}


def test_the_built_in_converter_keeps_the_length(parts):
    rate, times = 16_000, np.arange(16_000) / 16_000
    voiced = sum(np.sin(2 * np.pi * 120 * n * times) / n for n in range(1, 20))
    sound = (0.1 * voiced).astype(np.float32)
    other = (0.1 * np.interp(times * 1.3 % 1, times, voiced)).astype(np.float32)
    made, made_rate = load_converter("builtin", parts, "cpu").convert(sound, rate, other, rate)
    assert abs(len(made) / made_rate - 1.0) <= 0.02
