import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.ui.clone_values import RATE, recording
from webui.clone_results import Finding, Recording, RecordingCheck, Window
from webui.ui.clone_check import CheckedClips, window_words
from webui.ui.clone_waveform import COLUMNS, envelope

WINDOWS = (Window(2.0, 6.0, 0.9, True), Window(0.5, 4.5, 0.6), Window(0.0, 3.0, 0.2))
CLEAN = RecordingCheck(6.5, 5.2, -21.0, 34.0, 0.0, ((0.3, 6.1),), WINDOWS)


def checked(*findings, **changes) -> CheckedClips:
    return CheckedClips((recording(),), replace(CLEAN, findings=findings, **changes))


def test_a_good_recording_gets_ticks_with_its_figures():
    words = checked().words().replace("\\", "")
    assert "✓ 6.5 s, 5.2 s of it speech" in words
    assert "(−21 dB of full scale)" in words
    assert "34 dB below the speech" in words
    assert "ends in a pause" in words
    assert "!" not in words


def test_findings_take_the_place_of_their_ticks_and_noise_names_the_cure():
    words = checked(
        Finding("noise", "A little noise."), Finding("quiet", "It is quiet."),
        Finding("short", "It is short."), Finding("abrupt_end", "It stops abruptly."),
    ).words()  # fmt: skip
    assert "✓" not in words
    assert words.count("! **") == 4
    assert "Clean the recording" in words


def test_with_a_fatal_finding_only_that_is_said_and_nothing_can_be_cloned():
    clips = checked(Finding("silence", "We hear almost no <b>speech.", is_fatal=True))
    assert not clips.is_usable
    assert clips.words() == "- ✗ **We hear almost no &lt;b\\>speech\\.**"


def test_the_parts_are_offered_the_best_first_with_a_grade():
    labels = [label for label, _ in checked().choices()]
    assert labels == [
        "The best part",
        "1. 2.0–6.0 s · good, ends in a pause",
        "2. 0.5–4.5 s · usable",
        "3. 0.0–3.0 s · poor",
        "My own choice",
    ]


@pytest.mark.parametrize(
    ("part", "window"),
    [("best", WINDOWS[0]), ("1", WINDOWS[1]), ("9", WINDOWS[0]), (None, WINDOWS[0]),
     (["1"], WINDOWS[0])],
)  # fmt: skip
def test_a_part_is_found_by_what_the_browser_sends(part, window):
    assert checked().window(part) == window


def test_without_any_window_the_whole_recording_is_the_part():
    assert checked(windows=()).window("best") == Window(0.0, 6.5, 0.0)


def test_a_part_of_one_among_several_recordings_says_which():
    two = (recording(), recording())
    assert "of recording 2" in window_words(Window(1, 2, 0.9, recording=1), two)


def boxes(svg, kind):
    found = re.findall(rf'class="{kind}" x="([\d.]+)" y="\d+" width="([\d.]+)"', svg)
    return [(float(left), float(width)) for left, width in found]


def test_the_drawing_shows_speech_parts_and_the_chosen_part_to_scale():
    svg = checked().picture(0, 2.0, 6.0)
    ElementTree.fromstring(svg)  # noqa: S314  our own
    scale = 600 / 6.5
    assert boxes(svg, "chosen") == [pytest.approx((2 * scale, 4 * scale), abs=0.1)]
    assert boxes(svg, "speech") == [pytest.approx((0.3 * scale, 5.8 * scale), abs=0.1)]
    assert len(boxes(svg, "part")) == 3
    assert "from 2.0 to 6.0 seconds" in svg


def test_each_of_several_recordings_shows_its_own_speech():
    spans = ((0.5, 1.5), (6.0, 7.5), (8.5, 9.0))
    clips = CheckedClips((recording(6.5), recording(6.5)), replace(CLEAN, spans=spans))
    scale = 600 / 6.5
    expected = [(0.0, 1.0 * scale), (2.0 * scale, 0.5 * scale)]
    assert boxes(clips.picture(1, 0.0, 1.0), "speech") == [
        pytest.approx(each, abs=0.1) for each in expected
    ]
    assert len(boxes(clips.picture(0, 0.0, 1.0), "speech")) == 2


def test_the_drawing_holds_no_text_of_a_visitor():
    clips = CheckedClips((recording(name="<script>.wav"),), CLEAN)
    assert "script" not in clips.picture(0, 0, 1)


def test_the_drawn_height_follows_the_loudest_sample():
    waveform = np.zeros(RATE, np.float32)
    waveform[RATE // 2] = -0.5
    heights = envelope(waveform)
    assert heights.shape == (COLUMNS,)
    assert heights.argmax() == COLUMNS // 2
    assert heights.max() == 1
    assert np.count_nonzero(heights) == 1


@pytest.mark.parametrize("samples", [0, 1, 299, 301])
def test_the_shortest_sounds_can_be_drawn(samples):
    short = Recording(np.full(samples, 0.1, np.float32), RATE)
    ElementTree.fromstring(CheckedClips((short,), CLEAN).picture(0, 0, 1))  # noqa: S314  our own
