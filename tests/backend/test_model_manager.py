"""Which families are in memory: loaded on demand, evicted, shrunk, and told in words."""

import threading
import weakref
from dataclasses import replace

import pytest
import torch

from tests.backend.family_files import FakeLoader, FakeModels, add_suno, add_tiny
from webui.backend import model_manager
from webui.backend.device import Device
from webui.backend.family_folders import FamilyFolders
from webui.backend.model_manager import WORDS, MemoryPlan, ModelManager, predicted_bytes
from webui.errors import (
    CheckpointError,
    DeviceMemoryError,
    FamilyNotFoundError,
    JobCancelled,
    SettingsError,
)
from webui.events import CancelToken, Progress
from webui.family import read_family
from webui.synthesis.models import load_models

CPU = Device("cpu", "CPU", "fp32")
CARD = Device("cuda:0", "Card", "fp32")


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def free(monkeypatch):
    """What the device has free in bytes; and collecting garbage, which is slow, is left out."""
    room: dict[str, int | None] = {"bytes": None}
    monkeypatch.setattr(model_manager, "free_bytes", lambda device: room["bytes"])
    monkeypatch.setattr(model_manager, "release_memory", lambda device: None)
    return room


@pytest.fixture
def folders(tmp_path):
    for name in ("ada", "bob", "cid"):
        add_tiny(tmp_path, name)
    return FamilyFolders((tmp_path,))


@pytest.fixture
def loader():
    return FakeLoader()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(folders, loader, clock, free):
    """Makes a manager with a budget."""

    def new(budget: float | None = None, device: Device = CPU) -> ModelManager:
        return ModelManager(folders, device, MemoryPlan(budget, 100.0), loader, clock)

    return new


def bring(manager: ModelManager, family: str) -> list[Progress]:
    """Have a family ready; gives what was told meanwhile."""
    told, steps = [], manager.models(family, CancelToken())
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            assert isinstance(end.value, FakeModels)  # noqa: PT017  (a generator's result)
            return told


def names(manager: ModelManager) -> list[str]:
    return [each.id for each in manager.loaded()]


def need(folders: FamilyFolders, precision: str) -> float:
    return predicted_bytes(read_family(folders.find("ada")), precision)


# Loading


def test_a_family_is_loaded_once_and_its_parts_are_told(make, loader):
    manager = make()
    told = bring(manager, "ada")
    assert {each.stage for each in told} == {"load"}
    assert [each.message for each in told] == [
        "Loading Ada", "Loading Ada: semantic", "Loading Ada: codec",
    ]  # fmt: skip
    assert [each.fraction for each in told] == [0.0, 0.1, 1.0]
    assert bring(manager, "ada") == []
    assert loader.asked == [("ada", "fp32")]
    assert manager.note("ada") is None


def test_a_family_that_is_not_there_or_damaged_is_told_before_anything_is_evicted(
    make, loader, tmp_path
):
    manager = make()
    bring(manager, "ada")
    with pytest.raises(FamilyNotFoundError):
        bring(manager, "zoe")
    (tmp_path / "bob" / "config.json").write_text("{")
    with pytest.raises(CheckpointError):
        bring(manager, "bob")
    assert names(manager) == ["ada"]
    assert loader.asked == [("ada", "fp32")]


def test_a_fault_of_the_loader_is_passed_on_and_not_tried_again(make, loader):
    manager = make()
    for fault in (CheckpointError("The file is damaged."), SettingsError("No."), ValueError("x")):
        loader.faults = [fault]
        with pytest.raises(type(fault)) as raised:
            bring(manager, "ada")
        assert raised.value is fault
    assert len(loader.asked) == 3
    assert names(manager) == []
    bring(manager, "ada")
    assert names(manager) == ["ada"]


def test_a_cancel_stops_loading_at_the_next_part(make, loader):
    manager, cancel, told = make(), CancelToken(), threading.Event()
    loader.meanwhile = lambda: told.wait(60)
    steps = manager.models("ada", cancel)
    next(steps), next(steps)
    cancel.cancel()
    told.set()
    with pytest.raises(JobCancelled):
        next(steps)
    assert names(manager) == []
    loader.meanwhile = lambda: None
    bring(manager, "ada")
    assert names(manager) == ["ada"]


