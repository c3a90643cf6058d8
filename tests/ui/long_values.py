"""What the tests of the Long text tab fill in, and how they look at what came of it."""

from dataclasses import replace

import gradio as gr

from webui.ui.long_form import NEW_FIELDS, NewTextForm
from webui.ui.studio import ANY_VOICE

BOOK = "# One\nThe sun is up. ANNA is here.\nANNA: Good day.\n# Two\nThe end."
PLAIN = NewTextForm(None, BOOK, "", "mini", ANY_VOICE, -1, 0.25, False, False)


def values(**changes):
    form = replace(PLAIN, **changes)
    return [getattr(form, each) for each in NEW_FIELDS]


def made(tab, **changes):
    """Make a text; gives the place that is shown then."""
    return tab.make_of_text(*values(**changes))[tab.view.place]


def ended(tab, place):
    """What is shown when nothing is spoken any more."""
    assert tab.studio.long_runs.wait((tab.studio.visitor, place.project), 10)
    return tab.look(place)


def row(index):
    return gr.SelectData(None, {"index": [index, 0], "value": "x"})
