"""The voices that are here: listed for those that can speak with them, read again when changed."""

import json

import numpy as np
import pytest

from tests.backend.family_files import add_suno, add_tiny
from tests.backend.voice_files import (
    PARTS,
    add_bark_voice,
    add_mismatched_voice,
    add_preset,
    add_voice,
    named,
    only,
)
from tests.hostile_speakers import arrays
from tests.tiny_family import random_speaker
from webui.backend import speaker_library
from webui.backend.facts import VoiceInfo
from webui.backend.family_folders import FamilyFolders
from webui.backend.speaker_library import EMBEDDINGS, EMBEDDINGS_INDEX, SpeakerLibrary
from webui.errors import SpeakerFileError, VoiceNotFoundError

# What is listed


def test_own_voices_come_first_then_a_familys_then_presets_each_by_name(library, models, own):
    add_preset(models / "bark-small" / EMBEDDINGS / "v2" / "de_speaker_3")
    add_voice(models / "tiny" / "speakers" / "cid.npz", name="Cid", family="tiny")
    add_voice(models / "tiny" / "speakers" / "bob.npz", name="bob", family="tiny")
    add_voice(own / "zoe.npz", name="Zoe", family="tiny")
    add_voice(own / "set" / "ada.npz", name="Ada", family="tiny")
    voices = library.voices()
    assert [(voice.name, voice.source) for voice in voices] == [
        ("Ada", "own"),
        ("Zoe", "own"),
        ("bob", "builtin"),
        ("Cid", "builtin"),
        ("German 3 (v2)", "preset"),
    ]
    assert all(voice.broken is None for voice in voices)


def test_a_voice_tells_what_its_file_says_of_it(library, own):
    add_voice(
        own / "ada-1.npz",
        frames=75,
        name="Ada",
        family="tiny",
        language="de",
        tags=["warm", "low"],
        method="clone_with_quantizer",
        created="2026-01-01T00:00:00Z",
    )
    voice = only(library)
    assert voice == VoiceInfo(
        voice.id,
        "Ada",
        "tiny",
        "de",
        "own",
        ("warm", "low"),
        seconds=3.0,
        method="clone_with_quantizer",
        created="2026-01-01T00:00:00Z",
    )


def test_a_voice_that_says_nothing_is_called_by_its_file_and_counts_as_barks(library, own):
    add_bark_voice(own / "en_speaker_6.npz")
    add_bark_voice(own / "My Voice.npz")
    found = named(library)
    assert set(found) == {"English 6", "My Voice"}
    assert {voice.family for voice in found.values()} == {"bark"}
    assert found["English 6"].language == "en"
    assert found["My Voice"].language == ""


def test_a_builtin_voice_that_names_no_family_belongs_to_the_one_it_lies_in(library, models):
    add_voice(models / "tiny" / "speakers" / "ada.npz")
    assert only(library).family == "tiny"


