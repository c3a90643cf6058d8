"""`app.py`: the port, the announcement, and an end that leaves nothing behind."""

import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

import app
from tests.command_line import (
    PATIENCE_SECONDS,
    one_sentence,
    plain_environment,
    refusal,
    started,
)
from webui.errors import DownloadError, SettingsError
from webui.settings import Settings

LOCALHOST = "127.0.0.1"
CHOSEN_FOLDERS = ("GRADIO_TEMP_DIR", "TORCHINDUCTOR_CACHE_DIR")


@pytest.fixture
def taken():
    """A port that another program listens on."""
    with socket.create_server((LOCALHOST, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def page(monkeypatch, tmp_path):
    """Instead of the page: notes what happens, and ends as soon as it runs."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in CHOSEN_FOLDERS:  # set, so that they are as before when the test has ended
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    seen = SimpleNamespace(folder=None, port=None, fault=None, temporary=[])

    def run(settings, port, takes, announce, ended):
        seen.port, seen.folder = port, takes.parent
        seen.temporary = [os.environ[name] for name in CHOSEN_FOLDERS]
        takes.mkdir()
        (takes / "take.wav").write_bytes(b"sound")
        if seen.fault:
            raise seen.fault
        announce(f"http://{settings.host}:{port}", None, None)
        os.kill(os.getpid(), signal.SIGTERM)
        seen.ended = ended.wait(5)

    monkeypatch.setattr(app, "_run", run)
    return seen


# ---- the port


def test_a_free_port_is_taken_as_it_is_and_0_finds_one(taken):
    found = app.free_port(LOCALHOST, 0)
    assert found > 0
    assert found != taken
    assert app.free_port(LOCALHOST, found) == found


def test_the_port_is_free_again_after_the_look():
    port = app.free_port(LOCALHOST, 0)
    with socket.create_server((LOCALHOST, port)):
        pass


@pytest.mark.parametrize("host", [LOCALHOST, "0.0.0.0"])  # noqa: S104
def test_a_port_in_use_is_refused_with_what_to_do(host, taken):
    with pytest.raises(SettingsError) as refusal:
        app.free_port(host, taken)
    message = str(refusal.value)
    assert message.startswith(f"Port {taken} of {host} cannot be used (")
    assert "--port" in message


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("no-such-host.invalid", 'The address "no-such-host.invalid" is not known'),
        ("..", 'The address ".." is not known'),
        ("a" * 255, "is not known. Check --host."),
        ("192.0.2.1", 'The address "192.0.2.1" is not one of this machine'),
        ("2001:db8::1", 'The address "2001:db8::1" is not one of this machine'),
    ],
)
def test_an_address_that_is_not_this_machines_is_refused(host, message):
    with pytest.raises(SettingsError) as refusal:
        app.free_port(host, 0)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_a_port_of_the_system_is_refused_with_the_ports_that_are_free(monkeypatch):
    def reserved(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", reserved)
    with pytest.raises(SettingsError, match="Choose one from 1024 on with --port"):
        app.free_port(LOCALHOST, 80)


# ---- faults in words


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["--port", "many"], "--port is 'many': it must be a whole number", 1),
        (["--port", "70000"], "--port is '70000'", 1),
        (["--engine", "rocket"], "--engine is 'rocket'", 1),
        (["--auth", "me"], "--auth is ...: it must look like name:password", 1),
        (["--loud"], "Unrecognized arguments: --loud. See `python app.py --help`", 2),
        (["--port"], "Argument --port: expected one argument", 2),
        (["page"], "Unrecognized arguments: page", 2),
    ],
)
def test_flags_that_cannot_be_used_are_refused(words, message, code, page, capsys):
    assert refusal(capsys, app.main(words), code).startswith(message)
    assert page.port is None


def test_a_port_in_use_ends_the_start_before_anything_is_loaded(taken, page, capsys):
    message = refusal(capsys, app.main(["--port", str(taken)]))
    assert message.startswith(f"Port {taken} of {LOCALHOST} cannot be used")
    assert page.folder is None


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (OSError("Cannot find empty port in range: 7860-7860."), "That failed: Cannot find empty"),
        (ModuleNotFoundError("no", name="gradio"), "The package gradio is not installed"),
        (SettingsError("It cannot be."), "It cannot be."),
    ],
)
def test_a_page_that_does_not_start_is_told_in_words_and_leaves_nothing(
    fault, message, page, tmp_path, capsys
):
    page.fault = fault
    assert refusal(capsys, app.main(["--port", "0"])).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_for_temporary_files_a_sentence_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    message = refusal(capsys, app.main(["--port", "0"]))
    assert message.endswith("cannot be used: No such file or directory.")


# ---- the run


def test_the_page_is_announced_and_sigterm_ends_it_with_0(page, tmp_path, capsys):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert app.main(["--port", "0"]) == 0
    assert page.ended
    out, err = capsys.readouterr()
    assert (out, err) == (f"Bark Voice Studio is at http://{LOCALHOST}:{page.port}\n", "")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert list(tmp_path.iterdir()) == []


def test_sounds_lie_in_a_folder_of_this_run_only(page, tmp_path):
    assert app.serve(Settings(port=0)) == 0
    assert page.folder.parent == tmp_path
    assert page.temporary == [str(page.folder / "page"), str(page.folder / "torch")]
    assert not page.folder.exists()


def test_a_public_link_is_announced_too(capsys):
    app.announce("http://127.0.0.1:7860", "https://somewhere.example")
    assert capsys.readouterr().out.splitlines() == [
        "Bark Voice Studio is at http://127.0.0.1:7860",
        "Public link: https://somewhere.example",
    ]


def test_a_password_that_was_made_up_is_announced_with_the_link(capsys):
    app.announce("http://127.0.0.1:7860", "https://somewhere.example", ("bark", "w0rd"))
    assert capsys.readouterr().out.splitlines()[-1] == "Name: bark  Password: w0rd"


def test_a_shared_page_gets_a_password_unless_it_has_one_or_is_public():
    name, password = app.made_up_login(Settings(share=True))
    assert (name, len(password)) == ("bark", 20)
    assert app.made_up_login(Settings(share=True)) != (name, password)
    for settings in (
        Settings(),
        Settings(share=True, auth=("me", "mine")),
        Settings(share=True, public=True),
    ):
        assert app.made_up_login(settings) is None


class Link:
    """Instead of a tunnel."""

    def __init__(self, fault=None):
        self.fault, self.opened = fault, []

    def open(self, host, port):
        if self.fault:
            raise self.fault
        self.opened.append((host, port))
        return "https://abc.gradio.live"


@pytest.mark.parametrize("host", [LOCALHOST, "0.0.0.0"])  # noqa: S104
def test_the_link_leads_to_this_machine_and_only_when_it_was_asked_for(host):
    link = Link()
    assert app._public_link(Settings(host=host), link, 7860) is None
    assert (
        app._public_link(Settings(host=host, share=True), link, 7860) == "https://abc.gradio.live"
    )
    assert link.opened == [(LOCALHOST, 7860)]


def test_without_a_link_the_page_runs_on_and_says_why(capsys):
    fault = DownloadError("No public link could be made.")
    assert app._public_link(Settings(share=True), Link(fault), 7860) is None
    assert app._public_link(Settings(share=True, on_space=True), Link(), 7860) is None
    assert app._public_link(Settings(share=True, offline=True), Link(), 7860) is None
    told = capsys.readouterr().err.splitlines()
    assert "No public link could be made." in told[0]
    assert "A Space has an address of its own" in told[1]
    assert "set to work offline" in told[2]


def test_somebody_else_may_announce_the_page(page, capsys):
    told = []
    app.serve(Settings(port=0), lambda *said: told.append(said))
    assert told == [(f"http://{LOCALHOST}:{page.port}", None, None)]
    assert capsys.readouterr().out == ""


def test_a_signal_during_the_start_is_not_lost(tmp_path):
    ended = threading.Event()
    ended.set()
    assert app._run(Settings(port=0), 0, tmp_path / "takes", app.announce, ended) is None
    assert not (tmp_path / "takes").exists()


# ---- the real page, once

# As `python app.py`, with a family loaded in the engine's process before the page is announced.
WITH_WORK = """
import sys
import app
from webui.ui import studio

def with_work(service, settings, folder, open_studio=studio.open_studio):
    events = list(service.load("tiny"))
    assert "Done" in str(events[-1]), events
    return open_studio(service, settings, folder)

studio.open_studio = with_work
sys.exit(app.main())
"""


def processes_of(group: int) -> list[int]:
    """The running processes of a process group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = entry.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has just ended
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(entry.parent.name))
    return found


def gone_in_time(group: int) -> bool:
    """Whether all processes of a group end, its helpers after their parent."""
    for _ in range(100):
        if not processes_of(group):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS)
