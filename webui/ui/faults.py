"""Every fault of a handler becomes a message with words in it."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import gradio as gr

from webui.ui.messages import fault_words, plain

P = ParamSpec("P")
R = TypeVar("R")
SHOWN_SECONDS = 10


def worded(handler: Callable[P, R]) -> Callable[P, R]:
    """Wrap a handler so that a visitor reads what happened instead of a bare "Error"."""

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as fault:
            words = plain(fault_words(fault))
            raise gr.Error(words, duration=SHOWN_SECONDS, print_exception=False) from fault

    return wrapped
