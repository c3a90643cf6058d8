"""Voices as the service keeps them, and lets them be heard."""

import dataclasses

import numpy as np
import pytest

from tests.backend.scripted_engine import SOUND
from tests.backend.voice_files import PARTS, add_mismatched_voice, add_voice
from tests.tiny_family import random_speaker
from webui.arrays import Speaker
from webui.backend import voice_previews
from webui.backend.requests import PreviewRequest, SpeakOrder
from webui.backend.service import Service, require_voice
from webui.backend.voice_previews import HEARD_SECONDS
from webui.errors import (
    EngineError,
    FamilyNotFoundError,
    SpeakerFileError,
    StorageError,
    VoiceNotFoundError,
)
from webui.events import Cancelled, Failed, Progress
from webui.speaker_metadata import SpeakerMetadata


def a_speaker(frames: int = 50) -> Speaker:
    made = random_speaker(frames, 3)
    return Speaker(*(made[part].astype(np.int64) for part in PARTS))


def test_a_saved_voice_is_listed_and_can_be_used_at_once(service, engine, own):
    made = a_speaker()
    info = service.save_voice(
        made, SpeakerMetadata("  Ada   Lovelace ", "tiny", "en", tags=("low",))
    )
    assert (info.name, info.family, info.source, info.tags) == (
        "Ada Lovelace", "tiny", "own", ("low",),
    )  # fmt: skip
    assert service.voices("tiny") == [info]
    np.testing.assert_array_equal(service.speaker(info.id, "tiny").fine, made.fine)
    list(service.speak(SpeakOrder("hello", "tiny", info.id)))
    np.testing.assert_array_equal(engine.asked[0].speaker.semantic, made.semantic)
    other = service.save_voice(made, SpeakerMetadata("Ada Lovelace", "tiny"))
    assert other.id != info.id
    assert len(list(own.iterdir())) == 2


def test_lengths_that_nearly_fit_are_evened_when_a_voice_is_saved(service):
    made = a_speaker()
    longer = Speaker(np.append(made.semantic, [1] * 6), made.coarse, made.fine)
    info = service.save_voice(longer, SpeakerMetadata("Ada", "tiny"))
    np.testing.assert_array_equal(service.speaker(info.id, "tiny").semantic, made.semantic)


@pytest.mark.parametrize(
    ("metadata", "fault"),
    [
        (SpeakerMetadata("", "tiny"), SpeakerFileError),
        (SpeakerMetadata("../\u202e", "tiny"), SpeakerFileError),
        (SpeakerMetadata("Ada", ""), FamilyNotFoundError),
        (SpeakerMetadata("Ada", "other"), FamilyNotFoundError),
        (SpeakerMetadata("Ada", "tiny", notes="x" * 70_000), SpeakerFileError),
    ],
    ids=["no name", "an invisible name", "no family", "not here", "too long"],
)
def test_a_voice_that_cannot_be_kept_leaves_no_file(service, own, metadata, fault):
    with pytest.raises(fault):
        service.save_voice(a_speaker(), metadata)
    wrong = Speaker(*(np.full_like(part, 9_999) for part in dataclasses.astuple(a_speaker())))
    with pytest.raises(SpeakerFileError):
        service.save_voice(wrong, SpeakerMetadata("Ada", "tiny"))
    assert list(own.iterdir()) == []


def test_a_hostile_name_becomes_a_plain_file_in_the_folder(service, own):
    info = service.save_voice(a_speaker(), SpeakerMetadata("../../etc/passwd", "tiny"))
    (path,) = own.iterdir()
    assert path.name.startswith("etc-passwd-")
    assert info.name == "../../etc/passwd"


def test_a_folder_that_cannot_be_written_is_told(settings, engine, tmp_path):
    (tmp_path / "file").write_text("in the way")
    service = Service(dataclasses.replace(settings, speakers_dir=tmp_path / "file"), engine)
    with pytest.raises(StorageError):
        service.save_voice(a_speaker(), SpeakerMetadata("Ada", "tiny"))


def test_a_preview_is_computed_once_for_each_state_of_the_file(service, engine, own):
    path = add_voice(own / "ada.npz", frames=50, name="Ada", family="tiny")
    (ada,) = service.voices("tiny")
    waveform, rate = service.preview(ada.id)
    np.testing.assert_array_equal(waveform, SOUND.waveform)
    assert rate == 16_000
    assert service.preview(ada.id)[0] is waveform
    (asked,) = engine.asked
    assert isinstance(asked, PreviewRequest)
    assert asked.family == "tiny"
    np.testing.assert_array_equal(asked.fine, random_speaker(50, 0)["fine_prompt"])
    add_voice(path, frames=60, name="Ada", family="tiny")
    service.preview(ada.id)
    assert [each.fine.shape[1] for each in engine.asked] == [50, 60]


def test_of_a_long_voice_the_end_is_heard(service, engine, own):
    frames = int(HEARD_SECONDS * 25) + 100
    add_voice(own / "ada.npz", frames=frames, name="Ada", family="tiny")
    service.preview(service.voices("tiny")[0].id)
    expected = random_speaker(frames, 0)["fine_prompt"][:, 100:]
    np.testing.assert_array_equal(engine.asked[0].fine, expected)


def test_only_so_many_previews_are_kept(service, engine, own, monkeypatch):
    monkeypatch.setattr(voice_previews, "PREVIEWS_KEPT", 2)
    for number in range(3):
        add_voice(own / f"{number}.npz", family="tiny")
    ids = [voice.id for voice in service.voices("tiny")]
    for each in ids:
        service.preview(each)
    service.preview(ids[-1])
    assert len(engine.asked) == 3
    service.preview(ids[0])
    assert len(engine.asked) == 4


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([Progress("load", 0.0), Failed("The card is full.", "DeviceMemoryError")], "card is full"),
        ([Cancelled()], "stopped before it could be heard"),
    ],
    ids=["failed", "cancelled"],
)
def test_a_preview_that_was_not_computed_is_told_and_not_kept(service, engine, own, events, words):
    add_voice(own / "ada.npz", name="Ada", family="tiny")
    (ada,) = service.voices("tiny")
    well, engine.events = engine.events, events
    with pytest.raises(EngineError, match=words):
        service.preview(ada.id)
    engine.events = well
    assert service.preview(ada.id)[1] == 16_000


def test_a_voice_without_its_family_or_file_has_no_preview(service, own):
    add_voice(own / "ada.npz", name="Ada", family="other")
    add_mismatched_voice(own / "bob.npz", name="Bob", family="tiny")
    ids = {voice.name: voice.id for voice in service.voices()}
    with pytest.raises(VoiceNotFoundError, match='needs the family "other"'):
        service.preview(ids["Ada"])
    with pytest.raises(SpeakerFileError, match="does not fit together"):
        service.preview(ids["Bob"])


def test_a_voice_is_asked_for_by_id_or_by_a_name_that_only_it_has(service, own):
    for number, name in enumerate(("Ada", "Bob", "bob")):
        add_voice(own / f"{number}.npz", name=name, family="tiny")
    voices = service.voices()
    ada = require_voice(voices, "ADA")
    assert ada.name == "Ada"
    assert require_voice(voices, ada.id) == ada
    with pytest.raises(VoiceNotFoundError, match='Several voices are called "Bob"'):
        require_voice(voices, "Bob")
    with pytest.raises(VoiceNotFoundError, match='The voice "Zoe" is not there'):
        require_voice(voices, "Zoe")
