"""What is done with voices: nothing is lost, nothing but the user's own is changed."""

import inspect
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np
import pytest

from tests.backend.voice_files import (
    add_bark_voice,
    add_mismatched_voice,
    add_preset,
    add_voice,
)
from tests.fake_library import FakeLibrary
from tests.hostile_speakers import arrays, hostile_files, npz
from tests.tiny_family import random_speaker
from webui.backend import voice_trash
from webui.backend.library_desk import LibraryDesk
from webui.backend.speaker_library import EMBEDDINGS
from webui.backend.speech_recipe import SpeechRecipe, read_recipe
from webui.errors import RecipeError, SpeakerFileError, StorageError, VoiceNotFoundError
from webui.events import SpokenChunk
from webui.family import read_family
from webui.speaker_file import limits_of, read_metadata_text, read_speaker
from webui.synthesis.controls import SpeechControls


@pytest.fixture
def desk(service):
    return service.library


@pytest.fixture
def builtin(models):
    return add_voice(models / "tiny" / "speakers" / "bob.npz", name="Bob", family="tiny")


def id_of(service, name: str) -> str:
    (found,) = [voice.id for voice in service.voices() if voice.name == name]
    return found


def raw_arrays(path) -> dict[str, tuple[str, bytes]]:
    """Each array's kind and bytes."""
    with np.load(path) as found:
        return {
            name: (found[name].dtype.str, found[name].tobytes())
            for name in found.files
            if name != "metadata"
        }


def said_in(path) -> dict:
    return json.loads(read_metadata_text(path.read_bytes()))


def visible(own) -> list[str]:
    return sorted(each.name for each in own.iterdir() if not each.name.startswith("."))


# Changing what is said


def test_an_edit_keeps_every_bit_of_the_arrays_and_of_what_others_wrote(service, desk, own):
    foreign = {"_version": "0.0.1", "seed": 7, "hash": [1.5, {"a": None}], "text": "x\u202e" * 3}
    long_notes = "n" * 5_000
    parts = random_speaker(50, 0)
    odd = {name: np.asfortranarray(part.astype(">u2")) for name, part in parts.items()}
    metadata = {"family": "tiny", "name": "Ada", "notes": long_notes, **foreign}
    path = own / "ada.npz"
    np.savez_compressed(path, **odd, metadata=np.array(json.dumps(metadata)))
    before = raw_arrays(path)
    ada = id_of(service, "Ada")
    info = desk.describe(ada, name="Ada L.", tags=["warm", "low", "warm", " "], language="EN")
    assert (info.id, info.name, info.tags, info.language) == (ada, "Ada L.", ("warm", "low"), "en")
    assert raw_arrays(path) == before
    said = said_in(path)
    assert said["notes"] == long_notes
    assert {name: said[name] for name in foreign} == foreign
    desk.describe(ada, tags=(), notes="short")
    assert "tags" not in said_in(path)
    assert desk.details(ada).metadata.notes == "short"


def test_notes_that_cannot_be_read_are_kept_beside_what_is_written_anew(service, desk, own):
    np.savez(own / "ada.npz", **random_speaker(50, 0), metadata=np.array("{not json"))
    (ada,) = [voice.id for voice in service.voices() if voice.source == "own"]
    desk.rename(ada, "Ada")
    said = said_in(own / "ada.npz")
    assert (said["name"], said["unreadable"]) == ("Ada", "{not json")


