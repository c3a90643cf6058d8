"""What all calls share: the service, who may do what, and what programs call things."""

from dataclasses import dataclass
from pathlib import Path

from webui.backend.facts import FamilyInfo, VoiceInfo, voices_called
from webui.http_api.admission import Admission
from webui.http_api.errors import ApiError
from webui.http_api.job_store import JobStore
from webui.http_api.keys import Caller, Keys
from webui.http_api.port import ProgramService
from webui.settings import Settings

# OpenAI's names: a program that was written for them works with the families that are here.
OPENAI_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
OPENAI_VOICES = (
    "alloy", "echo", "fable", "onyx", "nova", "shimmer", "ash", "ballad", "coral", "sage", "verse",
    "marin", "cedar",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Reception:
    """One running API."""

    service: ProgramService
    settings: Settings
    keys: Keys
    admission: Admission
    jobs: JobStore
    folder: Path  # for recordings while they are read

    def installed(self) -> list[FamilyInfo]:
        """The families that can speak now."""
        return [family for family in self.service.families() if family.state == "installed"]

    def family(self, model: str) -> FamilyInfo:
        """The family that a program means: by its own name, or the usual one by OpenAI's.

        Raises:
            ApiError: there is none of this name, or it is not installed.
        """
        wanted = self.service.default_family() if is_openai_model(model) else model
        for family in self.service.families():
            if family.id != wanted:
                continue
            if family.state == "installed":
                return family
            words = f'The model "{wanted[:64]}" is not installed. Download it on the page first.'
            raise ApiError(404, words, "model_not_installed", "model")
        names = ", ".join([each.id for each in self.installed()] + list(OPENAI_MODELS))
        words = f'There is no model "{model[:64]}". There are: {names}.'
        raise ApiError(404, words, "model_not_found", "model")

    def voices(self, caller: Caller, family: str | None = None) -> list[VoiceInfo]:
        """The voices that somebody may know of: for strangers those that come with the families."""
        known = self.service.voices(family)
        return [each for each in known if caller.is_owner or each.source != "own"]

    def voice(self, caller: Caller, wanted: str) -> VoiceInfo:
        """One voice by its id.

        Raises:
            ApiError: there is none that this caller may know of.
        """
        for voice in self.voices(caller):
            if voice.id == wanted:
                return voice
        raise ApiError(404, f'There is no voice "{wanted[:64]}".', "voice_not_found", "voice")

    def speaking_voice(self, caller: Caller, wanted: str, family: FamilyInfo) -> VoiceInfo | None:
        """The voice that a program means: by its id, its name, or OpenAI's name.

        None leaves it to a family that has no voices.

        Raises:
            ApiError: there is none, several have this name, or it is broken.
        """
        known = self.voices(caller, family.id)
        found = voices_called(known, wanted)
        if not found and wanted.lower() in OPENAI_VOICES:
            return named_by_openai(known, wanted.lower())
        if len(found) != 1:
            many = f"{len(found)} voices are called" if found else "There is no voice"
            words = f'{many} "{wanted[:64]}". GET /v1/audio/voices lists the ids.'
            raise ApiError(400, words, "voice_not_found", "voice")
        if found[0].broken:
            words = f'The voice "{wanted[:64]}" cannot speak: {found[0].broken}'
            raise ApiError(400, words, "voice_broken", "voice")
        return found[0]


def is_openai_model(model: str) -> bool:
    """Whether this is one of OpenAI's names, with or without a date behind it."""
    return model in OPENAI_MODELS or model.startswith("gpt-4o-mini-tts-")


def named_by_openai(voices: list[VoiceInfo], name: str) -> VoiceInfo | None:
    """The voice that stands for one of OpenAI's: always the same one of those of the family."""
    usable = [each for each in voices if each.source != "own" and not each.broken]
    english = [each for each in usable if each.language == "en"] or usable
    if not english:
        return None
    return sorted(english, key=lambda each: each.id)[OPENAI_VOICES.index(name) % len(english)]
