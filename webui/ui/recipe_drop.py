"""A file that was made here, dropped on the page: its text, voice and settings come back."""

from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from webui.backend.speech_recipe import ENDINGS, SpeechRecipe, read_recipe
from webui.errors import RecipeError, UserError
from webui.ui.messages import plain
from webui.ui.speak_form import MAX_SAVED_CHARACTERS, SpeakForm, with_controls
from webui.ui.studio import ANY_VOICE, Studio

LABEL = "Drop a file made here to get its text, voice and settings back"


@dataclass(frozen=True)
class DropWidgets:
    """Where a file is dropped, and what became of it."""

    zone: gr.File
    status: gr.Markdown


def build_drop() -> DropWidgets:
    """Lay it out, small: most visitors never need it."""
    zone = gr.File(
        label=LABEL, file_types=list(ENDINGS), type="filepath", height=120, elem_id="recipe-drop"
    )
    return DropWidgets(zone, gr.Markdown("", elem_id="recipe-status", sanitize_html=True))


def dropped_form(studio: Studio, dropped: object) -> tuple[SpeakForm, str]:
    """Read a dropped file into the form, and say in a line what came of it.

    What is not here, a family or a voice, gives way to what is.

    Raises:
        UserError: the file holds no recipe, or nothing here can speak.
    """
    if not isinstance(dropped, str):
        raise RecipeError("Drop one file that was made here.")
    path = Path(dropped)
    recipe = read_recipe(path)
    lost = list(recipe.notes)
    if recipe.controls.greedy:
        lost.append("It was spoken with --greedy, which only the command line can do.")
    family = _family(studio, recipe, lost)
    form = replace(
        with_controls(recipe.controls),
        text=recipe.text[:MAX_SAVED_CHARACTERS],
        family=family,
        voice=_voice(studio, recipe, family, lost),
    )
    if lost:
        return form, f"**Not all of it is here.** {' '.join(map(plain, lost))}"
    return form, f"{plain(path.name)} is back: press Speak for the same sound."


def _family(studio: Studio, recipe: SpeechRecipe, lost: list[str]) -> str:
    """The recipe's family where it is here, otherwise the one that speaks."""
    if recipe.family in {family.id for family in studio.installed_families()}:
        return str(recipe.family)
    if recipe.family is not None:
        lost.append(f'The model family "{recipe.family}" is not here, so it will sound otherwise.')
    own = studio.default_family()
    if own is None:
        raise RecipeError("No model family is here that could speak it. Download one first.")
    return own


def _voice(studio: Studio, recipe: SpeechRecipe, family: str, lost: list[str]) -> str:
    """The recipe's voice where this visitor has it."""
    if recipe.voice is None:
        return ANY_VOICE
    try:
        if not studio.visible_voice(recipe.voice, family).broken:
            return recipe.voice
    except UserError:
        pass
    lost.append(f'The voice "{recipe.voice}" is not here. Choose another one.')
    return ANY_VOICE
