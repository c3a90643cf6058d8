"""The networks of cloning in memory: loaded once, counted, and gone when asked."""

import numpy as np
import pytest

from tests.backend.family_files import FakeLoader, add_tiny
from tests.backend.scripted_cloning import ScriptedCloning
from webui.backend import model_manager
from webui.backend.cloning_models import CloningModels, part_loaders
from webui.backend.cloning_parts import CloningParts, QuantizerFiles
from webui.backend.device import Device
from webui.backend.family_folders import FamilyFolders
from webui.backend.model_manager import MemoryPlan, ModelManager
from webui.errors import DeviceMemoryError
from webui.events import Progress
from webui.family import read_family
from webui.settings import PROJECT_FOLDER

CPU = Device("cpu", "CPU", "fp32")
MINI = PROJECT_FOLDER / "models" / "mini"


class Clock:
    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def script():
    return ScriptedCloning()


@pytest.fixture
def make(tmp_path, script, clock, monkeypatch):
    monkeypatch.setattr(model_manager, "release_memory", lambda device: None)
    monkeypatch.setattr(model_manager, "free_bytes", lambda device: None)

    def made(budget: float | None = None) -> CloningModels:
        plan = MemoryPlan(budget, idle_seconds=100.0)
        manager = ModelManager(FamilyFolders((tmp_path,)), CPU, plan, FakeLoader(), clock)
        models = CloningModels(CloningParts(tmp_path), manager, script.loaders(), clock)
        models.manager_of_test = manager
        return models

    return made


@pytest.fixture
def config(tmp_path):
    folder = add_tiny(tmp_path, "ada")
    (folder / "hubert").mkdir()
    (folder / "hubert" / "model.safetensors").write_bytes(b"x" * 700)
    for name in ("one", "two"):
        (folder / f"{name}.safetensors").write_bytes(b"x" * 300)
    return read_family(folder)


def files(config, name: str) -> QuantizerFiles:
    return QuantizerFiles(name, config.folder / f"{name}.safetensors", config.folder / "hubert")


def ready(generator):
    """What a loading gives in the end, and what it told before."""
    told = []
    while True:
        try:
            told.append(next(generator))
        except StopIteration as end:
            return end.value, told


def test_a_listener_is_loaded_once_and_only_the_last_one_is_kept(make, script, config):
    models = make()
    first, told = ready(models.listener(config, files(config, "one")))
    assert told == [Progress("load", 0.0, message="Loading the encoder")]
    again, told = ready(models.listener(config, files(config, "one")))
    assert again is first
    assert told == []
    ready(models.listener(config, files(config, "two")))
    assert models.nbytes == 100
    ready(models.listener(config, files(config, "one")))
    assert [each[1] for each in script.calls("load listener")] == [
        "one.safetensors", "two.safetensors", "one.safetensors",
    ]  # fmt: skip


def test_a_listener_that_does_not_fit_is_refused_before_it_is_loaded(make, script, config):
    models = make(budget=999.0)
    with pytest.raises(DeviceMemoryError, match="encoder of method 2"):
        ready(models.listener(config, files(config, "one")))
    assert script.calls("load listener") == []
    ready(make(budget=1_000.0).listener(config, files(config, "one")))


def test_what_is_loaded_counts_and_leaves_when_nobody_used_it(make, script, config, clock):
    models = make()
    manager = models.manager_of_test
    assert manager.seconds_until_idle() is None
    ready(models.listener(config, files(config, "one")))
    models.recogniser("en")
    models.recogniser("pl")
    models.recogniser("en")
    models.speaker_encoder()
    models.converter("builtin")
    assert models.nbytes == 100 + 10 + 7
    assert [each[0] for each in script.calls("load recogniser")] == ["en", "pl"]
    clock.now += 60
    models.touch()
    assert manager.seconds_until_idle() == 100.0
    clock.now += 100
    assert manager.unload_idle()
    assert models.nbytes == 0
    models.recogniser("en")
    assert len(script.calls("load recogniser")) == 3


def test_the_real_loaders_load_what_the_built_in_family_brings(tmp_path):
    loaders = part_loaders()
    listener = loaders.listener(MINI / "hubert", MINI / "quantizer" / "mini.safetensors", "cpu")
    sound = np.random.default_rng(0).uniform(-0.1, 0.1, 16_000).astype(np.float32)
    tokens = listener.semantics(sound, 16_000)
    config = read_family(MINI)
    assert abs(len(tokens) - config.semantic.rate_hz) <= 2
    assert tokens.min() >= 0
    assert tokens.max() < config.semantic.vocabulary
    assert listener.nbytes > 1_000_000
    assert loaders.recogniser("pl", None) is None
    assert loaders.converter("builtin", CloningParts(tmp_path), "cpu").name == "builtin"