def test_sigterm_ends_the_real_page_and_its_engine_and_leaves_nothing_behind(tiny_family, tmp_path):
    if not Path("/proc/self/stat").exists():
        pytest.skip("looks for processes in /proc")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    folders = {name: str(tmp_path / name) for name in ("speakers", "outputs", "data")}
    words = ["--port", "0", "--engine", "local", "--models-dir", str(tiny_family.parent)]
    words += [word for name, path in folders.items() for word in (f"--{name}-dir", path)]
    line = [sys.executable, "-c", WITH_WORK, *words]
    environment = plain_environment() | {"TMPDIR": str(temporary), "HOME": str(tmp_path)}
    with started(line, env=environment, start_new_session=True) as process:
        announced = process.stdout.readline().decode()
        assert announced.startswith(f"Bark Voice Studio is at http://{LOCALHOST}:"), announced
        address = announced.split()[-1]
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310  our own page
            assert b"Bark Voice Studio" in answer.read()
        assert any(temporary.iterdir())
        assert len(processes_of(process.pid)) > 1  # the page and its engine
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (0, b"", b"")
    assert list(temporary.iterdir()) == []
    assert gone_in_time(process.pid)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=5)  # noqa: S310


@pytest.mark.slow
def test_the_real_starter_refuses_a_port_in_use(taken):
    with started([sys.executable, app.__file__, "--port", str(taken)]) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (1, b"")
    assert one_sentence(err.decode()).startswith(f"Port {taken} of")
