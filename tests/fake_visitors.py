"""The scripted service's shelves for visitors: for each of them a dictionary of voices."""

from dataclasses import replace

import numpy as np

from tests.fake_library import HEARD_RATE, FakeLibrary, tone
from webui.arrays import Speaker, Waveform
from webui.backend.facts import VoiceInfo
from webui.backend.requests import CloneOrder
from webui.clone_results import CloneOutcome
from webui.errors import UserError, VoiceNotFoundError
from webui.speaker_metadata import SpeakerMetadata


class FakeShelf:
    """The public names of `webui.backend.visitor_voices.VisitorShelf`."""

    def __init__(self, voices: tuple[VoiceInfo, ...]) -> None:
        self._voices = {voice.id: voice for voice in voices if voice.source != "own"}
        self.library = FakeLibrary(self._voices)

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        return [
            voice
            for voice in self._voices.values()
            if family in (None, voice.family) and language in (None, voice.language)
        ]

    def speaker(self, voice_id: str, family: str) -> Speaker:
        if voice_id not in self._voices:
            raise VoiceNotFoundError("This voice is no longer there. Pick another one.")
        fine = np.zeros((8, 50), np.int64)
        return Speaker(np.zeros(50, np.int64), fine[:2], fine)

    def preview(self, voice_id: str) -> tuple[Waveform, int]:
        self.speaker(voice_id, "mini")
        return tone(0.4, 220), HEARD_RATE

    def keep_clone(  # noqa: PLR0913  as the shelf has it
        self,
        order: CloneOrder,
        outcome: CloneOutcome,
        candidate_index: int,
        *,
        name: str,
        consent: str,
        tags: tuple[str, ...] = (),
        notes: str = "",
    ) -> VoiceInfo:
        if not consent:
            raise UserError("Confirm first that you may clone this voice.")
        made = outcome.candidates[candidate_index]
        info = self.library.save(
            made.speaker, SpeakerMetadata(name, outcome.family, order.language)
        )
        self._voices[info.id] = replace(info, tags=tags, method=made.method)
        return self._voices[info.id]


class FakeShelves:
    """The public names of `webui.backend.visitor_voices.VisitorVoices`."""

    def __init__(self, voices: tuple[VoiceInfo, ...]) -> None:
        self._voices = voices
        self._shelves: dict[str, FakeShelf] = {}
        self.forgotten: list[str] = []
        self.swept = 0

    def of(self, owner: str) -> FakeShelf:
        return self._shelves.setdefault(owner, FakeShelf(self._voices))

    def forget(self, owner: str) -> None:
        self._shelves.pop(owner, None)
        self.forgotten.append(owner)

    def sweep(self) -> None:
        self.swept += 1

    def keeps_for_good(self, owner: str) -> bool:
        return owner.startswith("u")
