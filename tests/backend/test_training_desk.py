"""The part of the service about training: begun, watched, stopped, continued, used, deleted."""

import dataclasses
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.backend.scripted_training import (
    ALIKE,
    RATE,
    REPORT,
    STEPS,
    TrainingEngine,
    pair_of,
    weights_of,
)
from tests.backend.voice_files import add_mismatched_voice
from tests.tiny_family import random_speaker
from webui.audio import write_audio
from webui.backend.cloning_parts import CloningParts
from webui.backend.requests import (
    CompareRequest,
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    TrainingOrder,
    TrainRequest,
)
from webui.backend.service import Service
from webui.backend.training_data import token_classes
from webui.backend.training_folder import TrainingFolder
from webui.checkpoint import load_tensors, read_notes
from webui.cloning.quantizer import Quantizer, QuantizerConfig, sizes_of
from webui.errors import (
    CheckpointError,
    DeviceMemoryError,
    EngineError,
    FamilyNotFoundError,
    SettingsError,
    StorageError,
    TrainingError,
    UserError,
    VoiceNotFoundError,
)
from webui.events import Cancelled, CancelToken, Done, Failed, Progress
from webui.family import read_family
from webui.training_results import (
    PairsRead,
    QuantizerReport,
    QuantizerWeights,
    TrainingPoint,
)

COUNT = 24


@pytest.fixture
def engine():
    return TrainingEngine()


@pytest.fixture
def settings(settings, tmp_path):
    """The tiny family can listen, and the app's own files lie in a folder of the test."""
    hubert = settings.models_dir / "tiny" / "hubert"
    hubert.mkdir()
    facts = {"model_type": "hubert", "conv_stride": [5, 2, 64], "num_hidden_layers": 4}
    (hubert / "config.json").write_text(json.dumps(facts))
    (hubert / "semantic_tokens.json").write_text('{"layer": 3}')
    (hubert / "model.safetensors").write_bytes(b"weights")
    folder = settings.models_dir / "tiny" / "speakers"
    folder.mkdir()
    for number, name in enumerate(("ada", "bob", "cid")):
        language = "de" if name == "cid" else "en"
        metadata = json.dumps({"name": name.title(), "family": "tiny", "language": language})
        np.savez(folder / f"{name}.npz", **random_speaker(50, number), metadata=np.array(metadata))
    return dataclasses.replace(settings, data_dir=tmp_path / "state", family="tiny")


@pytest.fixture
def desk(service):
    return service.training


def order(**changes) -> TrainingOrder:
    return dataclasses.replace(
        TrainingOrder("German 1", texts=COUNT, architecture="version_0"), **changes
    )


def made(desk, **changes):
    """A training from its beginning to its end."""
    return list(desk.start(order(**changes)))


def again(settings):
    """The app after a restart."""
    engine = TrainingEngine()
    return Service(settings, engine), engine


# From the beginning to the end


def test_a_training_is_followed_to_its_report(desk):
    events = made(desk)
    assert isinstance(events[-1], Done)
    assert [each for each in events if isinstance(each, QuantizerReport)]
    assert [each.step for each in events if isinstance(each, TrainingPoint)][-1] == STEPS
    (info,) = desk.all()
    assert (info.id, info.name, info.family, info.language) == (
        "german-1",
        "German 1",
        "tiny",
        "en",
    )
    assert (info.state, info.texts, info.pairs) == ("done", COUNT, COUNT)
    assert info.report == dataclasses.replace(REPORT, pairs=COUNT)
    assert info.accuracy == 0.6
    assert not info.can_continue
    details = desk.details("german-1")
    assert [each.step for each in details.curve] == list(range(1, STEPS + 1))
    assert details.order.texts == COUNT
    assert details.seconds_spoken == pytest.approx(COUNT * 0.1)
    assert not details.own_text


