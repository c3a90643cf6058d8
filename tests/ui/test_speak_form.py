from dataclasses import replace

import pytest

from webui.errors import FamilyNotFoundError, SettingsError, TextError, VoiceNotFoundError
from webui.synthesis.controls import SpeechControls, StageControls
from webui.ui.speak_form import FORM_FIELDS, SpeakForm, form_of, restored, with_controls
from webui.ui.studio import ANY_VOICE, open_studio


def filled(**changes) -> SpeakForm:
    plain = replace(with_controls(SpeechControls()), text="Good morning.", family="mini")
    return replace(plain, **changes)


def test_a_filled_form_becomes_an_order_with_all_its_controls(studio):
    form = filled(voice="bob-22222222", seed=7.0, coarse_top_k=50.0, pause_seconds=1)
    order = form.order(studio)
    assert (order.text, order.family, order.voice) == ("Good morning.", "mini", "bob-22222222")
    expected = SpeechControls(seed=7, coarse=StageControls(top_k=50), pause_seconds=1.0)
    assert order.controls == expected
    assert isinstance(order.controls.coarse.top_k, int)


def test_an_order_written_back_into_the_form_gives_the_same_order(studio):
    order = filled(voice="ada-11111111", seed=11, fine_top_p=0.5, verify=True).order(studio)
    assert order.controls.verify
    assert form_of(order).order(studio) == order


def test_without_a_voice_and_with_seed_minus_one_the_family_and_chance_decide(studio):
    order = filled(voice=ANY_VOICE, seed=-1).order(studio)
    assert order.voice is None
    assert order.controls.seed is None


@pytest.mark.parametrize(
    ("changes", "fault", "words"),
    [
        ({"text": "  \n"}, TextError, "Type something"),
        ({"text": None}, TextError, "Type something"),
        ({"text": ["a"]}, TextError, "Type something"),
        ({"text": "a" * 201}, TextError, "201 characters; the limit here is 200"),
        ({"family": "bark-small"}, FamilyNotFoundError, "not here"),
        ({"family": ["mini"]}, FamilyNotFoundError, "not here"),
        ({"voice": "nobody"}, VoiceNotFoundError, "no longer there"),
        ({"voice": ["ada-11111111"]}, VoiceNotFoundError, "no longer there"),
        ({"voice": "cid-33333333"}, VoiceNotFoundError, "cannot speak"),
        ({"seed": -2}, SettingsError, "seed"),
        ({"seed": 2**32}, SettingsError, "seed"),
        ({"seed": 1.5}, SettingsError, "whole number"),
        ({"seed": float("nan")}, SettingsError, "whole number"),
        ({"seed": True}, SettingsError, "seed"),
        ({"seed": 10**400}, SettingsError, "larger than any number"),
        ({"fine_temperature": "0.5"}, SettingsError, "fine temperature"),
        ({"fine_temperature": float("inf")}, SettingsError, "fine temperature"),
        ({"coarse_top_k": 1.5}, SettingsError, "whole number"),
        ({"semantic_top_p": 0.0}, SettingsError, "top-p"),
        ({"max_seconds": 1e9}, SettingsError, "longest chunk"),
        ({"condition_on_previous": "yes"}, SettingsError, "on or off"),
        ({"verify": 1}, SettingsError, "Checking the words is either on or off"),
        ({"guard_drift": None}, SettingsError, "Keeping the voice is either on or off"),
        ({"verify_tries": 2.5}, SettingsError, "whole number"),
        ({"verify_tries": 9}, SettingsError, "number of tries"),
    ],
)
def test_what_a_browser_may_not_send_is_refused_in_words(studio, changes, fault, words):
    with pytest.raises(fault, match=words):
        filled(**changes).order(studio)


def test_in_public_mode_nobody_speaks_with_the_owners_voices(service, settings, tmp_path):
    public = open_studio(service, replace(settings, public=True), tmp_path)
    assert filled(voice="ada-11111111").order(public).voice == "ada-11111111"
    with pytest.raises(VoiceNotFoundError):
        filled(voice="bob-22222222").order(public)


def test_a_draft_comes_back_as_it_was(studio):
    draft = filled(voice="ada-11111111", seed=3, semantic_temperature=0.9)
    assert restored(draft.values(), studio) == draft


@pytest.mark.parametrize("draft", [None, "text", [], ["Hello"], {"text": "Hello"}])
def test_what_is_no_draft_gives_the_familys_own_values(studio, draft):
    fresh = restored(draft, studio)
    assert (fresh.text, fresh.family, fresh.voice) == ("", "mini", ANY_VOICE)
    assert fresh.controls() == SpeechControls()


def test_a_damaged_draft_keeps_its_text_and_nothing_unusable(studio):
    draft = filled(seed="x", voice="nobody", family="gone").values()
    form = restored(draft, studio)
    assert (form.text, form.voice, form.family) == ("Good morning.", ANY_VOICE, "mini")
    form.order(studio)


def test_the_form_lists_its_fields_once():
    assert len(set(FORM_FIELDS)) == len(FORM_FIELDS) == 20
