"""Events without Gradio's own signs of progress, for which the browser then keeps no state."""

import gradio as gr


def keep_no_progress(page: gr.Blocks) -> None:
    """Tell the browser that progress which is hidden belongs to no part of the page.

    Left to itself, Gradio's browser side keeps it for each part that any event so far could change,
    and whenever an event begins, moves on or ends it looks up each of them in the whole page. Ours
    opens with an event that fills all tabs, so a browser worked twice as long for a short text.
    """
    for event in page.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = []
