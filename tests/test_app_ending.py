"""The real page is told to end while it speaks: it ends in seconds and leaves nothing behind."""

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.command_line import plain_environment, started

PATIENCE_SECONDS = 110
# As `python app.py`, speaking a long text for somebody from before the page is announced.
WHILE_SPEAKING = """
import sys, threading
import app
from webui.backend.requests import SpeakOrder
from webui.events import Done
from webui.synthesis.controls import SpeechControls
from webui.ui import studio

def speaking(service, settings, folder, open_studio=studio.open_studio):
    controls = SpeechControls(seed=3, min_eos_p=1.0)
    order = SpeakOrder("hello there. " * 2_000, "tiny", None, controls)
    begun, ends = threading.Event(), []

    def speak():
        for event in service.speak(order):
            ends.append(type(event).__name__)
            if ends.count("AudioChunk") == 2:
                begun.set()
        print("ended with", ends[-1], file=sys.stderr, flush=True)

    threading.Thread(target=speak, daemon=True).start()
    assert begun.wait(100)
    return open_studio(service, settings, folder)

studio.open_studio = speaking
sys.exit(app.main())
"""


def group_members(group: int) -> list[str]:
    """State letters of the processes of a group; Z is one that nobody has buried."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = entry.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has just ended
            continue
        if int(its_group) == group:
            found.append(state)
    return found


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE_SECONDS)
def test_sigterm_while_it_speaks_ends_page_and_speech_and_leaves_nothing(tiny_family, tmp_path):
    if not Path("/proc/self/stat").exists():
        pytest.skip("looks for processes in /proc")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["--port", "0", "--engine", "local", "--models-dir", str(tiny_family.parent)]
    for name in ("speakers", "outputs", "data"):
        words += [f"--{name}-dir", str(tmp_path / name)]
    line = [sys.executable, "-c", WHILE_SPEAKING, *words]
    environment = plain_environment() | {"TMPDIR": str(temporary), "HOME": str(tmp_path)}
    with started(line, env=environment, start_new_session=True) as process:
        assert process.stdout.readline().startswith(b"Bark Voice Studio is at http://")
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)
        _, err = process.communicate()
    assert process.returncode == 0
    assert set(err.decode().splitlines()) <= {"ended with Cancelled"}
    assert list(temporary.iterdir()) == []
    for _ in range(100):
        if not group_members(process.pid):
            break
        time.sleep(0.1)
    assert group_members(process.pid) == []
