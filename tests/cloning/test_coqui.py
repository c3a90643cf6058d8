"""Coqui's converters: the real child, with a stand-in for Coqui's library (stand_in_coqui)."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from webui.cloning.conversion import coqui
from webui.cloning.conversion.converter import Converter, given_up_by
from webui.cloning.conversion.coqui import CHILD, COQUI_MODELS, CoquiConverter
from webui.errors import CloneError
from webui.events import CancelToken

RATE = 16_000
STAND_IN = Path(__file__).with_name("stand_in_coqui")


@pytest.fixture
def converter_of(monkeypatch):
    """Makes converters whose child finds the stand-in; closes them."""
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    made = []

    def make(name="freevc24", **settings):
        settings = {"python": Path(sys.executable), **settings}
        made.append(CoquiConverter(COQUI_MODELS[name], **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def sine(seconds, level=0.3, rate=RATE):
    return (level * np.sin(np.arange(int(seconds * rate)) / 7)).astype(np.float32)


def process_of(converter):
    return converter._child


@pytest.mark.parametrize("name", ["freevc24", "your_tts"])
def test_a_sound_goes_through_the_child_and_comes_back_as_long_and_as_loud(converter_of, name):
    own = sine(1.01)
    made, rate = converter_of(name).convert(own, RATE, sine(0.7, rate=44_100), 44_100)
    assert rate == 22_050
    assert len(made) == round(len(own) * 22_050 / RATE)
    assert made.dtype == np.float32
    assert np.isclose(np.sqrt(np.mean(made**2)), np.sqrt(np.mean(own**2)), rtol=0.01)


def test_a_stop_ends_a_conversion_that_hangs(converter_of, tmp_path):
    program = tmp_path / "hangs.py"
    program.write_text("import time\ntime.sleep(600)\n")
    converter, cancel = converter_of(program=program), CancelToken()
    threading.Timer(0.3, cancel.cancel).start()
    with given_up_by(cancel, converter), pytest.raises(CloneError, match="in the middle"):
        converter.convert(sine(0.5), RATE, sine(0.5), RATE)
    assert process_of(converter) is None


def test_the_model_is_loaded_once_for_several_conversions(converter_of):
    converter = converter_of()
    converter.convert(sine(0.5), RATE, sine(0.5), RATE)
    first = process_of(converter).pid
    converter.convert(sine(0.4), RATE, sine(0.5), RATE)
    assert process_of(converter).pid == first


def test_the_folder_for_downloads_reaches_the_library(converter_of, tmp_path):
    """With both folders named the stand-in is as loud as the target, else half of full scale."""
    converter = converter_of(models_folder=tmp_path)
    converter._start()
    _, made = converter._ask({"do": "convert"}, [wav(sine(0.5)), wav(sine(0.5, level=0.25))])
    assert np.isclose(np.abs(made).max(), 0.25, atol=0.01)


def wav(sound):
    return coqui.encode_audio(sound, RATE, "wav")


def test_a_model_that_cannot_be_downloaded_is_told_with_its_reason(converter_of):
    converter = converter_of("openvoice_v2")
    with pytest.raises(CloneError, match="OpenVoice 2 could not be loaded .*no route to host"):
        converter.convert(sine(0.5), RATE, sine(0.5), RATE)
    assert process_of(converter) is None


def test_a_fault_of_the_model_is_told_and_the_child_goes_on(converter_of):
    converter = converter_of()
    with pytest.raises(CloneError, match="could not convert this recording .*nothing to hear"):
        converter.convert(sine(0.5), RATE, np.zeros(RATE, np.float32), RATE)
    made, _ = converter.convert(sine(0.5), RATE, sine(0.5), RATE)
    assert len(made) == 11_025


def test_a_child_that_dies_is_told_and_started_again(converter_of):
    converter = converter_of("knnvc")
    for _ in range(2):
        with pytest.raises(CloneError, match="ended in the middle of its work"):
            converter.convert(sine(0.5), RATE, sine(0.5), RATE)


def test_without_the_environment_the_install_is_named(converter_of, tmp_path):
    converter = converter_of(python=tmp_path / "python")
    with pytest.raises(CloneError, match=r"\./install\.sh --with tts"):
        converter.convert(sine(0.5), RATE, sine(0.5), RATE)


def test_a_child_without_the_library_says_so(converter_of, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")
    with pytest.raises(CloneError, match="could not be loaded .*TTS"):
        converter_of().convert(sine(0.5), RATE, sine(0.5), RATE)


def test_a_child_that_never_answers_is_ended(converter_of, monkeypatch, tmp_path):
    monkeypatch.setattr(coqui, "PATIENCE_SECONDS", 0.2)
    program = tmp_path / "child.py"
    program.write_text("import time\ntime.sleep(100)\n")
    with pytest.raises(CloneError, match="ended in the middle of its work"):
        converter_of(program=program).convert(sine(0.5), RATE, sine(0.5), RATE)


@pytest.mark.parametrize("answer", ["no json", "[]", '{"rate": 0}', '{"rate": 9, "bytes": [-1]}'])
def test_an_answer_that_is_none_is_refused(converter_of, tmp_path, answer):
    program = tmp_path / "child.py"
    program.write_text(f"input()\nprint({answer!r}, flush=True)\ninput()\n")
    with pytest.raises(CloneError, match="ended in the middle of its work"):
        converter_of(program=program).convert(sine(0.5), RATE, sine(0.5), RATE)


def test_no_child_outlives_its_converter(converter_of):
    converter = CoquiConverter(COQUI_MODELS["freevc24"], Path(sys.executable))
    converter_of()  # sets the stand-in up
    converter.convert(sine(0.5), RATE, sine(0.5), RATE)
    child = process_of(converter)
    assert child.poll() is None
    del converter
    gc.collect()
    assert child.poll() is not None


def test_the_child_ends_when_nobody_asks_any_more():
    assert subprocess.run([sys.executable, "-P", CHILD], input=b"", timeout=60).returncode == 0


def test_where_a_model_is_kept_is_known_without_coqui(tmp_path):
    """As coqui-tts 0.28 lays its downloads, and the hub's cache its own."""
    kept = {name: each.kept_in(tmp_path) for name, each in COQUI_MODELS.items()}
    assert kept["freevc24"] == (
        tmp_path / "tts" / "voice_conversion_models--multilingual--vctk--freevc24"
    )
    assert kept["openvoice_v2"] == tmp_path / "hub" / "models--myshell-ai--OpenVoiceV2"


def test_every_model_tells_its_licence_and_only_one_asks_for_acceptance():
    licences = {name: each.licence for name, each in COQUI_MODELS.items()}
    assert licences == {
        "freevc24": "MIT", "openvoice_v2": "MIT", "knnvc": "MIT", "your_tts": "CC BY-NC-ND 4.0",
    }  # fmt: skip
    assert [name for name, each in COQUI_MODELS.items() if each.needs_acceptance] == ["your_tts"]
    for each in COQUI_MODELS.values():
        converter = CoquiConverter(each, Path("python"))
        assert isinstance(converter, Converter)
        assert (converter.name, converter.licence) == (each.name, each.licence)
