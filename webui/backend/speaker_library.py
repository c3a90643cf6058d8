"""All voices that are here, by ids that are looked up: the read side of the library."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from webui.arrays import Speaker
from webui.backend.facts import VoiceInfo, VoiceSource
from webui.backend.family_folders import FamilyFolders
from webui.backend.favourite_voices import FavouriteVoices
from webui.errors import SpeakerFileError, UserError, VoiceNotFoundError
from webui.family import FamilyConfig, read_family
from webui.speaker_file import (
    BARK_LIMITS,
    MismatchedSpeakerError,
    SpeakerFile,
    SpeakerLimits,
    limits_of,
    read_speaker,
    read_speaker_arrays,
)
from webui.speaker_metadata import SpeakerMetadata, clean_text
from webui.voice_names import slug

BARK, BARK_FAMILIES = "bark", frozenset({"bark", "bark-small"})
PARTS = ("semantic_prompt", "coarse_prompt", "fine_prompt")
EMBEDDINGS, EMBEDDINGS_INDEX = "speaker_embeddings", "speaker_embeddings_path.json"
MAX_INDEX_BYTES = 2**22
MOST_FILES = 10_000  # in one folder of voices
LANGUAGES = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "pl": "Polish", "pt": "Portuguese",
    "ru": "Russian", "tr": "Turkish", "zh": "Chinese",
}  # fmt: skip
_PRESET = re.compile(r"(?:(?P<set>v\d)[/_])?(?P<language>[a-z]{2})_speaker_(?P<number>\d+)")
_SOURCES = ("own", "builtin", "preset")  # in the order they are listed

Stamp = tuple[tuple[int, int], ...]  # of each file: time of change in ns, bytes


@dataclass(frozen=True)
class _Place:
    """Where a voice lies: one .npz, or three .npy."""

    source: VoiceSource
    home: str  # the family's folder it lies in; empty for own voices
    name: str  # within that folder, without the ending
    files: tuple[Path, ...]

    @property
    def id(self) -> str:
        place = f"{self.source}/{self.home}/{self.name}"
        mark = blake2b(place.encode(errors="backslashreplace"), digest_size=4)  # a name may be odd
        return f"{slug(PurePosixPath(self.name).name)}-{mark.hexdigest()}"


@dataclass(frozen=True, eq=False)
class _Entry:
    place: _Place
    stamp: Stamp
    info: VoiceInfo


@dataclass
class SpeakerLibrary:
    """The voices of all families' folders and the user's own; looks again when files change."""

    speakers_dir: Path | None  # None: nobody's own voices are shown
    folders: FamilyFolders
    favourites: FavouriteVoices | None = None
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _read_for: dict[str, SpeakerLimits] = field(default_factory=dict)  # families, at the last look

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        """List voices: own ones first, then by name.

        Args:
            family: only what this family can speak with; broken ones are listed too.
            language: ISO 639 code.
        """
        families = self._look()
        liked = self._liked()
        found = [
            replace(entry.info, favourite=entry.info.id in liked)
            for entry in self._entries.values()
            if (family is None or _fits(entry.info, family, families))
            and language in (None, entry.info.language)
        ]
        order = {source: place for place, source in enumerate(_SOURCES)}
        return sorted(found, key=lambda each: (order[each.source], each.name.casefold(), each.id))

    def voice(self, voice_id: str) -> VoiceInfo:
        """Find a voice.

        Raises:
            VoiceNotFoundError: no voice has this id.
        """
        self._look()
        info = self._entry(voice_id).info
        return replace(info, favourite=voice_id in self._liked())

    def metadata(self, voice_id: str) -> SpeakerMetadata:
        """Read what a voice's file says about it; nothing when it is too broken for that.

        Raises:
            VoiceNotFoundError: no voice has this id.
        """
        self._look()
        try:
            return _read_metadata(self._entry(voice_id).place, self._read_for)
        except SpeakerFileError:
            return SpeakerMetadata()

    def metadata_in(self, data: bytes) -> SpeakerMetadata:
        """Read what the bytes of a speaker file say about themselves.

        Raises:
            SpeakerFileError: they are no speaker file of any family.
        """
        self._look()
        return _metadata_of(data, self._read_for)

    def files(self, voice_id: str) -> tuple[Path, ...]:
        """Where a voice lies: one .npz, or three .npy.

        Raises:
            VoiceNotFoundError: no voice has this id.
        """
        self._look()
        return self._entry(voice_id).place.files

    def limits(self, family: str) -> SpeakerLimits | None:
        """What a family can use; None when it is not known here."""
        config = _families(self.folders).get(family)
        if config is not None:
            return limits_of(config)
        return BARK_LIMITS if family in BARK_FAMILIES else None

    def speaker(self, voice_id: str, family: str) -> Speaker:
        """Read a voice for a family.

        Raises:
            VoiceNotFoundError: no voice has this id, or it belongs to another family.
            SpeakerFileError: its file is broken.
        """
        families = self._look()
        entry = self._entry(voice_id)
        info = entry.info
        if not _fits(info, family, families):
            raise VoiceNotFoundError(
                f'The voice "{info.name}" belongs to the family "{info.family}" and is noise to '
                f'"{family}". Pick one of its own voices; nothing was spoken.'
            )
        if info.broken is not None:
            raise SpeakerFileError(info.broken)
        config = families.get(family)
        limits = BARK_LIMITS if config is None else limits_of(config)
        return _read(entry.place, limits).speaker

    def stamp(self, voice_id: str) -> Stamp:
        """Something that changes whenever the voice's files do."""
        return self._entry(voice_id).stamp

    def family_for(self, voice_id: str) -> str:
        """An installed family that can make this voice's sound.

        Raises:
            VoiceNotFoundError: no such voice, or none of its families is installed.
        """
        families = self._look()
        info = self._entry(voice_id).info
        fitting = [name for name in families if _fits(info, name, families)]
        if not fitting:
            raise VoiceNotFoundError(
                f'The voice "{info.name}" needs the family "{info.family}", which is not here. '
                "Download it first."
            )
        return info.family if info.family in fitting else fitting[0]

    def id_of(self, path: Path) -> str:
        """The id of one of the user's own files."""
        name = path.relative_to(self.speakers_dir or path.parent).with_suffix("").as_posix()
        return _Place("own", "", name, (path,)).id

    def beside(self, speakers_dir: Path) -> "SpeakerLibrary":
        """A library of the same families over another folder of own voices.

        What was read of the families' voices is not read again.
        """
        read = {key: each for key, each in self._entries.items() if each.info.source != "own"}
        liked = FavouriteVoices(speakers_dir)
        return SpeakerLibrary(speakers_dir, self.folders, liked, read, dict(self._read_for))

    def _liked(self) -> frozenset[str]:
        return frozenset() if self.favourites is None else self.favourites.ids()

    def _entry(self, voice_id: str) -> _Entry:
        entry = self._entries.get(voice_id)
        if entry is None:
            raise VoiceNotFoundError(
                f'The voice "{clean_text(voice_id)[:64]}" is not there, or no longer. '
                "Pick another one; nothing was spoken."
            )
        return entry

    def _look(self) -> dict[str, FamilyConfig]:
        """Bring the list up to date, reading only files that have changed."""
        families = _families(self.folders)
        known = {name: limits_of(config) for name, config in families.items()}
        old = self._entries if self._read_for == known else {}
        entries: dict[str, _Entry] = {}
        for place in self._places():
            stamp = _stamp(place)
            before = old.get(place.id)
            if before is not None and before.stamp == stamp:
                entries[place.id] = before
            else:
                entries[place.id] = _Entry(place, stamp, _describe(place, known))
        self._entries, self._read_for = entries, known
        return families

    def _places(self) -> Iterator[_Place]:
        for family, folder in self.folders.all().items():
            inside = folder / "speakers"
            for path, name in () if inside.is_symlink() else _npz_files(inside):
                yield _Place("builtin", family, name, (path,))
            yield from _presets(family, folder)
        if self.speakers_dir is not None:
            for path, name in _npz_files(self.speakers_dir):
                yield _Place("own", "", name, (path,))


