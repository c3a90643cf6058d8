"""What a cluster's nodes are to us, and what a process finds on its node; without a cluster."""

import dataclasses
import signal

import numpy as np
import pytest

from tests.backend.small_cluster import needs_ray
from webui.backend import ray_cluster
from webui.backend.ray_actor import (
    Post,
    check_code,
    code_digest,
    packed,
    settings_here,
    unpacked,
)
from webui.backend.ray_cluster import Cluster, Place, join
from webui.errors import EngineError
from webui.events import AudioChunk, Progress
from webui.settings import Settings


def node(name: str, **resources: float) -> dict:
    return {
        "NodeID": f"id-{name}",
        "Alive": True,
        "NodeManagerHostname": name,
        "NodeManagerAddress": name,
        "Resources": resources,
    }


@pytest.fixture
def places(monkeypatch):
    """The devices that settings find on nodes."""
    import ray

    def look(nodes, **changes) -> list[tuple[str, str, int]]:
        monkeypatch.setattr(ray, "nodes", lambda: nodes)
        found = Cluster(Settings(ray="auto", **changes), has_joined=False).places()
        return [(each.node_name, each.kind, each.processors) for each in found]

    return look


@needs_ray
def test_each_card_is_a_device_and_then_processors_do_not_count(places):
    nodes = [node("head", CPU=8), node("cards", CPU=16, GPU=2)]
    assert places(nodes) == [("cards", "gpu", 0)] * 2
    assert places(nodes, device="cuda:1") == [("cards", "gpu", 0)] * 2
    assert places([node("head", CPU=8)], device="cuda") == []


@needs_ray
def test_without_cards_some_processors_are_a_device(places):
    nodes = [node("small", CPU=2), node("large", CPU=10), node("none")]
    assert places(nodes) == [("small", "cpu", 2), ("large", "cpu", 4), ("large", "cpu", 4)]
    assert places(nodes, threads=5) == [("small", "cpu", 2), ("large", "cpu", 5)] + [
        ("large", "cpu", 5)
    ]
    assert len(places([node("cards", CPU=8, GPU=1)], device="cpu")) == 2


@needs_ray
def test_a_node_that_died_has_no_device(places):
    assert places([node("a", CPU=4), {**node("b", CPU=4), "Alive": False}]) == [("a", "cpu", 4)]


@needs_ray
def test_the_devices_of_a_node_are_told_apart_and_its_address_is_shown(monkeypatch):
    import ray

    told = {**node("cards", GPU=2), "NodeManagerAddress": "10.0.0.7"}
    monkeypatch.setattr(ray, "nodes", lambda: [told])
    first, second = Cluster(Settings(), has_joined=False).places()
    assert first != second
    assert first == Place("id-cards", "cards (10.0.0.7)", "gpu", 0, 0)


@needs_ray
def test_joining_leaves_the_answer_to_sigterm_to_the_app(monkeypatch):
    import ray

    def take_over(**options):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", take_over)
    join(Settings(ray="auto"))
    assert signal.getsignal(signal.SIGTERM) is before


@needs_ray
def test_what_ray_says_of_a_refusal_is_passed_on(monkeypatch):
    import ray

    def refuse(**options):
        raise RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.9.3")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(EngineError, match=r"does not take this machine in: Version mismatch.*2\.9"):
        join(Settings(ray="auto"))


# On the node


def test_a_nodes_own_folder_of_models_goes_first(tmp_path, monkeypatch):
    given = Settings(models_dir=tmp_path, ray="auto")
    assert settings_here(given).models_dir == tmp_path
    assert settings_here(dataclasses.replace(given, models_dir=tmp_path / "elsewhere")) == (
        dataclasses.replace(given, models_dir=Settings().models_dir, ray=None)
    )
    monkeypatch.setenv("WEBUI_MODELS_DIR", "/data/models")
    assert str(settings_here(given).models_dir) == "/data/models"


def test_a_process_takes_no_more_threads_than_it_was_lent_processors():
    assert settings_here(Settings(threads=8), processors=2).threads == 2
    assert settings_here(Settings(threads=8)).threads == 8


def test_another_version_of_the_app_is_refused_by_name():
    check_code(Post("gpu1", 0, code_digest()))
    with pytest.raises(EngineError, match='The node "gpu1" has another version'):
        check_code(Post("gpu1", 0, "0" * 16))


def test_a_changed_file_of_the_app_is_another_version(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    before = code_digest(tmp_path)
    assert code_digest(tmp_path) == before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    renamed = code_digest(tmp_path)
    (tmp_path / "b.py").write_text("x = 2\n")
    assert len({before, renamed, code_digest(tmp_path)}) == 3


def test_messages_arrive_as_they_were_sent_with_arrays_that_can_be_written_to():
    sound = np.arange(100_000, dtype=np.float32)
    (word, number, chunk), second = unpacked(
        packed([("event", 3, AudioChunk(0, 1, "a", sound, 16_000)), Progress("load", 0.5)])
    )
    assert (word, number, second) == ("event", 3, Progress("load", 0.5))
    np.testing.assert_array_equal(chunk.waveform, sound)
    chunk.waveform[0] = 7
    assert chunk.waveform[0] == 7


def test_the_command_that_starts_a_cluster_does_not_report_to_anybody():
    assert "--disable-usage-stats" in ray_cluster.HOW_TO_START
