"""What a job has sent stays as it was sent, whatever the job sends next."""

import gradio as gr
import pytest

from webui.ui.whole_values import WholeValuesBlocks

SHOWN = {"visible": True, "value": {"path": "take.wav"}, "__type__": "update"}
LEFT_ALONE = {"__type__": "update"}


@pytest.fixture
def page():
    with WholeValuesBlocks() as page:
        outputs = [gr.Markdown(), gr.Markdown()]
        gr.Button().click(lambda: ["", ""], None, outputs[:1])
        gr.Button().click(lambda: ["", ""], None, outputs)
    return page


def sent(page, values, final=False, simple=False):
    function = page.fns[len(values) - 1]
    which = {"session_hash": "page", "run": "run", "final": final, "simple_format": simple}
    return page.handle_streaming_diffs(function, list(values), **which)


def test_a_change_replaces_the_whole_value(page):
    assert sent(page, [SHOWN, "Starting"]) == [SHOWN, "Starting"]
    assert sent(page, [LEFT_ALONE, "Starting, then more"]) == [
        [["replace", [], LEFT_ALONE]],
        [["replace", [], "Starting, then more"]],
    ]


def test_what_stays_is_not_sent_again(page):
    sent(page, [SHOWN, [1, 2]])
    assert sent(page, [SHOWN, [1, 2, 3]]) == [[], [["replace", [], [1, 2, 3]]]]
    assert sent(page, [SHOWN, [1, 2, 3]]) == [[], []]


def test_nothing_that_was_sent_is_patched_in_place(page):
    messages = [sent(page, [SHOWN]), sent(page, [LEFT_ALONE]), sent(page, [SHOWN])]
    edits = [edit for (message,) in messages[1:] for edit in message]
    assert [(action, path) for action, path, _ in edits] == [("replace", [])] * 2


def test_who_asked_for_whole_values_gets_them(page):
    sent(page, ["a"], simple=True)
    assert sent(page, ["b"], simple=True) == ["b"]


def test_the_end_of_a_run_is_sent_as_it_is(page):
    sent(page, [LEFT_ALONE, "a"])
    sent(page, [SHOWN, "b"])
    assert sent(page, [None, None], final=True) == [SHOWN, "b"]
    assert sent(page, [LEFT_ALONE, "a"]) == [LEFT_ALONE, "a"], "the next run begins anew"
