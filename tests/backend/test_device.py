"""Which device computes, in which precision, with how much memory and how many threads."""

import re

import pytest
import torch

from webui.backend import device as device_module
from webui.backend.device import (
    Device,
    choose_device,
    choose_threads,
    free_bytes,
    is_device_lost,
    is_out_of_memory,
    release_memory,
    usable_cores,
)
from webui.errors import DeviceMemoryError, SettingsError
from webui.settings import PRECISIONS

GB = 10**9


@pytest.fixture
def two_cards(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"Card {number}")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """A machine without cards, whose facts are files of the test."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(device_module, "PROCESSOR_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr(device_module, "MEMORY_FACTS", tmp_path / "meminfo")
    monkeypatch.setattr(device_module, "CONTAINER_MEMORY", tmp_path)
    return tmp_path


# Which device


def test_without_a_card_the_processor_computes(bare_machine):
    assert choose_device("auto") == Device("cpu", "CPU", "fp32")
    assert choose_device("cpu", "int8") == Device("cpu", "CPU", "int8")


@pytest.mark.parametrize(
    ("facts", "precision"),
    [
        ("flags\t\t: fpu avx2 avx512_bf16 sse\n", "bf16"),
        ("flags\t\t: fpu amx_bf16\n", "bf16"),
        ("Features\t: fp asimd bf16 i8mm\n", "bf16"),
        ("flags\t\t: fpu avx2\nbugs\t\t: avx512_bf16\n", "fp32"),
        ("model name: a bf16 processor\n", "fp32"),
        ("", "fp32"),
    ],
)
def test_half_precision_is_chosen_where_the_processor_has_units_for_it(
    bare_machine, facts, precision
):
    (bare_machine / "cpuinfo").write_text(facts)
    assert choose_device("auto").precision == precision


def test_a_card_is_preferred_and_called_by_its_name(two_cards):
    assert choose_device("auto") == Device("cuda:0", "Card 0", "bf16")
    assert choose_device("cuda") == Device("cuda:0", "Card 0", "bf16")
    assert choose_device("cuda:1", "fp32") == Device("cuda:1", "Card 1", "fp32")
    assert choose_device("cpu").name == "cpu"


def test_an_older_card_works_in_its_own_half_precision(two_cards, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert choose_device("cuda").precision == "fp16"


def test_an_apple_gpu_is_found(bare_machine, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == Device("mps", "Apple GPU", "fp32")


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "cuda:7"])
def test_a_card_that_is_not_here_is_refused_in_words(bare_machine, wanted):
    words = f'There is no graphics card "{wanted}" here (0 usable). Choose --device auto.'
    with pytest.raises(SettingsError, match=f"^{re.escape(words)}$"):
        choose_device(wanted)


def test_a_number_too_high_is_refused_with_how_many_there_are(two_cards):
    with pytest.raises(SettingsError, match=r'no graphics card "cuda:2" here \(2 usable\)'):
        choose_device("cuda:2")


def test_a_missing_apple_gpu_is_refused_in_words(bare_machine):
    with pytest.raises(SettingsError, match="no Apple GPU here. Choose --device auto"):
        choose_device("mps")


@pytest.mark.parametrize("name", ["cpu", "cuda:3", "mps"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_smaller_precisions_come_to_an_end_and_suit_the_device(name, precision):
    device, seen = Device(name, "", "fp32"), []
    smaller = device.smaller_than(precision)
    while smaller is not None:
        seen.append(smaller)
        assert len(seen) < 4
        smaller = device.smaller_than(smaller)
    assert precision not in seen
    assert "fp16" not in seen or device.kind != "cpu"
    assert "int8" not in seen or device.kind == "cpu"


def test_the_processor_goes_down_to_bytes_and_a_card_to_halves():
    assert Device("cpu", "", "fp32").smaller_than("fp32") == "bf16"
    assert Device("cpu", "", "fp32").smaller_than("bf16") == "int8"
    assert Device("cuda:0", "", "fp32").smaller_than("fp32") == "fp16"
    assert Device("cuda:0", "", "fp32").smaller_than("bf16") is None


# How much memory


def test_free_memory_is_what_the_system_calls_available(bare_machine):
    (bare_machine / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    2000 kB\nSwap: 1 kB\n")
    assert free_bytes("cpu") == 2_000 * 1_024


def test_a_container_leaves_less_but_its_cache_can_be_given_up(bare_machine):
    (bare_machine / "meminfo").write_text("MemAvailable:    9000000 kB\n")
    (bare_machine / "memory.max").write_text("3000000000\n")
    (bare_machine / "memory.current").write_text("1500000000\n")
    (bare_machine / "memory.stat").write_text("anon 1\ninactive_file 500000000\n")
    assert free_bytes("cpu") == 2 * GB
    (bare_machine / "memory.current").write_text("9000000000\n")
    assert free_bytes("cpu") == 0
    (bare_machine / "memory.max").write_text("max\n")
    assert free_bytes("cpu") == 9_000_000 * 1_024


def test_where_the_system_does_not_say_nothing_is_guessed(bare_machine):
    assert free_bytes("cpu") is None
    (bare_machine / "meminfo").write_text("MemTotal: 9 kB\n")
    assert free_bytes("mps") is None


def test_a_card_is_asked_itself(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda name: ({"cuda:1": 5 * GB}[name], 8 * GB))
    assert free_bytes("cuda:1") == 5 * GB


@pytest.mark.parametrize(("name", "cleared"), [("cuda:0", 1), ("cpu", 0)])
def test_a_cards_cache_is_emptied_after_its_models_are_gone(monkeypatch, name, cleared):
    calls: list[int] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(1))
    monkeypatch.setattr(device_module.gc, "collect", lambda: 0)
    release_memory(name)
    assert len(calls) == cleared


# Which faults


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:116] DefaultCPUAllocator: can't allocate memory"
        ),
        RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
    ],
    ids=["card", "python", "processor", "apple"],
)
def test_memory_that_ran_out_is_known_in_all_of_torchs_ways(fault):
    assert is_out_of_memory(fault)
    assert not is_device_lost(fault)


@pytest.mark.parametrize(
    "fault",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("out of memory"),
        DeviceMemoryError("The memory is full."),
    ],
    ids=["another fault", "another kind", "one that was told"],
)
def test_other_faults_are_no_lack_of_memory(fault):
    assert not is_out_of_memory(fault)
    assert not is_device_lost(fault)


@pytest.mark.parametrize("words", ["device-side assert triggered", "an illegal memory access"])
def test_a_spoilt_card_is_known_by_its_fault(words):
    assert is_device_lost(RuntimeError(f"CUDA error: {words}\nCompile with TORCH_USE_CUDA_DSA"))
    assert not is_device_lost(ValueError(f"CUDA error: {words}"))


# How many threads


def test_the_threads_that_were_asked_for_are_not_measured():
    assert choose_threads(3, measure=lambda number: pytest.fail("measured")) == 3


@pytest.mark.parametrize("fastest", [1, 2, 6, 12])
def test_the_fastest_number_of_threads_is_taken(monkeypatch, fastest):
    monkeypatch.setattr(device_module, "usable_cores", lambda: 12)
    asked: list[int] = []

    def measure(number: int) -> float:
        asked.append(number)
        return 1.0 + abs(number - fastest)

    assert choose_threads(0, measure) == fastest
    assert asked == [1, 2, 4, 6, 8, 12]


def test_never_more_threads_than_cores_are_tried(monkeypatch):
    monkeypatch.setattr(device_module, "usable_cores", lambda: 1)
    assert choose_threads(0, measure=lambda number: 1.0 / number) == 1


def test_without_a_measure_the_threads_are_timed_on_this_machine(monkeypatch):
    monkeypatch.setattr(device_module, "MEASURED_ROUNDS", 1)
    before = torch.get_num_threads()
    try:
        assert 1 <= choose_threads(0) <= usable_cores()
    finally:
        torch.set_num_threads(before)
