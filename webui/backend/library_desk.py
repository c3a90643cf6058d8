"""Changes to the user's own voices: the write side of the library."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from webui.arrays import FineCodes, Speaker, Waveform
from webui.backend.facts import DeletedVoice, ImportedVoices, VoiceDetails, VoiceInfo
from webui.backend.speaker_library import BARK, SpeakerLibrary, readable_name
from webui.backend.speech_recipe import SpeechRecipe
from webui.backend.voice_edits import checked_changes, free_name
from webui.backend.voice_import import incoming_voice
from webui.backend.voice_making import Recipe, VoiceMaker
from webui.backend.voice_trash import KEPT_FOR, TrashedFile, VoiceTrash
from webui.errors import SpeakerFileError, StorageError, UserError, VoiceNotFoundError
from webui.events import SpokenChunk
from webui.file_lock import folder_lock
from webui.file_saving import save_file
from webui.speaker_file import (
    pack_speaker,
    read_metadata_text,
    read_speaker,
    read_speaker_bytes,
    with_metadata_text,
    write_speaker,
)
from webui.speaker_limits import SpeakerLimits, check_ranges, even_lengths
from webui.speaker_metadata import (
    SpeakerMetadata,
    edited_json,
    metadata_from_json,
    metadata_to_json,
)
from webui.voice_names import check_voice_name, name_key, new_file_name, slug

MOST_IMPORTED = 1_000  # files at once
Hear: TypeAlias = Callable[[str, FineCodes], tuple[Waveform, int]]  # a family and its codes


class LibraryDesk:
    """All that can be done with voices. Safe to use from several threads and processes.

    Whatever reads a file in order to write it holds the folder's lock meanwhile; sounds are
    computed without it.

    Args:
        library: what is there.
        looking: the lock that guards `library`.
        speakers_dir: the folder of the user's own voices.
        hear: makes the sound of codes.
    """

    def __init__(
        self, library: SpeakerLibrary, looking: threading.Lock, speakers_dir: Path, hear: Hear
    ) -> None:
        self._library = library
        self._looking = looking
        self._folder = speakers_dir
        self._hear = hear
        self._trash = VoiceTrash(speakers_dir)
        self._maker = VoiceMaker(library, looking)

    def details(self, voice_id: str) -> VoiceDetails:
        """Tell all that a voice's file says about it.

        Raises:
            VoiceNotFoundError: no voice has this id.
        """
        with self._looking:
            return VoiceDetails(self._library.voice(voice_id), self._library.metadata(voice_id))

    def rename(self, voice_id: str, name: str) -> VoiceInfo:
        """Give a voice another name; its id and its file stay.

        Raises:
            VoiceNotFoundError: no voice has this id, or it is nobody's own.
            SpeakerFileError: the name cannot be used or another own voice has it; the file is
                broken.
            StorageError: it cannot be written.
        """
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
        """Change what is said about a voice; None leaves a part as it is, empty takes it out.

        Raises:
            VoiceNotFoundError: no voice has this id, or it is nobody's own.
            SpeakerFileError: a value cannot be used, or the file is broken.
            StorageError: it cannot be written.
        """
        changes = checked_changes(name, language, tags, notes)
        with self._changing():
            path = self._own_file(voice_id)
            if name is not None:
                wanted = name_key(str(changes["name"]))
                others = {name_key(each.name) for each in self._own() if each.id != voice_id}
                if wanted in others:
                    raise SpeakerFileError(
                        f'You have a voice called "{changes["name"]}" already. Choose another name.'
                    )
            self._write_edit(path, changes)
            return self._info(voice_id)

    def set_favourite(self, voice_id: str, is_favourite: bool) -> VoiceInfo:
        """Mark any voice as a favourite, or no longer.

        Raises:
            VoiceNotFoundError: no voice has this id.
            StorageError: it cannot be written.
        """
        with self._changing():
            self._info(voice_id)
            self._favour(**{"add" if is_favourite else "remove": voice_id})
            return self._info(voice_id)

    def delete(self, voice_id: str) -> DeletedVoice:
        """Take a voice out of the library; for a week it can be brought back.

        Raises:
            VoiceNotFoundError: no voice has this id, or it is nobody's own.
            StorageError: its file cannot be moved.
        """
        with self._changing():
            path = self._own_file(voice_id)
            token = self._trash.put(path)
            self._trash.sweep()
            return self._deleted(self._trash.find(token))

    def deleted(self) -> list[DeletedVoice]:
        """List what can be brought back, the last deletion first."""
        return [self._deleted(each) for each in self._trash.files()]

    def undelete(self, token: str) -> VoiceInfo:
        """Bring a deleted voice back, under its old names or, where those are taken, free ones.

        Raises:
            VoiceNotFoundError: nothing was deleted under this token, or too long ago.
            StorageError: its file cannot be moved.
        """
        with self._changing():
            found = self._trash.find(token)
            name = self._deleted(found).name
            free = free_name(name, [each.name for each in self._own()])
            target = self._folder / found.name
            if target.exists() or target.is_symlink():
                target = self._folder / new_file_name(name)
            self._trash.take_out(found, target)
            if free != name:
                with contextlib.suppress(SpeakerFileError):  # too broken to be written in
                    self._write_edit(target, {"name": free})
            old, new = self._library.id_of(self._folder / found.name), self._library.id_of(target)
            if old != new and old in self._favourites():
                self._favour(add=new)
            return self._info(new)

    def sweep(self) -> int:
        """Remove for good what was deleted long ago, and give how many files that were."""
        return self._trash.sweep()

    def duplicate(self, voice_id: str, name: str = "") -> VoiceInfo:
        """Copy any voice to an own one, which can then be changed.

        Raises:
            VoiceNotFoundError: no voice has this id.
            SpeakerFileError: its file is broken, or the name cannot be used.
            StorageError: it cannot be written.
        """
        info = self._info_now(voice_id)
        chosen = check_voice_name(name) if name else f"{info.name} (copy)"
        data = self._bytes(info)
        said = {"family": info.family, "language": info.language}
        return self._add(data, read_metadata_text(data), chosen, said)

    def import_files(
        self,
        files: Sequence[tuple[str, bytes]],
        family: str | None = None,
        *,
        repair: bool = False,
    ) -> ImportedVoices:
        """Add speaker files; each comes in or is refused with its reason.

        A file whose parts differ in length comes in as it is, to be repaired in the library.

        Args:
            files: the name and the bytes of each.
            family: whose voices those are that do not say it; None is Bark.
            repair: cut what does not fit at once.

        Raises:
            StorageError: the folder cannot be written, or there are too many files.
        """
        if len(files) > MOST_IMPORTED:
            raise StorageError(
                f"{len(files):,} files at once are too many; {MOST_IMPORTED:,} are the limit. "
                "Copy them into the folder of voices instead."
            )
        added: list[VoiceInfo] = []
        refused: list[tuple[str, str]] = []
        for file_name, data in files:
            try:
                with self._looking:
                    new = incoming_voice(
                        self._library, file_name, data, family or BARK, repair=repair
                    )
                added.append(self._add(new.data, new.metadata_text, new.name, new.said))
            except SpeakerFileError as fault:
                refused.append((file_name, str(fault)))
        return ImportedVoices(tuple(added), tuple(refused))

    def export(self, voice_id: str) -> tuple[str, bytes]:
        """Give a voice as a file that every Bark tool reads: a name for it, and its bytes.

        Raises:
            VoiceNotFoundError: no voice has this id.
            SpeakerFileError: its file is broken.
        """
        info = self._info_now(voice_id)
        return f"{slug(info.name)}.npz", self._bytes(info)

    def preview_crop(self, voice_id: str, start: float, end: float) -> tuple[Waveform, int]:
        """Make the sound of a part of a voice, in seconds, before it is kept.

        Raises:
            UserError: there is no such voice or part, or it could not be computed.
        """
        made = self._maker.crop(voice_id, start, end)
        return self._hear(made.hearing_family, made.speaker.fine)

    def crop(self, voice_id: str, start: float, end: float, name: str = "") -> VoiceInfo:
        """Keep a part of a voice, in seconds, as a new one; the whole one stays.

        Raises:
            UserError: there is no such voice or part, or it cannot be written.
        """
        return self._keep(self._maker.crop(voice_id, start, end), name)

    def preview_blend(self, first: str, second: str, share: float = 0.5) -> tuple[Waveform, int]:
        """Make the sound of two blended voices before they are kept.

        Raises:
            UserError: the voices cannot be blended, or it could not be computed.
        """
        made = self._maker.blend(first, second, share)
        return self._hear(made.hearing_family, made.speaker.fine)

    def blend(self, first: str, second: str, share: float = 0.5, name: str = "") -> VoiceInfo:
        """Keep a mixture of two voices of one family as a new one.

        Args:
            first: id of one voice.
            second: id of the other.
            share: of the second voice, 0.2 to 0.8.
            name: of the new voice; empty chooses one.

        Raises:
            UserError: the voices cannot be blended, or it cannot be written.
        """
        return self._keep(self._maker.blend(first, second, share), name)

    def keep_speech(
        self, chunks: Sequence[SpokenChunk], recipe: SpeechRecipe, name: str
    ) -> VoiceInfo:
        """Keep the end of a speech that somebody likes as a voice, with how it was spoken.

        Raises:
            UserError: nothing was said, the name cannot be used, or it cannot be written.
        """
        return self._keep(self._maker.of_speech(chunks, recipe), name)

    def save(self, made: Speaker, metadata: SpeakerMetadata) -> VoiceInfo:
        """Keep a voice among the user's own, under a file name that nobody else has.

        Raises:
            SpeakerFileError: the name or the arrays cannot be used.
            FamilyNotFoundError: `metadata` names no installed family.
            StorageError: it cannot be written.
        """
        name = check_voice_name(metadata.name)
        limits = self._maker.limits(metadata.family)
        check_ranges(made.semantic, made.coarse, made.fine, limits)
        fitting, _ = even_lengths(made.semantic, made.coarse, made.fine, limits)
        path = self._folder / new_file_name(name)
        write_speaker(path, fitting, replace(metadata, name=name))
        return self._info_now(self._library.id_of(path))

    def repair(self, voice_id: str) -> tuple[VoiceInfo, tuple[str, ...]]:
        """Cut what does not fit in a broken voice, and say what that was.

        The file as it was is kept with the deleted ones.

        Raises:
            VoiceNotFoundError: no voice has this id, or it is nobody's own.
            SpeakerFileError: the reason why it cannot be repaired.
            StorageError: it cannot be written.
        """
        with self._changing():
            path = self._own_file(voice_id)
            data = read_speaker_bytes(path)
            read = read_speaker(data, self._known_limits(self._info(voice_id)), repair=True)
            text = edited_json(read_metadata_text(data), {})
            if read.notes:
                self._trash.keep_copy(path, data)
                save_file(path, pack_speaker(read.speaker, text), replace=True)
            return self._info(voice_id), read.notes

    def _keep(self, recipe: Recipe, name: str) -> VoiceInfo:
        chosen = check_voice_name(name) if name else recipe.name
        data = pack_speaker(recipe.speaker, recipe.metadata_text)
        return self._add(data, recipe.metadata_text, chosen, {})

    def _add(self, data: bytes, text: str, name: str, said: dict[str, str]) -> VoiceInfo:
        """Write a new own voice whose name no other has."""
        with self._changing():
            free = free_name(name, [each.name for each in self._own()])
            created = datetime.now(UTC).isoformat(timespec="seconds")
            changed = edited_json(text, {"created": created, **said, "name": free})
            path = self._folder / new_file_name(free)
            save_file(path, with_metadata_text(data, changed))
            return self._info(self._library.id_of(path))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Let nobody else change the folder meanwhile."""
        with folder_lock(self._folder), self._looking:
            yield

    def _write_edit(self, path: Path, changes: Mapping[str, str | tuple[str, ...]]) -> None:
        data = read_speaker_bytes(path)
        text = edited_json(read_metadata_text(data), changes)
        save_file(path, with_metadata_text(data, text), replace=True)

    def _info(self, voice_id: str) -> VoiceInfo:
        return self._library.voice(voice_id)

    def _info_now(self, voice_id: str) -> VoiceInfo:
        with self._looking:
            return self._library.voice(voice_id)

    def _own(self) -> list[VoiceInfo]:
        return [each for each in self._library.voices() if each.source == "own"]

    def _own_file(self, voice_id: str) -> Path:
        info = self._library.voice(voice_id)
        if info.source != "own":
            raise VoiceNotFoundError(
                f'"{info.name}" comes with its family and cannot be changed. Duplicate it, then '
                "change the copy."
            )
        return self._library.files(voice_id)[0]

    def _known_limits(self, info: VoiceInfo) -> SpeakerLimits:
        limits = self._library.limits(info.family)
        if limits is None:
            raise SpeakerFileError(
                f'This voice belongs to the family "{info.family}", which is not here. '
                "Download it first."
            )
        return limits

    def _bytes(self, info: VoiceInfo) -> bytes:
        """The file of a voice, made of its parts where it lies in three."""
        with self._looking:
            files = self._library.files(info.id)
            if len(files) == 1:
                data = read_speaker_bytes(files[0])
                read_metadata_text(data)  # refuses what is no speaker file
                return data
            speaker = self._library.speaker(info.id, info.family)
        said = SpeakerMetadata(name=info.name, family=info.family, language=info.language)
        return pack_speaker(speaker, metadata_to_json(said))

    def _deleted(self, file: TrashedFile) -> DeletedVoice:
        name, _ = readable_name(file.name.with_suffix("").as_posix())
        with contextlib.suppress(UserError, ValueError):
            said = metadata_from_json(read_metadata_text(read_speaker_bytes(file.path)))
            name = " ".join(said.name.split()) or name
        kept_until = (file.deleted_at + KEPT_FOR).isoformat()
        voice_id = self._library.id_of(self._folder / file.name)
        return DeletedVoice(file.token, voice_id, name, kept_until)

    def _favourites(self) -> frozenset[str]:
        favourites = self._library.favourites
        return frozenset() if favourites is None else favourites.ids()

    def _favour(self, *, add: str = "", remove: str = "") -> None:
        if self._library.favourites is not None:
            self._library.favourites.change(add=add, remove=remove)