def test_every_voice_of_the_language_speaks_as_often_and_so_does_nobody(desk, engine):
    made(desk)
    names = [
        text.voice_name
        for each in engine.asked
        if isinstance(each, PairsRequest)
        for text in each.texts
    ]
    assert {name: names.count(name) for name in set(names)} == {"Ada": 8, "Bob": 8, "": 8}


def test_the_voices_of_another_language_speak_where_the_language_has_none(desk, engine):
    made(desk, language="fr")
    voices = {text.voice_name for each in engine.asked[:3] for text in each.texts}
    assert voices == {"Ada", "Bob", "Cid", ""}


def test_chosen_voices_speak_and_none_at_all_is_allowed(service, desk, engine):
    bob = next(each.id for each in service.voices("tiny") if each.name == "Bob")
    made(desk, voices=(bob, bob))
    assert {text.voice_name for text in engine.asked[0].texts} <= {"Bob", ""}
    made(desk, name="Second", voices=())
    last = [each for each in engine.asked if isinstance(each, PairsRequest)][-1]
    assert {text.voice_name for text in last.texts} == {""}
    assert all(text.voice is None for text in last.texts)


def test_own_text_is_used_and_not_kept(desk, engine, settings):
    words = [f"{first}{last}" for first in ("za", "bo", "ki", "mu") for last in "nrstlpdg"]
    dice = np.random.default_rng(0)
    text = " ".join(f"{' '.join(dice.choice(words, 9))}." for _ in range(300))
    made(desk, corpus=text)
    spoken = {
        word.strip(".").lower() for each in engine.asked[0].texts for word in each.text.split()
    }
    assert spoken <= set(words)
    assert desk.details("german-1").own_text
    plan = (settings.data_dir / "training" / "german-1" / "plan.json").read_text()
    assert text[:40] not in plan


def test_the_same_order_gives_the_same_texts_and_seeds(desk, engine):
    made(desk)
    first = [text for each in engine.asked[:3] for text in each.texts]
    engine.asked.clear()
    made(desk, name="Second")
    second = [text for each in engine.asked[:3] for text in each.texts]
    assert [(each.text, each.seed, each.voice_name) for each in first] == [
        (each.text, each.seed, each.voice_name) for each in second
    ]
    assert len({each.seed for each in first}) == len(first)


def test_words_are_chosen_as_boldly_as_asked_and_the_sound_as_the_family_asks(
    desk, engine, settings
):
    path = settings.models_dir / "tiny" / "webui_family.json"
    facts = json.loads(path.read_text()) | {"controls": {"fine": {"temperature": 0.0}}}
    path.write_text(json.dumps(facts))
    made(desk, temperature=0.8, seed=4)
    controls = engine.asked[0].controls
    assert (controls.semantic.temperature, controls.fine.temperature) == (0.8, 0.0)
    assert controls.seed == 4


def test_epochs_are_the_most_that_is_learned(desk, engine):
    made(desk, epochs=2)
    plan = next(each for each in engine.asked if isinstance(each, TrainRequest)).plan
    assert (plan.epochs, plan.least_steps, plan.tokens) == (2, 1, 40)
    made(desk, name="Second")
    plan = engine.asked[-2].plan
    assert plan.least_steps > 1


def test_texts_are_as_long_as_the_family_says_well(desk, engine, settings):
    path = settings.models_dir / "tiny" / "webui_family.json"
    facts = json.loads(path.read_text()) | {"chunk_seconds": 3.0}
    path.write_text(json.dumps(facts))
    made(desk)
    assert max(len(text.text) for text in engine.asked[0].texts) < 60


def test_dropped_pairs_are_counted_by_their_reason(desk, engine):
    engine.drop = frozenset({1, 5})
    made(desk)
    (info,) = desk.all()
    assert (info.pairs, info.dropped) == (COUNT - 2, {"silent": 2})


