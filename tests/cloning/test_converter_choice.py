"""Choosing a converter: what is there, what is missing, whose licence must be accepted."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cloning.converters import make_vocoder, make_wavlm
from webui.cloning.conversion.builtin import BuiltinConverter
from webui.cloning.conversion.choice import (
    CONVERTERS,
    ConverterPlaces,
    converters,
    make_converter,
)
from webui.cloning.conversion.converter import Converter
from webui.cloning.conversion.coqui import CoquiConverter
from webui.errors import CheckpointError, CloneError

NOWHERE = ConverterPlaces()
COQUI = replace(NOWHERE, coqui_python=Path("/nowhere/python"))


def names(places):
    return [each.name for each in converters(places)]


def test_the_built_in_converter_is_always_there():
    assert names(NOWHERE) == ["builtin"]
    assert isinstance(make_converter("builtin", NOWHERE), BuiltinConverter)


def test_knn_vc_is_there_with_both_its_parts():
    both = ConverterPlaces(wavlm_folder=Path("wavlm"), vocoder_file=Path("vocoder.pt"))
    assert names(replace(both, vocoder_file=None)) == ["builtin"]
    assert names(both) == ["builtin", "knn-vc"]


def test_coquis_converters_are_there_with_their_environment():
    assert names(COQUI) == ["builtin", "freevc24", "openvoice_v2", "knnvc", "your_tts"]
    assert isinstance(make_converter("freevc24", COQUI), CoquiConverter)


def test_your_tts_is_made_only_once_its_licence_is_accepted():
    with pytest.raises(CloneError, match="CC BY-NC-ND"):
        make_converter("your_tts", COQUI)
    assert make_converter("your_tts", COQUI, accepts_licence=True).name == "your_tts"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("knn-vc", "Download it"),
        ("openvoice_v2", "--with tts"),
        ("nothing", "There are builtin, knn-vc"),
    ],
)
def test_what_is_missing_is_told_with_the_way_to_it(name, words):
    with pytest.raises(CloneError, match=words):
        make_converter(name, NOWHERE)


def test_knn_vc_is_loaded_from_its_two_places(tmp_path):
    """The tiny files are not the published ones, which the loader says of the first it reads."""
    make_wavlm(tmp_path / "wavlm")
    make_vocoder(tmp_path / "vocoder.pt")
    places = ConverterPlaces(tmp_path / "wavlm", tmp_path / "vocoder.pt")
    with pytest.raises(CheckpointError, match=r"vocoder\.pt is not kNN-VC's vocoder"):
        make_converter("knn-vc", places)


def test_what_is_said_before_agrees_with_the_converter_itself():
    for name in ("builtin", "freevc24", "openvoice_v2", "knnvc", "your_tts"):
        made = make_converter(name, COQUI, accepts_licence=True)
        assert isinstance(made, Converter)
        assert (made.name, made.licence) == (name, CONVERTERS[name].licence)
