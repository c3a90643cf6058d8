"""Names are data: a voice may be called almost anything, its file may not."""

import pytest

from webui.errors import SpeakerFileError
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


HOSTILE = [
    "../x", "/etc/passwd", "..\\..\\x", "C:\\x", "a/b", "\0", "con", "NUL", "com1", "a.npz",
    "a" * 500, "♪♪", "$(rm -rf)",
    "-rf", "~", ".hidden", "a\nb", "%2e%2e%2f", "\u202exyz", "", "....", "ﬁle",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_the_name_the_file_lies_in_the_folder(name, tmp_path):
    made = new_file_name(name)
    assert is_voice_file_name(made), made
    assert (tmp_path / made).resolve().parent == tmp_path.resolve()
    assert made != new_file_name(name)


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