def _families(folders: FamilyFolders) -> dict[str, FamilyConfig]:
    """The installed families that can be read."""
    found = {}
    for name, folder in folders.all().items():
        try:
            found[name] = read_family(folder)
        except UserError:  # told by the list of families
            continue
    return found


def _is_bark(family: str, limits: SpeakerLimits | None) -> bool:
    """Whether a family understands the voices that are shared for Bark."""
    return family in BARK_FAMILIES or limits == BARK_LIMITS


def _fits(info: VoiceInfo, family: str, families: dict[str, FamilyConfig]) -> bool:
    def is_bark(name: str) -> bool:
        return _is_bark(name, limits_of(families[name]) if name in families else None)

    return info.family == family or (is_bark(info.family) and is_bark(family))


def _describe(place: _Place, known: dict[str, SpeakerLimits]) -> VoiceInfo:
    """Read a voice once to list it, broken or not."""
    shown, language = readable_name(place.name)
    info = VoiceInfo(place.id, shown, place.home or BARK, language, place.source)
    try:
        metadata = _read_metadata(place, known)
        family = metadata.family or place.home or BARK
        limits = known.get(family, BARK_LIMITS if family in BARK_FAMILIES else None)
        info = replace(
            info,
            name=_one_line(metadata.name) or shown,
            family=family,
            language=metadata.language or language,
            tags=metadata.tags,
            method=metadata.method,
            created=metadata.created,
        )
        if limits is None:
            return replace(info, notes=f'Its family "{family}" is not installed.')
        read = _read(place, limits)
        seconds = read.speaker.fine.shape[1] / limits.frame_rate if limits.frame_rate else None
        return replace(info, seconds=seconds, notes=" ".join(read.notes))
    except SpeakerFileError as fault:
        is_repairable = isinstance(fault, MismatchedSpeakerError)
        return replace(info, broken=clean_text(str(fault)), repairable=is_repairable)


