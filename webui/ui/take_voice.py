"""A take that somebody likes, kept as a voice of the library."""

from dataclasses import dataclass

import gradio as gr

from webui.errors import SpeakerFileError, StorageError
from webui.ui.messages import plain
from webui.ui.studio import Studio
from webui.ui.takes import Take, is_owner


@dataclass(frozen=True)
class KeepingWidgets:
    """Under the player: a name, a button, what came of it, and which take is shown."""

    fold: gr.Accordion
    name: gr.Textbox
    save: gr.Button
    status: gr.Markdown
    take: gr.State

    def shown(self) -> list[gr.components.Component | gr.Accordion]:
        """What changes with the take that is shown."""
        return [self.fold, self.take, self.status]


@dataclass(frozen=True)
class KeepForm:
    """Whose take is to be kept under which name, as the browser sent it."""

    owner: object
    number: object
    name: object


def build_keeping() -> KeepingWidgets:
    """Lay it out; it is seen when a take is there whose voice can be kept."""
    with gr.Accordion("Keep this voice", open=False, visible=False, elem_id="keep-take") as fold:
        gr.Markdown(
            "The end of this take becomes a voice of your library: later texts are spoken in its "
            "manner."
        )
        name = gr.Textbox(label="Name of the voice", max_lines=1, elem_id="keep-take-name")
        save = gr.Button("Save as voice", size="sm", elem_id="keep-take-save")
        status = gr.Markdown("", elem_id="keep-take-status")
    return KeepingWidgets(fold, name, save, status, gr.State(None))


def keeping_updates(studio: Studio, take: Take | None) -> list[object]:
    """What `KeepingWidgets.shown` becomes when a take is shown."""
    can_keep = take is not None and bool(take.chunks)
    return [gr.Accordion(visible=can_keep), take.number if take else None, ""]


def keep_take(studio: Studio, *values: object) -> str:
    """Save the end of a take as a voice, and say under which name.

    Raises:
        UserError: the take is gone, the name cannot be used, or it cannot be written.
    """
    form = KeepForm(*values)
    if not is_owner(form.owner) or not isinstance(form.number, int):
        raise StorageError("This take is no longer there. Speak the text again.")
    if not isinstance(form.name, str) or not form.name.strip():
        raise SpeakerFileError("Please give the voice a name.")
    take = studio.shelf.find(str(form.owner), form.number)
    library = studio.for_visitor(form.owner).voices.library
    voice = library.keep_speech(take.chunks, take.recipe, form.name)
    return f"**{plain(voice.name)}** is in your library and in the list of voices."
