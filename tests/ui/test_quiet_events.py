"""No event of the page makes the browser keep a progress that nobody sees."""

import gradio as gr

from webui.ui.page import build_page
from webui.ui.quiet_events import keep_no_progress


def shown_on(page):
    """Where the browser is told to show the progress of each event; None: on all that it fills."""
    return [event["show_progress_on"] for event in page.get_config_file()["dependencies"]]


def test_hidden_progress_is_kept_nowhere_and_the_other_is_left_alone():
    with gr.Blocks(analytics_enabled=False) as page:
        words, button = gr.Markdown(), gr.Button()
        button.click(lambda: "", None, words, show_progress="hidden")
        button.click(lambda: "", None, words, show_progress="full")
        button.click(lambda: "", None, words, show_progress="full", show_progress_on=[button])
    assert shown_on(page) == [None, None, [button._id]]
    keep_no_progress(page)
    assert shown_on(page) == [[], None, [button._id]]


def test_the_page_has_no_event_whose_progress_is_kept(studio):
    events = shown_on(build_page(studio))
    assert len(events) > 100
    assert [each for each in events if each != []] == []
