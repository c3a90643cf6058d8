"""Names are data: a voice may be called almost anything, its file may not."""

import pytest

from tests.hostile_names import HOSTILE_NAMES
from webui.errors import SpeakerFileError
from webui.file_saving import save_file
from webui.voice_names import check_voice_name, is_voice_file_name, name_key, new_file_name, slug


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ada", "Ada"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("e\u0301milie", "\u00e9milie"),
        ("声 ♪ 3", "声 ♪ 3"),
        ("x" * 64, "x" * 64),
        ("../../etc/passwd", "../../etc/passwd"),
    ],
)
def test_a_display_name_is_kept_as_people_wrote_it(given, kept):
    assert check_voice_name(given) == kept


@pytest.mark.parametrize(
    "name",
    ["", "   ", "x" * 65, "x" * 10**6, "a\nb", "a\0b", "a\u202eb", "a\u200bb", "a\u2066b",
     "a\u00a0b", "a\u2028b", "\ufeffa", "a\ud800", "\u0301", "a\x1b[31m", "a\u200d", 5],
)  # fmt: skip
def test_a_name_that_cannot_be_shown_safely_is_refused_in_words(name):
    with pytest.raises(SpeakerFileError, match=r"name.*\."):
        check_voice_name(name)


def test_names_that_look_the_same_have_the_same_key():
    assert name_key("STRASSE") == name_key("straße")
    assert name_key("Ada") == name_key("ＡＤＡ") == name_key("ada")
    assert name_key("Ada") != name_key("Adam")


def test_whatever_the_name_the_file_lies_in_the_folder(tmp_path):
    folder = tmp_path / "speakers"
    for name in HOSTILE_NAMES:
        made = new_file_name(name)
        assert is_voice_file_name(made), made
        save_file(folder / made, b"voice")
        assert made != new_file_name(name)
    assert len(set(HOSTILE_NAMES)) >= 150
    assert [each.name for each in tmp_path.iterdir()] == ["speakers"]
    files = list(tmp_path.rglob("*.npz"))
    assert len(files) == len(HOSTILE_NAMES)
    assert {each.parent for each in files} == {folder}


def test_a_hostile_name_is_refused_or_shown_without_what_nobody_sees():
    for name in HOSTILE_NAMES:
        try:
            shown = check_voice_name(name)
        except SpeakerFileError:
            continue
        assert 1 <= len(shown) <= 64
        assert shown.isprintable()


def test_a_slug_can_be_read():
    assert slug("Ada Lovelace, 2nd") == "ada-lovelace-2nd"
    assert slug("Émilie") == "emilie"
    assert slug("声") == "voice"
    assert slug("CON") == "voice-con"


@pytest.mark.parametrize(
    "file_name",
    ["ada.npz", "ada-0123456.npz", "../ada-01234567.npz", "Ada-01234567.npz", "ada-01234567.npz\n",
     "ada-01234567.npy", "-01234567.npz", "a--b-01234567.npz", "a" * 80 + "-01234567.npz"],
)  # fmt: skip
def test_other_file_names_are_not_ours(file_name):
    assert not is_voice_file_name(file_name)
