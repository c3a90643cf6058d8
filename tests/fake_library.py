"""The scripted service's library: voices in a dictionary, changed as the real one changes files."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from webui.arrays import Speaker, Waveform
from webui.backend.facts import DeletedVoice, ImportedVoices, VoiceDetails, VoiceInfo
from webui.backend.speech_recipe import SpeechRecipe
from webui.backend.voice_edits import checked_changes, free_name
from webui.errors import SpeakerFileError, VoiceNotFoundError
from webui.events import SpokenChunk
from webui.speaker_metadata import SpeakerMetadata

HEARD_RATE = 16_000


def tone(seconds: float, pitch: float) -> Waveform:
    times = np.arange(int(seconds * HEARD_RATE)) / HEARD_RATE
    return (0.3 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)


class FakeLibrary:
    """The public names of `webui.backend.library_desk.LibraryDesk` over a dictionary of voices."""

    def __init__(self, voices: dict[str, VoiceInfo]) -> None:
        self.voices = voices
        self.said: dict[str, SpeakerMetadata] = {}
        self.kept: list[tuple[SpokenChunk, ...]] = []
        self._trash: dict[str, tuple[DeletedVoice, VoiceInfo]] = {}
        self._made = 0

    def details(self, voice_id: str) -> VoiceDetails:
        info = self._find(voice_id)
        plain = SpeakerMetadata(name=info.name, tags=info.tags, language=info.language)
        return VoiceDetails(info, self.said.get(voice_id, plain))

    def rename(self, voice_id: str, name: str) -> VoiceInfo:
        return self.describe(voice_id, name=name)

    def describe(
        self,
        voice_id: str,
        *,
        name: str | None = None,
        language: str | None = None,
        tags: Sequence[str] | None = None,
        notes: str | None = None,
    ) -> VoiceInfo:
        changes = checked_changes(name, language, tags, notes)
        said = replace(self.details(voice_id).metadata, **changes)
        info = self._own(voice_id)
        if name is not None and any(
            each.name == name for each in self.voices.values() if each.id != voice_id
        ):
            raise SpeakerFileError(f'You have a voice called "{name}" already.')
        self.said[voice_id] = said
        changes.pop("notes", None)
        self.voices[voice_id] = replace(info, **changes)
        return self.voices[voice_id]

    def set_favourite(self, voice_id: str, is_favourite: bool) -> VoiceInfo:
        self.voices[voice_id] = replace(self._find(voice_id), favourite=is_favourite)
        return self.voices[voice_id]

    def delete(self, voice_id: str) -> DeletedVoice:
        info = self._own(voice_id)
        deleted = DeletedVoice(f"token-{voice_id}", voice_id, info.name, "2099-01-01T00:00:00Z")
        self._trash[deleted.token] = deleted, self.voices.pop(voice_id)
        return deleted

    def deleted(self) -> list[DeletedVoice]:
        return [deleted for deleted, _ in reversed(self._trash.values())]

    def undelete(self, token: str) -> VoiceInfo:
        if token not in self._trash:
            raise VoiceNotFoundError("This voice cannot be brought back.")
        _, info = self._trash.pop(token)
        self.voices[info.id] = info
        return info

    def sweep(self) -> int:
        return 0

    def duplicate(self, voice_id: str, name: str = "") -> VoiceInfo:
        info = self._find(voice_id)
        return self._add(name or f"{info.name} (copy)", info)

    def import_files(
        self,
        files: Sequence[tuple[str, bytes]],
        family: str | None = None,
        *,
        repair: bool = False,
    ) -> ImportedVoices:
        added, refused = [], []
        for file_name, data in files:
            if data[:2] == b"PK":
                added.append(self._add(file_name.removesuffix(".npz"), None))
            else:
                refused.append((file_name, "This is not a speaker file."))
        return ImportedVoices(tuple(added), tuple(refused))

    def export(self, voice_id: str) -> tuple[str, bytes]:
        return f"{self._find(voice_id).name.lower()}.npz", b"PK of " + voice_id.encode()

    def preview_crop(self, voice_id: str, start: float, end: float) -> tuple[Waveform, int]:
        self._find(voice_id)
        if not 0 <= start < end:
            raise SpeakerFileError("A cut ends after it begins.")
        return tone(end - start, 330), HEARD_RATE

    def crop(self, voice_id: str, start: float, end: float, name: str = "") -> VoiceInfo:
        self.preview_crop(voice_id, start, end)
        info = self._find(voice_id)
        return self._add(name or f"{info.name} (part)", replace(info, seconds=end - start))

    def preview_blend(self, first: str, second: str, share: float = 0.5) -> tuple[Waveform, int]:
        if first == second:
            raise SpeakerFileError("A voice cannot be blended with itself.")
        self._find(first), self._find(second)
        return tone(1, 440 * (1 + share)), HEARD_RATE

    def blend(self, first: str, second: str, share: float = 0.5, name: str = "") -> VoiceInfo:
        self.preview_blend(first, second, share)
        both = f"{self._find(first).name} + {self._find(second).name}"
        return self._add(name or both, replace(self._find(first), method="blend"))

    def keep_speech(
        self, chunks: Sequence[SpokenChunk], recipe: SpeechRecipe, name: str
    ) -> VoiceInfo:
        checked = checked_changes(name or "Kept voice", None, None, None)
        self.kept.append(tuple(chunks))
        return self._add(str(checked["name"]), None)

    def save(self, made: Speaker, metadata: SpeakerMetadata) -> VoiceInfo:
        info = self._add(metadata.name, None)
        self.voices[info.id] = replace(info, family=metadata.family, language=metadata.language)
        return self.voices[info.id]

    def repair(self, voice_id: str) -> tuple[VoiceInfo, tuple[str, ...]]:
        info = self._own(voice_id)
        if info.broken and not info.repairable:
            raise SpeakerFileError(info.broken)
        self.voices[voice_id] = replace(info, broken=None, repairable=False)
        return self.voices[voice_id], ("Its words were cut by 9 tokens to fit its sound.",)

    def _add(self, name: str, like: VoiceInfo | None) -> VoiceInfo:
        self._made += 1
        free = free_name(name, [each.name for each in self.voices.values()])
        base = like or VoiceInfo("", free, "mini", "en", "own", seconds=3.0)
        info = replace(base, id=f"new-{self._made:08x}", name=free, source="own", favourite=False)
        self.voices[info.id] = info
        return info

    def _find(self, voice_id: str) -> VoiceInfo:
        if voice_id not in self.voices:
            raise VoiceNotFoundError("This voice is no longer there. Pick another one.")
        return self.voices[voice_id]

    def _own(self, voice_id: str) -> VoiceInfo:
        info = self._find(voice_id)
        if info.source != "own":
            raise VoiceNotFoundError(f'"{info.name}" comes with its family. Duplicate it.')
        return info
