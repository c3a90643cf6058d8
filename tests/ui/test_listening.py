"""Words can be checked and the voice watched only where something here can listen."""

from dataclasses import replace

import pytest

from tests.ui.bare_page import BarePage
from webui.backend.facts import CloningPart
from webui.synthesis.controls import SpeechControls
from webui.ui.listening import CHECK_WORDS, KEEP_VOICE, listening
from webui.ui.speak_form import FORM_FIELDS, with_controls
from webui.ui.speak_tab import SpeakTab
from webui.ui.studio import ANY_VOICE

ENGLISH = CloningPart("pocketsphinx", "recogniser", "PocketSphinx", "ready", "en")
WHISPER = CloningPart("whisper-base", "recogniser", "Whisper", "ready")
ENCODER = CloningPart("resemblyzer", "speaker_encoder", "Resemblyzer", "ready")


def form(**changes):
    plain = replace(with_controls(SpeechControls(verify=True, guard_drift=True)), family="mini")
    return replace(plain, **changes)


@pytest.fixture
def german(service):
    service._voices["dora-44444444"] = replace(
        service._voices["ada-11111111"], id="dora-44444444", name="Dora", language="de"
    )
    return "dora-44444444"


@pytest.mark.parametrize(
    ("parts", "understood"),
    [
        ([], (False, False)),
        ([ENGLISH], (True, False)),
        ([WHISPER], (True, True)),
        ([replace(WHISPER, language="de en")], (True, True)),
        ([replace(WHISPER, state="available")], (False, False)),
    ],
)
def test_words_can_be_checked_in_the_languages_that_a_recogniser_knows(
    studio, service, german, parts, understood
):
    service.parts, (english, german_too) = parts, understood
    assert (listening(studio, form()).words == "") == english
    assert (listening(studio, form(voice="ada-11111111")).words == "") == english
    assert (listening(studio, form(voice=german)).words == "") == german_too
    if not german_too:
        words = listening(studio, form(voice=german)).words
        assert words == "No recogniser for German is installed here."


def test_the_voice_can_be_watched_where_something_compares_voices(studio, service):
    service.parts = [ENCODER]
    assert listening(studio, form()).voice == ""
    service.parts = [replace(ENCODER, state="missing")]
    assert "not installed" in listening(studio, form()).voice


@pytest.mark.parametrize("changes", [{"family": "gone"}, {"voice": "gone"}, {"family": None}])
def test_without_a_family_or_a_voice_it_is_asked_for(studio, changes):
    assert "first" in listening(studio, form(**changes)).words


def test_the_boxes_can_be_ticked_only_where_they_do_something(studio, service):
    service.parts = [ENGLISH, ENCODER]
    words, voice = listening(studio, form()).updates(form(guard_drift=False))
    assert (words.value, words.interactive, words.info) == (True, True, CHECK_WORDS)
    assert (voice.value, voice.interactive, voice.info) == (False, True, KEEP_VOICE)
    service.parts = []
    words, voice = listening(studio, form()).updates(form())
    assert (words.value, words.interactive) == (False, False)
    assert words.info == "No recogniser for English is installed here."
    assert (voice.value, voice.interactive) == (False, False)


def test_choosing_a_voice_or_a_take_says_whether_its_words_can_be_checked(studio, service, german):
    service.parts = [ENGLISH, ENCODER]
    with BarePage():
        tab = SpeakTab(studio)
    words, voice = tab.choose_voice(*form(voice=german).values())
    assert not words.interactive
    assert voice.interactive
    updates = dict(zip(FORM_FIELDS, tab.form_updates(form(voice="ada-11111111")), strict=False))
    assert updates["verify"].value is True
    assert updates["guard_drift"].value is True
    assert updates["verify_tries"] == 3
    assert tab.choose_voice(*form(voice=ANY_VOICE).values())[0].interactive
