"""Gradio's page around one tab, of which no server is made."""

import gradio as gr
from gradio.context import Context, set_render_context


class BarePage(gr.Blocks):
    """Takes components as `gr.Blocks` does, and cannot be launched.

    Gradio makes a server when a page is begun and again when it is complete. Each takes longer than
    laying out a tab, and a test that calls the handlers of a tab asks none of them.
    """

    def __init__(self) -> None:
        super().__init__(analytics_enabled=False)

    def queue(self, *args, **options) -> "BarePage":
        return self

    def __exit__(self, *fault) -> None:
        set_render_context(None)
        Context.root_block = None
