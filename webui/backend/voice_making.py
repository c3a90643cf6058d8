"""New voices out of those that are there: a part, a blend, the end of a speech."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import webui
from webui.arrays import Speaker
from webui.backend.speaker_library import SpeakerLibrary
from webui.backend.speech_recipe import SpeechRecipe
from webui.errors import SpeakerFileError
from webui.events import SpokenChunk
from webui.family import FamilyConfig, read_family
from webui.speaker_editing import blend_speakers, crop_speaker, join_speakers
from webui.speaker_limits import SpeakerLimits, limits_of
from webui.speaker_metadata import MAX_VALUE_CHARACTERS, SpeakerMetadata, metadata_to_json
from webui.voice_names import MAX_NAME_CHARACTERS

SPEECH_SECONDS = 12.0  # of a speech that are kept; published voices last 3 to 15 s


@dataclass(frozen=True, eq=False)
class Recipe:
    """A voice that is made but not kept yet, and what its file shall say.

    `hearing_family` is installed and can make its sound.
    """

    speaker: Speaker
    hearing_family: str
    name: str
    metadata_text: str


class VoiceMaker:
    """Reads voices of the library and makes others; writes nothing."""

    def __init__(self, library: SpeakerLibrary, looking: threading.Lock) -> None:
        self._library = library
        self._looking = looking

    def limits(self, family: str) -> SpeakerLimits:
        """What an installed family can use.

        Raises:
            FamilyNotFoundError: it is not here.
        """
        return limits_of(self._config(family))

    def crop(self, voice_id: str, start: float, end: float) -> Recipe:
        """Cut a part out of a voice.

        Raises:
            UserError: there is no such voice or part.
        """
        with self._looking:
            info = self._library.voice(voice_id)
            family = self._library.family_for(voice_id)
            speaker = self._library.speaker(voice_id, family)
            said = self._library.metadata(voice_id)
        made = crop_speaker(speaker, self.limits(family), start, end)
        other = {**said.other, "made_from": f"{start:.2f} to {end:.2f} s of {info.name}"}
        kept = replace(said, family=info.family, language=info.language, other=other)
        return Recipe(made, family, _named(f"{info.name} (part)"), metadata_to_json(kept))

    def blend(self, first: str, second: str, share: float) -> Recipe:
        """Mix two voices of one family.

        Raises:
            UserError: one is not there, or they cannot be blended.
        """
        if first == second:
            raise SpeakerFileError("A voice cannot be blended with itself. Choose another one.")
        with self._looking:
            family = self._library.family_for(first)
            speakers = [self._library.speaker(each, family) for each in (first, second)]
            infos = [self._library.voice(each) for each in (first, second)]
            said = [self._library.metadata(each) for each in (first, second)]
        config = self._config(family)
        made = blend_speakers(
            speakers[0], speakers[1], limits_of(config), share, heard_seconds(config)
        )
        consents = {each.consent for each in said}
        languages = {each.language for each in infos}
        metadata = SpeakerMetadata(
            family=infos[0].family,
            language=languages.pop() if len(languages) == 1 else "",
            method="blend",
            consent=True if consents == {True} else False if False in consents else None,
            app_version=webui.__version__,
            other={"made_from": f"{1 - share:.0%} {infos[0].name}, {share:.0%} {infos[1].name}"},
        )
        name = _named(f"{infos[0].name} + {infos[1].name}")
        return Recipe(made, family, name, metadata_to_json(metadata))

    def of_speech(self, chunks: Sequence[SpokenChunk], spoken: SpeechRecipe) -> Recipe:
        """Take the end of a speech; its file says how the whole of it was spoken.

        Raises:
            UserError: nothing was said, or the family is not here.
        """
        parts = [chunk.speaker for chunk in chunks]
        family = spoken.family or ""
        made = join_speakers(parts, self.limits(family), SPEECH_SECONDS)
        last = [chunk for chunk in chunks if len(chunk.speaker.semantic)][-1]
        notes = f"seed {last.seed}: {' '.join(chunk.text for chunk in chunks)}"
        metadata = SpeakerMetadata(
            family=family,
            language=spoken.language or "",
            method="kept from a speech",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            app_version=webui.__version__,
            notes=notes[: MAX_VALUE_CHARACTERS // 2],
            other=spoken.for_voice(),
        )
        return Recipe(made, family, "Kept voice", metadata_to_json(metadata))

    def _config(self, family: str) -> FamilyConfig:
        return read_family(self._library.folders.find(family))


def heard_seconds(config: FamilyConfig) -> float:
    """How far back a family listens to a voice: the longest look of its three stages."""
    return max(
        config.semantic.text_positions / config.semantic.rate_hz,
        config.coarse.max_history / config.coarse.codebooks / config.coarse.rate_hz,
        config.fine.history / config.coarse.rate_hz,
    )


def _named(name: str) -> str:
    return name[:MAX_NAME_CHARACTERS].strip()
