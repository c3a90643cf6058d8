"""The voice converters of method 3: which there are, and how they are loaded."""

from typing import TYPE_CHECKING

from webui.backend.cloning_catalogue import KNN_VC, WAVLM, part_entry
from webui.backend.cloning_parts import CloningParts
from webui.errors import CloneError, FamilyNotFoundError

if TYPE_CHECKING:
    from webui.cloning.conversion.converter import Converter

BUILTIN = "builtin"
ASKING = {"your_tts": "CC BY-NC-ND 4.0"}  # licences that a user must have accepted before


def check_licence(name: str, accepted: bool) -> None:
    """See that the user has accepted the licence of a converter that asks for it.

    Raises:
        CloneError: not yet.
    """
    if name in ASKING and not accepted:
        raise CloneError(
            f"The converter {name} may be used under {ASKING[name]} only: for yourself, not to "
            "earn money. Accept the licence first, or choose another converter."
        )


def load_converter(name: str, parts: CloningParts, device: str) -> "Converter":
    """Load a converter.

    Raises:
        FamilyNotFoundError: it is not here, or there is none of this name.
        CheckpointError: its files are damaged.
    """
    if name == BUILTIN:
        from webui.cloning.conversion.builtin import BuiltinConverter

        return BuiltinConverter()
    if name == KNN_VC:
        vocoder, encoder = parts.path(KNN_VC), parts.path(WAVLM)
        if vocoder is None or encoder is None:
            raise FamilyNotFoundError(
                f"{part_entry(KNN_VC).title}, is not here. "
                f"Download it: `python -m webui models --download {KNN_VC}`."
            )
        from webui.cloning.conversion.knn_vc import load_knn_vc

        return load_knn_vc(encoder, vocoder, device)
    raise FamilyNotFoundError(
        f'There is no converter "{name[:64]}". `python -m webui models --cloning` lists them.'
    )