def test_the_layer_that_was_chosen_is_listened_to_and_noted_wherever_the_quantizer_goes(
    desk, engine, settings, tmp_path
):
    made(desk, layer=4)
    layers = {each.layer for each in engine.asked if isinstance(each, FeaturesRequest)}
    assert layers == {4}
    assert next(each for each in engine.asked if isinstance(each, EvaluateRequest)).layer == 4
    folder = settings.data_dir / "training" / "german-1"
    assert json.loads((folder / "plan.json").read_text())["order"]["layer"] == 4
    (kept,) = (folder / "features").iterdir()
    assert kept.name.endswith("-layer4")
    desk.install("german-1")
    (installed,) = quantizers(settings)
    assert read_notes(installed.file)["layer"] == "4"
    assert json.loads(installed.file.with_suffix(".json").read_text())["layer"] == 4
    for name in ("a.pth", "a.safetensors"):
        desk.export("german-1", tmp_path / name)
        assert read_notes(tmp_path / name)["layer"] == "4"


def test_where_no_layer_was_chosen_none_is_noted(desk, engine, settings):
    made(desk)
    assert {each.layer for each in engine.asked if isinstance(each, FeaturesRequest)} == {None}
    desk.install("german-1")
    (installed,) = quantizers(settings)
    assert "layer" not in read_notes(installed.file)


def test_where_a_family_says_of_what_class_its_tokens_are_the_judging_is_told(
    desk, engine, settings
):
    made(desk)
    assert engine.asked[-1].classes == {}
    path = settings.models_dir / "tiny" / "token_classes.json"
    path.write_text('{"vowel": [1, 39, 40, -1, true, "2"], "nasal": [0], "noise": [3]}')
    made(desk, name="Second")
    assert engine.asked[-1].classes == {1: "vowel", 39: "vowel", 0: "nasal"}


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"vowel": 3}', b"\xff", b"[" * 100_000])
def test_classes_that_cannot_be_read_are_not_known(tmp_path, content):
    (tmp_path / "token_classes.json").write_bytes(content)
    assert token_classes(tmp_path, 40) == {}


# What is refused


def test_a_layer_that_the_encoder_has_not_is_refused_with_those_that_it_has(desk, tmp_path):
    words = "no layer 5; choose one from 1 to 4, .* reads layer 3"
    with pytest.raises(SettingsError, match=words):
        desk.start(order(layer=5))
    with pytest.raises(SettingsError, match=words):
        list(desk.import_pairs(order(layer=5), [others(tmp_path / "pairs")]))
    assert desk.all() == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": " "}, TrainingError),
        ({"name": "a" * 65}, TrainingError),
        ({"name": "a\u202eb"}, TrainingError),
        ({"texts": 19}, SettingsError),
        ({"texts": 20_001}, SettingsError),
        ({"temperature": float("nan")}, SettingsError),
        ({"seed": -1}, SettingsError),
        ({"epochs": 0}, SettingsError),
        ({"layer": 0}, SettingsError),
        ({"layer": 5}, SettingsError),
        ({"language": "tlh"}, UserError),
        ({"corpus": "Too short."}, UserError),
        ({"voices": ("../ada",)}, VoiceNotFoundError),
        ({"family": "nobody"}, FamilyNotFoundError),
        ({"family": "bark-small"}, FamilyNotFoundError),
    ],
)
def test_what_is_wrong_with_an_order_is_raised_before_anything_is_computed(
    desk, engine, change, fault
):
    with pytest.raises(fault):
        desk.start(order(**change))
    assert engine.asked == []
    assert desk.all() == []


def test_a_family_without_an_encoder_says_what_to_download(desk):
    with pytest.raises(FamilyNotFoundError, match="models --download hubert-base"):
        desk.start(order(family="bark-small"))


def test_a_broken_voice_is_refused(service, desk, settings):
    add_mismatched_voice(settings.speakers_dir / "x.npz", name="Dan", family="tiny")
    broken = next(each.id for each in service.voices("tiny") if each.broken)
    with pytest.raises(UserError):
        desk.start(order(voices=(broken,)))
    assert desk.all() == []


