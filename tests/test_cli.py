"""The command line as a whole: what is understood, the exit codes, and how every fault is told."""

import argparse
import json
import os
import re
import subprocess
import sys

import pytest

from tests.command_line import (
    PATIENCE_SECONDS,
    ROOT,
    CommandLine,
    one_sentence,
    pipe_without_reader,
    plain_environment,
    refusal,
    refusal_as_json,
    started,
)
from webui import __version__, cli
from webui.cli import COMMANDS, PAGE_SETTINGS, build_parser, main
from webui.cli_terminal import Parser
from webui.errors import SettingsError, TextError
from webui.settings import SETTINGS_HELP
from webui.settings_flags import settings_from_flags

NEEDED = {
    "speak": ["Hi.", "--out", "a.wav"],
    "clone": ["a.wav", "--name", "Ada", "--consent", "It is mine."],
    "report": ["Ada"],
    "detect": ["a.wav"],
}
STAND_IN = """
def serve(settings, announce=print):
    announce(f"http://{settings.host}:{settings.port}", None)
    return 0
"""


@pytest.fixture
def webui(tiny_family, tmp_path):
    return CommandLine(tiny_family.parent, tmp_path / "speakers")


@pytest.fixture
def voices_do(monkeypatch):
    """Let the command `voices` do something else."""

    def replace(fault):
        def run(arguments, settings):
            raise fault

        commands = [
            (name, add, run if name == "voices" else other, meaning)
            for name, add, other, meaning in COMMANDS
        ]
        monkeypatch.setattr(cli, "COMMANDS", commands)

    return replace


@pytest.fixture
def starter(monkeypatch, tmp_path):
    """Another `app.py`, in the place of the page's starter."""
    monkeypatch.setattr("webui.settings.PROJECT_FOLDER", tmp_path)
    return tmp_path / "app.py"


# ---- what is understood


@pytest.mark.parametrize("command", [name for name, *_ in COMMANDS])
def test_every_command_takes_json_and_every_setting_that_concerns_it(command):
    values = {"engine": "inline", "device": "cpu", "precision": "fp32", "family": "mini"}
    values |= {"hf_endpoint": "http://localhost", "auth": "me:word", "host": "localhost"}
    values |= {"voices_repo": "anna/voices"}
    values |= {"ray": "auto", "api_key": "a-key-of-16-signs"}
    for each in SETTINGS_HELP:
        words = [each.flag] if each.is_switch else [each.flag, values.get(each.name, "3")]
        if each.name == "share":
            words.append("--public")
        line = [command, *NEEDED.get(command, []), "--json", *words]
        if each.name in PAGE_SETTINGS and command not in ("serve", "doctor"):
            with pytest.raises(SettingsError, match="Unrecognized|invalid choice"):
                build_parser().parse_args(line)
            continue
        arguments = build_parser().parse_args(line)
        assert arguments.json is True
        assert getattr(settings_from_flags(arguments), each.name) not in (None, False)


def flags_of(command: argparse.ArgumentParser) -> set[str]:
    """All flags of a command and of its actions."""
    flags = {word for action in command._actions for word in action.option_strings}
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            flags |= {flag for inner in action.choices.values() for flag in flags_of(inner)}
    return flags


def test_the_page_of_the_command_line_names_every_flag():
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    of_settings = {each.flag for each in SETTINGS_HELP}
    for name, add_arguments, *_ in COMMANDS:
        command = Parser()
        add_arguments(command)
        chapter = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        flags = flags_of(command)
        told_once = {"-h", "--help", "--json"} | of_settings
        told_once |= {flag.replace("--", "--no-", 1) for flag in of_settings}
        lacking = [flag for flag in flags - told_once if flag not in chapter]
        assert lacking == []
        named = set(re.findall(r"`(--[a-z-]+)", chapter))
        assert named <= flags | of_settings | {"--json"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "The following arguments are required: COMMAND"),
        (["sing"], "Argument COMMAND: invalid choice: 'sing'"),
        (["speak", "Hi."], "The following arguments are required: --out"),
        (["models", "extra"], "Unrecognized arguments: extra"),
        (["voices", "extra"], "Argument ACTION: invalid choice: 'extra'"),
        (["voices", "--family"], "Argument --family: expected one argument"),
        (["--json", "voices"], "Unrecognized arguments: --json"),
        (["models", "x" * 5_000_000], "Unrecognized arguments: xxx"),
    ],
    ids=["nothing", "command", "missing", "extra", "action", "no value", "misplaced", "5 MB"],
)
def test_words_that_are_not_understood_end_with_2_and_a_hint_to_the_help(words, message, capsys):
    code = main(words)
    assert code == 2
    out, err = capsys.readouterr()
    told = one_sentence(err)
    assert told.startswith(message)
    assert "--help`." in told
    assert len(told) < 300
    assert ("error" in out) is ("--json" in words)


def test_a_misunderstood_word_is_json_to_a_program(capsys):
    message, kind = refusal_as_json(capsys, main(["voices", "--json", "--loud"]))
    assert message.startswith("Unrecognized arguments: --loud")
    assert kind == "MisuseError"


@pytest.mark.parametrize(
    ("words", "shown"),
    [(["--help"], "COMMAND"), (["speak", "--help"], "--save-voice"), (["--version"], __version__)],
)
def test_the_help_and_the_version_are_results(words, shown, capsys):
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert shown in out
    assert err == ""


