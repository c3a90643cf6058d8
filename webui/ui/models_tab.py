"""The Models & settings tab: which families there are, how to get the real ones, what computes."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from webui.backend.catalogue import CATALOGUE
from webui.backend.facts import FamilyInfo
from webui.errors import DownloadError, FamilyNotFoundError
from webui.ui.faults import worded
from webui.ui.messages import language_name, plain, progress_words, size_words
from webui.ui.studio import Studio
from webui.ui.training_words import PUBLIC_WORDS as TRAINING_WORDS
from webui.ui.watermark_check import build_check, listen, state_line

HEAD = ["Family", "State", "Size", "Licence"]
STATES = {
    "installed": "here",
    "available": "not here yet",
    "downloading": "downloading",
    "damaged": "damaged",
}
PUBLIC_WORDS = "Models are chosen by whoever runs this page."


@dataclass(frozen=True)
class ChosenDownload:
    """The family to bring, as the browser sent it."""

    family: object

    def info(self, studio: Studio) -> FamilyInfo:
        """Look it up among those that can be had.

        Raises:
            DownloadError: visitors of a public page may not fill its disk.
            FamilyNotFoundError: there is nothing to bring under this name.
        """
        if studio.settings.public:
            raise DownloadError(PUBLIC_WORDS)
        for family in downloadable(studio):
            if family.id == self.family:
                return family
        raise FamilyNotFoundError("This family cannot be downloaded. Choose another one.")


class ModelsTab:
    """Builds the tab and answers its events."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.table = gr.Dataframe(
            headers=HEAD, value=[], interactive=False, label="Model families", buttons=[],
            elem_id="families", type="array", wrap=True, column_widths=["28%", "28%", "20%", "24%"],
        )  # fmt: skip
        with gr.Group(visible=not studio.settings.public):
            self.choice = gr.Radio(
                label="Get the real Bark", choices=[], elem_id="download-choice",
                info="Size and licence stand beside each. The download can be stopped and resumed.",
            )  # fmt: skip
            self.terms = gr.Markdown("", elem_id="download-terms")
            with gr.Row():
                self.start = gr.Button("Download", variant="primary", elem_id="download-start")
                self.stop = gr.Button("Stop the download", variant="stop", visible=False)
        self.note = gr.Markdown("", elem_id="download-note")
        gr.Markdown("## What computes")
        self.facts = gr.Markdown("", elem_id="device-facts")
        self.check = build_check()

    def wire(self) -> list[Callable[..., Any]]:
        """Connect the widgets to the handlers; gives what is to be followed by a look at all."""
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        outputs: list[gr.components.Component] = [self.start, self.stop, self.note]
        self.choice.input(
            worded(self.choose_family_to_download),
            [self.choice],
            [self.terms, self.start],
            queue=False,
            **quiet,
        )
        self.check.zone.upload(
            worded(listen), [self.check.zone], [self.check.zone, self.check.answer], **quiet
        )
        begun = self.start.click(worded(self.begin), [self.choice], outputs, **quiet)
        ended = self.stop.click(worded(self.end), None, outputs, queue=False, **quiet)
        return [begun.then, ended.then]

    def choose_family_to_download(self, *values: object) -> list[Any]:
        """Show what a download brings, before it is pressed."""
        chosen = ChosenDownload(*values)
        family = chosen.info(self.studio)
        return [terms(family, self.studio.settings.models_dir), self._start_button(family)]

    def begin(self, *values: object) -> list[Any]:
        """Start a download that goes on when the page is closed."""
        chosen = ChosenDownload(*values)
        family = chosen.info(self.studio)
        self.studio.downloads.start(family.id)
        note = f"Downloading {plain(family.title)}. You may close this page meanwhile."
        return [gr.Button(interactive=False), gr.Button(visible=True), note]

    def end(self) -> list[Any]:
        """Stop the running download."""
        if self.studio.settings.public:
            raise DownloadError(PUBLIC_WORDS)
        self.studio.downloads.stop()
        return [gr.Button(interactive=True), gr.Button(visible=False), "Stopping the download…"]

    def refill(self) -> list[Any]:
        """What a page that opens is to show."""
        families = downloadable(self.studio)
        choices = [(choice_label(family), family.id) for family in families]
        first = families[0] if families else None
        return [
            gr.Radio(choices=choices, value=first.id if first else None, visible=bool(first)),
            terms(first, self.studio.settings.models_dir) if first else "All families are here.",
            self._start_button(first) if first else gr.Button(visible=False),
            *self.follow(),
        ]

    def refilled(self) -> list[gr.components.Component]:
        """The components that `refill` fills, in its order."""
        return [self.choice, self.terms, self.start, *self.followed()]

    def follow(self) -> list[Any]:
        """What changes while a page stays open."""
        downloads = self.studio.downloads
        note = downloads.outcome
        if downloads.running:
            note = ""
            if downloads.progress is not None:
                note = progress_words(downloads.progress)
        elif note:
            note = f"**{plain(note)}**"
        rows = [_row(family) for family in self.studio.service.families()]
        running = downloads.running and not self.studio.settings.public
        return [gr.Dataframe(value=rows), gr.Button(visible=running), note, facts(self.studio)]

    def followed(self) -> list[gr.components.Component]:
        """The components that `follow` fills, in its order."""
        return [self.table, self.stop, self.note, self.facts]

    def _start_button(self, family: FamilyInfo) -> gr.Button:
        label = f"Download {family.title} ({size_words(family.size_bytes)}, {family.licence})"
        return gr.Button(label, interactive=not self.studio.downloads.running, visible=True)