def test_a_name_that_is_taken_is_refused_and_another_gets_a_free_id(desk):
    made(desk)
    with pytest.raises(TrainingError, match="of this name already"):
        desk.start(order(name="GERMAN  1"))
    made(desk, name="German-1")
    made(desk, name="日本語")
    assert {each.id for each in desk.all()} == {"german-1", "german-1-2", "quantizer"}


def test_on_a_public_page_nothing_is_begun_stopped_used_or_deleted(settings, engine):
    service = Service(dataclasses.replace(settings, public=True), engine)
    desk = service.training
    acts = (
        lambda: desk.start(order()), lambda: desk.resume("a"), lambda: desk.stop("a"),
        lambda: desk.delete("a"), lambda: desk.install("a"), lambda: desk.uninstall("a"),
    )  # fmt: skip
    for act in acts:
        with pytest.raises(SettingsError, match="not on a public page"):
            act()
    service.close()


@pytest.mark.parametrize("training", ["nobody", "../german-1", "", "German 1"])
def test_what_is_no_training_is_refused_by_its_name(desk, training):
    made(desk)
    for act in (desk.details, desk.resume, desk.install, desk.uninstall, desk.delete):
        with pytest.raises(TrainingError, match="There is no training"):
            act(training)
    assert list(desk.follow(training)) == []


# Pairs of others


def others(folder, count=12, token=3):
    """A folder of pairs as the original trainer wrote them."""
    folder.mkdir()
    for number in range(count):
        pair = pair_of(number)
        tokens = np.full(50, token + number % 5)
        np.save(folder / f"{number}_semantic.npy", tokens)
        sound = np.resize(pair.waveform, 2 * RATE)
        write_audio(folder / f"{number}_wav.wav", sound, RATE)
    return folder


def test_pairs_of_others_are_learned_from_without_a_word_being_spoken(desk, engine, tmp_path):
    folder = others(tmp_path / "pairs")
    zipped = shutil.make_archive(str(tmp_path / "more"), "zip", others(tmp_path / "two"))
    events = list(desk.import_pairs(order(), [folder, Path(zipped)]))
    assert isinstance(events[-1], Done)
    assert "8 pairs of pairs are read" in [each.message for each in events[:2]]
    assert [each for each in events if isinstance(each, PairsRead)] == [PairsRead(24, {})]
    assert engine.spoken() == []
    (info,) = desk.all()
    assert (info.state, info.pairs, info.texts) == ("done", 24, 0)
    assert len(engine.asked[-1].data.tokens) == 24
    np.testing.assert_array_equal(engine.asked[-1].data.tokens[0], np.full(50, 3))


def test_pairs_that_are_dropped_are_counted_by_their_reason(desk, tmp_path):
    folder = others(tmp_path / "pairs")
    (folder / "3_wav.wav").write_bytes(b"no sound")
    write_audio(folder / "5_wav.wav", np.zeros(2 * RATE, np.float32), RATE)
    events = list(desk.import_pairs(order(), [folder]))
    (read,) = (each for each in events if isinstance(each, PairsRead))
    assert (read.pairs, read.dropped) == (10, {"damaged": 1, "silent": 1})
    assert desk.all()[0].dropped == read.dropped


@pytest.mark.parametrize("token", [3, 99])
def test_what_cannot_be_imported_leaves_nothing_behind(desk, settings, tmp_path, token):
    folder = others(tmp_path / "pairs", token=token)
    sources = [folder, tmp_path / "nowhere"] if token == 3 else [folder]
    with pytest.raises(UserError):
        list(desk.import_pairs(order(), sources))
    assert desk.all() == []
    assert list((settings.data_dir / "training").iterdir()) == []


def test_an_import_that_is_stopped_keeps_nothing(desk, settings, tmp_path):
    cancel = CancelToken()
    stream = desk.import_pairs(order(), [others(tmp_path / "pairs")], cancel)
    next(stream)
    cancel.cancel()
    assert isinstance(list(stream)[-1], Cancelled)
    assert desk.all() == []