def test_leaving_early_waits_until_the_loader_has_stopped(make, loader):
    manager, ended = make(), threading.Event()
    cancel = CancelToken()

    def wait_for_cancel() -> None:
        while not cancel.cancelled:
            threading.Event().wait(0.01)
        ended.set()

    loader.meanwhile = wait_for_cancel
    steps = manager.models("ada", cancel)
    next(steps), next(steps)
    steps.close()
    assert ended.is_set()
    assert names(manager) == []


# Making room


def test_the_family_that_was_used_longest_ago_is_evicted(make, folders):
    manager = make(budget=need(folders, "fp32") + 2 * FakeLoader.size_bytes - 1)
    bring(manager, "ada")
    bring(manager, "bob")
    bring(manager, "ada")
    bring(manager, "cid")
    assert names(manager) == ["ada", "cid"]
    assert manager.note("cid") is None


def test_no_more_is_evicted_than_must_be(make, folders):
    manager = make(budget=need(folders, "fp32") + 2 * FakeLoader.size_bytes)
    for name in ("ada", "bob", "cid"):
        bring(manager, name)
    assert names(manager) == ["ada", "bob", "cid"]


def test_the_devices_own_room_counts_beside_the_budget(make, folders, free):
    manager = make(budget=1e12)
    free["bytes"] = int(need(folders, "fp32")) - 1
    bring(manager, "ada")
    assert manager.loaded()[0].precision == "bf16"


@pytest.mark.parametrize(("fits", "fails"), [("bf16", "fp32"), ("int8", "bf16")])
def test_a_family_that_would_not_fit_is_made_smaller_before_it_is_loaded(
    make, folders, loader, fits, fails
):
    assert need(folders, fits) < need(folders, fails)
    manager = make(budget=need(folders, fails) - 1)
    bring(manager, "ada")
    assert loader.asked == [("ada", fits)]
    note = manager.note("ada")
    assert note is not None
    assert f"too little for Ada in full precision; it runs in {WORDS[fits]}." in note
    assert manager.note("bob") is None


def test_a_smaller_family_stays_so_when_it_is_loaded_again(make, folders, loader):
    manager = make(budget=need(folders, "fp32") - 1)
    bring(manager, "ada")
    manager.unload()
    bring(manager, "ada")
    assert loader.asked == [("ada", "bf16")] * 2


@pytest.mark.parametrize(
    ("device", "smallest", "place"),
    [(CPU, "int8", "The computer"), (CARD, "fp16", "The graphics card")],
    ids=["processor", "card"],
)
def test_what_fits_in_no_precision_is_refused_before_it_is_loaded(
    make, folders, device, smallest, place
):
    manager = make(budget=need(folders, smallest) - 1, device=device)
    with pytest.raises(DeviceMemoryError) as fault:
        bring(manager, "ada")
    assert manager._load.asked == []
    assert str(fault.value) == (
        f"{place} has too little free memory for Ada: it needs 0.0 GB, 0.0 GB are free. Choose a "
        "smaller family, or close other programs."
    )


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_the_prediction_covers_what_a_family_really_takes(tiny_family, precision):
    predicted = predicted_bytes(read_family(tiny_family), precision)
    real = load_models(tiny_family, "cpu", precision).nbytes
    assert real < predicted < 10 * real


def test_a_larger_family_is_predicted_larger(tmp_path):
    small = read_family(add_tiny(tmp_path, "small", layers=2))
    large = read_family(add_tiny(tmp_path, "large", layers=20))
    assert 5 < predicted_bytes(large, "fp32") / predicted_bytes(small, "fp32") < 10


def test_sunos_files_are_predicted_by_their_own_size(tmp_path):
    folder = add_suno(tmp_path, "bark")
    assert predicted_bytes(read_family(folder), "fp32") < 1_000
    (folder / "fine_2.pt").write_bytes(bytes(1_000_000))
    assert predicted_bytes(read_family(folder), "fp32") > 1_000_000


# Memory that ran out


@pytest.mark.parametrize(
    "fault",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        DeviceMemoryError("There is not enough free memory."),
    ],
    ids=["python", "card", "processor", "told"],
)
def test_loading_is_tried_once_more_smaller_after_all_else_was_freed(make, loader, fault):
    manager = make()
    bring(manager, "bob")
    loader.faults = [fault]
    bring(manager, "ada")
    assert loader.asked == [("bob", "fp32"), ("ada", "fp32"), ("ada", "bf16")]
    assert names(manager) == ["ada"]
    assert manager.note("ada") == "The memory was full, so the model now runs in half precision."


