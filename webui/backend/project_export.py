"""What a project gives out: the sound of a chapter or of the whole, subtitles, files."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.backend.project_facts import SpokenCard
from webui.backend.project_store import ProjectFolder
from webui.backend.project_view import View
from webui.errors import ProjectError
from webui.longform.assembly import Piece, assemble, placements
from webui.longform.subtitles import Cue, write_subtitles

if TYPE_CHECKING:
    from webui.audio.long_files import Mark

MOST_HEARD_SECONDS = 3 * 3_600.0  # of one chapter in memory; more is exported as a file


def chapter_sound(folder: ProjectFolder, view: View, chapter: int) -> tuple[Waveform, int]:
    """The sound of what is done of a chapter, and its rate.

    Raises:
        ProjectError: nothing is done, there is no such chapter, or it is too long to be played.
    """
    pieces = _pieces(view, chapter)
    if sum(piece.samples for piece in pieces) > MOST_HEARD_SECONDS * view.project.rate:
        raise ProjectError("This chapter is too long to be played in one go. Export it as a file.")
    return np.concatenate(list(track(folder, view, chapter))), view.project.rate


def track(folder: ProjectFolder, view: View, chapter: int | None = None) -> Iterator[OtherWaveform]:
    """Give what is done, as one sound, part by part.

    Raises:
        ProjectError: nothing is done, or there is no such chapter.
    """
    pieces = _pieces(view, chapter)
    keys = [view.sound_of(card) for card, _ in view.pieces(chapter)]
    return assemble(pieces, lambda number: folder.read_sound(keys[number])[0], view.project.rate)


def subtitles(view: View, kind: Literal["srt", "vtt"], chapter: int | None = None) -> str:
    """Subtitles that fit the track of a chapter, or of the whole.

    Raises:
        ProjectError: nothing is done, or there is no such chapter.
    """
    spoken = timeline(view, chapter)
    cues = [Cue(each.start_seconds, each.end_seconds, each.text, each.speaker) for each in spoken]
    return write_subtitles(cues, kind)


def timeline(view: View, chapter: int | None = None) -> list[SpokenCard]:
    """Say when each card is heard in the track of a chapter, or of the whole.

    Raises:
        ProjectError: nothing is done, or there is no such chapter.
    """
    rate = view.project.rate
    placed = placements(_pieces(view, chapter), rate)
    cards = (card for card, _ in view.pieces(chapter))
    return [
        SpokenCard(card.id, place.start / rate, place.end / rate, card.text, card.speaker)
        for card, place in zip(cards, placed, strict=True)
    ]


def export(
    folder: ProjectFolder, view: View, path: Path, audio_format: str, chapter: int | None = None
) -> None:
    """Write what is done into a sound file.

    Raises:
        ProjectError: nothing is done, or there is no such chapter.
        AudioFileError: an unknown format, or one that needs a program that is not installed.
        StorageError: the file cannot be written.
    """
    from webui.audio.long_files import write_long_audio

    project = view.project
    title = project.name if chapter is None else project.chapters[chapter].title
    facts: dict[str, Any] = {
        "app": "Bark Voice Studio", "title": title, "family": project.family,
        "voices": dict(project.voices), "seed": project.seed,
        "controls": project.controls.to_json(),
    }  # fmt: skip
    blocks = track(folder, view, chapter)
    marks = _marks(view) if chapter is None else []
    write_long_audio(path, blocks, project.rate, audio_format, facts, marks)


def _marks(view: View) -> "list[Mark]":
    """Where each chapter lies in the whole."""
    from webui.audio.long_files import Mark

    rate = view.project.rate
    placed = placements(_pieces(view, None), rate)
    number_of = {
        card.id: number
        for number, chapter in enumerate(view.project.chapters)
        for card in chapter.cards
    }
    done = zip((card for card, _ in view.pieces()), placed, strict=True)
    chapters = groupby(done, key=lambda each: number_of[each[0].id])
    found = [(number, [place for _, place in places]) for number, places in chapters]
    starts = [0, *(places[0].start for _, places in found[1:]), placed[-1].end]
    return [
        Mark(view.project.chapters[number].title, starts[n] / rate, starts[n + 1] / rate)
        for n, (number, _) in enumerate(found)
    ]


def _pieces(view: View, chapter: int | None) -> list[Piece]:
    if chapter is not None and not 0 <= chapter < len(view.project.chapters):
        raise ProjectError(f"There is no chapter {chapter + 1} in this text.")
    pieces = [piece for _, piece in view.pieces(chapter)]
    if not pieces:
        raise ProjectError("Nothing of this was spoken yet. Speak it first.")
    return pieces