# At work


def held(engine, at):
    """Let the engine wait at a result until the test lets it go on."""
    there, go_on = threading.Event(), threading.Event()

    def meanwhile(count):
        if count == at:
            there.set()
            assert go_on.wait(60)

    engine.meanwhile = meanwhile
    return there, go_on


def test_a_training_goes_on_when_nobody_looks_and_anybody_may_look_again(desk, engine):
    there, go_on = held(engine, 12)
    stream = desk.start(order())
    assert isinstance(next(stream), Progress)
    stream.close()
    assert there.wait(60)
    (info,) = desk.all()
    assert (info.state, info.stage) == ("running", "pairs")
    assert info.pairs == 8
    assert 0 < info.fraction < 0.6
    go_on.set()
    assert isinstance(list(desk.follow("german-1"))[-1], Done)
    assert desk.all()[0].state == "done"


def test_one_training_is_at_work_at_a_time(desk, engine):
    there, go_on = held(engine, 3)
    stream = desk.start(order())
    next(stream)
    assert there.wait(60)
    with pytest.raises(TrainingError, match='"german-1" is at work'):
        desk.start(order(name="Other"))
    assert [each.id for each in desk.all()] == ["german-1"]
    with pytest.raises(TrainingError, match="at work"):
        desk.delete("german-1")
    joined = desk.resume("german-1")
    go_on.set()
    assert isinstance(list(joined)[-1], Done)
    assert isinstance(list(stream)[-1], Done)
    assert sorted(engine.spoken()) == list(range(COUNT))


def test_a_stopped_training_keeps_everything_and_can_be_continued(desk, engine):
    there, go_on = held(engine, 12)
    stream = desk.start(order())
    next(stream)
    assert there.wait(60)
    desk.stop("german-1")
    go_on.set()
    assert isinstance(list(stream)[-1], Cancelled)
    (info,) = desk.all()
    assert (info.state, info.can_continue, info.words) == ("stopped", True, "")
    assert info.pairs >= 8
    engine.asked.clear()
    assert isinstance(list(desk.resume("german-1"))[-1], Done)
    assert len(engine.spoken()) == COUNT - info.pairs
    assert desk.all()[0].state == "done"


def test_the_token_of_whoever_follows_stops_the_training_for_everybody(desk, engine):
    there, go_on = held(engine, 5)
    cancel = CancelToken()
    stream = desk.start(order(), cancel)
    next(stream)
    assert there.wait(60)
    cancel.cancel()
    watched = desk.follow("german-1")
    next(watched)
    threading.Timer(0.3, go_on.set).start()
    assert isinstance(list(stream)[-1], Cancelled)
    assert isinstance(list(watched)[-1], Cancelled)


def test_a_failed_training_says_why_also_after_a_restart_and_can_be_continued(
    desk, engine, settings
):
    engine.faults = [Failed("The disk of the model is gone.", "CheckpointError")]
    events = made(desk)
    assert events[-1] == Failed("The disk of the model is gone.", "CheckpointError")
    (info,) = again(settings)[0].training.all()
    assert (info.state, info.words) == ("failed", "The disk of the model is gone.")
    assert info.can_continue
    assert isinstance(list(desk.resume("german-1"))[-1], Done)


def test_a_training_whose_app_was_killed_is_there_after_a_restart(desk, engine, settings):
    there, go_on = held(engine, 12)
    stream = desk.start(order())
    next(stream)
    assert there.wait(60)
    other, its_engine = again(settings)
    (info,) = other.training.all()
    assert (info.state, info.pairs) == ("stopped", 8)
    (*_, last) = other.training.resume("german-1")  # the first app still works on it
    assert isinstance(last, Failed)
    assert "another window" in last.message
    assert its_engine.asked == []
    desk.stop("german-1")
    go_on.set()
    list(stream)
    assert isinstance(list(other.training.resume("german-1"))[-1], Done)
    other.close()


