"""Jobs on disk: what is kept and for how long, and how they go on after a restart."""

import json
import os
import signal
import sys
import time

import numpy as np
import pytest

from tests.backend.project_stock import stock
from tests.backend.talking_engine import TalkingEngine, sound_of
from tests.command_line import started
from tests.http_api.conftest import waited_for
from tests.http_api.job_speaker import TEXT, begin, store_in
from webui.arrays import Waveform
from webui.backend.project_desk import ProjectDesk
from webui.http_api import job_store
from webui.http_api.errors import ApiError
from webui.http_api.job_store import JobStore

SENTENCES = TEXT.split("\n\n")


class Places:
    """Lets jobs in; counts those that are under way."""

    def __init__(self, most: int = 8) -> None:
        self.most, self.taken = most, 0

    def enter(self):
        if self.taken >= self.most:
            raise ApiError(429, "too many", "too_many_requests")
        self.taken += 1
        return self.leave

    def leave(self) -> None:
        self.taken -= 1


@pytest.fixture
def engine():
    return TalkingEngine()


@pytest.fixture
def store(tmp_path, engine):
    store = store_in(tmp_path, engine)
    yield store
    engine.gate.set()
    store.close()


def again(tmp_path, engine=None) -> tuple[JobStore, TalkingEngine]:
    """The store after a restart."""
    engine = engine or TalkingEngine()
    return store_in(tmp_path, engine), engine


def finished(store, text="One."):
    job = begin(store, text)
    assert waited_for(lambda: job.is_over)
    assert job.state == "done"
    return job


def interrupted(tmp_path, is_owners=True, spoken=3):
    """A job whose app ended when some sentences were spoken."""
    engine = TalkingEngine()
    store = store_in(tmp_path, engine)
    said = held_after(engine, spoken)
    job = begin(store, TEXT, is_owners)
    assert said()
    store.close()
    assert json.loads((job.folder / "job.json").read_text())["state"] == "queued"
    return job.id


def held_after(engine, spoken):
    """Have the engine stop after some texts; gives what waits for that."""
    run = engine.run

    def speaking(request, cancel=None):
        if len(engine.asked) >= spoken:
            engine.gate.clear()
        return run(request, cancel)

    engine.run = speaking
    return lambda: waited_for(lambda: len(engine.asked) > spoken)


def whole(store, job) -> Waveform:
    blocks, _ = store.sound(job)
    return np.concatenate(list(blocks))


def test_an_ended_job_is_there_after_a_restart_with_its_events_and_its_sound(tmp_path, store):
    job = finished(store, TEXT)
    other, engine = again(tmp_path)
    other.go_on(Places().enter)
    found = other.find(job.id)
    assert found.as_json() == job.as_json()
    chunks = [each for each in job.events if each["type"] == "chunk"]
    assert [each["text"] for each in chunks] == SENTENCES
    assert found.events == chunks
    assert (whole(other, found) == whole(store, job)).all()
    assert engine.asked == []


def test_a_job_goes_on_by_itself_after_a_restart_and_speaks_nothing_twice(tmp_path):
    job_id = interrupted(tmp_path)
    store, engine = again(tmp_path)
    job = store.find(job_id)
    assert job.state == "interrupted"
    assert 0 < job.as_json()["fraction"] < 1
    places = Places()
    store.go_on(places.enter)
    assert waited_for(lambda: job.is_over)
    assert (job.state, places.taken) == ("done", 0)
    assert engine.texts == SENTENCES[3:]
    chunks = [each for each in job.events if each["type"] == "chunk"]
    assert [each["text"] for each in chunks] == SENTENCES
    undisturbed = finished(store, TEXT)
    assert (whole(store, job) == whole(store, undisturbed)).all()
    store.close()


def test_a_strangers_job_waits_until_somebody_asks_for_it(tmp_path):
    job_id = interrupted(tmp_path, is_owners=False)
    store, engine = again(tmp_path)
    places = Places()
    store.go_on(places.enter)
    job = store.find(job_id)
    assert (job.state, engine.asked) == ("interrupted", [])
    store.resume(job, places.enter())
    assert waited_for(lambda: job.is_over)
    assert (job.state, engine.texts, places.taken) == ("done", SENTENCES[3:], 0)
    store.close()


def test_a_job_whose_restarts_give_nothing_stops_going_on_by_itself(tmp_path):
    job_id = interrupted(tmp_path, spoken=0)
    begun = []
    for _ in range(4):
        engine = TalkingEngine()
        engine.gate.clear()
        store, _ = again(tmp_path, engine)
        store.go_on(Places().enter)
        begun.append(store.find(job_id).is_at_work)
        store.close()
    assert begun == [True, True, False, False]
    store, engine = again(tmp_path)
    job = store.find(job_id)
    store.resume(job, Places().enter())
    assert waited_for(lambda: job.is_over)
    assert engine.texts == SENTENCES
    store.close()


def test_a_job_that_finds_no_place_stays_interrupted(tmp_path):
    job_id = interrupted(tmp_path)
    store, engine = again(tmp_path)
    store.go_on(Places(most=0).enter)
    assert (store.find(job_id).state, engine.asked) == ("interrupted", [])
    store.cancel(store.find(job_id))
    assert store.find(job_id).state == "cancelled"
    store, _ = again(tmp_path)
    places = Places()
    store.go_on(places.enter)  # nobody wants it any more
    assert (store.find(job_id).state, places.taken) == ("cancelled", 0)


