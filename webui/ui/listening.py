"""What can listen to a speech here: whether words can be checked and the voice watched."""

from dataclasses import dataclass

import gradio as gr

from webui.backend.facts import CloningPart
from webui.errors import UserError
from webui.ui.messages import language_name
from webui.ui.speak_form import SpeakForm
from webui.ui.studio import ANY_VOICE, Studio

CHECK_WORDS = (
    "A recogniser hears each part: what follows the last word is cut off, and a part that says "
    "something else is spoken again."
)
KEEP_VOICE = (
    "Each part is compared with the voice; one that has drifted away is spoken again after the "
    "voice alone."
)
FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True)
class Listening:
    """Why something cannot be listened to, in words; empty where it can."""

    words: str
    voice: str

    def updates(self, form: SpeakForm) -> tuple[gr.Checkbox, gr.Checkbox]:
        """How the boxes for the words and for the voice are to look."""
        return (
            _box(form.verify, self.words, CHECK_WORDS),
            _box(form.guard_drift, self.voice, KEEP_VOICE),
        )


def listening(studio: Studio, form: SpeakForm) -> Listening:
    """Look at what is installed for the language that a form would speak."""
    try:
        family = studio.speaking_family(form.family)
        parts = studio.service.cloning_parts(family.id)
        language = family.languages[0] if family.languages else FALLBACK_LANGUAGE
        if form.voice != ANY_VOICE:
            language = studio.visible_voice(form.voice, family.id).language or language
    except UserError:
        return Listening("Choose a family and a voice first.", "Choose a family and a voice first.")
    ears = [part for part in parts if part.kind == "recogniser" and part.state == "ready"]
    is_understood = any(_understands(part, language) for part in ears)
    has_encoder = any(part.kind == "speaker_encoder" and part.state == "ready" for part in parts)
    return Listening(
        "" if is_understood else f"No recogniser for {language_name(language)} is installed here.",
        "" if has_encoder else "What compares voices is not installed here.",
    )


def _understands(part: CloningPart, language: str) -> bool:
    """Whether a recogniser knows a language; one without languages knows all of them."""
    return not part.language or language.partition("-")[0] in part.language.split()


def _box(value: object, why_not: str, info: str) -> gr.Checkbox:
    return gr.Checkbox(
        value=value is True and not why_not, interactive=not why_not, info=why_not or info
    )
