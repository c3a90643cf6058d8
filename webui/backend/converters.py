"""The voice converters of method 3: how they are loaded, and which licences are asked for."""

from typing import TYPE_CHECKING

from webui.backend import cloning_parts
from webui.backend.cloning_catalogue import KNN_VC, WAVLM, part_entry
from webui.backend.cloning_parts import COQUI_FOLDER, CloningParts
from webui.cloning.conversion.coqui import COQUI_MODELS, CoquiConverter
from webui.errors import CloneError, FamilyNotFoundError

if TYPE_CHECKING:
    from webui.cloning.conversion.converter import Converter

BUILTIN = "builtin"


def check_licence(name: str, accepted: bool) -> None:
    """See that the user has accepted the licence of a converter that asks for it.

    Raises:
        CloneError: not yet.
    """
    model = COQUI_MODELS.get(name)
    if model is not None and model.needs_acceptance and not accepted:
        raise CloneError(
            f"{model.title} may only be used under its licence, {model.licence}: not to earn "
            "money, and nothing made from it may be changed and shared. Accept it first, or choose "
            "another converter."
        )


def load_converter(name: str, parts: CloningParts, device: str) -> "Converter":
    """Load a converter.

    Raises:
        FamilyNotFoundError: it is not here, or there is none of this name.
        CheckpointError: its files are damaged.
        CloneError: it would have to be downloaded, and the app works offline.
    """
    if name == BUILTIN:
        from webui.cloning.conversion.builtin import BuiltinConverter

        return BuiltinConverter()
    if name == KNN_VC:
        return _knn_vc(parts, device)
    if name in COQUI_MODELS:
        return _coqui(name, parts, device)
    raise FamilyNotFoundError(
        f'There is no converter "{name[:64]}". `python -m webui models --cloning` lists them.'
    )


def _knn_vc(parts: CloningParts, device: str) -> "Converter":
    vocoder, encoder = parts.path(KNN_VC), parts.path(WAVLM)
    if vocoder is None or encoder is None:
        raise FamilyNotFoundError(
            f"{part_entry(KNN_VC).title}, is not here. "
            f"Download it: `python -m webui models --download {KNN_VC}`."
        )
    from webui.cloning.conversion.knn_vc import load_knn_vc

    return load_knn_vc(encoder, vocoder, device)


def _coqui(name: str, parts: CloningParts, device: str) -> "Converter":
    """Start nothing yet: Coqui's program runs, and brings its model, at the first conversion."""
    model, python = COQUI_MODELS[name], cloning_parts.TTS_PYTHON
    if not python.exists():
        raise FamilyNotFoundError(
            f"{model.title} needs Coqui's libraries. Run ./install.sh --with tts, or choose "
            "another converter."
        )
    folder = parts.root / COQUI_FOLDER
    if parts.offline and not model.kept_in(folder).is_dir():
        raise CloneError(
            f"{model.title} has not been downloaded, and the app is set to work offline. Choose "
            "another converter, or start without --offline."
        )
    return CoquiConverter(model, python, folder, device)
