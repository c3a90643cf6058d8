"""The visitor's way to have everything removed at once that a public page keeps of them."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.errors import StorageError
from webui.ui.clone_run import job_key
from webui.ui.long_cards import long_key
from webui.ui.studio import Studio
from webui.ui.takes import is_owner

WORDS = (
    "What you made here is kept for a day, for this browser only: takes, clones, "
    "long texts and voices. Nobody else sees it. Recordings that you gave go within two hours."
)
ACCOUNTS = (
    " Voices of visitors who signed in last longer: whoever runs this page keeps them in a private "
    "dataset, until they are deleted here."
)
SURE = (
    "Everything you made here is removed at once; copies that the page handed to your browser go "
    "within two hours. Files that you saved stay yours."
)
DONE = "**Everything of yours is removed.** The page begins anew."
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class ForgettingWidgets:
    """The button, and the question after it."""

    ask: gr.Button
    sure: gr.Column
    yes: gr.Button
    no: gr.Button
    status: gr.Markdown


def build_forgetting(accounts_last: bool) -> ForgettingWidgets:
    """Lay it out: one press asks, a second one removes."""
    with gr.Accordion("What this page keeps of you", open=False, elem_id="kept-of-you"):
        gr.Markdown(WORDS + (ACCOUNTS if accounts_last else ""))
        ask = gr.Button("Forget me", size="sm", elem_id="forget-me")
        with gr.Column(visible=False, elem_id="forget-sure") as sure:
            gr.Markdown(SURE)
            with gr.Row():
                yes = gr.Button("Remove it all", variant="stop", size="sm", elem_id="forget-yes")
                no = gr.Button("Keep it", size="sm", elem_id="forget-no")
        status = gr.Markdown("", elem_id="forget-status")
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
    for button, is_asked in ((ask, True), (no, False)):
        button.click(
            lambda shown=is_asked: gr.Column(visible=shown), None, [sure],
            api_visibility="private", **quiet,
        )  # fmt: skip
    return ForgettingWidgets(ask, sure, yes, no, status)


def forget(studio: Studio, owner: object, page: str) -> None:
    """Stop what a visitor has being done, then remove all that is kept of them.

    Raises:
        StorageError: it is not known who asks, or the work does not end.
    """
    if not is_owner(owner):
        raise StorageError("Please reload the page once, then press Forget me again.")
    jobs = (page, job_key(page), long_key(page))
    for job in jobs:
        studio.desk.stop(job)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(studio.desk.is_busy(job) for job in jobs):
        if time.monotonic() > deadline:
            raise StorageError("Your work is still being stopped. Press Forget me again.")
        time.sleep(LOOK_SECONDS)
    studio.forget(str(owner))
