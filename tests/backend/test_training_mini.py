"""A quantizer for the built-in family, made by the real chain from the first text to a clone."""

import dataclasses
from pathlib import Path

import pytest

from webui.audio import read_audio
from webui.backend.inline_engine import InlineEngine
from webui.backend.requests import TrainingOrder
from webui.backend.service import Service
from webui.cloning.quantizer import load_quantizer
from webui.events import Done, Progress
from webui.settings import Settings
from webui.training_results import PHONE_CLASSES, SampleKept

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def service(tmp_path):
    settings = Settings(
        models_dir=tmp_path / "models", speakers_dir=tmp_path / "speakers",
        data_dir=tmp_path / "state", family="mini", device="cpu", threads=1,
    )  # fmt: skip
    made = Service(settings, InlineEngine(settings))
    yield made
    made.close()


def test_mini_speaks_learns_and_clones_with_what_it_learned(service, tmp_path):
    order = TrainingOrder("Mini 1", texts=20, epochs=6, seed=1)
    events = list(service.training.start(order))
    assert isinstance(events[-1], Done), events[-1]
    stages = list(dict.fromkeys(each.stage for each in events if isinstance(each, Progress)))
    assert [each for each in stages if each not in ("queued", "load")] == [
        "pairs", "features", "train", "evaluate",
    ]  # fmt: skip
    (info,) = service.training.all()
    assert info.pairs + sum(info.dropped.values()) == 20
    assert info.pairs >= 10
    report = info.report
    assert report.accuracy_top5 >= report.accuracy > 5 / 500  # far better than chance
    assert report.held_out_voices
    assert "vowel" in report.by_class
    assert set(report.by_class) <= set(PHONE_CLASSES)
    assert report.similarity is not None
    sample = service.training.sample(info.id)
    assert sample.step == report.sample_step
    assert sample.voice in report.held_out_voices
    assert [each.step for each in events if isinstance(each, SampleKept)][-1] == sample.step
    seconds = [
        len(sound) / rate
        for sound, rate in map(read_audio, map(Path, (sample.spoken, sample.heard)))
    ]
    assert seconds[0] == pytest.approx(seconds[1], abs=0.15)
    name = service.training.install("mini-1")
    parts = {each.id: each for each in service.cloning_parts("mini")}
    assert parts[name].state == "ready"
    folder = tmp_path / "models" / "cloning" / "own" / "mini"
    assert load_quantizer(folder / f"{name}.safetensors").config.tokens == 500
    found = service.training.compare("mini-1", "mini")
    assert found.second_accuracy > found.first_accuracy
    assert dataclasses.asdict(found)["better"] == "second"
