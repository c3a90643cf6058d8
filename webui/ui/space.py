"""What strangers are told above the tabs, and what a Hugging Face Space does by itself."""

from contextlib import suppress

import gradio as gr

from webui.errors import UserError
from webui.settings import Settings
from webui.ui.owners import can_sign_in
from webui.ui.studio import Studio

BARK = "bark-small"  # brought where a graphics card is, unless the settings name another family
SHARED_WORDS = (
    "**This page is shared by a public link.** Whoever has the link and the password uses it as "
    "you do: your voices, your takes, your models."
)
PUBLIC_WORDS = (
    "**This page is public.** Nobody else sees what you make here, and it is removed after a day."
)
SPACE_WORDS = " To keep your voices, duplicate this Space: your copy is yours alone."


def build_notices(settings: Settings) -> None:
    """Lay out what is to be known of a page that others reach; nothing on a local one."""
    if not (settings.public or settings.share):
        return
    with gr.Row(elem_id="notices"):
        words = PUBLIC_WORDS if settings.public else SHARED_WORDS
        gr.Markdown(words + (SPACE_WORDS if settings.on_space else ""), elem_id="shared-note")
        if settings.on_space:
            gr.DuplicateButton("Duplicate this Space", size="sm", scale=0, min_width=180)
        if can_sign_in(settings):
            gr.LoginButton(size="sm", scale=0, min_width=200, elem_id="sign-in")


def bring_bark(studio: Studio) -> None:
    """Have the real Bark downloaded on a Space with a graphics card; `mini` speaks meanwhile."""
    settings = studio.settings
    if not settings.has_card or settings.offline:
        return
    with suppress(UserError):
        family = studio.service.family(settings.family or BARK)
        is_needed = settings.family is not None or all(
            each.is_demo for each in studio.installed_families()
        )
        if is_needed and family.state in ("available", "damaged"):
            studio.downloads.start(family.id)


def missing_words(settings: Settings) -> list[str]:
    """Say what was set for visitors' voices that cannot work as it is."""
    if not settings.voices_repo:
        return []
    if not settings.public:
        return ["--voices-repo is for a public page: here your voices are in a folder of yours."]
    if not settings.hf_token:
        return ["--voices-repo needs a token in HF_TOKEN; until then visitors' voices last a day."]
    if not can_sign_in(settings):
        return [
            "--voices-repo keeps voices of visitors who signed in, and here nobody can: it works "
            "on a Space with `hf_oauth: true`."
        ]
    return []