def test_a_voice_without_metadata_and_one_of_an_absent_family_can_be_named(service, desk, own):
    add_bark_voice(own / "shared.npz")
    add_voice(own / "max.npz", name="Max", family="elsewhere")
    before = raw_arrays(own / "max.npz")
    assert desk.rename(id_of(service, "shared"), "Carl").name == "Carl"
    assert desk.rename(id_of(service, "Max"), "Moritz").family == "elsewhere"
    assert raw_arrays(own / "max.npz") == before


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""}, {"name": "x" * 65}, {"name": "a\u202eb"}, {"name": "BOB"},
        {"language": "klingon"}, {"language": "../x"}, {"tags": ["x" * 65]},
        {"tags": [str(n) for n in range(33)]}, {"notes": "n" * 2_001},
    ],
    ids=lambda each: f"{next(iter(each))}",
)  # fmt: skip
def test_a_value_that_cannot_be_kept_is_refused_and_changes_nothing(service, desk, own, changes):
    path = add_voice(own / "ada.npz", name="Ada", family="tiny")
    add_voice(own / "bob.npz", name="Bob", family="tiny")
    before = path.read_bytes()
    with pytest.raises(SpeakerFileError):
        desk.describe(id_of(service, "Ada"), **changes)
    assert path.read_bytes() == before


