"""What a visitor reads when a handler fails."""

import gradio as gr
import pytest

from webui.errors import UserError
from webui.ui.faults import worded, worded_stream

HOSTILE = 'No voice "a_b*" here <img src=x onerror=alert(1)>. Choose &lt; another one.'
SHOWN = 'No voice "a_b*" here &lt;img src=x onerror=alert(1)&gt;. Choose &amp;lt; another one.'


def fail():
    raise UserError(HOSTILE)


def fail_later():
    yield 1
    raise UserError(HOSTILE)


@pytest.mark.parametrize(
    "handler", [worded(fail), lambda: list(worded_stream(fail_later)())], ids=["once", "stream"]
)
def test_a_message_shows_every_sign_as_it_is_and_none_acts(handler):
    with pytest.raises(gr.Error) as told:
        handler()
    assert told.value.message == SHOWN


def test_a_fault_that_nobody_foresaw_has_words_too():
    def divide():
        return 1 // 0

    with pytest.raises(gr.Error, match="[a-z]{3,} [a-z]{2,}") as told:
        worded(divide)()
    assert "ZeroDivisionError" not in told.value.message
