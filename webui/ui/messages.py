"""The page's words: stages, sizes, times, faults.

Everything that a visitor reads is made here or shown through `plain`, so that no text of a
stranger becomes markup.
"""

import html
import logging
import re
import secrets

from webui.errors import UserError
from webui.events import Progress

LOG = logging.getLogger(__name__)
STAGES = {
    "queued": "waiting for its turn",
    "download": "downloading",
    "verify": "checking the files",
    "load": "loading the model",
    "semantic": "choosing the sounds of the words",
    "coarse": "shaping the voice",
    "fine": "adding detail",
    "codec": "making the sound",
    "check": "finding the best part",
    "listen": "listening to the words",
    "encode": "writing down the sound",
    "convert": "changing the voice",
    "report": "speaking a test sentence",
    "pairs": "speaking pairs",
    "features": "listening to the pairs",
    "train": "learning",
    "evaluate": "judging what was learned",
}
TELLING_STAGES = frozenset({"check", "listen", "encode", "convert", "report"})  # by their messages
METHODS = {
    "quantizer": "Quantizer",
    "transcript": "From the transcript",
    "conversion": "By conversion",
}
LANGUAGES = {
    "en": "English",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "zh": "Chinese",
}
MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$>])")


def plain(text: str) -> str:
    """Make a text safe to stand in markdown: it shows as it is and never acts."""
    one_line = " ".join(text.split())
    return MARKUP.sub(r"\\\1", html.escape(one_line, quote=False).replace("&gt;", ">"))


def language_name(code: str) -> str:
    """Name a language; an unknown code stands for itself."""
    return LANGUAGES.get(code, code)


def size_words(size_bytes: int) -> str:
    """Say a size as a file manager does: 55 MB, 1.7 GB."""
    if size_bytes >= 1_000_000_000:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{max(size_bytes / 1e6, 1):.0f} MB"


def time_words(seconds: float) -> str:
    """Say a time that is left or was needed, no finer than it is known."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h"


def progress_words(progress: Progress, part: str = "sentence") -> str:
    """Say where a job is: which part, which stage, how long it still takes."""
    parts = []
    if progress.chunks > 1 and progress.stage not in ("queued", "load"):
        parts.append(f"{part} {progress.chunk + 1} of {progress.chunks}")
    stage = STAGES.get(progress.stage, progress.stage)
    if progress.message and progress.stage in TELLING_STAGES:
        parts.append(progress.message[:1].lower() + progress.message[1:])
    else:
        parts += [stage, progress.message] if progress.message else [stage]
    if progress.seconds_left is not None:
        parts.append(f"about {time_words(progress.seconds_left)} left")
    line = " · ".join(parts)
    return plain(line[:1].upper() + line[1:])


def fault_words(fault: BaseException) -> str:
    """Turn any fault into a sentence; one that we did not foresee goes to the log with a code."""
    if isinstance(fault, UserError):
        return str(fault)
    code = secrets.token_hex(2).upper()
    LOG.error("Unforeseen fault %s on the page", code, exc_info=fault)
    return f"Something went wrong (code {code}). Nothing was lost; please try again."
