"""A speaker file from outside on its way into the library: looked at, and put into our form."""

from dataclasses import dataclass
from pathlib import PureWindowsPath

from webui.backend.speaker_library import SpeakerLibrary, readable_name
from webui.errors import SpeakerFileError
from webui.speaker_file import (
    MismatchedSpeakerError,
    pack_speaker,
    read_metadata_text,
    read_speaker,
)
from webui.speaker_metadata import edited_json
from webui.voice_names import check_voice_name

NAMELESS = "Imported voice"


@dataclass(frozen=True, eq=False)
class IncomingVoice:
    """What is to be saved: the file, its metadata, and what it did not say itself."""

    data: bytes
    metadata_text: str
    name: str
    said: dict[str, str]


def incoming_voice(
    library: SpeakerLibrary,
    file_name: str,
    data: bytes,
    family: str,
    *,
    repair: bool = False,
) -> IncomingVoice:
    """Read a stranger's speaker file and give it as the library keeps it.

    One whose family is here is written anew, so that every Bark tool reads it, whatever kind of
    numbers it held. One whose parts differ in length stays as it is, unless `repair` cuts them.

    Args:
        library: knows the families; whoever asks holds the lock that guards it.
        file_name: as the file is called, wherever it came from.
        data: its bytes.
        family: whose voice it is when it does not say it.
        repair: cut what does not fit.

    Raises:
        SpeakerFileError: why it cannot be taken.
    """
    said = library.metadata_in(data)
    family = said.family or family
    limits = library.limits(family)
    text = read_metadata_text(data)
    if limits is not None:
        try:
            read = read_speaker(data, limits, repair=repair)
            data = pack_speaker(read.speaker, edited_json(text, {}))
        except MismatchedSpeakerError:
            if repair:
                raise
    shown, language = readable_name(PureWindowsPath(file_name).stem)  # takes both kinds of slash
    try:
        name = check_voice_name(" ".join(said.name.split()) or shown)
    except SpeakerFileError:
        name = NAMELESS
    return IncomingVoice(
        data, text, name, {"family": family, "language": said.language or language}
    )