def downloadable(studio: Studio) -> list[FamilyInfo]:
    """The real families that are not here yet, or whose files are damaged."""
    return [
        family
        for family in studio.service.families()
        if family.state in ("available", "downloading")
        or (family.state == "damaged" and family.id in CATALOGUE)
    ]


def choice_label(family: FamilyInfo) -> str:
    """A family with what a visitor must know before downloading it."""
    return f"{family.title} · {size_words(family.size_bytes)} · licence {family.licence}"


def terms(family: FamilyInfo, models_dir: Path) -> str:
    """What a download brings, where it goes and under which licence."""
    languages = ", ".join(language_name(code) for code in family.languages)
    words = (
        f"**{plain(family.title)}** takes {plain(size_words(family.size_bytes))} in "
        f"{plain(models_dir.name)}/ ({plain(size_words(_free_bytes(models_dir)))} free). "
        f"Licence: {plain(family.licence)}."
    )
    if family.licence_url.startswith("https://"):
        words += f" [Read about it]({family.licence_url})."
    return f"{words} Speaks {plain(languages)}." if languages else words


def facts(studio: Studio) -> str:
    """The device, the precision and where things lie."""
    status = studio.service.status()
    lines = [
        f"- Device: {plain(status.device or 'chosen when the first text is spoken')}",
        f"- Precision: {plain(status.precision or 'chosen with the device')}",
        f"- Family: {plain(status.family or 'none')}",
    ]
    if not studio.settings.public:
        lines += [
            f"- Models: {plain(str(studio.settings.models_dir))}",
            f"- Your voices: {plain(str(studio.settings.speakers_dir))}",
            f"- Your takes: {plain(str(studio.settings.outputs_dir))}",
        ]
    if studio.settings.public:
        lines.append(f"- {TRAINING_WORDS}")
    lines.append(f"- Longest text: {studio.settings.max_text_characters:,} characters")
    lines.append(f"- Live playback: {'on' if studio.has_ffmpeg else 'off, ffmpeg is missing'}")
    lines.append(state_line(studio))
    return "\n".join(lines)


def _row(family: FamilyInfo) -> list[str]:
    state = STATES[family.state]
    if family.broken:
        state = f"damaged: {family.broken}"
    elif family.state == "downloading" and family.fraction is not None:
        state = f"downloading, {family.fraction:.0%}"
    elif family.loaded:
        state = "here, in memory"
    title = f"{family.title} (demo)" if family.is_demo else family.title
    return [title, state, size_words(family.size_bytes), family.licence]


def _free_bytes(folder: Path) -> int:
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), Path.cwd())
    return shutil.disk_usage(there).free
