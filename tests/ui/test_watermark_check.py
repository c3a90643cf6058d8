"""The Models tab says how the watermark stands, and listens to a dropped file."""

from dataclasses import replace

import pytest

from webui.ui import watermark_check
from webui.ui.models_tab import facts
from webui.ui.studio import open_studio
from webui.ui.watermark_check import listen


@pytest.mark.parametrize("state", ["on", "off", "missing"])
def test_the_state_stands_among_the_facts(studio, monkeypatch, state):
    monkeypatch.setattr(watermark_check, "watermark_state", lambda is_wanted: state)
    line = facts(studio).splitlines()[-1]
    assert line.startswith("- Watermark: ")
    assert {"on": "carries it", "off": "switches it on", "missing": "not installed"}[state] in line


def test_the_setting_decides_the_state(service, settings, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        watermark_check, "watermark_state", lambda is_wanted: asked.append(is_wanted) or "on"
    )
    facts(open_studio(service, replace(settings, watermark=True), tmp_path))
    assert asked == [True]


@pytest.mark.parametrize(
    ("found", "words"),
    [((True, 0.98), "carries the watermark (98%)"), ((False, 0.1), "no watermark that is heard")],
)
def test_a_dropped_file_is_listened_to_and_the_zone_is_empty_again(monkeypatch, found, words):
    monkeypatch.setattr(watermark_check, "find_mark", lambda path: found)
    zone, said = listen("/somewhere/<b>.wav")
    assert zone is None
    assert words in said
    assert "<b>" not in said


@pytest.mark.parametrize("value", [None, 5, ["a.wav"], "/nowhere/a.wav"])
def test_what_is_no_recording_is_told_in_words(value):
    zone, said = listen(value)
    assert zone is None
    assert said.startswith("**")
