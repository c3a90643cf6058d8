"""One long text on disk: its cards and, in a folder beside them, their sounds.

A sound's file is named by what it was made of, so that nothing is made twice and nothing that is
made has to be written down: a project that was killed goes on where it was.
"""

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webui.arrays import Waveform
from webui.errors import ProjectError, SettingsError, StorageError
from webui.file_lock import folder_lock
from webui.file_saving import remove_folder, save_file, sweep_leftovers
from webui.synthesis.controls import SpeechControls, controls_from_json

PROJECT, NOTES, SOUNDS = "project.json", "notes.json", "cards"
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8}")
SOUND_NAME = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,9})\.flac")
MAX_ID_CHARACTERS = 60
MAX_JSON_BYTES = 2**27
MAX_NOTES = 2_000
LOCK_PATIENCE_SECONDS = 0.5
SETTLED_SECONDS = 0.1  # after a change; clocks of file systems are coarse
UNUSED_SOUNDS_KEPT_SECONDS = 86_400.0
IN_USE = "This text is being spoken in another window or program. Stop it there first."


@dataclass(frozen=True)
class StoredCard:
    """A card as it is kept.

    `seed` None follows from the project's. `earlier` are the seeds of the takes before. `kept` is
    the key of the sound that fitted before something was changed, or that the card is locked to.
    """

    id: str
    text: str
    speaker: str = ""
    voice: str | None = None
    seed: int | None = None
    locked: bool = False
    ends_paragraph: bool = False
    pause_seconds: float | None = None
    start_seconds: float | None = None
    earlier: tuple[int, ...] = ()
    kept: str = ""


@dataclass(frozen=True)
class StoredChapter:
    """A chapter as it is kept."""

    title: str
    cards: tuple[StoredCard, ...]


@dataclass(frozen=True)
class StoredProject:
    """All of a long text but its sounds.

    `prints` are those of the arrays of its voices, for when a voice is not there any more. `origin`
    tells texts apart that were begun with the same file and the same settings.
    """

    name: str
    family: str
    language: str
    rate: int  # of its sounds, in Hz
    seed: int
    controls: SpeechControls
    voices: Mapping[str, str]
    chapters: tuple[StoredChapter, ...]
    prints: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    changed: str = ""  # ISO 8601, UTC
    next_card: int = 0

    def cards(self) -> Iterator[StoredCard]:
        """All cards, in order."""
        for chapter in self.chapters:
            yield from chapter.cards

    def with_cards(self, changes: Mapping[str, StoredCard]) -> "StoredProject":
        """Put other cards in the place of those with the same ids."""
        chapters = (
            replace(each, cards=tuple(changes.get(card.id, card) for card in each.cards))
            for each in self.chapters
        )
        return replace(self, chapters=tuple(chapters))


