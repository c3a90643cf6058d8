"""Every fault of a handler becomes a message with words in it."""

import functools
import html
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import gradio as gr

from webui.ui.messages import fault_words

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
            raise _shown(fault) from fault

    return wrapped


def worded_stream(handler: Callable[P, Iterator[R]]) -> Callable[P, Iterator[R]]:
    """Wrap a handler that shows several things, one after the other, as `worded` does others."""

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        try:
            yield from handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as fault:
            raise _shown(fault) from fault

    return wrapped


def _shown(fault: Exception) -> gr.Error:
    words = html.escape(" ".join(fault_words(fault).split()), quote=False)  # it is shown as HTML
    return gr.Error(words, duration=SHOWN_SECONDS, print_exception=False)