def _read(place: _Place, limits: SpeakerLimits) -> SpeakerFile:
    if len(place.files) == 1:
        return read_speaker(place.files[0], limits)
    semantic, coarse, fine = place.files
    return read_speaker_arrays(semantic, coarse, fine, limits)


def _read_metadata(place: _Place, known: dict[str, SpeakerLimits]) -> SpeakerMetadata:
    """Read what a file says about itself, before it is known which family's limits it must keep.

    Raises:
        SpeakerFileError: it is no speaker file of any family.
    """
    return _metadata_of(place.files[0], known) if len(place.files) == 1 else SpeakerMetadata()


def _metadata_of(source: Path | bytes, known: dict[str, SpeakerLimits]) -> SpeakerMetadata:
    shapes = {(each.codebooks, each.coarse_codebooks) for each in (BARK_LIMITS, *known.values())}
    fault: SpeakerFileError | None = None
    for codebooks, coarse in sorted(shapes):
        anything = SpeakerLimits(codebooks, coarse, 2**31 - 1, 2**31 - 1, None, None)
        try:
            return read_speaker(source, anything, repair=True).metadata
        except SpeakerFileError as found:
            fault = found
    raise fault or SpeakerFileError("This is not a speaker file.")


def readable_name(name: str) -> tuple[str, str]:
    """A name to show and a language, from a file's name."""
    found = _PRESET.fullmatch(name)
    if found and found["language"] in LANGUAGES:
        shown = f"{LANGUAGES[found['language']]} {found['number']}"
        return (f"{shown} ({found['set']})" if found["set"] else shown), found["language"]
    return _one_line(PurePosixPath(name).name) or "voice", ""


def _one_line(text: str) -> str:
    return " ".join(clean_text(text).split())


def _npz_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """All .npz below a folder with their names in it; links to folders in it are not followed."""
    count = 0
    for where, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for file_name in sorted(names):
            if file_name.endswith(".npz") and not file_name.startswith(".") and count < MOST_FILES:
                count += 1
                path = Path(where, file_name)
                yield path, path.relative_to(folder).with_suffix("").as_posix()


def _presets(family: str, folder: Path) -> Iterator[_Place]:
    """The voices in a hub folder's `speaker_embeddings`, by its index or by the files' names."""
    if not (folder / EMBEDDINGS).is_dir() or (folder / EMBEDDINGS).is_symlink():
        return
    listed = _embeddings_index(folder)
    inside = _inside(folder)
    if not listed:
        ending = f"_{PARTS[0]}.npy"
        for first in sorted((folder / EMBEDDINGS).rglob(f"*{ending}"))[:MOST_FILES]:
            base = first.name.removesuffix(ending)
            if not base:
                continue
            name = first.with_name(base).relative_to(folder / EMBEDDINGS).as_posix()
            files = tuple(first.with_name(f"{base}_{part}.npy") for part in PARTS)
            yield _Place("preset", family, name, files)
    for name, parts in listed.items():
        found = [inside(str(parts.get(part, ""))) for part in PARTS]
        files = tuple(path for path in found if path is not None)
        if len(files) == len(PARTS):
            yield _Place("preset", family, name.removeprefix(f"{EMBEDDINGS}/"), files)


def _embeddings_index(folder: Path) -> dict[str, dict[str, object]]:
    for path in (folder / EMBEDDINGS_INDEX, folder / EMBEDDINGS / EMBEDDINGS_INDEX):
        try:
            if path.is_file() and path.stat().st_size <= MAX_INDEX_BYTES:
                values = json.loads(path.read_text("utf-8"))
                return {
                    name: parts
                    for name, parts in list(values.items())[:MOST_FILES]
                    if isinstance(parts, dict)
                }
        except (OSError, ValueError, AttributeError, RecursionError):
            continue
    return {}


def _inside(folder: Path) -> Callable[[str], Path | None]:
    """A look-up of the .npy files that are really in a folder; no other path comes out of it."""
    there = {
        path.relative_to(folder).as_posix(): path for path in (folder / EMBEDDINGS).rglob("*.npy")
    }
    return lambda name: there.get(name) or there.get(f"{EMBEDDINGS}/{name}")


def _stamp(place: _Place) -> Stamp:
    stamps = []
    for path in place.files:
        try:
            facts = path.lstat()
            stamps.append((facts.st_mtime_ns, facts.st_size))
        except OSError:
            stamps.append((0, 0))
    return tuple(stamps)
