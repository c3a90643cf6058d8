"""What the Speaker Library's buttons do with voices: on a public page with the visitor's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from webui.backend.facts import VoiceInfo
from webui.errors import SettingsError, StorageError, UserError
from webui.ui.library_hearing import BlendForm, CutForm, two_voices
from webui.ui.library_widgets import LibraryWidgets
from webui.ui.library_words import NO_CHOICE, card_words
from webui.ui.messages import plain
from webui.ui.studio import Studio, voice_label

Updates = dict[Any, Any]
MOST_UPLOADED, MOST_BY_STRANGERS = 200, 20
MAX_UPLOAD_BYTES = 2**23
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
        shown = self.widgets
        details = self.studio.voices.library.details(voice.id)
        usable = not voice.broken
        is_own = voice.source == "own"
        heart = "♥ No longer a favourite" if voice.favourite else "♥ Favourite"
        metadata = details.metadata
        others = self._others(voice) if usable else []
        length = round(voice.seconds or 0, 2)
        return {
            shown.chosen: voice.id,
            shown.details: card_words(details),
            shown.status: plain(said),
            shown.use: gr.Button(visible=usable),
            shown.line: gr.Button(visible=usable),
            shown.changes: gr.Row(visible=True),
            shown.favourite: gr.Button(heart),
            shown.export: self._export(voice),
            shown.repair: gr.Button(visible=is_own and voice.repairable),
            shown.delete: gr.Button(visible=is_own),
            shown.about.fold: gr.Accordion(visible=is_own),
            shown.about.name: voice.name,
            shown.about.tags: ", ".join(voice.tags),
            shown.about.language: voice.language,
            shown.about.notes: metadata.notes,
            shown.cut.fold: gr.Accordion(visible=usable and bool(length)),
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
        voice = self.studio.visible_voice(chosen)
        return self.card(self.studio.voices.library.set_favourite(voice.id, not voice.favourite))

    def save_about(self, *values: object) -> Updates:
        """Keep what was typed about the chosen voice."""
        form = AboutForm(*values)
        voice = self.studio.visible_voice(form.voice)
        name, tags, language, notes = form.words()
        changed = self.studio.voices.library.describe(
            voice.id, name=None if name == voice.name else name, tags=tags, language=language,
            notes=notes,
        )  # fmt: skip
        return self.card(changed, "Saved.")

    def duplicate(self, chosen: object) -> Updates:
        """Copy the chosen voice to an own one, and choose that."""
        voice = self.studio.visible_voice(chosen)
        copy = self.studio.voices.library.duplicate(voice.id)
        return self.card(copy, f"This is your copy of {voice.name}.")

    def repair(self, chosen: object) -> Updates:
        """Cut what does not fit in the chosen voice."""
        voice = self.studio.visible_voice(chosen)
        repaired, notes = self.studio.voices.library.repair(voice.id)
        return self.card(repaired, " ".join(["Repaired.", *notes]))

    def delete(self, chosen: object) -> Updates:
        """Take the chosen voice out of the library, with an Undo for a while."""
        shown = self.widgets
        voice = self.studio.visible_voice(chosen)
        deleted = self.studio.voices.library.delete(voice.id)
        return {
            **self.empty_card(),
            shown.undo_row: gr.Row(visible=True),
            shown.undo_words: f"‘{plain(deleted.name)}’ is deleted.",
            shown.undo_timer: gr.Timer(active=True),
            shown.deleted: deleted.token,
        }

    def undo(self, token: object) -> Updates:
        """Bring the voice back that was deleted last."""
        if not isinstance(token, str):
            raise StorageError("There is nothing to undo.")
        back = self.studio.voices.library.undelete(token)
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
        voice = self.studio.visible_voice(form.voice)
        start, end = form.span()
        kept = self.studio.voices.library.crop(voice.id, start, end, _name(form.name))
        return self.card(kept, f"Kept as {kept.name}.")

    def keep_blend(self, *values: object) -> Updates:
        """Keep a blend of two voices as a new one."""
        form = BlendForm(*values)
        voice, other = two_voices(self.studio, form)
        kept = self.studio.voices.library.blend(voice.id, other.id, form.amount(), _name(form.name))
        return self.card(kept, f"Kept as {kept.name}.")

    def import_files(self, uploaded: object) -> Updates:
        """Add the speaker files that a visitor chose, and say what became of them."""
        paths = [Path(str(each)) for each in uploaded] if isinstance(uploaded, list) else []
        library = self.studio.voices.library
        most = MOST_BY_STRANGERS if self.studio.settings.public else MOST_UPLOADED
        if not 0 < len(paths) <= most:
            raise StorageError(f"Choose 1 to {most} files that end in .npz.")
        files = []
        for path in paths:
            with path.open("rb") as file:
                files.append((path.name, file.read(MAX_UPLOAD_BYTES + 1)))
        outcome = library.import_files(files)
        words = [f"{len(outcome.added)} of {len(files)} imported."]
        words += [f"{name}: {reason}" for name, reason in outcome.refused[:TOLD_REFUSALS]]
        if not outcome.added:
            return {**self.empty_card(), self.widgets.status: "  \n".join(map(plain, words))}
        shown = self.card(outcome.added[0])
        return {**shown, self.widgets.status: "  \n".join(map(plain, words))}

    def _others(self, voice: VoiceInfo) -> list[tuple[str, str]]:
        return [
            (voice_label(each), each.id)
            for each in self.studio.visible_voices(voice.family)
            if each.id != voice.id and not each.broken
        ]

    def _export(self, voice: VoiceInfo) -> gr.DownloadButton:
        """Lay the voice's file ready."""
        try:
            name, data = self.studio.voices.library.export(voice.id)
        except UserError:
            return gr.DownloadButton(value=None, visible=False)
        path = self.studio.laid_ready.put(self.studio.visitor, name, data)
        return gr.DownloadButton(value=str(path), visible=True)


def _name(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SettingsError("The new voice's name must be text.")
    return value.strip()
