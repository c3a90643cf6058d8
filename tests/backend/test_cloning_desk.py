"""The service's part about cloning: orders that are refused, voices that are kept, parts."""

import dataclasses

import numpy as np
import pytest

import webui
from tests.backend.family_files import add_suno
from tests.backend.scripted_cloning import RATE, WINDOWS, recording, report
from tests.backend.voice_files import add_bark_voice, add_mismatched_voice
from tests.tiny_family import random_speaker
from webui.arrays import Speaker
from webui.backend.cloning_desk import CONSENT, MOST_BASES
from webui.backend.requests import CheckRequest, CloneOrder, CloneRequest, ReportRequest
from webui.clone_results import CloneCandidate, CloneOutcome, RecordingCheck
from webui.errors import (
    AudioFileError,
    CheckpointError,
    CloneError,
    EngineError,
    FamilyNotFoundError,
    SettingsError,
    SpeakerFileError,
    VoiceNotFoundError,
)
from webui.events import Cancelled, Checked, Done, Failed, Progress, Reported
from webui.family import read_family
from webui.speaker_file import read_speaker
from webui.speaker_limits import limits_of

CHECK = RecordingCheck(10.0, 8.0, -22.0, 30.0, 0.0, windows=WINDOWS)


def tiny_voice(seed: int = 1) -> Speaker:
    parts = random_speaker(50, seed)
    return Speaker(parts["semantic_prompt"], parts["coarse_prompt"], parts["fine_prompt"])


def order(**changes) -> CloneOrder:
    return dataclasses.replace(CloneOrder((recording(),), family="tiny"), **changes)


@pytest.fixture
def outcome():
    details = {"quantizer": "mini", "transcript": "a secret", "base_voice": "Ada"}
    first = CloneCandidate(
        tiny_voice(), "quantizer", WINDOWS[0], 7, 1.5, report(0.87654), details=details
    )
    other = CloneCandidate(
        tiny_voice(2), "conversion", WINDOWS[1], 8, 1.5, details={"converter": "builtin"}
    )
    made = CloneOutcome("tiny", (first, other), CHECK, np.zeros(9, np.float32), RATE)
    return dataclasses.replace(made, candidates=(first, other))


# Checking


def test_a_check_gives_what_the_engine_found(service, engine):
    engine.events = [Progress("check", 0.0), Checked(CHECK), Done()]
    given = (recording(),)
    assert service.check(given, denoise=True) is CHECK
    (asked,) = engine.asked
    assert isinstance(asked, CheckRequest)
    assert (asked.recordings, asked.denoise) == (given, True)


@pytest.mark.parametrize(
    ("end", "fault", "words"),
    [
        (Failed("There is only noise.", "AudioFileError"), AudioFileError, "only noise"),
        (Failed("It broke.", "NoSuchError"), EngineError, "It broke"),
        (Cancelled(), EngineError, "pressed Stop"),
        (Progress("check", 1.0), EngineError, "try it again"),
    ],
)
def test_a_check_that_fails_raises_the_sentence(service, engine, end, fault, words):
    engine.events = [Progress("check", 0.0), end]
    with pytest.raises(fault, match=words):
        service.check((recording(),))


# Cloning


def test_an_order_is_passed_on_with_the_family_it_means(service, engine):
    engine.events = [Progress("check", 0.0), Done()]
    what = order(family=None)
    assert [type(each) for each in service.clone(what)] == [Progress, Done]
    (asked,) = engine.asked
    assert isinstance(asked, CloneRequest)
    assert asked.order is what
    assert asked.family == service.default_family()
    assert asked.bases == ()


def test_a_conversion_is_given_the_familys_own_voices_of_the_language_first(
    service, settings, engine
):
    folder = settings.models_dir / "tiny" / "speakers"
    folder.mkdir()
    for name, language in (("zoe", "en"), ("ada", "de"), ("bob", "en")):
        metadata = np.array(f'{{"name": "{name}", "family": "tiny", "language": "{language}"}}')
        np.savez(folder / f"{name}.npz", **random_speaker(50, 1), metadata=metadata)
    add_mismatched_voice(folder / "broken.npz", name="Cid", family="tiny")
    np.savez(settings.speakers_dir / "own.npz", **random_speaker(50, 1))
    list(service.clone(order(methods=("quantizer", "conversion"))))
    list(service.clone(order(methods=("conversion",), language="de")))
    assert [name for name, _ in engine.asked[0].bases] == ["bob", "zoe", "ada"]
    assert [name for name, _ in engine.asked[1].bases] == ["ada", "bob", "zoe"]
    assert engine.asked[0].bases[0][1].fine.shape == (8, 50)
    for number in range(MOST_BASES):
        np.savez(folder / f"more{number}.npz", **random_speaker(50, 1))
    list(service.clone(order(methods=("conversion",))))
    assert len(engine.asked[2].bases) == MOST_BASES


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"recordings": ()}, AudioFileError),
        ({"recordings": (recording(0.0),)}, AudioFileError),
        ({"recordings": (recording(1.0),) * 17}, AudioFileError),
        ({"methods": ()}, SettingsError),
        ({"windows": 0}, SettingsError),
        ({"windows": 13}, SettingsError),
        ({"takes": 9}, SettingsError),
        ({"endings": 0}, SettingsError),
        ({"endings": 4}, SettingsError),
        ({"seed": -1}, SettingsError),
        ({"seed": 2**32}, SettingsError),
        ({"window": (float("nan"), 3.0)}, SettingsError),
        ({"family": "other"}, FamilyNotFoundError),
        ({"family": "../tiny"}, FamilyNotFoundError),
        ({"family": "broken"}, CheckpointError),
    ],
)
def test_what_is_wrong_with_an_order_is_raised_before_anything_is_computed(
    service, settings, engine, change, fault
):
    add_suno(settings.models_dir, "broken")
    (settings.models_dir / "broken" / "coarse_2.pt").unlink()
    (settings.models_dir / "broken" / "config.json").write_text("{")
    with pytest.raises(fault):
        service.clone(order(**change))
    assert engine.asked == []


