"""A dropped file fills the form as it was; nothing in it is believed more than typing."""

import json
from dataclasses import replace

import gradio as gr
import pytest

from tests.fake_service import RATE, sine
from webui.audio import write_audio
from webui.backend.speech_recipe import SpeechRecipe
from webui.errors import RecipeError
from webui.synthesis.controls import SpeechControls, StageControls
from webui.ui.recipe_drop import dropped_form
from webui.ui.speak_form import FORM_FIELDS
from webui.ui.speak_tab import SpeakTab
from webui.ui.studio import ANY_VOICE, open_studio

CONTROLS = SpeechControls(seed=7, coarse=StageControls(0.5, 40, 0.9), pause_seconds=1.0)
RECIPE = SpeechRecipe("Good morning.", "mini", "bob-22222222", CONTROLS, "en")


@pytest.fixture
def dropped(tmp_path):
    """The path of a file that holds a recipe with these changes."""

    def write(**changes) -> str:
        path = tmp_path / "take-1.wav"
        write_audio(path, sine(), RATE, "wav", RECIPE.to_json() | changes)
        return str(path)

    return write


@pytest.fixture
def tab(studio):
    with gr.Blocks(analytics_enabled=False):
        return SpeakTab(studio)


def test_a_dropped_file_asks_for_the_same_speech_again(studio, dropped):
    form, said = dropped_form(studio, dropped())
    order = form.order(studio)
    assert (order.text, order.family, order.voice) == ("Good morning.", "mini", "bob-22222222")
    assert order.controls == CONTROLS
    assert said == r"take\-1\.wav is back: press Speak for the same sound."


def test_the_form_is_filled_and_the_zone_is_empty_again(tab, dropped):
    *form, examples, zone, said = tab.take_back(dropped())
    filled = dict(zip(FORM_FIELDS, form, strict=True))
    assert (filled["text"], filled["seed"], filled["coarse_top_k"]) == ("Good morning.", 7, 40)
    assert filled["voice"].value == "bob-22222222"
    assert zone is None
    assert "is back" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"voice": "gone-1"}, 'The voice "gone'),
        ({"voice": "cid-33333333"}, "Choose another one"),
        ({"family": "bark-small"}, "is not here, so it will sound otherwise"),
        ({"controls": {"loud": 1}}, "left out"),
        ({"controls": {"greedy": True}}, "only the command line"),
    ],
)
def test_what_is_not_here_is_told_and_the_rest_is_used(studio, dropped, changes, words):
    form, said = dropped_form(studio, dropped(**changes))
    assert words in said.replace("\\", "")
    order = form.order(studio)
    assert (order.text, order.family) == ("Good morning.", "mini")
    if "voice" in changes:
        assert form.voice == ANY_VOICE


def test_words_of_a_strangers_file_are_never_markup(studio, dropped):
    _, said = dropped_form(studio, dropped(voice="<img src=x onerror=alert(1)>[a](b)"))
    assert "<img" not in said
    assert "[a](b)" not in said


def test_a_long_text_is_filled_in_and_refused_as_if_it_were_typed(tab, studio, dropped):
    form, _ = dropped_form(studio, dropped(text="a" * 201))
    assert len(form.text) == 201
    with pytest.raises(Exception, match="the limit here is 200"):
        form.order(studio)


def test_on_a_public_page_a_file_gives_nobody_anothers_voice(service, settings, tmp_path, dropped):
    public = open_studio(service, replace(settings, public=True), tmp_path / "public")
    form, said = dropped_form(public, dropped())
    assert form.voice == ANY_VOICE
    assert "is not here" in said


@pytest.mark.parametrize("value", [None, 5, [], ["a.wav"], "gone.wav", "/etc/passwd", ""])
def test_what_is_no_file_of_ours_changes_nothing_and_says_why(tab, value):
    *form, zone, said = tab.take_back(value)
    assert form == [gr.skip()] * (len(FORM_FIELDS) + 1)
    assert zone is None
    assert said.startswith("**")


def test_a_json_file_is_read_as_well(studio, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(RECIPE.to_json()))
    form, _ = dropped_form(studio, str(tmp_path / "a.json"))
    assert form.text == "Good morning."
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(RecipeError, match="does not say"):
        dropped_form(studio, str(tmp_path / "b.json"))
