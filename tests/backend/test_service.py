"""What every door talks to: families, voices, orders that are checked first, and how it all is."""

import dataclasses
import inspect
import json
from collections.abc import Iterator

import numpy as np
import pytest

from tests.backend.family_files import add_suno, add_tiny
from tests.backend.voice_files import add_bark_voice, add_mismatched_voice, add_voice
from tests.fake_service import FakeService
from tests.fake_training import FakeTraining
from tests.tiny_family import random_speaker
from webui.backend.catalogue import CATALOGUE
from webui.backend.facts import EngineStatus, LoadedFamily
from webui.backend.requests import (
    LoadRequest,
    SpeakOrder,
    SpeakRequest,
    UnloadRequest,
)
from webui.backend.service import Service
from webui.backend.training_desk import TrainingDesk
from webui.backend.weights import MANIFEST
from webui.errors import (
    CheckpointError,
    FamilyNotFoundError,
    SettingsError,
    SpeakerFileError,
    TextError,
    VoiceNotFoundError,
)
from webui.events import Cancelled, Done, Event, Progress
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls, StageControls


def half_way(service: Service, family: str) -> Iterator[Event]:
    """A download that has come half the way."""
    events = service.download(family)
    for event in events:
        if event == Progress("download", 0.5):
            return events
    raise AssertionError("the download has ended")


def damage(models, name: str) -> None:
    """Take a byte from a family that was downloaded."""
    size = (models / name / "model.safetensors").stat().st_size
    listed = [["model.safetensors", size + 1, "0" * 64]]
    (models / name / MANIFEST).write_text(json.dumps({"files": listed}))


# Families


def test_families_are_listed_with_real_ones_before_the_demonstration_and_offers_last(
    service, engine
):
    engine.now = EngineStatus(running=False, loaded=(LoadedFamily("tiny", "fp32", 1),))
    found = service.families()
    assert [(each.id, each.state) for each in found] == [
        ("bark-small", "installed"),
        ("tiny", "installed"),
        ("mini", "installed"),
        ("bark", "available"),
    ]
    assert [each.id for each in found if each.loaded] == ["tiny"]
    small, tiny, mini, bark = found
    assert (small.title, small.licence) == ("Bark small", "MIT")
    assert small.languages == CATALOGUE["bark-small"].languages
    assert (tiny.title, tiny.licence, tiny.languages) == ("Tiny", "MIT", ("en",))
    assert tiny.sample_rate == 16_000
    assert mini.is_demo
    assert bark.size_bytes == CATALOGUE["bark"].about_bytes
    assert not bark.installed


def test_a_familys_size_is_that_of_its_files_and_follows_them(service, models):
    before = service.family("tiny").size_bytes
    files = (models / "tiny").iterdir()
    assert before == sum(each.stat().st_size for each in files)
    (models / "tiny" / "more.bin").write_bytes(bytes(1_000))
    assert service.family("tiny").size_bytes == before + 1_000


def test_a_damaged_family_is_listed_with_the_reason_and_does_not_speak(service, models):
    (models / "bark-small" / "text_2.pt").unlink()
    (models / "bark-small" / "config.json").write_text("{")
    damage(models, "tiny")
    found = {each.id: each for each in service.families()}
    assert (found["tiny"].state, found["bark-small"].state) == ("damaged", "damaged")
    assert found["tiny"].installed
    assert found["tiny"].broken == (
        "A file is missing or has another size. Download the family again."
    )
    assert "config.json" in str(found["bark-small"].broken)
    assert service.default_family() == "mini"


def test_a_download_is_shown_and_can_be_stopped(service, download, models):
    events = half_way(service, "bark")
    bark = service.family("bark")
    assert (bark.state, bark.fraction) == ("downloading", 0.5)
    assert service.family("bark-small").state == "installed"
    service.cancel_download("bark")
    download.set()
    assert isinstance(list(events)[-1], Cancelled)
    assert service.family("bark").state == "available"


def test_a_damaged_family_that_is_downloaded_again_shows_the_download(service, download, models):
    (models / "bark-small" / "config.json").write_text("{")
    assert service.family("bark-small").state == "damaged"
    events = half_way(service, "bark-small")
    small = service.family("bark-small")
    assert (small.state, small.fraction, small.broken) == ("downloading", 0.5, None)
    download.set()
    list(events)


def test_the_settings_family_speaks_else_the_best_that_can(settings, engine, models):
    assert Service(settings, engine).default_family() == "bark-small"
    add_suno(models, "bark")
    assert Service(settings, engine).default_family() == "bark"
    chosen = Service(dataclasses.replace(settings, family="tiny"), engine)
    assert chosen.default_family() == "tiny"
    assert chosen.family().id == "tiny"
    missing = Service(dataclasses.replace(settings, family="other"), engine)
    with pytest.raises(FamilyNotFoundError, match='no model family "other"'):
        missing.family()


