"""What is heard and taken away of a long text: a chapter, or files of a chapter or of the whole."""

from pathlib import Path

import gradio as gr

from webui.audio import FORMATS
from webui.backend.project_facts import ProjectDetails
from webui.errors import SettingsError, StorageError, TextError
from webui.ui.captions import captions
from webui.ui.long_view import LongView, Place, Updates
from webui.ui.long_widgets import BOOK_FORMAT, CHAPTER, SUBTITLES, WHOLE
from webui.ui.messages import plain, size_words
from webui.ui.studio import Studio
from webui.voice_names import slug

HEARD_FORMAT = "flac"  # quick to write, and half of a wav
FALLBACK_STEM = "long-text"
NO_TEXT = "Choose a text in the list first."


class LongFiles:
    """Answers the events around chapters and files."""

    def __init__(self, studio: Studio, view: LongView) -> None:
        self.studio = studio
        self.view = view

    def play_chapter(self, place: object) -> Updates:
        """Let what is spoken of the chapter be heard."""
        details, chapter = self._chosen(place)
        if not any(each.seconds for each in details.chapters[chapter].cards):
            raise TextError("Nothing of this chapter is spoken yet. Press Start first.")
        path = self._exported(details, HEARD_FORMAT, chapter)
        title = details.chapters[chapter].title
        spoken = self.studio.projects.timeline(details.info.id, chapter)
        cards = self.view.widgets.cards
        return {
            cards.player: gr.Audio(value=str(path), label=title, visible=True, autoplay=True),
            cards.captions: captions(details.chapters[chapter], spoken),
        }

    def prepare(self, place: object, part: object, kind: object) -> Updates:
        """Make the file that was asked for, and offer it."""
        files = self.view.widgets.files
        details, chapter = self._chosen(place)
        if part not in (WHOLE, CHAPTER):
            raise SettingsError("A file is of the whole text or of a chapter.")
        wanted = chapter if part == CHAPTER else None
        if kind in SUBTITLES:
            path = self._subtitles(details, str(kind), wanted)
        elif kind in FORMATS or (kind == BOOK_FORMAT and self.studio.has_ffmpeg):
            path = self._exported(details, str(kind), wanted)
        else:
            raise SettingsError("This kind of file is not known. Choose another one.")
        ready = f"{path.name}, {size_words(path.stat().st_size)}, is ready."
        return {
            files.save: gr.DownloadButton(f"Save {path.suffix[1:]}", value=str(path), visible=True),
            files.status: plain(ready),
        }

    def _chosen(self, place: object) -> tuple[ProjectDetails, int]:
        """The chosen text and the number of its chapter.

        Raises:
            TextError: none is chosen.
        """
        details = self.view.details(place)
        if not isinstance(place, Place) or details is None or place.project != details.info.id:
            raise TextError(NO_TEXT)
        return details, min(place.chapter, len(details.chapters) - 1)

    def _exported(self, details: ProjectDetails, kind: str, chapter: int | None) -> Path:
        path = self._place(details, kind, chapter)
        self.studio.projects.export(details.info.id, path, kind, chapter)
        return path

    def _subtitles(self, details: ProjectDetails, kind: str, chapter: int | None) -> Path:
        words = self.studio.projects.subtitles(details.info.id, kind, chapter)  # type: ignore[arg-type]
        path = self._place(details, kind, chapter)
        try:
            path.write_text(words, "utf-8")
        except OSError as fault:
            raise StorageError("There is no room for the file. Free some space first.") from fault
        return path

    def _place(self, details: ProjectDetails, kind: str, chapter: int | None) -> Path:
        """Where a new file is written: its name is made of the text's."""
        stem = slug(details.info.name)
        stem = FALLBACK_STEM if stem == slug("") else stem  # letters that a file's name has not
        part = "" if chapter is None else f"-chapter-{chapter + 1}"
        try:
            return self.studio.laid_ready.place(self.studio.visitor, f"{stem}{part}.{kind}")
        except OSError as fault:
            raise StorageError("There is no room for the file. Free some space first.") from fault