def test_the_end_of_the_app_stops_the_training(service, desk, engine):
    there, go_on = held(engine, 3)
    stream = desk.start(order())
    next(stream)
    assert there.wait(60)
    threading.Timer(0.2, go_on.set).start()
    service.close()
    assert isinstance(list(stream)[-1], Cancelled)
    assert engine.closed
    with pytest.raises(TrainingError, match="ending"):
        desk.resume("german-1")


def test_a_damaged_training_is_listed_with_its_reason(desk, settings):
    made(desk)
    (settings.data_dir / "training" / "german-1" / "plan.json").write_text("{")
    (info,) = desk.all()
    assert (info.state, info.can_continue) == ("failed", False)
    assert "damaged" in info.words
    desk.delete("german-1")
    assert desk.all() == []


# What becomes of it


def quantizers(settings, family="tiny"):
    config = read_family(settings.models_dir / family)
    return CloningParts(settings.models_dir).quantizers(config)


def test_one_click_makes_a_quantizer_usable_for_cloning(desk, service, settings):
    made(desk)
    assert desk.all()[0].installed == ""
    assert desk.install("german-1") == "german-1"
    assert desk.all()[0].installed == "german-1"
    (found,) = quantizers(settings)
    assert (found.name, found.title, found.language) == ("german-1", "German 1", "en")
    assert found.encoder == settings.models_dir / "tiny" / "hubert"
    tensors = load_tensors(found.file)
    np.testing.assert_array_equal(
        tensors["fc.weight"].numpy(), weights_of(STEPS).state["fc.weight"]
    )
    assert read_notes(found.file)["family"] == "tiny"
    card = json.loads(found.file.with_suffix(".json").read_text())
    assert (card["title"], card["pairs"], card["accuracy"]) == ("German 1", COUNT, 0.6)
    assert card["report"]["accuracy"] == REPORT.accuracy
    part = {each.id: each for each in service.cloning_parts("tiny")}["german-1"]
    assert (part.kind, part.state, part.title) == ("quantizer", "ready", "German 1, made here")
    assert not (settings.models_dir / "tiny" / "quantizer").exists()


def test_a_quantizer_can_be_taken_away_again_and_survives_its_training(desk, settings):
    made(desk)
    desk.install("german-1")
    desk.uninstall("german-1")
    assert quantizers(settings) == []
    with pytest.raises(TrainingError, match="no quantizer of yours"):
        desk.uninstall("german-1")
    desk.install("german-1")
    desk.delete("german-1")
    assert [each.name for each in quantizers(settings)] == ["german-1"]
    assert desk.all() == []


def test_a_quantizer_never_takes_the_name_of_another(desk, settings):
    own = settings.models_dir / "tiny" / "quantizer"
    own.mkdir()
    (own / "german-1.safetensors").write_bytes(b"x")
    made(desk)
    assert desk.install("german-1") == "german-1-own"
    assert [each.name for each in quantizers(settings)] == ["german-1-own", "german-1"]
    made(desk, name="quantizer-de-v1-14")
    assert desk.install("quantizer-de-v1-14") == "quantizer-de-v1-14-own"


def test_without_weights_there_is_nothing_to_use_or_to_hand_out(desk, engine, tmp_path):
    engine.faults = [Failed("No.", "CheckpointError")]
    made(desk)
    with pytest.raises(TrainingError, match="Nothing has been learned yet"):
        desk.install("german-1")
    with pytest.raises(TrainingError, match="Nothing has been learned yet"):
        desk.export("german-1", tmp_path / "a.pth")


def test_a_quantizer_is_handed_out_in_both_kinds_of_file(desk, tmp_path):
    made(desk)
    for name in ("a.pth", "a.safetensors"):
        desk.export("german-1", tmp_path / name)
        assert "fc.weight" in load_tensors(tmp_path / name)
    with pytest.raises(StorageError, match="taken"):
        desk.export("german-1", tmp_path / "a.pth")
    with pytest.raises(TrainingError, match=r"ends in \.pth or in \.safetensors"):
        desk.export("german-1", tmp_path / "a.bin")


