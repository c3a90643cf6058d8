"""What the Train tab's form asks for, whatever a browser sends."""

from dataclasses import replace

import pytest

from webui.backend.requests import TrainingOrder
from webui.errors import FamilyNotFoundError, SettingsError, UserError, VoiceNotFoundError
from webui.ui.training_form import TrainingForm

PLAIN = TrainingForm(
    "German 1", "de", 1_500, "mini", [], False, None, False, 0.7, "version_2", False, 0, None
)


def test_the_plain_form_is_the_usual_order(studio):
    wanted = TrainingOrder("German 1", "mini", "de")
    assert PLAIN.order(studio) == wanted
    assert PLAIN.problems() == {}


def test_every_choice_reaches_the_order(studio, tmp_path):
    corpus = tmp_path / "book.txt"
    corpus.write_text("\ufeffEin Text.", "utf-8")
    form = TrainingForm(
        "  Mine ", "pl", 3_000, "mini", ["ada-11111111"], False, str(corpus), True, 0.8,
        "version_1", True, 7, 3,
    )  # fmt: skip
    assert form.order(studio) == TrainingOrder(
        "Mine", "mini", "pl", 3_000, "Ein Text.", True, ("ada-11111111",), 0.8, 7, "version_1",
        True, layer=3,
    )  # fmt: skip


def test_without_any_voice_no_voice_is_asked_for(studio):
    assert replace(PLAIN, silent=True, voices=["ada-11111111"]).order(studio).voices == ()


@pytest.mark.parametrize("name", ["", "  ", None, 7, "a" * 65, "a\u202eb"])
def test_a_name_that_is_none_is_said_beside_its_field(studio, name):
    form = replace(PLAIN, name=name)
    assert list(form.problems()) == ["name"]
    with pytest.raises(UserError):
        form.order(studio)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"language": "tlh"}, SettingsError),
        ({"texts": 1_000_000}, SettingsError),
        ({"texts": "1500"}, SettingsError),
        ({"texts": True}, SettingsError),
        ({"family": "../mini"}, FamilyNotFoundError),
        ({"family": "bark-small"}, FamilyNotFoundError),
        ({"voices": ["nobody"]}, VoiceNotFoundError),
        ({"silent": "yes"}, SettingsError),
        ({"temperature": 9}, SettingsError),
        ({"temperature": float("nan")}, SettingsError),
        ({"architecture": "version_9"}, SettingsError),
        ({"seed": -1}, SettingsError),
        ({"seed": None}, SettingsError),
        ({"layer": 0}, SettingsError),
        ({"layer": "nine"}, SettingsError),
        ({"corpus": "/nowhere/book.txt"}, UserError),
    ],
)
def test_what_cannot_be_used_is_refused(studio, change, fault):
    with pytest.raises(fault):
        replace(PLAIN, **change).order(studio)


def test_a_file_that_is_no_text_is_refused(studio, tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        replace(PLAIN, corpus=str(path)).order(studio)
