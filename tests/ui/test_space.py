"""What strangers are told, what a Space brings by itself, and that what is old goes."""

import time
from dataclasses import replace

import gradio as gr
import pytest

from webui.ui.space import bring_bark, build_notices, missing_words
from webui.ui.studio import open_studio
from webui.ui.sweeping import Sweeper


@pytest.fixture
def space(service, settings, tmp_path):
    changed = replace(settings, public=True, on_space=True, has_card=True)
    return open_studio(service, changed, tmp_path / "takes")


def notices(settings):
    with gr.Blocks(analytics_enabled=False) as page:
        build_notices(settings)
    return [each for each in page.blocks.values() if isinstance(each, gr.Markdown | gr.Button)]


def test_a_local_page_has_no_notice(settings):
    assert notices(settings) == []


def test_a_shared_page_says_so_to_everybody_on_it(settings):
    (note,) = notices(replace(settings, share=True, auth=("bark", "x")))
    assert "shared by a public link" in note.value


def test_a_space_says_what_becomes_of_voices_and_can_be_duplicated(settings):
    note, button = notices(replace(settings, public=True, on_space=True))
    assert "removed after a day" in note.value
    assert isinstance(button, gr.DuplicateButton)


def test_a_space_with_a_card_brings_bark_by_itself(space, service):
    bring_bark(space)
    assert space.downloads.wait(10)
    assert service.family("bark-small").state == "installed"
    space.downloads.outcome = ""
    bring_bark(space)
    assert not space.downloads.running


@pytest.mark.parametrize(
    "changes", [{"has_card": False}, {"offline": True}, {"family": "mini"}, {"family": "none"}]
)
def test_nothing_is_brought_that_is_not_wanted(space, changes):
    studio = replace(space, settings=replace(space.settings, **changes))
    bring_bark(studio)
    assert studio.downloads.family is None


def test_what_visitors_left_is_swept_without_anybody_visiting(space, service):
    sweeper = Sweeper(space, every_seconds=0.01)
    sweeper.start()
    deadline = time.monotonic() + 10
    while service.shelves.swept < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    sweeper.stop()


def test_a_fault_while_sweeping_does_not_end_it(space, service, monkeypatch, caplog):
    monkeypatch.setattr(service.shelves, "sweep", lambda: 1 / 0)
    sweeper = Sweeper(space, every_seconds=0.01)
    sweeper.start()
    deadline = time.monotonic() + 10
    while len(caplog.records) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    sweeper.stop()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"voices_repo": None}, None),
        ({}, None),
        ({"public": False}, "for a public page"),
        ({"hf_token": None}, "needs a token"),
        ({"signs_in": False}, "here nobody can"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_told_at_the_start(settings, monkeypatch, changes, words):
    monkeypatch.setattr("webui.ui.space.can_sign_in", lambda settings: settings.signs_in)
    whole = {"voices_repo": "a/b", "public": True, "hf_token": "hf_x", "signs_in": True} | changes
    told = missing_words(replace(settings, **whole))
    assert len(told) == (words is not None)
    assert all(words in each for each in told)
