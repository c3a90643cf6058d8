"""Voices from strangers: whatever their files and names hold, the list stays whole and inside."""

import json
import os
from itertools import islice

import pytest

from tests.backend.voice_files import PARTS, add_preset, add_voice, named, only
from tests.hostile_speakers import Bomb, pickles, wrong_arrays, wrong_headers
from webui.backend.speaker_library import EMBEDDINGS, EMBEDDINGS_INDEX
from webui.errors import SpeakerFileError, VoiceNotFoundError

# Files


def test_files_that_are_no_voices_are_listed_with_the_reason_and_run_nothing(
    library, own, tmp_path
):
    marker = tmp_path / "ran"
    Bomb.marker = str(marker)
    kinds = (wrong_arrays(), pickles(), wrong_headers())
    files = [file for kind in kinds for file in islice(kind, 0, None, 6)]
    for number, (_, data) in enumerate(files):
        (own / f"voice {number}.npz").write_bytes(data)
    voices = library.voices()
    assert len(voices) == len(files) >= 20
    for voice in voices:
        assert voice.broken is not None
        assert voice.broken.endswith(".")
        assert voice.seconds is None
        with pytest.raises(SpeakerFileError, match="."):
            library.speaker(voice.id, "bark-small")
    assert not marker.exists()


# The index of presets


@pytest.mark.parametrize(
    "index",
    ["", "{", "[]", "3", "null", '{"a": 3}', '{"a": {"semantic_prompt": 3}}', "[" * 100_000],
    ids=["empty", "cut", "list", "number", "null", "flat", "numbers", "deep"],
)
def test_an_index_that_is_none_gives_way_to_the_files_or_to_nothing(library, models, index):
    folder = models / "bark-small"
    add_preset(folder / EMBEDDINGS / "ada")
    (folder / EMBEDDINGS_INDEX).write_text(index)
    assert set(named(library)) <= {"ada"}


def test_an_index_leads_to_no_file_outside_the_folder(library, models, tmp_path):
    secret = add_preset(tmp_path / "secret" / "voice")
    folder = models / "bark-small"
    (folder / EMBEDDINGS).mkdir()
    index = {
        name: {part: f"{place}_{part}.npy" for part in PARTS}
        for name, place in {
            "absolute": str(secret),
            "upwards": "../../../secret/voice",
            "from inside": "speaker_embeddings/../../../secret/voice",
        }.items()
    }
    (folder / EMBEDDINGS_INDEX).write_text(json.dumps(index))
    assert library.voices() == []


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "\ud800", "a\nb", "\u202ex", "", "x/"])
def test_a_hostile_name_in_an_index_is_only_a_name(library, models, name):
    folder = models / "bark-small"
    add_preset(folder / EMBEDDINGS / "ada")
    parts = {part: f"ada_{part}.npy" for part in PARTS}
    (folder / EMBEDDINGS_INDEX).write_text(json.dumps({name: parts}))
    voice = only(library)
    assert voice.name.encode()
    assert "\n" not in voice.name
    assert voice.id.replace("-", "").isalnum()
    assert library.speaker(voice.id, "bark-small").fine.shape == (8, 301)


def test_a_file_that_is_named_like_an_ending_only_is_passed_over(library, models):
    (models / "bark-small" / EMBEDDINGS).mkdir()
    add_preset(models / "bark-small" / EMBEDDINGS / "ada")
    (models / "bark-small" / EMBEDDINGS / "_semantic_prompt.npy").write_bytes(b"x")
    assert list(named(library)) == ["ada"]


# Ids and names


@pytest.mark.parametrize(
    "voice_id",
    ["", "ada", "ada.npz", "../speakers/ada", "/etc/passwd", "\0", "\u202e", "\ud800", "x" * 9_999],
)
def test_an_id_is_looked_up_and_never_a_path(library, own, voice_id):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    for ask in (library.voice, library.family_for, lambda each: library.speaker(each, "tiny")):
        with pytest.raises(VoiceNotFoundError, match="is not there, or no longer") as fault:
            ask(voice_id)
        assert len(str(fault.value).encode()) < 200


def test_a_file_name_that_is_no_text_costs_nothing_but_its_looks(library, own):
    path = add_voice(own / "ada.npz", family="tiny")
    for name in (b"\xff\xfe.npz", b"\xff\xfd.npz", "new\nline\u202e.npz".encode(), b"...npz"):
        os.link(path, os.path.join(os.fsencode(own), name))  # noqa: PTH118  (bytes)
    voices = library.voices()
    assert len({voice.id for voice in voices}) == 4  # the last one is hidden
    for voice in voices:
        assert voice.name.encode()
        assert not {"\n", "\u202e"} & set(voice.name)
        assert library.speaker(voice.id, "tiny").fine.shape == (8, 50)


def test_an_odd_name_in_a_reason_can_still_be_shown(library, own):
    os.mkdir(os.path.join(os.fsencode(own), b"dir"))  # noqa: PTH102, PTH118  (bytes)
    os.symlink("dir", os.path.join(os.fsencode(own), b"\xff.npz"))  # noqa: PTH118, PTH211
    voices = [voice for voice in library.voices() if voice.broken]
    assert all(str(voice.broken).encode() for voice in voices)


def test_links_are_not_followed(library, models, own, tmp_path):
    secret = add_voice(tmp_path / "secret" / "ada.npz", name="Secret", family="tiny")
    add_preset(tmp_path / "secret" / EMBEDDINGS / "bob")
    (own / "file.npz").symlink_to(secret)
    (own / "folder").symlink_to(secret.parent)
    (models / "tiny" / "speakers").symlink_to(secret.parent)
    (models / "bark-small" / EMBEDDINGS).symlink_to(tmp_path / "secret" / EMBEDDINGS)
    voice = only(library)
    assert voice.name == "file"
    assert voice.broken == '"file.npz" is not a plain file.'


def test_a_pipe_among_the_voices_does_not_stop_the_list(library, models, own):
    os.mkfifo(own / "pipe.npz")
    os.mkfifo(models / "bark-small" / EMBEDDINGS_INDEX)
    add_preset(models / "bark-small" / EMBEDDINGS / "ada")
    assert {voice.broken for voice in library.voices()} == {
        None,
        '"pipe.npz" is not a plain file.',
    }
