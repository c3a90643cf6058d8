"""A cluster of two nodes: work is shared out, and a process or a node that dies costs nothing."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from tests.backend.scripted_cluster import CHUNKS, ClusterWorker, sound_of
from tests.backend.scripted_worker import kinds, says, start, wait_until
from tests.backend.small_cluster import needs_ray, quiet_ray, ray_engine, slowly
from webui.backend import ray_cluster, ray_pool
from webui.backend.engine import make_engine
from webui.backend.requests import PairsRequest, UnloadRequest
from webui.errors import EngineError, SettingsError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Failed, Progress
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls
from webui.training.pairs import NumberedText
from webui.training_results import PairDropped, PairMade

NODE = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 * 2**20}
pytestmark = [needs_ray, slowly, pytest.mark.slow]


@pytest.fixture(scope="module")
def nodes():
    """Two nodes of one processor each, and this process beside them."""
    with quiet_ray():
        import ray
        from ray.cluster_utils import Cluster

        head = {**NODE, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.add_node(**NODE)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        try:
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("device"))


@pytest.fixture(scope="module")
def engine(nodes, settings):
    made = ray_engine(settings, ClusterWorker, devices=None)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def forget(settings):
    """Let each test begin as if nothing had happened."""
    yield
    for file in settings.data_dir.iterdir():
        file.unlink()


def asked(settings) -> Counter[str]:
    """How many jobs each node was given."""
    lines = (settings.data_dir / "asked").read_text().splitlines()
    return Counter(line.split()[0] for line in lines)


def alive() -> set[str]:
    import ray

    return {each["NodeID"] for each in ray.nodes() if each["Alive"]}


def pairs(count: int) -> PairsRequest:
    texts = tuple(NumberedText(number, f"text {number}", number) for number in range(count))
    return PairsRequest("tiny", texts, SpeechControls())


def assert_whole(events, count: int) -> None:
    """Every pair is there, none twice, each what it would be on one device."""
    made = [each for each in events if isinstance(each, PairMade | PairDropped)]
    assert sorted(each.number for each in made) == list(range(count))
    for each in made:
        assert isinstance(each, PairDropped) == (each.number % 7 == 3)
        if isinstance(each, PairMade):
            np.testing.assert_array_equal(each.waveform, sound_of(each.number, 9))
            np.testing.assert_array_equal(each.semantic, np.arange(each.number, each.number + 5))
    assert isinstance(events[-1], Done)
    assert sum(isinstance(each, Done) for each in events) == 1


def test_each_node_is_a_device(engine):
    assert engine.devices() == 2


def test_takes_are_made_on_both_nodes_and_are_those_of_one_device(engine):
    controls = SpeechControls(seed=3, takes=4)
    request = dataclasses.replace(says("takes"), controls=controls)
    done = [each.result for each in engine.run(request) if isinstance(each, Done)]
    assert [each.seed for each in done] == [0, 1, 2, 3]
    for take, each in enumerate(done):
        np.testing.assert_array_equal(each.waveform, sound_of(3, take))
    assert len({each.notes for each in done}) == 2
    assert engine.status().devices == 2


def test_pairs_are_made_on_all_devices_and_none_twice(engine, settings):
    assert_whole(list(engine.run(pairs(20))), 20)
    assert len(asked(settings)) == 2


def test_a_cancel_reaches_all_parts(engine):
    cancel, events = CancelToken(), []
    for event in engine.run(pairs(200), cancel):
        events.append(event)
        if isinstance(event, PairMade):
            cancel.cancel()
    assert isinstance(events[-1], Cancelled)
    assert not any(isinstance(each, Done | Failed) for each in events)
    wait_until(lambda: not engine.status().running)


def test_two_jobs_run_at_once_and_the_third_waits(engine):
    first, second = start(engine), start(engine)
    third = engine.run(says("tokens 1"))
    assert next(third) == Progress("queued", 0.0, message="1 before you")
    assert engine.status().waiting == 1
    first.close()
    assert kinds(third)[-1] == "Done"
    second.close()


def test_arrays_from_another_process_can_be_written_to(engine):
    (chunk,) = [each for each in engine.run(says("tokens 1")) if isinstance(each, AudioChunk)]
    assert chunk.waveform.flags.writeable


@pytest.mark.parametrize("before", range(CHUNKS))
def test_a_process_that_dies_costs_nothing_and_no_sound_comes_twice(engine, before):
    events = list(engine.run(says(f"chunks die-{before}", seed=5)))
    chunks = [each for each in events if isinstance(each, AudioChunk)]
    assert [each.index for each in chunks] == list(range(CHUNKS))
    for each in chunks:
        np.testing.assert_array_equal(each.waveform, sound_of(5, each.index))
    assert isinstance(events[-1], Done)
    told = [each.message for each in events if isinstance(each, Progress)]
    assert any("ended; the work is done again" in each for each in told)


def test_a_job_whose_processes_die_again_and_again_fails_and_the_next_one_runs(engine):
    (*_, last) = engine.run(says("exit"))
    assert isinstance(last, Failed)
    assert last.kind == "EngineError"
    assert "ended unexpectedly" in last.message
    assert kinds(engine.run(says("tokens 1")))[-1] == "Done"


def test_a_process_that_does_not_obey_is_ended(engine, monkeypatch):
    monkeypatch.setattr(ray_pool, "PATIENCE_SECONDS", 0.1)
    cancel = CancelToken()
    stream = start(engine, "deaf", cancel)
    cancel.cancel()
    assert isinstance(list(stream)[-1], Cancelled)
    assert kinds(engine.run(says("tokens 1")))[-1] == "Done"


def test_a_job_that_hangs_is_ended_in_words_and_not_begun_again(engine, monkeypatch):
    list(engine.run(says("tokens 1")))
    stream = start(engine, "deaf")
    monkeypatch.setattr(ray_pool, "SILENCE_SECONDS", 0.3)
    (*_, last) = stream
    monkeypatch.undo()
    assert isinstance(last, Failed)
    assert "told nothing for too long" in last.message
    assert kinds(engine.run(says("tokens 1")))[-1] == "Done"


def test_a_node_without_the_family_is_passed_over(engine, settings):
    lacking, other = alive()
    (settings.data_dir / f"lacks-{lacking}").touch()
    for _ in range(3):
        assert kinds(engine.run(says("tokens 1", family="rare")))[-1] == "Done"
    assert set(asked(settings)) == {other}


def test_a_family_that_no_node_has_is_told_with_the_name_of_a_node(engine, settings):
    for node in alive():
        (settings.data_dir / f"lacks-{node}").touch()
    (*_, last) = engine.run(says("tokens 1", family="nowhere"))
    assert last.kind == "FamilyNotFoundError"
    assert last.message.startswith('On the node "')
    assert last.message.endswith('": nowhere is not here.')


def test_memory_is_given_back_on_all_devices(engine):
    first, second = start(engine), start(engine)
    first.close(), second.close()
    wait_until(lambda: not engine.status().running)
    assert [each.id for each in engine.status().loaded] != []
    assert kinds(engine.run(UnloadRequest())) == ["Done"]
    wait_until(lambda: engine.status().loaded == ())


def test_a_node_that_joins_is_used_and_one_that_is_killed_loses_no_pair_and_doubles_none(
    engine, nodes, settings
):
    before = alive()
    node = nodes.add_node(**NODE)
    (name,) = alive() - before
    wait_until(lambda: engine.devices() == 3)
    events, is_killed = [], False
    for event in engine.run(pairs(120)):
        events.append(event)
        if not is_killed and isinstance(event, PairMade) and name in asked(settings):
            nodes.remove_node(node, allow_graceful=False)
            is_killed = True
    assert is_killed
    assert_whole(events, 120)
    told = [each.message for each in events if isinstance(each, Progress)]
    assert any("ended; the work is done again" in each for each in told)
    wait_until(lambda: engine.devices() == 2, seconds=120)  # Ray asks a silent node for long


# Without a cluster


def test_the_settings_choose_the_engine_and_nothing_is_joined():
    engine = make_engine(Settings(ray="auto"))
    assert type(engine).__name__ == "RayEngine"
    assert engine._pool is None
    engine.close()
    assert kinds(engine.run(says("tokens 1"))) == ["Cancelled"]


def test_a_cluster_that_is_not_there_is_told_with_how_to_start_one(monkeypatch):
    import ray

    def refuse(**options):
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    (_, last) = make_engine(Settings(ray="auto")).run(says("tokens 1"))
    assert last.kind == "EngineError"
    assert "No Ray cluster runs on this machine" in last.message
    assert ".venv/bin/ray start --head" in last.message
    with pytest.raises(EngineError, match=r"no Ray cluster at 10\.0\.0\.1:6379"):
        make_engine(Settings(ray="10.0.0.1:6379")).devices()


def test_without_ray_the_installer_is_named(monkeypatch):
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"\./install\.sh --with ray"):
        make_engine(Settings(ray="auto"))
