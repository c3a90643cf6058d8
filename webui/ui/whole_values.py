"""A page whose running jobs send each value whole, so that the browser loses none of them."""

from typing import Any, NotRequired, TypedDict, Unpack

import gradio as gr
from gradio.block_function import BlockFunction


class RunOfGenerator(TypedDict):
    """Which run of a function a yield belongs to; Gradio gives all of it by name."""

    session_hash: str | None
    run: str | None
    final: bool
    simple_format: NotRequired[bool]


class WholeValuesBlocks(gr.Blocks):
    """Gradio's Blocks, but what a generator changes is replaced in the browser, never patched.

    Gradio sends what a generator yields as differences, and its browser side applies them in place.
    Where several messages arrive together, those still unread are patched by the ones behind them:
    a player that was to be shown stays away because the next message leaves it alone. A difference
    that replaces the whole value touches nothing that came before.
    """

    def handle_streaming_diffs(  # type: ignore[override]
        self, block_fn: BlockFunction, data: list[Any], **run: Unpack[RunOfGenerator]
    ) -> list[Any]:
        """As Gradio's, with one edit per changed output; `gradio.utils.diff` has their form.

        The first yield and the end of a run are sent as they are, what did not change as no edits.
        """
        whole = list(data)
        sent: list[Any] = super().handle_streaming_diffs(block_fn, data, **run)
        if run["final"]:
            return sent
        return [
            [["replace", [], new]] if part is not new and part else part
            for part, new in zip(sent, whole, strict=True)
        ]
