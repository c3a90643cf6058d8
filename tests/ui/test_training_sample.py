"""The players of the Train tab: filled when there is something newer, never while one listens."""

import gradio as gr
import numpy as np
import pytest

from tests.fake_training import let_hear
from tests.ui.test_training_tab import desk, made, tab  # noqa: F401  (fixtures)
from webui.backend.requests import TrainingOrder
from webui.backend.training_facts import TrainingSample
from webui.ui.training_sample import LONGEST_SECONDS, NOTHING_SHOWN, heard_label, note_words


@pytest.fixture
def samples(tab):  # noqa: F811
    tab.samples.clock = lambda: 1_000.0
    return tab.samples


@pytest.fixture
def training(desk):  # noqa: F811
    desk.start(TrainingOrder("German 1", "mini", "de", 500))
    return "german-1"


def test_both_sounds_and_the_step_are_shown(samples, desk, training):  # noqa: F811
    let_hear(desk, training, 200)
    shown, widgets = samples.follow(training, NOTHING_SHOWN, None), samples.widgets
    assert shown[widgets.sample].visible
    assert shown[widgets.sample_heard].label == "As the quantizer hears it, after 200 steps"
    assert shown[widgets.sample_heard].visible
    assert shown[widgets.sample_spoken].value["orig_name"] == "audio.wav"
    assert shown[widgets.sample_note] == "“Sun and \\*moon\\*”, spoken by Ada."
    assert shown[samples.shown] == (training, 200, "")


def test_what_is_shown_already_is_left_alone(samples, desk, training):  # noqa: F811
    let_hear(desk, training, 200)
    for now in ((training, 200, ""), [training, 200, ""]):
        assert list(samples.follow(training, now, None)) == [samples.shown]


def test_a_newer_one_fills_the_second_player_only(samples, desk, training):  # noqa: F811
    let_hear(desk, training, 1_400)
    shown = samples.follow(training, (training, 200, ""), None)
    assert shown[samples.widgets.sample_heard].label == heard_label(1_400)
    assert "1,400 steps" in heard_label(1_400)
    assert samples.widgets.sample_spoken not in shown


def test_nobody_is_interrupted_but_by_another_training(samples, desk, training):  # noqa: F811
    let_hear(desk, training, 400)
    before = (training, 200, "")
    since = samples.begin_listening()
    assert list(samples.follow(training, before, since)) == [samples.shown]
    assert samples.widgets.sample_heard in samples.follow(training, before, samples.end_listening())
    desk.stop(training)
    other = made(desk, "French 1")
    shown = samples.follow(other, before, since)
    assert {samples.widgets.sample_heard, samples.widgets.sample_spoken} < shown.keys()
    assert shown[samples.playing] is None


@pytest.mark.parametrize("since", [1_000.0 - LONGEST_SECONDS, 2_000.0, "x", True, float("nan")])
def test_a_player_that_never_said_that_it_ended_is_filled_all_the_same(
    samples,
    desk,  # noqa: F811
    training,
    since,
):
    let_hear(desk, training, 400)
    shown = samples.follow(training, (training, 200, ""), since)
    assert samples.widgets.sample_heard in shown


def test_without_a_sample_nothing_is_there(samples, desk, training):  # noqa: F811
    for chosen in (training, None, 7, "nobody"):
        assert list(samples.follow(chosen, NOTHING_SHOWN, None)) == [samples.shown]
    shown = samples.follow(None, (training, 200, ""), None)
    assert not shown[samples.widgets.sample].visible


def test_one_that_could_not_be_made_is_said_beside_the_last_one(samples, desk, training):  # noqa: F811
    let_hear(desk, training, 200)
    found = desk.known[training].sample
    desk.known[training].sample = TrainingSample(
        found.step, found.accuracy, "", "", found.spoken, found.heard, "Too *full*."
    )
    shown = samples.follow(training, (training, 200, ""), None)
    words = shown[samples.widgets.sample_note]
    assert words == "A speech that it has not learned from. Too \\*full\\*\\."
    assert samples.widgets.sample_heard not in shown
    assert note_words(TrainingSample(missed="Full")) == "Full"


def test_only_a_line_is_there_where_none_was_ever_made(samples, desk, training):  # noqa: F811
    desk.known[training].sample = TrainingSample(missed="Full")
    shown = samples.follow(training, NOTHING_SHOWN, None)
    assert shown[samples.widgets.sample].visible
    assert not shown[samples.widgets.sample_heard].visible
    assert shown[samples.widgets.sample_note] == "Full"


def test_a_sound_that_goes_away_meanwhile_is_looked_for_again(samples, desk, training):  # noqa: F811
    kept = let_hear(desk, training, 200)
    (desk.folder / "heard-200.flac").unlink()
    assert kept.step == 200
    assert list(samples.follow(training, NOTHING_SHOWN, None)) == [samples.shown]


def test_the_sounds_are_those_of_the_files(samples, desk, training, monkeypatch):  # noqa: F811
    let_hear(desk, training, 200)
    given = []
    monkeypatch.setattr(gr, "Audio", lambda **how: given.append(how["value"]) or how)
    samples.follow(training, NOTHING_SHOWN, None)
    for rate, sound in given:
        assert rate == 24_000
        assert sound.dtype == np.int16
        assert abs(int(sound.max()) - round(0.3 * 32_767)) < 40