def test_a_job_that_another_program_speaks_is_left_to_it(tmp_path, store, engine):
    engine.gate.clear()
    job = begin(store, TEXT)
    assert engine.began.acquire(timeout=20)
    other, idle = again(tmp_path)
    other.go_on(Places().enter)
    found = other.find(job.id)
    assert waited_for(lambda: found.is_over)
    assert (found.state, idle.asked) == ("interrupted", [])
    engine.gate.set()
    assert waited_for(lambda: job.is_over)
    assert job.state == "done"
    assert json.loads((job.folder / "job.json").read_text())["state"] == "done"


@pytest.mark.slow
def test_a_process_that_is_killed_loses_at_most_the_sentence_at_work(tmp_path):
    line = [sys.executable, "-m", "tests.http_api.job_speaker", str(tmp_path)]
    begun: list[str] = []
    for count in range(2):
        with started(line) as process:
            for _ in range(3 + count):
                begun.append(process.stdout.readline().decode().strip())
            process.send_signal(signal.SIGKILL)
            begun += process.stdout.read().decode().split("\n")[:-1]
    store, engine = again(tmp_path)
    (job,) = store._jobs.values()
    kept = sum(each["type"] == "chunk" for each in job.events)
    assert 0 < kept < len(SENTENCES)
    assert len(begun) - kept <= 2  # only what was at work
    store.go_on(Places().enter)
    assert waited_for(lambda: job.is_over)
    assert job.state == "done"
    assert engine.texts == SENTENCES[kept:]
    assert sorted({*begun, *engine.texts}) == sorted(SENTENCES)
    spoken = [each["text"] for each in job.events if each["type"] == "chunk"]
    assert spoken == SENTENCES
    assert len(whole(store, job)) >= sum(len(sound_of(each)) for each in engine.asked)
    store.close()


# ---- what is kept


def test_only_so_many_results_are_kept_and_the_oldest_go_first(store, monkeypatch):
    monkeypatch.setattr(job_store, "MAX_KEPT", 2)
    jobs = [finished(store) for _ in range(3)]
    with pytest.raises(ApiError, match="no such job"):
        store.find(jobs[0].id)
    assert [job.folder.exists() for job in jobs] == [False, True, True]


def test_only_so_many_bytes_are_kept(store, monkeypatch):
    jobs = [finished(store) for _ in range(4)]
    store.find(jobs[-1].id)
    monkeypatch.setattr(job_store, "MAX_KEPT_BYTES", 2 * jobs[0].size_bytes + 100)
    store.find(jobs[-1].id)
    assert [job.folder.exists() for job in jobs] == [False, False, True, True]


def test_results_go_after_their_time_also_when_the_app_was_away(tmp_path, store, monkeypatch):
    job, waiting = finished(store), interrupted(tmp_path, spoken=1)
    monkeypatch.setattr(job_store, "KEPT_SECONDS", -1.0)
    later, _ = again(tmp_path)
    for job_id in (job.id, waiting):
        with pytest.raises(ApiError, match="after a day"):
            later.find(job_id)
    assert not job.folder.exists()


@pytest.mark.parametrize(
    "damage",
    [
        {"id": "job_" + "0" * 32},
        {"id": "../../etc"},
        {"state": "owned"},
        {"recipe": {}},
        {"created": "now"},
        {"more": 1},
        None,
    ],
)
def test_a_damaged_file_is_no_job_and_is_removed_when_it_is_old(tmp_path, store, damage):
    job = finished(store)
    path = job.folder / "job.json"
    values = json.loads(path.read_text())
    path.write_text("{" if damage is None else json.dumps(values | damage))
    other, _ = again(tmp_path)
    assert other._jobs == {}
    assert job.folder.exists()
    long_ago = time.time() - 7_200
    os.utime(job.folder, (long_ago, long_ago))
    again(tmp_path)
    assert not job.folder.exists()


def test_what_is_no_folder_of_a_job_is_left_alone(tmp_path, store):
    job = finished(store)
    target = job.folder.parent / "precious"
    target.mkdir()
    (target / "job.json").write_text((job.folder / "job.json").read_text())
    link = job.folder.parent / ("job-" + "1" * 32 + "-11111111")
    link.symlink_to(target)
    os.utime(target, (0, 0))
    other, _ = again(tmp_path)
    assert list(other._jobs) == [job.id]
    assert target.exists()
    assert link.is_symlink()


def test_a_removed_job_does_not_come_back(tmp_path, store, engine):
    engine.gate.clear()
    job = begin(store, TEXT)
    assert engine.began.acquire(timeout=20)
    store.remove(job)
    assert again(tmp_path)[0]._jobs == {}
    assert waited_for(lambda: not job.folder.exists())


def test_jobs_use_the_same_ground_as_long_texts(tmp_path, store):
    job = finished(store, TEXT)
    desk = ProjectDesk(tmp_path, TalkingEngine(), stock())
    assert [each.id for each in desk.all()] == [job.folder.name]