def test_the_controls_that_a_family_recommends_are_checked(service, models):
    facts = models / "tiny" / "webui_family.json"
    facts.write_text('{"controls": {"min_eos_p": 0.1, "semantic": {"temperature": 0.4}}}')
    expected = SpeechControls(semantic=StageControls(temperature=0.4), min_eos_p=0.1)
    assert service.recommended_controls("tiny") == expected
    assert service.recommended_controls() == SpeechControls()
    facts.write_text('{"controls": {"min_eos_p": 7}}')
    with pytest.raises(SettingsError, match="end-of-speech threshold is 7"):
        service.recommended_controls("tiny")


def test_loading_and_unloading_reach_the_engine(service, engine, models):
    assert isinstance(list(service.load("tiny"))[-1], Done)
    assert isinstance(list(service.load())[-1], Done)
    list(service.unload("tiny"))
    list(service.unload())
    assert engine.asked == [
        LoadRequest("tiny"),
        LoadRequest("bark-small"),
        UnloadRequest("tiny"),
        UnloadRequest(),
    ]
    with pytest.raises(FamilyNotFoundError):
        service.load("other")
    damage(models, "tiny")
    with pytest.raises(CheckpointError):
        service.load("tiny")
    assert len(engine.asked) == 4


# Orders


def test_an_order_becomes_a_request_with_the_voices_arrays_and_language(service, engine, own):
    add_voice(own / "ada.npz", seed=4, name="Ada", family="tiny", language="de")
    (ada,) = service.voices("tiny")
    order = SpeakOrder("hello", "tiny", ada.id, SpeechControls(seed=3))
    assert list(service.speak(order)) == engine.events
    (asked,) = engine.asked
    assert isinstance(asked, SpeakRequest)
    assert (asked.text, asked.family, asked.language) == ("hello", "tiny", "de")
    assert asked.controls == order.controls
    assert asked.speaker is not None
    np.testing.assert_array_equal(asked.speaker.fine, random_speaker(50, 4)["fine_prompt"])


def test_the_orders_own_language_goes_before_the_voices_and_english_comes_last(
    service, engine, own
):
    add_voice(own / "ada.npz", name="Ada", family="tiny", language="de")
    (ada,) = service.voices("tiny")
    for order in (
        SpeakOrder("hello", "tiny", ada.id, language="fr"),
        SpeakOrder("hello", "tiny", ada.id),
        SpeakOrder("hello", "tiny"),
    ):
        list(service.speak(order))
    assert [each.language for each in engine.asked] == ["fr", "de", "en"]
    assert engine.asked[-1].speaker is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"text": ""}, TextError),
        ({"text": " \n\t"}, TextError),
        ({"text": "?!"}, TextError),
        ({"text": "a" * 100_001}, TextError),
        ({"family": "other"}, FamilyNotFoundError),
        ({"family": "../tiny"}, FamilyNotFoundError),
        ({"family": "broken"}, CheckpointError),
        ({"family": "short"}, CheckpointError),
        ({"voice": "ada"}, VoiceNotFoundError),
        ({"voice": "Bob"}, VoiceNotFoundError),
        ({"voice": "Cid"}, SpeakerFileError),
        ({"controls": SpeechControls(takes=99)}, SettingsError),
        ({"controls": SpeechControls(min_eos_p=float("nan"))}, SettingsError),
    ],
    ids=[
        "empty", "spaces", "no words", "too long", "no family", "a path", "damaged config",
        "damaged weights", "no voice", "of another family", "broken voice", "too many takes",
        "not a number",
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_order_is_raised_before_anything_is_computed(
    service, engine, settings, change, fault
):
    add_tiny(settings.models_dir, "broken")
    (settings.models_dir / "broken" / "config.json").write_text("{")
    add_tiny(settings.models_dir, "short")
    damage(settings.models_dir, "short")
    add_bark_voice(settings.speakers_dir / "Bob.npz")
    add_mismatched_voice(settings.speakers_dir / "x.npz", name="Cid", family="tiny")
    if "voice" in change:
        named = {voice.name: voice.id for voice in service.voices()}
        change = {"voice": named.get(change["voice"], change["voice"])}
    order = dataclasses.replace(SpeakOrder("hello", "tiny"), **change)
    with pytest.raises(fault):
        service.speak(order)
    assert engine.asked == []


# The stand-in


def test_the_service_of_the_tests_has_every_public_name_with_the_same_signature():
    def public(kind: type) -> dict[str, inspect.Signature]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: inspect.signature(each) for name, each in methods if name[0] != "_"}

    assert public(FakeService) == public(Service)
    assert public(FakeTraining) == public(TrainingDesk)
    assert FakeService().settings == Settings()