def test_two_trainings_are_compared_on_pairs_of_the_first(desk, engine):
    made(desk)
    made(desk, name="Second", seed=5)
    assert desk.compare("german-1", "second") == ALIKE
    asked = engine.asked[-1]
    assert isinstance(asked, CompareRequest)
    spoken = {text.text for each in engine.asked[:3] for text in each.texts}
    assert 0 < len(asked.data) < COUNT / 2  # what was held out
    assert set(asked.data.texts) <= spoken
    assert asked.first.step == asked.second.step == STEPS
    assert asked.second_features is None
    desk.compare("german-1", "second", on="second")
    assert not set(engine.asked[-1].data.texts) & spoken


def test_a_training_is_compared_with_a_quantizer_that_cloning_uses(desk, engine, settings):
    made(desk)
    config = QuantizerConfig(6, 8, 40)
    state = {key: each.numpy() for key, each in Quantizer(config).state_dict().items()}
    weights = QuantizerWeights(sizes_of(config), state, 1, 9, 0.5, is_final=True)
    family = read_family(settings.models_dir / "tiny")
    CloningParts(settings.models_dir).made_here(family).add("shipped", weights, {"title": "S"})
    assert desk.compare("shipped", "german-1") == ALIKE
    asked = engine.asked[-1]
    np.testing.assert_array_equal(asked.first.state["fc.bias"], state["fc.bias"])
    assert (asked.first.shift, asked.first.sizes) == (1, sizes_of(config))
    assert asked.second.step == STEPS
    with pytest.raises(FamilyNotFoundError):
        desk.compare("german-1", "nobody")
    with pytest.raises(TrainingError, match="There is no training"):
        desk.compare("shipped", "nobody")


def test_quantizers_of_two_layers_are_each_compared_at_their_own(desk, engine):
    made(desk)
    made(desk, name="Second", layer=2)
    made(desk, name="Third", layer=3)  # what the family reads by itself
    engine.asked.clear()
    assert desk.compare("german-1", "second") == ALIKE
    *heard, asked = engine.asked
    assert {type(each) for each in heard} == {FeaturesRequest}
    assert {each.layer for each in heard} == {2}
    sounds = [number for each in heard for number, _, _ in each.sounds]
    assert len(sounds) == len(asked.data) == len(asked.second_features)
    for number, features, tokens in zip(
        sounds, asked.second_features, asked.data.tokens, strict=True
    ):
        np.testing.assert_array_equal(features, np.full((5, 6), number, np.float16))
        np.testing.assert_array_equal(tokens, pair_of(number).semantic)
    engine.asked.clear()
    desk.compare("german-1", "third")
    (asked,) = engine.asked
    assert asked.second_features is None


def test_a_comparison_that_cannot_listen_says_why(desk, engine):
    made(desk)
    made(desk, name="Second", layer=2)
    engine.faults = [Failed("The encoder is damaged.", "CheckpointError")]
    with pytest.raises(CheckpointError, match="damaged"):
        desk.compare("german-1", "second")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(EngineError, match="not listened to"):
        desk.compare("german-1", "second", cancel=cancel)


def test_a_comparison_that_fails_says_why(desk, engine):
    made(desk)
    engine.faults = [Failed("The memory is full.", "DeviceMemoryError")]
    with pytest.raises(DeviceMemoryError, match="full"):
        desk.compare("german-1", "german-1")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(EngineError, match="not compared"):
        desk.compare("german-1", "german-1", cancel=cancel)


def test_the_list_looks_at_the_disk_anew(desk, settings):
    made(desk)
    other, _ = again(settings)
    assert [each.id for each in other.training.all()] == ["german-1"]
    desk.delete("german-1")
    assert other.training.all() == []
    assert TrainingFolder(settings.data_dir / "training" / "german-1").curve() == []
    other.close()
