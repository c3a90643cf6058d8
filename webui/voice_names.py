"""Names of voices: what people may call them, and what their files are called."""

import re
import secrets
import unicodedata

from webui.errors import SpeakerFileError

MAX_NAME_CHARACTERS = 64
MAX_SLUG_CHARACTERS = 40
FILE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8}\.npz")
# Windows opens a device instead of a file of these names.
RESERVED_SLUGS = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789"}
)


def check_voice_name(text: object) -> str:
    """Give the name as it is kept: NFC, outer spaces gone, inner ones single.

    Raises:
        SpeakerFileError: it is empty, too long, or holds characters that are not seen.
    """
    if not isinstance(text, str):
        raise SpeakerFileError("A voice's name must be text.")
    if len(text) > 16 * MAX_NAME_CHARACTERS:
        raise SpeakerFileError(_too_long(len(text)))
    name = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    name = re.sub(" {2,}", " ", name)
    if not name:
        raise SpeakerFileError("Please give the voice a name.")
    if len(name) > MAX_NAME_CHARACTERS:
        raise SpeakerFileError(_too_long(len(name)))
    for letter in name:
        # C: controls, format (bidi, zero-width), surrogates, unassigned; Z: separators.
        if unicodedata.category(letter)[0] == "C" or (
            unicodedata.category(letter)[0] == "Z" and letter != " "
        ):
            raise SpeakerFileError(
                f"A voice's name cannot hold the invisible character U+{ord(letter):04X}. "
                "Type the name again by hand."
            )
    if not any(unicodedata.category(letter)[0] in "LNSP" for letter in name):
        raise SpeakerFileError("A voice's name needs at least one letter or digit that is seen.")
    return name


def name_key(name: str) -> str:
    """Two names with the same key are the same name to a reader."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def slug(name: str) -> str:
    """Turn any name into plain letters, digits and single hyphens; "voice" when none is left."""
    plain = unicodedata.normalize("NFKD", name[: 16 * MAX_NAME_CHARACTERS]).encode(
        "ascii", "ignore"
    )
    words = re.findall(r"[a-z0-9]+", plain.decode("ascii").lower())
    made = "-".join(words)[:MAX_SLUG_CHARACTERS].strip("-")
    return f"voice-{made}" if made in RESERVED_SLUGS else made or "voice"


def new_file_name(name: str) -> str:
    """Give a file name `<slug>-<8 hex>.npz` that nobody else has, whatever the name holds."""
    return f"{slug(name)}-{secrets.token_hex(4)}.npz"


def is_voice_file_name(file_name: str) -> bool:
    """Whether this is a name that `new_file_name` makes: never a path."""
    return len(file_name) <= 64 and FILE_NAME.fullmatch(file_name) is not None


def _too_long(characters: int) -> str:
    return (
        f"This name has {characters:,} characters; a voice's name has at most "
        f"{MAX_NAME_CHARACTERS}. Please shorten it."
    )