def test_a_voice_may_change_the_case_of_its_own_name(service, desk, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    assert desk.rename(id_of(service, "Ada"), "ADA").name == "ADA"


def test_what_comes_with_a_family_is_not_changed_but_can_be_copied(service, desk, own, builtin):
    bob = id_of(service, "Bob")
    before = builtin.read_bytes()
    for change in (
        lambda: desk.rename(bob, "Bert"),
        lambda: desk.delete(bob),
        lambda: desk.repair(bob),
    ):
        with pytest.raises(VoiceNotFoundError, match="Duplicate it"):
            change()
    copy = desk.duplicate(bob)
    assert (copy.name, copy.source, copy.family) == ("Bob (copy)", "own", "tiny")
    assert desk.duplicate(bob).name == "Bob (copy) 2"
    assert desk.rename(copy.id, "Bert").name == "Bert"
    assert builtin.read_bytes() == before
    assert raw_arrays(own / visible(own)[0]) == raw_arrays(builtin)


@pytest.mark.parametrize("wanted", ["gone", "", "../ada", "ada.npz"])
def test_an_id_that_nobody_has_is_an_error_everywhere(desk, wanted):
    for act in (
        lambda: desk.details(wanted),
        lambda: desk.rename(wanted, "Ada"),
        lambda: desk.set_favourite(wanted, True),
        lambda: desk.delete(wanted),
        lambda: desk.undelete(wanted),
        lambda: desk.duplicate(wanted),
        lambda: desk.export(wanted),
        lambda: desk.crop(wanted, 0, 1),
        lambda: desk.blend(wanted, "other"),
        lambda: desk.repair(wanted),
    ):
        with pytest.raises(VoiceNotFoundError):
            act()


# Favourites


def test_any_voice_can_be_a_favourite_and_stays_one_when_it_is_renamed(service, desk, own, builtin):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    for name in ("Ada", "Bob"):
        assert desk.set_favourite(id_of(service, name), True).favourite
    desk.rename(id_of(service, "Ada"), "Zoe")
    assert {v.name for v in service.voices() if v.favourite} == {"Zoe", "Bob"}
    assert not desk.set_favourite(id_of(service, "Bob"), False).favourite
    assert {v.name for v in service.voices() if v.favourite} == {"Zoe"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"voices": 3}', '{"voices": [[1], null]}'])
def test_a_list_of_favourites_that_cannot_be_read_holds_none(service, desk, own, text):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    (own / ".favourites.json").write_text(text)
    assert not service.voices("tiny")[0].favourite
    assert desk.set_favourite(id_of(service, "Ada"), True).favourite


# Deleting


def test_a_deleted_voice_comes_back_as_it_was(service, desk, own):
    path = add_voice(own / "set" / "ada.npz", name="Ada", family="tiny")
    before, ada = path.read_bytes(), id_of(service, "Ada")
    desk.set_favourite(ada, True)
    deleted = desk.delete(ada)
    assert (deleted.name, deleted.id) == ("Ada", ada)
    assert service.voices() == []
    assert desk.deleted() == [deleted]
    info = desk.undelete(deleted.token)
    assert (info.id, info.favourite) == (ada, True)
    assert path.read_bytes() == before
    assert desk.deleted() == []
    with pytest.raises(VoiceNotFoundError):
        desk.undelete(deleted.token)


def test_a_voice_whose_file_name_was_taken_meanwhile_comes_back_under_another(service, desk, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny", seed=1)
    desk.set_favourite(id_of(service, "Ada"), True)
    token = desk.delete(id_of(service, "Ada")).token
    add_voice(own / "ada.npz", name="Other", family="tiny", seed=2)
    info = desk.undelete(token)
    assert info.favourite
    assert {voice.name for voice in service.voices()} == {"Ada", "Other"}


def test_a_voice_whose_name_was_taken_meanwhile_comes_back_under_a_free_one(service, desk, own):
    add_voice(own / "ada.npz", name="Ada", family="tiny", seed=1)
    token = desk.delete(id_of(service, "Ada")).token
    add_voice(own / "new.npz", name="ada", family="tiny", seed=2)
    assert desk.undelete(token).name == "Ada 2"


def test_a_broken_file_can_be_deleted_and_brought_back_too(service, desk, own):
    (own / "junk.npz").write_bytes(b"no voice")
    (broken,) = service.voices()
    token = desk.delete(broken.id).token
    assert service.voices() == []
    assert desk.undelete(token).id == broken.id


def test_what_was_deleted_long_ago_is_removed_for_good(service, desk, own, monkeypatch):
    for name in ("old", "new"):
        add_voice(own / f"{name}.npz", name=name, family="tiny")
    desk.delete(id_of(service, "old"))
    (folder,) = (own / ".trash").iterdir()
    long_ago = datetime.now(UTC) - timedelta(days=8)
    folder.rename(folder.with_name(f"{long_ago.strftime(voice_trash._STAMP)}-12345678"))
    (own / ".trash" / "notes").mkdir()
    desk.delete(id_of(service, "new"))
    assert [each.name for each in desk.deleted()] == ["new"]
    assert desk.sweep() == 0
    assert (own / ".trash" / "notes").is_dir()


def test_a_trash_that_is_a_link_is_not_followed(service, desk, own, tmp_path):
    path = add_voice(own / "ada.npz", name="Ada", family="tiny")
    (tmp_path / "elsewhere").mkdir()
    (own / ".trash").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="link"):
        desk.delete(id_of(service, "Ada"))
    assert path.exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []


# Import and export


def test_what_is_exported_is_imported_again_with_the_same_arrays_and_words(service, desk, own):
    path = add_voice(own / "ada.npz", name="Ada", family="tiny", tags=["low"], text="theirs")
    name, data = desk.export(id_of(service, "Ada"))
    assert (name, data) == ("ada.npz", path.read_bytes())
    (again,) = desk.import_files([(name, data)]).added
    assert (again.name, again.tags) == ("Ada 2", ("low",))
    (new,) = [each for each in own.glob("*.npz") if each != path]
    for part, array in random_speaker(50, 0).items():
        with np.load(new) as found:
            assert np.array_equal(found[part], array)
    assert said_in(new)["text"] == "theirs"


def test_a_preset_is_exported_as_one_file_that_bark_reads(service, desk, models):
    add_preset(models / "bark-small" / EMBEDDINGS / "v2" / "de_speaker_3")
    name, data = desk.export(id_of(service, "German 3 (v2)"))
    assert name == "german-3-v2.npz"
    read = read_speaker(data)
    assert np.array_equal(read.speaker.fine, arrays()["fine_prompt"])
    assert (read.metadata.language, read.metadata.family) == ("de", "bark-small")


def test_every_form_of_speaker_file_is_imported_into_ours(desk, own):
    plain = arrays()
    old = {"semantic": plain["semantic_prompt"], "fine": plain["fine_prompt"].astype(">i2")}
    files = [
        ("C:\\voices\\en_speaker_6.npz", npz(old)),
        ("voices/en_speaker_6.npz", npz(plain)),
        ("tts.npz", npz({**plain, "metadata": np.array('{"name": "A\\u202eda", "seed": 7}')})),
    ]
    added = desk.import_files(files).added
    assert [each.name for each in added] == ["English 6", "English 6 2", "Ada"]
    assert [each.language for each in added] == ["en", "en", ""]
    assert {each.family for each in added} == {"bark"}
    for path in own.glob("*.npz"):
        with np.load(path) as found:
            assert set(found.files) == {
                "semantic_prompt",
                "coarse_prompt",
                "fine_prompt",
                "metadata",
            }
            assert found["fine_prompt"].dtype == np.int32


def test_of_several_files_the_good_ones_come_in_and_the_others_are_told_why(desk, own, tmp_path):
    good = npz({**arrays(), "metadata": np.array('{"family": "bark"}')})
    marker = tmp_path / "ran"
    bad = list(islice(hostile_files(str(marker)), 30))
    outcome = desk.import_files([("good.npz", good), *bad])
    assert [each.name for each in outcome.added] == ["good"]
    assert [name for name, _ in outcome.refused] == [name for name, _ in bad]
    assert all(reason.endswith(".") for _, reason in outcome.refused)
    assert len(visible(own)) == 1
    assert not marker.exists()


def test_a_file_that_does_not_say_its_family_is_taken_for_the_one_that_is_named(desk):
    buffer = io.BytesIO()
    np.savez(buffer, **random_speaker(50, 0))
    files = [("mine.npz", buffer.getvalue())]
    assert desk.import_files(files).added[0].family == "bark"
    (mine,) = desk.import_files(files, "tiny").added
    assert (mine.family, mine.broken) == ("tiny", None)


def test_a_mismatched_file_comes_in_to_be_repaired_or_repaired_at_once(desk, own, tmp_path):
    data = add_mismatched_voice(tmp_path / "cid.npz", name="Cid", family="tiny").read_bytes()
    (cid,) = desk.import_files([("cid.npz", data)]).added
    assert cid.repairable
    assert "does not fit together" in cid.broken
    (whole,) = desk.import_files([("cid.npz", data)], repair=True).added
    assert whole.broken is None


def test_too_many_files_at_once_are_refused(desk, own):
    with pytest.raises(StorageError, match="1,001 files"):
        desk.import_files([("a.npz", b"")] * 1_001)
    assert visible(own) == []


# Repair


def test_a_repaired_voice_speaks_and_the_file_as_it_was_is_kept(service, desk, own):
    path = add_mismatched_voice(own / "cid.npz", name="Cid", family="tiny", seed=7)
    before, cid = path.read_bytes(), id_of(service, "Cid")
    info, notes = desk.repair(cid)
    assert (info.id, info.broken, info.notes) == (cid, None, "")
    assert "100 tokens" in " ".join(notes)
    assert said_in(path)["seed"] == 7
    service.speaker(cid, "tiny")
    (kept,) = desk.deleted()
    assert desk.undelete(kept.token).id != cid
    (other,) = {*own.glob("*.npz")} - {path}
    with np.load(other) as back, np.load(io.BytesIO(before)) as was:
        for part in ("semantic_prompt", "coarse_prompt", "fine_prompt"):
            assert np.array_equal(back[part], was[part])


def test_what_cannot_be_repaired_says_why_and_stays_as_it_is(service, desk, own):
    (own / "junk.npz").write_bytes(b"no voice")
    add_voice(own / "max.npz", name="Max", family="elsewhere")
    with pytest.raises(SpeakerFileError, match="not a speaker file"):
        desk.repair(service.voices()[0].id)
    with pytest.raises(SpeakerFileError, match="which is not here"):
        desk.repair(id_of(service, "Max"))
    assert (own / "junk.npz").read_bytes() == b"no voice"


def test_a_voice_that_is_whole_is_not_touched_by_a_repair(service, desk, own):
    path = add_voice(own / "ada.npz", name="Ada", family="tiny")
    before = path.read_bytes()
    assert desk.repair(id_of(service, "Ada"))[1] == ()
    assert path.read_bytes() == before
    assert desk.deleted() == []


# Making voices of others


def test_a_part_of_a_voice_is_heard_and_then_kept_beside_the_whole(service, desk, engine, own):
    add_voice(own / "ada.npz", frames=100, name="Ada", family="tiny", tags=["low"], consent=True)
    ada = id_of(service, "Ada")
    desk.preview_crop(ada, 1, 3)
    expected = random_speaker(100, 0)["fine_prompt"][:, 25:75]
    assert np.array_equal(engine.asked[0].fine, expected)
    part = desk.crop(ada, 1, 3)
    assert (part.name, part.tags, part.seconds) == ("Ada (part)", ("low",), 2.0)
    assert np.array_equal(service.speaker(part.id, "tiny").fine, expected)
    said = desk.details(part.id).metadata
    assert said.consent is True
    assert said.other["made_from"] == "1.00 to 3.00 s of Ada"
    assert service.speaker(ada, "tiny").fine.shape[1] == 100


def test_two_voices_are_blended_heard_and_kept(service, desk, engine, own, builtin):
    add_voice(own / "ada.npz", frames=100, seed=1, name="Ada", family="tiny", consent=True)
    ada, bob = id_of(service, "Ada"), id_of(service, "Bob")
    desk.preview_blend(ada, bob, 0.25)
    made = desk.blend(ada, bob, 0.25, "Both")
    assert (made.name, made.method, made.broken) == ("Both", "blend", None)
    fine = service.speaker(made.id, "tiny").fine
    assert np.array_equal(engine.asked[0].fine, fine)
    assert np.array_equal(fine[:, -3:], random_speaker(100, 1)["fine_prompt"][:, -3:])
    said = desk.details(made.id).metadata
    assert said.other["made_from"] == "75% Ada, 25% Bob"
    assert said.consent is None
    assert desk.blend(ada, bob).name == "Ada + Bob"


def test_voices_of_two_families_and_one_with_itself_are_not_blended(service, desk, own, models):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    add_bark_voice(own / "shared.npz")
    ada, shared = id_of(service, "Ada"), id_of(service, "shared")
    with pytest.raises(VoiceNotFoundError, match="noise to"):
        desk.blend(ada, shared)
    with pytest.raises(SpeakerFileError, match="itself"):
        desk.blend(ada, ada)


def test_a_speech_that_somebody_likes_becomes_a_voice(service, desk):
    from tests.backend.test_service_voices import a_speaker

    chunks = [SpokenChunk(f"part {n}", n, n + 1, a_speaker(30), 5 + n) for n in range(3)]
    spoken = SpeechRecipe("part 0 part 1 part 2", "tiny", language="en")
    info = desk.keep_speech(chunks, spoken, "Morning")
    assert (info.name, info.language, info.seconds) == ("Morning", "en", 3.6)
    assert desk.details(info.id).metadata.notes == "seed 7: part 0 part 1 part 2"
    limits = limits_of(read_family(service._folders.find("tiny")))
    assert limits.frames_per_token == 1
    with pytest.raises(SpeakerFileError, match="Nothing was said"):
        desk.keep_speech([], spoken, "Nobody")


def test_a_voice_kept_from_a_speech_gives_the_speech_back(service, desk, own):
    from tests.backend.test_service_voices import a_speaker

    chunks = [SpokenChunk("part", 0, 1, a_speaker(30), 5)]
    spoken = SpeechRecipe(
        "A part.", "tiny", "ada-11111111", SpeechControls(seed=5, greedy=True), "en"
    )
    desk.keep_speech(chunks, spoken, "Morning")
    (file,) = own.glob("*.npz")
    assert read_recipe(file) == spoken
    desk.keep_speech(chunks, replace(spoken, text="word " * 20_000), "Long")
    (long,) = (each for each in own.glob("*.npz") if each != file)
    with pytest.raises(RecipeError, match="not taken from a speech"):
        read_recipe(long)


# The stand-in


def test_the_library_of_the_tests_has_every_public_name_with_the_same_signature():
    def public(kind: type) -> dict[str, inspect.Signature]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: inspect.signature(each) for name, each in methods if name[0] != "_"}

    assert public(FakeLibrary) == public(LibraryDesk)
