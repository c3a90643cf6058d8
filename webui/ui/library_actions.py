"""What the Speaker Library's buttons do with voices; none of it happens on a public page."""

import shutil
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from webui.backend.facts import VoiceInfo
from webui.errors import SettingsError, StorageError, UserError
from webui.ui.library_hearing import BlendForm, CutForm, two_voices
from webui.ui.library_widgets import LibraryWidgets
from webui.ui.library_words import NO_CHOICE, PUBLIC_NOTE, card_words
from webui.ui.messages import plain
from webui.ui.studio import Studio, voice_label

Updates = dict[Any, Any]
MOST_UPLOADED = 200
MAX_UPLOAD_BYTES = 2**23
EXPORTS_KEPT = 64
TOLD_REFUSALS = 5


@dataclass(frozen=True)
class AboutForm:
    """What is said about a voice, as the browser sent it."""

    voice: object
    name: object
    tags: object
    language: object
    notes: object

    def words(self) -> tuple[str, tuple[str, ...], str, str]:
        """Name, labels, language and notes.

        Raises:
            SettingsError: one of them is no text.
        """
        values = (self.name, self.tags, self.language or "", self.notes or "")
        for value in values:
            if not isinstance(value, str):
                raise SettingsError("Name, labels, language and notes are texts.")
        name, tags, language, notes = map(str, values)
        return name, tuple(tags.split(",")), language, notes


