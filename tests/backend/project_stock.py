"""Families and voices for long texts, without reading a voice's file or loading a model."""

from pathlib import Path

from tests.tiny_family import random_speaker
from webui.arrays import Speaker
from webui.backend.facts import VoiceInfo
from webui.backend.project_beginning import ProjectStock
from webui.errors import FamilyNotFoundError, VoiceNotFoundError
from webui.family import read_family
from webui.synthesis.controls import SpeechControls

ROOT = Path(__file__).parents[2]


def some_speakers(seed: int = 0) -> dict[str, Speaker]:
    """Five voices by their ids."""
    made = {}
    for number, name in enumerate("abcde"):
        arrays = random_speaker(20, seed + number)
        made[name] = Speaker(
            arrays["semantic_prompt"], arrays["coarse_prompt"], arrays["fine_prompt"]
        )
    return made


def stock(speakers: dict[str, Speaker] | None = None) -> ProjectStock:
    """The family mini with voices of the test's own."""
    known = some_speakers() if speakers is None else speakers
    family = read_family(ROOT / "models" / "mini")

    def whole(name: str | None):
        if name not in (None, "mini"):
            raise FamilyNotFoundError(f"{name} is not here.")
        return family

    def speaker(voice: str, family: str) -> Speaker:
        if voice not in known:
            raise VoiceNotFoundError(f"{voice} is not there.")
        return known[voice]

    def voices(family: str) -> list[VoiceInfo]:
        return [VoiceInfo(each, each.upper(), family, "en", "builtin") for each in known]

    return ProjectStock(whole, voices, speaker, lambda _: SpeechControls())
