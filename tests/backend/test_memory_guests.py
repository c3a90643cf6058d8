"""What lives in a device's memory beside the families: counted, and gone before any of them."""

import pytest

from tests.backend.family_files import FakeLoader, add_tiny
from webui.backend import model_manager
from webui.backend.device import Device
from webui.backend.family_folders import FamilyFolders
from webui.backend.model_manager import MemoryPlan, ModelManager, predicted_bytes
from webui.errors import DeviceMemoryError
from webui.events import CancelToken
from webui.family import read_family

CPU = Device("cpu", "CPU", "fp32")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class FakeGuest:
    def __init__(self, nbytes: int, used_at: float = 1_000.0) -> None:
        self.nbytes, self.used_at = nbytes, used_at

    def unload(self) -> None:
        self.nbytes = 0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def need(tmp_path):
    """What one of the two families is reckoned to take."""
    for name in ("ada", "bob"):
        add_tiny(tmp_path / "models", name)
    return predicted_bytes(read_family(tmp_path / "models" / "ada"), "fp32")


@pytest.fixture
def make(tmp_path, clock, need, monkeypatch):
    monkeypatch.setattr(model_manager, "release_memory", lambda device: None)
    monkeypatch.setattr(model_manager, "free_bytes", lambda device: None)

    def made(budget: float | None = None, idle_seconds: float = 100.0) -> ModelManager:
        plan = MemoryPlan(budget, idle_seconds)
        loader = FakeLoader()
        loader.size_bytes = int(need)
        return ModelManager(FamilyFolders((tmp_path / "models",)), CPU, plan, loader, clock)

    return made


def bring(manager, name):
    list(manager.models(name, CancelToken()))


def names(manager):
    return [each.id for each in manager.loaded()]


def test_a_guest_leaves_before_a_family_does(make, need):
    manager, guest = make(budget=2.5 * need), FakeGuest(int(need))
    manager.host(guest)
    bring(manager, "ada")
    assert guest.nbytes == int(need)
    bring(manager, "bob")
    assert guest.nbytes == 0
    assert names(manager) == ["ada", "bob"]


def test_room_for_a_guest_is_made_of_other_families(make, need):
    manager = make(budget=2.5 * need)
    bring(manager, "ada")
    bring(manager, "bob")
    manager.make_room(0.4 * need, "bob", "the encoder")
    assert names(manager) == ["ada", "bob"]
    manager.make_room(need, "bob", "the encoder")
    assert names(manager) == ["bob"]
    with pytest.raises(DeviceMemoryError, match="too little free memory for the encoder"):
        manager.make_room(2 * need, "bob", "the encoder")
    assert names(manager) == ["bob"]


def test_a_guest_that_is_there_takes_room_from_the_next(make, need):
    manager = make(budget=3 * need)
    bring(manager, "ada")
    manager.host(FakeGuest(int(need)))
    manager.make_room(0.9 * need, "ada", "the encoder")
    with pytest.raises(DeviceMemoryError):
        manager.make_room(1.1 * need, "ada", "the encoder")


def test_a_guest_that_nobody_used_for_long_leaves_and_the_families_stay(make, clock):
    manager, guest = make(), FakeGuest(10)
    manager.host(guest)
    assert manager.seconds_until_idle() == 100.0
    clock.now += 60
    bring(manager, "ada")
    assert manager.seconds_until_idle() == 40.0
    assert not manager.unload_idle()
    clock.now += 40
    assert manager.unload_idle()
    assert guest.nbytes == 0
    assert names(manager) == ["ada"]
    assert not manager.asleep
    assert manager.seconds_until_idle() == 60.0


def test_unloading_everything_unloads_guests_and_unloading_one_family_does_not(make):
    manager, guest = make(), FakeGuest(10)
    manager.host(guest)
    bring(manager, "ada")
    manager.unload("ada")
    assert guest.nbytes == 10
    manager.unload()
    assert guest.nbytes == 0
    assert manager.seconds_until_idle() is None