class ProjectFolder:
    """Reads and writes the files of one project; each appears whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, int], StoredProject] | None = None
        self._listed: tuple[int, dict[str, int]] | None = None

    @property
    def id(self) -> str:
        """How the project is called by pages and programs."""
        return self.path.name

    def load(self) -> StoredProject:
        """Read the project; the same again until its file changes.

        Raises:
            ProjectError: it is damaged or gone.
        """
        file = self.path / PROJECT
        try:
            facts = file.stat()
            stamp = facts.st_mtime_ns, facts.st_ino
            known = self._read
            if known is not None and known[0] == stamp:
                return known[1]
            if facts.st_size > MAX_JSON_BYTES:
                raise ValueError("too large")
            found = _project_from_json(json.loads(file.read_text("utf-8")))
        except FileNotFoundError as fault:
            raise ProjectError("This text is not there any more.") from fault
        except (
            OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SettingsError,
        ) as fault:  # fmt: skip
            raise ProjectError(
                f'The project "{self.id}" is damaged: its {PROJECT} cannot be read. Delete it, and '
                "begin it again."
            ) from fault
        self._read = stamp, found
        return found

    def save(self, project: StoredProject) -> StoredProject:
        """Write the project, and give it with the time of the change.

        Raises:
            StorageError: it cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        changed = replace(project, changed=now)
        text = json.dumps(_project_to_json(changed), ensure_ascii=False)
        save_file(self.path / PROJECT, text.encode("utf-8", "replace"), replace=True)
        self._read = None
        return changed

    def editing(self) -> "contextlib.AbstractContextManager[None]":
        """Let nobody else change the project meanwhile, in whatever process.

        Raises:
            StorageError: somebody does for too long.
        """
        return folder_lock(self.path)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let nobody else speak the project meanwhile, in whatever process.

        Raises:
            ProjectError: somebody does.
        """
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(folder_lock(self.path / SOUNDS, LOCK_PATIENCE_SECONDS))
            except StorageError as fault:
                raise ProjectError(IN_USE) from fault
            sweep_leftovers(self.path)
            sweep_leftovers(self.path / SOUNDS)
            yield

    def sounds(self) -> dict[str, int]:
        """The keys of all sounds that are there, with their lengths in samples."""
        folder = self.path / SOUNDS
        try:
            stamp = folder.stat().st_mtime_ns
            known = self._listed
            if known is not None and known[0] == stamp:
                return known[1]
            names = (SOUND_NAME.fullmatch(each.name) for each in folder.iterdir())
            found = {name.group(1): int(name.group(2)) for name in names if name}
        except OSError:
            return {}
        is_settled = time.time() - stamp / 1e9 > SETTLED_SECONDS
        self._listed = (stamp, found) if is_settled else None
        return found

    def save_sound(
        self, key: str, waveform: Waveform, rate: int, recipe: Mapping[str, Any]
    ) -> None:
        """Keep a card's sound, with how it was made inside.

        Raises:
            AudioFileError: there is no sound in it.
            StorageError: it cannot be written.
        """
        from webui.audio import encode_audio

        data = encode_audio(waveform, rate, "flac", recipe)
        save_file(self._sound_file(key, len(waveform)), data, replace=True)
        self._listed = None

    def read_sound(self, key: str) -> tuple[Waveform, int]:
        """Read a card's sound, and its rate.

        Raises:
            ProjectError: it is not there.
            AudioFileError: it is damaged.
        """
        from webui.audio import read_audio

        samples = self.sounds().get(key)
        if samples is None:
            raise ProjectError("This card was not spoken yet. Speak it first.")
        return read_audio(self._sound_file(key, samples))

    def sweep_sounds(self, wanted: set[str]) -> None:
        """Remove sounds that no card can ask for, unless they were made a short time ago."""
        for key, samples in self.sounds().items():
            file = self._sound_file(key, samples)
            with contextlib.suppress(OSError):
                is_old = time.time() - file.stat().st_mtime > UNUSED_SOUNDS_KEPT_SECONDS
                if key not in wanted and is_old:
                    file.unlink()
                    self._listed = None

    def notes(self) -> dict[str, tuple[bool, str]]:
        """By the keys of sounds: whether they failed, and what is to be known of them."""
        try:
            found = json.loads((self.path / NOTES).read_text("utf-8"))
            return {str(key): (bool(failed), str(note)) for key, (failed, note) in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def save_note(self, key: str, has_failed: bool, note: str) -> None:
        """Remember that a sound failed, or what is to be known of it; neither forgets it.

        Raises:
            StorageError: it cannot be written.
        """
        notes = self.notes()
        before = notes.pop(key, None)
        if before is None and not note:
            return
        if note:
            notes[key] = has_failed, note
        last = dict(list(notes.items())[-MAX_NOTES:])
        save_file(self.path / NOTES, json.dumps(last).encode(), replace=True)

    def delete(self) -> None:
        """Remove everything.

        Raises:
            ProjectError: it is being spoken.
            StorageError: it cannot be removed.
        """
        with self.at_work():
            remove_folder(self.path, PROJECT)

    def _sound_file(self, key: str, samples: int) -> Path:
        return self.path / SOUNDS / f"{key}-{samples}.flac"


def project_folders(root: Path) -> dict[str, Path]:
    """Find all projects below a folder, by their ids."""
    found = root.iterdir() if root.is_dir() else ()
    return {
        each.name: each
        for each in found
        if len(each.name) <= MAX_ID_CHARACTERS
        and ID.fullmatch(each.name)
        and (each / PROJECT).is_file()
    }


def _project_to_json(project: StoredProject) -> dict[str, Any]:
    """All of a project; of a card only what is not as usual, because there are thousands."""
    chapters = [
        {"title": each.title, "cards": [_card_to_json(card) for card in each.cards]}
        for each in project.chapters
    ]
    return vars(project) | {"chapters": chapters, "controls": project.controls.to_json()}


def _card_to_json(card: StoredCard) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(card).items()
        if not (value is None or value is False or value in ("", ()))
    }


def _project_from_json(values: Mapping[str, Any]) -> StoredProject:
    """Read what was written; what a later version added is left out.

    Raises:
        ValueError: a value cannot be used.
        KeyError: something is missing.
        TypeError: something is of another kind.
    """
    chapters = tuple(
        StoredChapter(str(each["title"]), tuple(map(_card_from_json, each["cards"])))
        for each in values["chapters"]
    )
    known = {each.name for each in fields(StoredProject)}
    found = {name: value for name, value in values.items() if name in known}
    project = StoredProject(
        **found
        | {
            "chapters": chapters,
            "controls": controls_from_json(values["controls"]),
            "voices": {str(key): str(value) for key, value in values["voices"].items()},
            "prints": {str(key): str(value) for key, value in values["prints"].items()},
        }
    )
    whole = (project.rate, project.seed, project.next_card)
    words = (project.name, project.family, project.language, project.origin, project.changed)
    if not all(isinstance(each, int) for each in whole) or project.rate < 1:
        raise TypeError("no number")
    if not all(isinstance(each, str) for each in words):
        raise TypeError("no text")
    return project


def _card_from_json(values: Mapping[str, Any]) -> StoredCard:
    known = {each.name for each in fields(StoredCard)}
    found = {name: value for name, value in values.items() if name in known}
    card = StoredCard(**found | {"earlier": tuple(map(int, found.get("earlier", ())))})
    if not all(isinstance(each, str) for each in (card.id, card.text, card.speaker, card.kept)):
        raise TypeError("no text")
    if not (card.voice is None or isinstance(card.voice, str)):
        raise TypeError("no voice")
    numbers = (card.seed, card.pause_seconds, card.start_seconds)
    if not all(each is None or isinstance(each, int | float) for each in numbers):
        raise TypeError("no number")
    return card
