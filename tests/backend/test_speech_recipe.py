"""Recipes in files: they come back whole, and a stranger's are believed no more than typing."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from tests.fake_service import RATE, sine
from tests.tiny_family import random_speaker
from webui.audio import write_audio
from webui.backend.speech_recipe import SpeechRecipe, read_recipe, recipe_from_json
from webui.errors import AudioFileError, RecipeError, SpeakerFileError
from webui.synthesis.controls import SpeechControls, StageControls

CONTROLS = SpeechControls(seed=7, coarse=StageControls(0.5, 40, 0.9), greedy=True)
RECIPE = SpeechRecipe("Grüße, „hallo“.\nNext.", "mini", "ada-11111111", CONTROLS, "de")


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "opus", "json"])
def test_a_recipe_comes_back_out_of_every_kind_of_file(tmp_path, ending):
    path = tmp_path / f"a.{ending.upper()}"
    if ending == "json":
        path.write_text(json.dumps(RECIPE.to_json() | {"out": "a.wav", "seconds": 1.5}))
    else:
        write_audio(path, sine(), RATE, ending, RECIPE.to_json())
    assert read_recipe(path) == RECIPE


def test_a_recipe_comes_back_out_of_the_voice_that_was_taken_from_it(tmp_path):
    said = np.array(json.dumps({"name": "Ada", **RECIPE.for_voice()}))
    np.savez(tmp_path / "a.npz", **random_speaker(50, 1), metadata=said)
    assert read_recipe(tmp_path / "a.npz") == RECIPE


def test_the_seed_beside_the_controls_counts_where_they_name_none():
    controls = {name: value for name, value in CONTROLS.to_json().items() if name != "seed"}
    values = RECIPE.to_json() | {"controls": controls, "seed": 9}
    assert recipe_from_json(values).controls == replace(CONTROLS, seed=9)
    values["controls"] = CONTROLS.to_json()
    assert recipe_from_json(values).controls.seed == 7


def test_a_file_that_names_few_controls_means_the_usual_ones():
    found = recipe_from_json({"text": "Hi.", "controls": {"pause_seconds": 1}})
    assert found == SpeechRecipe("Hi.", controls=SpeechControls(pause_seconds=1))


@pytest.mark.parametrize(
    "controls",
    [
        {"seed": 10**4_000},
        {"seed": -1},
        {"max_seconds": 10**400},
        {"max_seconds": float("nan")},
        {"pause_seconds": "1"},
        {"fine": {"top_k": True}},
        {"fine": [1]},
        {"semantic": {"reach": 1}},
        {"loud": "x" * 100_000},
        {"greedy": 1},
        [1],
        "all",
    ],
    ids=lambda controls: str(controls)[:20],
)
def test_controls_that_nobody_could_set_are_left_out_with_a_short_note(controls):
    found = recipe_from_json(RECIPE.to_json() | {"controls": controls, "seed": 3})
    assert found.controls == SpeechControls()
    assert (found.text, found.voice) == (RECIPE.text, RECIPE.voice)
    (note,) = found.notes
    assert len(note) < 200


def test_many_takes_are_not_asked_for():
    assert recipe_from_json({"text": "Hi.", "controls": {"takes": 8}}).controls.takes == 1


@pytest.mark.parametrize("name", [5, ["mini"], "", "x" * 201, "mini\x1b[31m", "a\nb", None])
def test_what_is_no_name_is_no_name_of_a_voice_or_a_family(name):
    found = recipe_from_json(RECIPE.to_json() | {"voice": name, "family": name, "language": name})
    assert (found.voice, found.family, found.language) == (None, None, None)


def test_a_text_keeps_what_can_be_typed_only():
    assert recipe_from_json({"text": "a\0b\x1b[31m\td\ud800\ne"}).text == "ab[31m\td\ne"


@pytest.mark.parametrize("values", [None, [], "text", {}, {"text": 5}, {"text": " \n\0"}])
def test_what_holds_no_text_is_no_recipe(values):
    with pytest.raises(RecipeError, match="does not say how it was spoken"):
        recipe_from_json(values)


def test_a_very_long_text_is_not_kept_in_a_voice():
    assert RECIPE.for_voice() == {"recipe": RECIPE.to_json()}
    assert replace(RECIPE, text="wörd " * 10_000).for_voice() == {}


def test_files_that_hold_no_recipe_are_refused_in_words(tmp_path):
    write_audio(tmp_path / "a.wav", sine(), RATE)
    np.savez(tmp_path / "a.npz", **random_speaker(50, 1), metadata=np.array("{}"))
    np.savez(tmp_path / "b.npz", **random_speaker(50, 1), metadata=np.array("[" * 9_999))
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("[" * 100_000)
    (tmp_path / "c.json").write_text(json.dumps({"text": "x" * 2**20}))
    (tmp_path / "fake.wav").write_text("no sound")
    (tmp_path / "fake.npz").write_text("no voice")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name, fault, words in (
        ("a.wav", RecipeError, "does not say"),
        ("a.npz", RecipeError, "import it"),
        ("b.npz", RecipeError, "import it"),
        ("a.json", RecipeError, "does not hold JSON"),
        ("b.json", RecipeError, "does not hold JSON"),
        ("c.json", RecipeError, "larger than 1 MB"),
        ("fake.wav", AudioFileError, "not a recording"),
        ("fake.npz", SpeakerFileError, "not a speaker file"),
        ("folder.json", RecipeError, "plain file"),
        ("pipe.json", RecipeError, "plain file"),
        ("gone.json", RecipeError, "not there"),
        ("a.txt", RecipeError, "ends in .wav"),
    ):
        with pytest.raises(fault, match=words):
            read_recipe(tmp_path / name)
