"""Which converters there are, and how one is made by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from webui.cloning.conversion.converter import Converter
from webui.cloning.conversion.coqui import COQUI_MODELS, CoquiConverter
from webui.errors import CloneError

BUILTIN, KNN_VC = "builtin", "knn-vc"


@dataclass(frozen=True)
class ConverterFacts:
    """What a user should know of a converter before choosing it."""

    name: str
    title: str
    licence: str
    needs_acceptance: bool = False  # of the licence, before it is used
    needs_coqui: bool = False  # ./install.sh --with tts


@dataclass(frozen=True)
class ConverterPlaces:
    """Where the parts of converters lie; None for what is not there."""

    wavlm_folder: Path | None = None
    vocoder_file: Path | None = None
    coqui_python: Path | None = None
    coqui_models: Path | None = None  # where Coqui keeps what it downloads; None: its own choice


CONVERTERS: Mapping[str, ConverterFacts] = {
    BUILTIN: ConverterFacts(BUILTIN, "Built-in converter", "MIT"),
    KNN_VC: ConverterFacts(KNN_VC, "kNN-VC", "MIT"),
    **{
        each.name: ConverterFacts(each.name, each.title, each.licence, each.needs_acceptance, True)
        for each in COQUI_MODELS.values()
    },
}
"""All converters, in the order they are offered."""


def converters(places: ConverterPlaces) -> tuple[ConverterFacts, ...]:
    """Tell which converters can be used now."""
    has_knn = places.wavlm_folder is not None and places.vocoder_file is not None
    here = {BUILTIN: True, KNN_VC: has_knn}
    return tuple(
        each
        for name, each in CONVERTERS.items()
        if here.get(name, each.needs_coqui and places.coqui_python is not None)
    )


def make_converter(
    name: str, places: ConverterPlaces, device: str = "cpu", *, accepts_licence: bool = False
) -> Converter:
    """Load a converter.

    Args:
        name: one of `CONVERTERS`.
        places: where its parts lie.
        device: where it computes.
        accepts_licence: whether the user has accepted its licence, where it asks for that.

    Raises:
        CloneError: there is none of this name, it is not here, or its licence was not accepted.
        CheckpointError: its files are damaged.
    """
    facts = CONVERTERS.get(name)
    if facts is None:
        raise CloneError(f'There is no converter "{name[:40]}". There are {", ".join(CONVERTERS)}.')
    if facts.needs_acceptance and not accepts_licence:
        raise CloneError(
            f"{facts.title} may be used under {facts.licence} only: for yourself, not to earn "
            "money. Accept the licence first, or choose another converter."
        )
    if facts not in converters(places):
        how = "Run ./install.sh --with tts" if facts.needs_coqui else "Download it"
        raise CloneError(f"{facts.title} is not here. {how}, or choose another converter.")
    if facts.needs_coqui and places.coqui_python is not None:
        model = COQUI_MODELS[name]
        return CoquiConverter(model, places.coqui_python, places.coqui_models, device)
    if name == KNN_VC and places.wavlm_folder is not None and places.vocoder_file is not None:
        from webui.cloning.conversion.knn_vc import load_knn_vc

        return load_knn_vc(places.wavlm_folder, places.vocoder_file, device)
    from webui.cloning.conversion.builtin import BuiltinConverter

    return BuiltinConverter()
