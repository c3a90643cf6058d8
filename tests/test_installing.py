"""The ways to install that no test can walk: their files name what is there and agree with it."""

import fnmatch
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from webui.settings import SETTINGS_HELP, Settings

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
UNIT = ROOT / "docs" / "bark-voice-studio.service"
PAGE = (ROOT / "docs" / "installing.md").read_text("utf-8")
HOME = "/opt/bark-voice-studio"
EVERYWHERE = "0.0.0.0"  # noqa: S104  of a container
INSTRUCTIONS = {
    "FROM", "RUN", "WORKDIR", "ENV", "ARG", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK",
    "ENTRYPOINT",
}  # fmt: skip


def steps():
    """The instructions of the Dockerfile: a word, and what follows it on one line."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    lines = [line for line in text.splitlines() if line.strip()]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def values_of(word):
    return [rest for each, rest in steps() if each == word]


def variables():
    """What the image sets in its environment."""
    return dict(pair.split("=", 1) for rest in values_of("ENV") for pair in shlex.split(rest))


def settings_of(variables):
    """The settings that the app reads from variables, each of which it must know."""
    known = {each.env for each in SETTINGS_HELP}
    assert {name for name in variables if name.startswith("WEBUI_")} <= known
    return Settings.from_environment(variables)


def is_left_out(name):
    """Whether .dockerignore keeps a file of the top level out of the image."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    left_out = False
    for line in (line for line in lines if line and not line.startswith("#")):
        if fnmatch.fnmatchcase(name, line.removeprefix("!")):
            left_out = not line.startswith("!")
    return left_out


def test_the_image_has_known_steps_and_copies_files_that_are_there():
    assert {word for word, _ in steps()} == INSTRUCTIONS
    assert steps()[0] == ("FROM", "python:3.12-slim")
    for rest in values_of("COPY"):
        for name in rest.split()[:-1]:
            assert (ROOT / name).exists()
            assert not is_left_out(name)


def test_the_image_holds_ffmpeg_the_app_and_mini_and_nothing_that_is_kept():
    installed = " ".join(values_of("RUN"))
    assert "install -y --no-install-recommends ffmpeg" in installed
    assert "./install.sh $TORCH_BUILD" in installed
    assert values_of("ARG") == ["TORCH_BUILD=--cpu"]
    kept = ["app.py", "webui", "models/mini", "models/README.md", "README.md"]
    assert [name for name in kept if is_left_out(name)] == []
    out = [".git", ".venv", ".venv-tts", "models/bark", "speakers/anna.npz", "outputs", "tests"]
    assert [name for name in out if not is_left_out(name)] == []


def test_the_image_runs_as_a_user_without_rights_who_owns_the_volumes_only():
    assert values_of("USER") == ["bark"]
    made = next(rest for rest in values_of("RUN") if "useradd" in rest)
    assert made.endswith("chown -R bark:bark /data")
    last = [word for word, _ in steps()].index("USER")
    assert "RUN" not in [word for word, _ in steps()][last:]
    volumes = re.findall(r'"([^"]+)"', values_of("VOLUME")[0])
    assert f"mkdir -p {' '.join(volumes)} " in made


def test_the_image_keeps_everything_in_volumes_that_the_page_names():
    settings = settings_of(variables())
    volumes = re.findall(r'"([^"]+)"', values_of("VOLUME")[0])
    places = [settings.models_dir, settings.speakers_dir, settings.outputs_dir]
    assert [str(each) for each in places] == volumes
    assert settings.data_dir.is_relative_to(settings.outputs_dir)
    assert (settings.host, str(settings.port)) == (EVERYWHERE, *values_of("EXPOSE"))
    for volume in volumes:
        assert f"| `{volume}` |" in PAGE
        assert PAGE.count(f":{volume}") == PAGE.count("docker run")


def test_the_image_asks_for_its_health_where_the_app_answers():
    from webui.http_api.routes import PLACES

    health = values_of("HEALTHCHECK")[0]
    assert f"127.0.0.1:{values_of('EXPOSE')[0]}/healthz" in health
    assert "/healthz" in PLACES
    assert values_of("ENTRYPOINT") == ['[".venv/bin/python", "app.py"]']


def unit_values(name):
    lines = UNIT.read_text("utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def test_the_service_starts_the_app_with_settings_that_it_knows():
    variables = dict(each.split("=", 1) for each in unit_values("Environment"))
    settings = settings_of(variables)
    state = Path("/var/lib") / unit_values("StateDirectory")[0]
    for place in (
        settings.models_dir, settings.speakers_dir, settings.outputs_dir, settings.data_dir,
    ):  # fmt: skip
        assert place.is_relative_to(state)
    assert unit_values("ExecStart") == [f"{HOME}/.venv/bin/python app.py"]
    assert unit_values("WorkingDirectory") == [HOME]
    assert unit_values("DynamicUser") == ["yes"]
    assert unit_values("EnvironmentFile")[0].removeprefix("-") in PAGE


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_the_service(tmp_path):
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace(HOME, str(tmp_path)), "utf-8")
    asked = ["systemd-analyze", "verify", "--man=no", str(unit)]
    result = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    assert (result.returncode, unit.name in result.stderr) == (0, False), result.stderr
