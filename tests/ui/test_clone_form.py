import pytest

from tests.ui.clone_values import filled, recording
from webui.errors import AudioFileError, UserError
from webui.ui.clone_form import suggested_name

A, B = recording(6.5, "a.wav"), recording(9.0, "b.wav")


def order(studio, recordings=(A,), **changes):
    return filled("clip.wav", **changes).order(studio, recordings)


def test_a_filled_form_becomes_an_order(studio):
    made = order(studio, denoise=True, language="de")
    assert (made.methods, made.family, made.language) == (("quantizer",), "mini", "de")
    assert (made.window, made.windows, made.takes, made.denoise) == (None, 1, 1, True)
    assert made.endings == 3
    assert (made.quantizer, made.converter, made.transcript) == (None, None, None)


def test_comparing_all_tries_every_method_on_several_parts(studio):
    made = order(studio, method="all", windows=3, takes=2, transcript="  Good \n morning. ")
    assert made.methods == ("quantizer", "transcript", "conversion")
    assert (made.windows, made.takes) == (3, 2)
    assert made.endings == 1, "comparing takes long enough"
    assert made.transcript == "Good morning."


def test_a_part_of_ones_own_is_tried_alone_and_its_recording_goes_first(studio):
    made = order(studio, (A, B), method="all", part="own", which=1, start=2.0, end=8.5)
    assert made.window == (2.0, 8.5)
    assert made.windows == 1
    assert [each.name for each in made.recordings] == ["b.wav", "a.wav"]


def test_a_part_never_reaches_beyond_its_recording(studio):
    assert order(studio, part="own", start=-1.0, end=99.0).window == (0.0, 6.5)


def test_an_unused_transcript_is_not_sent_along(studio):
    assert order(studio, transcript="Hello.").transcript is None
    assert order(studio, method="transcript", transcript=" ").transcript is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": 5}, "name"),
        ({"consent": False}, "consent"),
        ({"consent": "yes"}, "consent"),
        ({"transcript": "x" * 2_001}, "transcript"),
        ({"method": "conversion", "converter": "your_tts"}, "licence"),
        ({"clip": None}, "clip"),
        ({"clip": 5, "files": [None, ""]}, "clip"),
    ],
)
def test_what_is_missing_is_said_beside_its_field_and_nothing_is_ordered(studio, changes, field):
    form = filled("clip.wav", **changes)
    assert list(form.problems(studio)) == [field]
    with pytest.raises(UserError):
        form.order(studio, (A,))


def test_an_accepted_licence_goes_along(studio):
    made = order(studio, method="conversion", converter="your_tts", licence=True)
    assert (made.converter, made.accepts_licence) == ("your_tts", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "magic"},
        {"method": ["quantizer"]},
        {"family": "bark-small"},
        {"language": "xx"},
        {"language": None},
        {"denoise": "yes"},
        {"part": "own", "start": None},
        {"part": "own", "start": 3.0, "end": 3.2},
        {"part": "own", "start": float("nan")},
        {"part": "own", "which": 1},
        {"part": "own", "which": "0"},
        {"method": "all", "windows": 4},
        {"endings": 0},
        {"endings": 4},
        {"endings": "2"},
        {"method": "all", "takes": 0.5},
        {"method": "all", "takes": True},
        {"quantizer": "../etc"},
        {"converter": ["builtin"]},
    ],
)
def test_values_that_no_widget_sends_are_refused_in_words(studio, changes):
    with pytest.raises(UserError) as refused:
        order(studio, **changes)
    assert len(str(refused.value)) > 15


def test_without_a_recording_nothing_is_ordered(studio):
    with pytest.raises(AudioFileError, match="Record or upload"):
        order(studio, ())


def test_the_microphone_comes_before_the_files():
    form = filled("mic.wav", files=["one.wav", "two.wav"])
    assert form.paths() == ("mic.wav", "one.wav", "two.wav")
    assert filled(None, files="one.wav").paths() == ("one.wav",)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("anna_at-home.wav", "anna at home"),
        ("audio.wav", "My voice"),
        ("Bob.mp3", "Bob 2"),
        ("\u202e.wav", "My voice"),
    ],
)
def test_a_free_name_is_suggested_from_the_file(studio, file, name):
    sound = recording(1.0, file)
    assert suggested_name((sound,), studio) == name