class LibraryActions:
    """Changes voices and shows how the chosen one is afterwards."""

    def __init__(self, studio: Studio, widgets: LibraryWidgets) -> None:
        self.studio = studio
        self.widgets = widgets
        self._exports: deque[Path] = deque()
        self._exporting = threading.Lock()

    def outputs(self) -> list[gr.components.Component | gr.Row | gr.Accordion]:
        """What the handlers change."""
        shown = self.widgets
        return [
            shown.chosen, shown.details, shown.status, shown.use, shown.line, shown.changes,
            shown.favourite, shown.export, shown.repair, shown.delete, shown.about.fold,
            shown.about.name, shown.about.tags, shown.about.language, shown.about.notes,
            shown.cut.fold, shown.cut.start, shown.cut.end, shown.cut.name, shown.blend.fold,
            shown.blend.other, shown.blend.name, shown.player, shown.undo_row, shown.undo_words,
            shown.undo_timer, shown.deleted,
        ]  # fmt: skip

    def card(self, voice: VoiceInfo, said: str = "") -> Updates:
        """Show one voice, and what can be done with it."""
        shown, mine = self.widgets, not self.studio.settings.public
        details = self.studio.service.library.details(voice.id)
        usable = not voice.broken
        is_own = mine and voice.source == "own"
        heart = "♥ No longer a favourite" if voice.favourite else "♥ Favourite"
        metadata = details.metadata
        others = self._others(voice) if mine and usable else []
        length = round(voice.seconds or 0, 2)
        return {
            shown.chosen: voice.id,
            shown.details: card_words(details),
            shown.status: plain(said),
            shown.use: gr.Button(visible=usable),
            shown.line: gr.Button(visible=usable),
            shown.changes: gr.Row(visible=mine),
            shown.favourite: gr.Button(heart),
            shown.export: self._export(voice) if mine else gr.skip(),
            shown.repair: gr.Button(visible=is_own and voice.repairable),
            shown.delete: gr.Button(visible=is_own),
            shown.about.fold: gr.Accordion(visible=is_own),
            shown.about.name: voice.name,
            shown.about.tags: ", ".join(voice.tags),
            shown.about.language: voice.language,
            shown.about.notes: metadata.notes,
            shown.cut.fold: gr.Accordion(visible=mine and usable and bool(length)),
            shown.cut.start: 0,
            shown.cut.end: length,
            shown.cut.name: "",
            shown.blend.fold: gr.Accordion(visible=bool(others)),
            shown.blend.other: gr.Dropdown(choices=others, value=None),
            shown.blend.name: "",
        }

    def empty_card(self, words: str = NO_CHOICE) -> Updates:
        """Show that no voice is chosen."""
        shown = self.widgets
        hidden = gr.Button(visible=False)
        return {
            shown.chosen: None, shown.details: words, shown.status: "", shown.use: hidden,
            shown.line: hidden, shown.changes: gr.Row(visible=False),
            shown.about.fold: gr.Accordion(visible=False),
            shown.cut.fold: gr.Accordion(visible=False),
            shown.blend.fold: gr.Accordion(visible=False),
            shown.player: gr.Audio(value=None, visible=False),
        }  # fmt: skip

    def toggle_favourite(self, chosen: object) -> Updates:
        """Mark the chosen voice as a favourite, or no longer."""
        voice = self._allowed(chosen)
        return self.card(self.studio.service.library.set_favourite(voice.id, not voice.favourite))

    def save_about(self, *values: object) -> Updates:
        """Keep what was typed about the chosen voice."""
        form = AboutForm(*values)
        voice = self._allowed(form.voice)
        name, tags, language, notes = form.words()
        changed = self.studio.service.library.describe(
            voice.id, name=None if name == voice.name else name, tags=tags, language=language,
            notes=notes,
        )  # fmt: skip
        return self.card(changed, "Saved.")

    def duplicate(self, chosen: object) -> Updates:
        """Copy the chosen voice to an own one, and choose that."""
        voice = self._allowed(chosen)
        copy = self.studio.service.library.duplicate(voice.id)
        return self.card(copy, f"This is your copy of {voice.name}.")

    def repair(self, chosen: object) -> Updates:
        """Cut what does not fit in the chosen voice."""
        voice = self._allowed(chosen)
        repaired, notes = self.studio.service.library.repair(voice.id)
        return self.card(repaired, " ".join(["Repaired.", *notes]))

    def delete(self, chosen: object) -> Updates:
        """Take the chosen voice out of the library, with an Undo for a while."""
        shown = self.widgets
        voice = self._allowed(chosen)
        deleted = self.studio.service.library.delete(voice.id)
        return {
            **self.empty_card(),
            shown.undo_row: gr.Row(visible=True),
            shown.undo_words: f"‘{plain(deleted.name)}’ is deleted.",
            shown.undo_timer: gr.Timer(active=True),
            shown.deleted: deleted.token,
        }

    def undo(self, token: object) -> Updates:
        """Bring the voice back that was deleted last."""
        self._refuse_strangers()
        if not isinstance(token, str):
            raise StorageError("There is nothing to undo.")
        back = self.studio.service.library.undelete(token)
        return {**self.card(back, f"{back.name} is back."), **self.end_undo()}

    def end_undo(self) -> Updates:
        """Take the Undo away; the file stays in the trash for some days."""
        shown = self.widgets
        return {
            shown.undo_row: gr.Row(visible=False),
            shown.undo_timer: gr.Timer(active=False),
            shown.deleted: None,
        }

    def keep_cut(self, *values: object) -> Updates:
        """Keep a part of the chosen voice as a new one."""
        form = CutForm(*values)
        voice = self._allowed(form.voice)
        start, end = form.span()
        kept = self.studio.service.library.crop(voice.id, start, end, _name(form.name))
        return self.card(kept, f"Kept as {kept.name}.")

    def keep_blend(self, *values: object) -> Updates:
        """Keep a blend of two voices as a new one."""
        form = BlendForm(*values)
        self._refuse_strangers()
        voice, other = two_voices(self.studio, form)
        kept = self.studio.service.library.blend(
            voice.id, other.id, form.amount(), _name(form.name)
        )
        return self.card(kept, f"Kept as {kept.name}.")

    def import_files(self, uploaded: object) -> Updates:
        """Add the speaker files that a visitor chose, and say what became of them."""
        self._refuse_strangers()
        paths = [Path(str(each)) for each in uploaded] if isinstance(uploaded, list) else []
        if not 0 < len(paths) <= MOST_UPLOADED:
            raise StorageError(f"Choose 1 to {MOST_UPLOADED} files that end in .npz.")
        files = []
        for path in paths:
            with path.open("rb") as file:
                files.append((path.name, file.read(MAX_UPLOAD_BYTES + 1)))
        outcome = self.studio.service.library.import_files(files)
        words = [f"{len(outcome.added)} of {len(files)} imported."]
        words += [f"{name}: {reason}" for name, reason in outcome.refused[:TOLD_REFUSALS]]
        if not outcome.added:
            return {**self.empty_card(), self.widgets.status: "  \n".join(map(plain, words))}
        shown = self.card(outcome.added[0])
        return {**shown, self.widgets.status: "  \n".join(map(plain, words))}

    def _allowed(self, voice_id: object) -> VoiceInfo:
        self._refuse_strangers()
        return self.studio.visible_voice(voice_id)

    def _refuse_strangers(self) -> None:
        if self.studio.settings.public:
            raise SettingsError(PUBLIC_NOTE)

    def _others(self, voice: VoiceInfo) -> list[tuple[str, str]]:
        return [
            (voice_label(each), each.id)
            for each in self.studio.visible_voices(voice.family)
            if each.id != voice.id and not each.broken
        ]

    def _export(self, voice: VoiceInfo) -> gr.DownloadButton:
        """Lay the voice's file ready; the oldest that lie ready are taken away."""
        try:
            name, data = self.studio.service.library.export(voice.id)
        except UserError:
            return gr.DownloadButton(value=None, visible=False)
        folder = self.studio.shelf.new_folder()
        (folder / name).write_bytes(data)
        with self._exporting:
            self._exports.append(folder)
            old = self._exports.popleft() if len(self._exports) > EXPORTS_KEPT else None
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
        return gr.DownloadButton(value=str(folder / name), visible=True)


def _name(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SettingsError("The new voice's name must be text.")
    return value.strip()