def test_the_list_can_be_narrowed_by_language(library, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny", language="en")
    add_voice(own / "uwe.npz", name="Uwe", family="tiny", language="de")
    assert [voice.name for voice in library.voices("tiny", "de")] == ["Uwe"]
    assert library.voices("tiny", "fr") == []


def test_hidden_files_and_other_files_are_no_voices(library, own):
    add_voice(own / ".ada.npz")
    add_voice(own / ".hidden" / "ada.npz")
    (own / "README.md").write_text("voices")
    (own / "ada.npz.part").write_text("half")
    assert library.voices() == []


def test_without_a_folder_of_their_own_nobodys_voices_are_shown(models, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    add_voice(models / "tiny" / "speakers" / "bob.npz", name="Bob", family="tiny")
    folders = FamilyFolders((models,))
    assert list(named(SpeakerLibrary(None, folders))) == ["Bob"]
    assert list(named(SpeakerLibrary(own / "missing", folders))) == ["Bob"]


def test_an_id_stays_the_same_and_no_two_voices_share_one(library, models, own):
    places = (own, own / "set", models / "tiny" / "speakers", models / "bark-small" / "speakers")
    paths = [add_voice(place / "ada.npz", name="Ada", family="tiny") for place in places]
    ids = [voice.id for voice in library.voices()]
    assert len(set(ids)) == len(paths)
    again = SpeakerLibrary(own, FamilyFolders((models,)))
    assert [voice.id for voice in again.voices()] == ids
    assert library.id_of(paths[1]) in ids


def test_only_so_many_files_of_a_folder_are_looked_at(library, own, monkeypatch):
    monkeypatch.setattr(speaker_library, "MOST_FILES", 2)
    for number in range(4):
        add_voice(own / f"{number}.npz", name=f"Voice {number}", family="tiny")
    assert list(named(library)) == ["Voice 0", "Voice 1"]


# Presets in three .npy files


def test_presets_are_found_by_their_index(library, models):
    folder = models / "bark-small"
    add_preset(folder / EMBEDDINGS / "v2" / "en_speaker_6")
    add_preset(folder / EMBEDDINGS / "announcer")
    index = {
        name: {part: f"{place}_{part}.npy" for part in PARTS}
        for name, place in {
            "v2/en_speaker_6": "speaker_embeddings/v2/en_speaker_6",
            "announcer": "announcer",
        }.items()
    }
    (folder / EMBEDDINGS_INDEX).write_text(json.dumps({"repo_or_path": "suno/bark", **index}))
    found = named(library)
    assert set(found) == {"English 6 (v2)", "announcer"}
    speaker = library.speaker(found["English 6 (v2)"].id, "bark-small")
    np.testing.assert_array_equal(speaker.semantic, arrays()["semantic_prompt"])
    np.testing.assert_array_equal(speaker.fine, arrays()["fine_prompt"])


def test_without_an_index_presets_are_found_by_their_files_names(library, models):
    add_preset(models / "bark-small" / EMBEDDINGS / "v2" / "pl_speaker_0")
    voice = only(library)
    assert (voice.name, voice.language, voice.family) == ("Polish 0 (v2)", "pl", "bark-small")
    assert voice.seconds == pytest.approx(301 / 75)
    assert library.speaker(voice.id, "bark-small").fine.shape == (8, 301)


def test_a_preset_that_lacks_a_file_is_listed_with_the_reason(library, models):
    add_preset(models / "bark-small" / EMBEDDINGS / "ada", leave_out="fine_prompt")
    voice = only(library)
    assert voice.broken == 'The speaker file "ada_fine_prompt.npy" is not there any more.'
    assert not voice.repairable


# What is broken


def test_a_voice_that_can_be_repaired_says_so_and_keeps_its_name_and_family(library, own):
    add_mismatched_voice(own / "x.npz", name="Ada", family="tiny", language="de")
    voice = only(library)
    assert (voice.name, voice.family, voice.language) == ("Ada", "tiny", "de")
    assert voice.repairable
    assert voice.broken is not None
    assert "its words last 6.0 s and its sound 2.0 s" in voice.broken
    assert library.voices("tiny") == [voice]
    with pytest.raises(SpeakerFileError, match="does not fit together"):
        library.speaker(voice.id, "tiny")


def test_a_voice_with_numbers_that_its_family_has_not_is_listed_under_that_family(library, own):
    (own / "x.npz").write_bytes(b"")
    parts = random_speaker(50, 0)
    parts["semantic_prompt"][7] = 9_999
    text = json.dumps({"name": "Ada", "family": "tiny"})
    np.savez(own / "x.npz", **parts, metadata=np.array(text))
    (voice,) = library.voices("tiny")
    assert voice.name == "Ada"
    assert "holds the number 9,999" in str(voice.broken)
    assert not voice.repairable


# Which family can speak with it


def test_a_family_is_offered_only_the_voices_that_fit_it(library, models, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    add_bark_voice(own / "bob.npz")
    assert set(named(library)) == {"Ada", "bob"}
    assert set(named(library, "tiny")) == {"Ada"}
    assert set(named(library, "bark-small")) == set(named(library, "bark")) == {"bob"}
    assert named(library, "unknown") == {}


def test_a_voice_of_another_family_is_refused_in_words(library, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    ada = only(library)
    assert library.speaker(ada.id, "tiny").fine.shape == (8, 50)
    with pytest.raises(VoiceNotFoundError) as fault:
        library.speaker(ada.id, "bark-small")
    assert str(fault.value) == (
        'The voice "Ada" belongs to the family "tiny" and is noise to "bark-small". Pick one of '
        "its own voices; nothing was spoken."
    )


def test_a_family_with_barks_numbers_understands_barks_voices_whatever_its_name(
    library, models, own
):
    add_suno(models, "mine")
    add_bark_voice(own / "bob.npz")
    bob = only(library)
    assert library.voices("mine") == [bob]
    assert library.speaker(bob.id, "mine").fine.shape == (8, 301)


def test_a_voice_whose_family_is_not_here_says_so_until_it_is(library, models, own):
    add_voice(own / "ada.npz", name="Ada", family="other")
    ada = only(library)
    assert ada.notes == 'Its family "other" is not installed.'
    assert ada.broken is None
    with pytest.raises(VoiceNotFoundError, match='needs the family "other", which is not here'):
        library.family_for(ada.id)
    add_tiny(models, "other")
    assert only(library).notes == ""
    assert only(library).seconds == 2.0
    assert library.family_for(ada.id) == "other"


def test_a_voice_is_heard_through_its_own_family_or_one_that_understands_it(library, models, own):
    add_bark_voice(own / "bob.npz")
    bob = only(library)
    assert bob.family == "bark"
    assert library.family_for(bob.id) == "bark-small"
    add_suno(models, "bark")
    assert library.family_for(bob.id) == "bark"


def test_a_damaged_family_takes_nothing_from_the_others(library, models, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    broken = add_tiny(models, "broken")
    (broken / "config.json").write_text("{")
    add_voice(broken / "speakers" / "bob.npz", name="Bob")
    found = named(library)
    assert found["Ada"].broken is None
    assert found["Bob"].notes == 'Its family "broken" is not installed.'


# Files that change


def test_files_that_come_change_and_go_are_seen_and_the_others_not_read_again(
    library, own, monkeypatch
):
    read: list[str] = []
    plain = speaker_library.read_speaker

    def remembered(path, *arguments, **more):
        read.append(path.name)
        return plain(path, *arguments, **more)

    monkeypatch.setattr(speaker_library, "read_speaker", remembered)
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    path = add_voice(own / "bob.npz", name="Bob", family="tiny")
    old = named(library)
    before = library.stamp(old["Bob"].id)
    read.clear()
    assert named(library) == old
    assert read == []
    add_voice(path, frames=100, name="Robert", family="tiny")
    new = named(library)
    assert set(new) == {"Ada", "Robert"}
    assert new["Robert"].id == old["Bob"].id
    assert new["Robert"].seconds == 4.0
    assert library.stamp(new["Robert"].id) != before
    assert set(read) == {"bob.npz"}
    path.unlink()
    assert set(named(library)) == {"Ada"}
    with pytest.raises(VoiceNotFoundError):
        library.speaker(old["Bob"].id, "tiny")


def test_a_voice_can_be_asked_for_before_anything_was_listed(library, own):
    path = add_voice(own / "ada.npz", name="Ada", family="tiny")
    voice_id = library.id_of(path)
    assert library.voice(voice_id).name == "Ada"
    assert SpeakerLibrary(own, library.folders).speaker(voice_id, "tiny").fine.shape == (8, 50)
