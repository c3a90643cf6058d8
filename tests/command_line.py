"""Runs the command line over folders of the test's own, in this process or in one of its own."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from webui.cli import main
from webui.settings import SETTINGS_HELP

ROOT = Path(__file__).parents[1]
# A shell that starts the tests in the background has SIGINT ignored, and children inherit that.
WITH_INTERRUPTS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
PATIENCE_SECONDS = 600  # with a process of its own; the test's own limit is shorter
# Its random weights end soon, and with some seeds at once, unless they must be sure of the end.
TINY = ("--family", "tiny", "--threads", "1", "--min-eos-p", "1", "--seed", "3")


@dataclass(frozen=True)
class CommandLine:
    """`python -m webui` with its models and its voices in two folders."""

    models_dir: Path
    speakers_dir: Path

    @property
    def folders(self) -> list[str]:
        return ["--models-dir", str(self.models_dir), "--speakers-dir", str(self.speakers_dir)]

    def __call__(self, command: str, *words: str) -> int:
        return main([command, *map(str, words), *self.folders])

    def speak(self, *words: str) -> int:
        return self("speak", *TINY, *words)

    def process(self, command: str, *words: str, **options) -> subprocess.Popen:
        """The same in a process of its own."""
        line = [sys.executable, "-m", "webui", command, *map(str, words), *self.folders]
        return started(line, **options)


def started(line: list[str], **options) -> subprocess.Popen:
    """Start a program of this checkout whose output is kept."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(line, cwd=ROOT, **{"env": plain_environment(), **pipes, **options})


def pipe_without_reader() -> int:
    """What a program writes to in `webui voices | head` when `head` has seen enough."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def plain_environment() -> dict[str, str]:
    """The environment without any setting of the app; output is buffered as usual."""
    left_out = {each.env for each in SETTINGS_HELP} | {"PYTHONUNBUFFERED"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"OMP_NUM_THREADS": "1"}


def standard_input(data: bytes) -> io.TextIOWrapper:
    """What `sys.stdin` is when bytes are sent to it."""
    return io.TextIOWrapper(io.BytesIO(data), "utf-8")


def refusal(capsys, code: int, expected_code: int = 1) -> str:
    """The one sentence on stderr with which a command refused; nothing came on stdout."""
    out, err = capsys.readouterr()
    assert (code, out) == (expected_code, "")
    return one_sentence(err)


def one_sentence(err: str) -> str:
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    return err.removesuffix("\n")


def refusal_as_json(capsys, code: int) -> tuple[str, str]:
    """(error, kind) of a command that was given --json; stderr says the same."""
    out, err = capsys.readouterr()
    value = json.loads(out)
    assert code != 0
    assert set(value) == {"error", "kind"}
    assert one_sentence(err) == value["error"]
    return value["error"], value["kind"]