def test_loading_that_fails_twice_is_told_and_the_next_try_begins_smaller(make, loader):
    manager = make()
    loader.faults = [MemoryError(), MemoryError()]
    with pytest.raises(DeviceMemoryError, match="Not enough free memory for Ada"):
        bring(manager, "ada")
    assert [precision for _, precision in loader.asked] == ["fp32", "bf16"]
    loader.faults = [MemoryError(), MemoryError()]
    with pytest.raises(DeviceMemoryError):
        bring(manager, "ada")
    assert [precision for _, precision in loader.asked[2:]] == ["bf16", "int8"]
    loader.faults = [MemoryError()]
    with pytest.raises(DeviceMemoryError):
        bring(manager, "ada")
    assert len(loader.asked) == 5
    bring(manager, "ada")
    assert manager.loaded()[0].precision == "int8"


def test_what_was_half_loaded_is_gone_before_the_second_try(folders, clock):
    class Part:
        pass

    seen: list[weakref.ref[Part]] = []

    def load(folder, device, precision, progress):
        if not seen:
            part = Part()
            seen.append(weakref.ref(part))
            raise MemoryError
        assert seen[0]() is None, "the first try still holds memory"
        return FakeModels(precision, 1)

    bring(ModelManager(folders, CPU, MemoryPlan(), load, clock), "ada")
    assert len(seen) == 1


def test_shrinking_frees_everything_and_ends_where_it_cannot_go_on(make, loader):
    manager = make()
    for name in ("ada", "bob"):
        bring(manager, name)
    assert manager.shrink("ada") == manager.note("ada")
    assert names(manager) == []
    bring(manager, "ada")
    assert "8-bit" in str(manager.shrink("ada"))
    bring(manager, "ada")
    assert manager.shrink("ada") is None
    assert names(manager) == []
    assert [precision for name, precision in loader.asked if name == "ada"] == [
        "fp32", "bf16", "int8",
    ]  # fmt: skip


def test_a_family_that_is_not_loaded_shrinks_from_what_it_would_be_loaded_in(make, loader):
    manager = make(device=replace(CPU, precision="bf16"))
    assert "8-bit" in str(manager.shrink("ada"))
    bring(manager, "ada")
    assert loader.asked == [("ada", "int8")]


# Giving back


def test_what_nobody_used_for_long_leaves_the_memory(make, clock):
    manager = make()
    assert manager.seconds_until_idle() is None
    bring(manager, "ada")
    clock.now += 60
    bring(manager, "bob")
    assert manager.seconds_until_idle() == 40.0
    assert not manager.unload_idle()
    assert not manager.asleep
    clock.now += 40
    assert manager.seconds_until_idle() == 0.0
    assert manager.unload_idle()
    assert names(manager) == ["bob"]
    assert manager.seconds_until_idle() == 60.0
    clock.now += 1_000
    assert manager.seconds_until_idle() == 0.0
    assert manager.unload_idle()
    assert manager.asleep
    assert not manager.unload_idle()
    bring(manager, "ada")
    assert not manager.asleep


def test_a_job_that_has_just_ended_counts_as_use(make, clock):
    manager = make()
    bring(manager, "ada")
    clock.now += 90
    manager.touch("ada")
    manager.touch("zoe")
    assert manager.seconds_until_idle() == 100.0


def test_one_family_or_all_can_be_unloaded(make):
    manager = make()
    for name in ("ada", "bob", "cid"):
        bring(manager, name)
    manager.unload("bob")
    manager.unload("zoe")
    assert names(manager) == ["ada", "cid"]
    manager.unload()
    assert names(manager) == []
    assert not manager.asleep


def test_asking_what_is_loaded_survives_an_eviction_at_that_moment(make, monkeypatch):
    manager = make()
    for name in ("ada", "bob"):
        bring(manager, name)

    def size_while_all_is_unloaded(models) -> int:
        manager._loaded.clear()
        return 1_000

    monkeypatch.setattr(FakeModels, "nbytes", property(size_while_all_is_unloaded))
    assert names(manager) == ["ada", "bob"]
    assert names(manager) == []