def test_a_method_that_there_is_not_is_refused_by_its_name(service, engine):
    what = order()
    object.__setattr__(what, "methods", ("quantizer", "magic"))  # as a stranger's request has it
    with pytest.raises(SettingsError, match='no method "magic"'):
        service.clone(what)
    assert engine.asked == []


def test_how_a_clone_ended_shows_in_the_status(service, engine):
    engine.events = [Failed("The process ended.", "EngineError")]
    list(service.clone(order()))
    assert service.status().state == "failed"
    engine.events = [Done()]
    list(service.clone(order()))
    assert service.status().state == "ready"


# Keeping


def test_a_kept_clone_remembers_how_it_was_made_and_the_consent(service, settings, outcome):
    what = order(language="de")
    info = service.keep_clone(what, outcome, 0, "Anna", CONSENT, ("warm",), "of the radio")
    assert (info.name, info.family, info.language, info.source) == ("Anna", "tiny", "de", "own")
    (path,) = settings.speakers_dir.glob("*.npz")
    found = read_speaker(path, limits_of(read_family(settings.models_dir / "tiny")))
    kept = found.metadata
    np.testing.assert_array_equal(found.speaker.fine, outcome.candidates[0].speaker.fine)
    assert (kept.method, kept.quantizer, kept.converter) == ("quantizer", "mini", "")
    assert (kept.window, kept.reference_seconds) == ("4.00-9.00", 10.0)
    assert kept.reference_sha256 == what.recordings[0].digest
    assert (kept.consent, kept.consent_text) == (True, CONSENT)
    assert (kept.similarity, kept.app_version) == (0.8765, webui.__version__)
    assert (kept.tags, kept.notes) == (("warm",), "of the radio")
    assert kept.created.endswith("+00:00")
    assert kept.other == {"seed": 7, "base_voice": "Ada"}


def test_another_clone_of_the_same_order_can_be_kept_too_under_a_free_name(service, outcome):
    first = service.keep_clone(order(), outcome, 0, "Anna", CONSENT)
    second = service.keep_clone(order(), outcome, 1, "anna", CONSENT)
    assert first.name == "Anna"
    assert second.name.casefold() not in ("anna", "")
    assert second.id != first.id
    assert second.method == "conversion"


@pytest.mark.parametrize("consent", ["", "   ", "\u200b\u202e"])
def test_without_a_confirmed_sentence_nothing_is_kept(service, settings, outcome, consent):
    with pytest.raises(CloneError, match="Confirm first that you may clone this voice"):
        service.keep_clone(order(), outcome, 0, "Anna", consent)
    assert list(settings.speakers_dir.iterdir()) == []


@pytest.mark.parametrize("index", [-1, 2])
def test_a_clone_that_is_not_there_cannot_be_kept(service, outcome, index):
    with pytest.raises(CloneError, match="no longer there"):
        service.keep_clone(order(), outcome, index, "Anna", CONSENT)


def test_a_name_that_is_none_is_refused(service, settings, outcome):
    with pytest.raises(SpeakerFileError):
        service.keep_clone(order(), outcome, 0, " ", CONSENT)
    assert list(settings.speakers_dir.iterdir()) == []


# Judging


def test_a_voice_is_judged_in_its_own_language_by_a_family_that_has_it(
    service, settings, engine, outcome
):
    info = service.keep_clone(order(language="de"), outcome, 0, "Anna", CONSENT)
    engine.events = [Progress("report", 0.5), Reported(report(0.8)), Done()]
    given = recording(3.0)
    events = list(service.report(info.id, given))
    assert isinstance(events[-2], Reported)
    (asked,) = engine.asked
    assert isinstance(asked, ReportRequest)
    assert (asked.family, asked.language, asked.reference) == ("tiny", "de", given)
    np.testing.assert_array_equal(asked.speaker.fine, outcome.candidates[0].speaker.fine)


def test_a_voice_that_is_not_there_or_broken_is_refused(service, settings, engine):
    add_mismatched_voice(settings.speakers_dir / "x.npz", name="Cid", family="tiny")
    (broken,) = service.voices("tiny")
    for voice, fault in (("nobody", VoiceNotFoundError), (broken.id, SpeakerFileError)):
        with pytest.raises(fault):
            service.report(voice)
    add_bark_voice(settings.speakers_dir / "b.npz")
    assert engine.asked == []


# Parts


def test_the_parts_are_those_of_the_family_and_tell_of_running_downloads(
    service, settings, monkeypatch
):
    add_suno(settings.models_dir, "bark")
    found = {each.id: each for each in service.cloning_parts("bark")}
    assert found["quantizer-de-v1-14"].state == "available"
    assert found["quantizer"].state == "missing"
    running = {"quantizer-de-v1-14": ("quantizer-de-v1-14", Progress("download", 0.25))}
    monkeypatch.setattr(service._downloads, "progress", lambda part=None: running.get(part))
    found = {each.id: each for each in service.cloning_parts("bark")}
    part = found["quantizer-de-v1-14"]
    assert (part.state, part.fraction) == ("downloading", 0.25)
    assert "quantizer-de-v1-14" not in {each.id for each in service.cloning_parts("tiny")}
    with pytest.raises(FamilyNotFoundError):
        service.cloning_parts("zoe")
