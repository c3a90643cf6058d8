"""What a child process can do to its engine: it costs one job, and the next one runs."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.backend.scripted_worker import (
    ScriptedWorker,
    assert_speaks,
    clashes,
    kinds,
    says,
    start,
    wait_until,
)
from webui.arrays import Speaker
from webui.backend import local_engine
from webui.backend.facts import EngineStatus
from webui.backend.local_engine import LocalEngine
from webui.backend.requests import SpeakRequest
from webui.events import Cancelled, CancelToken, Failed
from webui.settings import Settings

ROOT = Path(__file__).parents[2]
LARGE_VOICE = Speaker(*(np.zeros(shape, np.int64) for shape in (16_384, (2, 16_384), (32, 16_384))))


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """An engine that loses a child in every test, and goes on."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("device"))
    made = LocalEngine(settings, ScriptedWorker)
    yield made
    made.close()
    assert clashes(settings) == ""


def test_a_killed_child_costs_one_job(local):
    stream, process = start(local), local.process_id
    os.kill(process, signal.SIGKILL)
    (*_, last) = stream
    assert isinstance(last, Failed)
    assert last.kind == "EngineError"
    assert "was ended by the system" in last.message
    assert local.status() == EngineStatus(running=False)
    assert_speaks(local)
    assert local.process_id not in (None, process)


def test_a_child_that_is_killed_while_it_idles_costs_nothing(local):
    list(local.run(says("tokens 1")))
    os.kill(local.process_id, signal.SIGKILL)
    wait_until(lambda: local.process_id is None)
    assert_speaks(local)


def test_a_child_that_ends_itself_is_told_with_its_code(local):
    (*_, last) = local.run(says("exit"))
    assert isinstance(last, Failed)
    assert "ended unexpectedly (code 3)" in last.message
    assert_speaks(local)


def test_a_child_that_lost_its_device_leaves_before_the_next_job(local):
    list(local.run(says("tokens 1")))
    process = local.process_id
    assert kinds(local.run(says("lost"))) == ["Progress", "Done"]
    assert_speaks(local)
    assert local.process_id not in (None, process)


@pytest.mark.parametrize("leaves", [False, True], ids=["cancelled", "left"])
def test_a_child_that_does_not_obey_is_ended(local, monkeypatch, leaves):
    monkeypatch.setattr(local_engine, "PATIENCE_SECONDS", 0.1)
    cancel = CancelToken()
    stream, process = start(local, "deaf", cancel), local.process_id
    if leaves:
        stream.close()
    else:
        cancel.cancel()
        assert kinds(stream) == ["Cancelled"]
    assert_speaks(local)
    assert not is_alive(process)


@pytest.mark.parametrize("voice", [None, LARGE_VOICE], ids=["told", "cannot be told"])
def test_a_child_that_froze_while_it_idled_is_ended_when_its_job_is_cancelled(
    local, monkeypatch, voice
):
    monkeypatch.setattr(local_engine, "PATIENCE_SECONDS", 0.1)
    list(local.run(says("tokens 1")))
    os.kill(local.process_id, signal.SIGSTOP)
    cancel = CancelToken()
    threading.Timer(0.1, cancel.cancel).start()
    events = list(local.run(SpeakRequest("tokens 1", "tiny", voice), cancel))
    assert isinstance(events[-1], Cancelled)
    assert_speaks(local)


def test_a_job_that_hangs_is_ended_in_words_and_the_next_one_runs(local, monkeypatch):
    list(local.run(says("tokens 1")))
    monkeypatch.setattr(local_engine, "SILENCE_SECONDS", 0.3)
    hanging, process = start(local, "deaf"), local.process_id
    waiting = local.run(says("tokens 1"))
    next(waiting)  # stands in the line
    (*_, last) = hanging
    assert isinstance(last, Failed)
    assert "told nothing for too long" in last.message
    assert not is_alive(process)
    monkeypatch.setattr(local_engine, "SILENCE_SECONDS", 60)
    assert kinds(waiting)[-1] == "Done"


def test_a_child_that_idles_is_not_taken_for_one_that_hangs(local, monkeypatch):
    monkeypatch.setattr(local_engine, "SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(local_engine, "IDLE_LOOK_SECONDS", 0.02)
    list(local.run(says("tokens 1")))
    process = local.process_id
    time.sleep(0.3)
    assert local.process_id == process


def test_a_voice_larger_than_the_pipe_arrives(local):
    assert kinds(local.run(SpeakRequest("tokens 1", "tiny", LARGE_VOICE)))[-1] == "Done"


def test_closing_ends_the_child_even_one_that_does_not_obey(tmp_path, monkeypatch):
    monkeypatch.setattr(local_engine, "FAREWELL_SECONDS", 0.1)
    engine = LocalEngine(Settings(data_dir=tmp_path), ScriptedWorker)
    stream, process = start(engine, "deaf"), engine.process_id
    engine.close()
    assert kinds(stream) == ["Cancelled"]
    assert not is_alive(process)


PARENT = """
import sys
from pathlib import Path
from tests.backend.scripted_worker import ScriptedWorker, start
from webui.backend.local_engine import LocalEngine
from webui.settings import Settings

if __name__ == "__main__":
    engine = LocalEngine(Settings(data_dir=Path(sys.argv[1])), ScriptedWorker)
    stream = start(engine, "deaf")
    print(engine.process_id, flush=True)
    list(stream)
"""


def test_the_child_ends_with_its_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, script, tmp_path]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as parent:
        process = int(parent.stdout.readline())
        assert is_alive(process)
        parent.kill()
    wait_until(lambda: not is_alive(process))