def test_the_words_come_from_the_process_when_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["webui", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_one_job_needs_no_process_of_its_own_and_the_page_does(monkeypatch, tmp_path):
    used = {}

    def run(arguments, settings):
        used[arguments.command] = settings.engine
        return 0

    commands = [(name, add, run, meaning) for name, add, _, meaning in COMMANDS]
    monkeypatch.setattr(cli, "COMMANDS", commands)
    for name, *_ in COMMANDS:
        assert main([name, *NEEDED.get(name, [])]) == 0
    assert used.pop("serve") == "local"
    assert set(used.values()) == {"inline"}
    assert main(["voices", "--engine", "local"]) == 0
    assert used["voices"] == "local"


# ---- how faults are told


@pytest.mark.parametrize(
    ("fault", "message", "kind"),
    [
        (TextError("Say something."), "Say something.", "TextError"),
        (ModuleNotFoundError("no", name="torch"), "The package torch is not", "EngineError"),
        (ImportError("wrong ELF class"), "A package does not start (wrong", "EngineError"),
        (PermissionError(13, "Permission denied", "/m"), '"/m" cannot be used', "StorageError"),
        (OSError(28, "No space left on device"), "That failed: No space", "StorageError"),
    ],
)
def test_a_fault_is_one_sentence_and_json_to_a_program(fault, message, kind, voices_do, capsys):
    voices_do(fault)
    assert refusal(capsys, main(["voices"])).startswith(message)
    told = refusal_as_json(capsys, main(["voices", "--json"]))
    assert told[0].startswith(message)
    assert told[1] == kind


def test_a_mistake_of_ours_is_not_hidden(voices_do):
    voices_do(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["voices"])


def test_a_stop_ends_with_130(voices_do, capsys):
    voices_do(KeyboardInterrupt())
    assert refusal(capsys, main(["voices"]), 130) == "Stopped."
    assert main(["voices", "--json"]) == 130
    assert json.loads(capsys.readouterr().out) == {"error": "Stopped.", "kind": "Stopped"}


def test_a_reader_who_has_gone_is_told_nothing(voices_do, capsys):
    voices_do(BrokenPipeError(32, "Broken pipe"))
    assert main(["voices", "--json"]) == 1
    assert capsys.readouterr() == ("", "")


def test_a_fault_is_told_although_its_json_finds_no_space(monkeypatch, capsys):
    def full(value):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "print_json", full)
    assert main(["voices", "--json", "--loud"]) == 2
    assert one_sentence(capsys.readouterr().err).startswith("Unrecognized")


# ---- serve


def test_serve_starts_the_starter_that_lies_beside_the_package(starter, capsys):
    starter.write_text(STAND_IN)
    assert main(["serve", "--port", "8123"]) == 0
    assert capsys.readouterr().out == "http://127.0.0.1:8123 None\n"


def test_serve_tells_a_program_where_the_page_is(starter, capsys):
    starter.write_text(STAND_IN)
    assert main(["serve", "--port", "8123", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"url": "http://127.0.0.1:8123", "public_url": None}


def test_serve_without_its_starter_says_so(starter, capsys):
    message = refusal(capsys, main(["serve"]))
    assert message.startswith(f"{starter} is not there.")


def test_serve_hands_over_what_the_page_refuses(starter, capsys):
    starter.write_text(
        "from webui.errors import SettingsError\n"
        "def serve(settings, announce=None):\n"
        "    raise SettingsError('Port 7860 is in use.')\n"
    )
    assert refusal(capsys, main(["serve"])) == "Port 7860 is in use."
    assert refusal_as_json(capsys, main(["serve", "--json"]))[1] == "SettingsError"


def test_a_program_is_told_the_password_that_was_made_up(starter, capsys):
    made_up = STAND_IN.replace("None)", "'https://abc.example', ('bark', 'w0rd'))")
    starter.write_text(made_up)
    assert main(["serve", "--share", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["public_url"], told["name"], told["password"]) == (
        "https://abc.example", "bark", "w0rd",
    )  # fmt: skip


# ---- as a program


def test_the_command_line_starts_without_torch_and_gradio():
    program = (
        "import sys, webui.cli, webui.backend.service\n"
        "webui.cli.build_parser()\n"
        "heavy = {'torch', 'gradio', 'transformers', 'soundfile'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    with started([sys.executable, "-c", program]) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_the_program_gives_its_exit_code_to_the_shell(webui):
    with webui.process("voices", "--loud") as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (2, b"")
    assert one_sentence(err.decode()).startswith("Unrecognized arguments: --loud")


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_for_a_reader_who_has_gone_is_quiet(words):
    writer = pipe_without_reader()
    with started([sys.executable, "-m", "webui", *words], stdout=writer) as process:
        os.close(writer)
        err = process.communicate(timeout=PATIENCE_SECONDS)[1]
    assert (process.returncode, err) == (1, b"")


def test_a_missing_package_is_told_before_anything_is_imported(tmp_path):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module named numpy', name='numpy')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "webui", "doctor"],
        cwd=ROOT,
        env=plain_environment() | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert one_sentence(done.stderr) == "The package numpy is not installed. Run ./install.sh."


def test_closed_outputs_end_in_peace(webui):
    line = f"exec {sys.executable} -m webui voices --models-dir {webui.models_dir} >&- 2>&-"
    with started(["sh", "-c", line]) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (1, b"", b"")
