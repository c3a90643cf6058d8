"""install.sh, with a stand-in for Python that writes down what it is asked to do."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# Answers `-c` (the version check) with success, writes `-m` and everything else to a file.
STAND_IN = """#!/usr/bin/env bash
case "$1" in
-c)
  case "$2" in
  "import TTS.api") exit "${IMPORT_EXIT:-0}" ;;
  *purelib*) mkdir -p "$(dirname "$0")/../packages" && cd "$(dirname "$0")/../packages" && pwd ;;
  esac ;;
--version) echo "Python 3.12.0" ;;
-) cat >/dev/null; echo some-tool==1.0 ;;
-m)
  echo "$*" >>calls
  if [ "$2" = pip ]; then echo "in $(dirname "$(dirname "$0")")" >>environments; fi
  if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
  if [ -n "${PIP_FAILS_ON:-}" ]; then case "$*" in *"$PIP_FAILS_ON"*) exit 1 ;; esac; fi
  if [ "$2" = pip ]; then echo "${PIP_SAYS:-}"; exit "${PIP_EXIT:-0}"; fi ;;
*) echo "$*" >>calls ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    """A folder with the installer, the lists it reads, and a stand-in named python3.11."""
    for name in (
        "install.sh",
        "requirements.txt",
        "requirements-nodeps.txt",
        "requirements-tts.txt",
        "requirements-ray.txt",
        "pyproject.toml",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    program = tmp_path / "bin" / "python3.11"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return tmp_path


def install(checkout, *arguments, **environment):
    path = f"{checkout / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", checkout / "install.sh", *arguments],
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def calls(checkout):
    file = checkout / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_requirements_hold_the_same_pins_as_the_project():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins == PROJECT["dependencies"]


def test_everything_but_torch_is_pinned_to_one_version():
    extras = [pin for pins in PROJECT["optional-dependencies"].values() for pin in pins]
    lines = (ROOT / "requirements-nodeps.txt").read_text("utf-8").splitlines()
    bare = [line for line in lines if not line.startswith("#")]
    assert bare
    pins = [*PROJECT["dependencies"], *extras, *bare]
    loose = [pin for pin in pins if not re.search(r"==[\d.]+$", pin)]
    assert loose == ["torch>=2.11,<2.14"]


def test_the_installed_torch_lies_in_the_declared_range():
    version = re.search(r"^TORCH=(\S+)", (ROOT / "install.sh").read_text("utf-8"), re.MULTILINE)
    torch = next(pin for pin in PROJECT["dependencies"] if pin.startswith("torch"))
    assert version is not None
    assert Requirement(torch).specifier.contains(version[1])


def test_setting_up_makes_the_environment_and_installs_torch_first(checkout):
    result = install(checkout)
    assert result.returncode == 0, result.stderr
    made, torch, rest, weights = calls(checkout)
    assert made == "-m venv .venv"
    assert torch.endswith("torch==2.13.0")
    assert rest.endswith("torch==2.13.0 -r requirements.txt")
    assert weights.endswith("--no-deps -r requirements-nodeps.txt")


def test_without_the_speaker_encoder_the_app_starts_and_the_next_run_tries_again(checkout):
    result = install(checkout, "run", PIP_FAILS_ON="requirements-nodeps.txt")
    assert result.returncode == 0, result.stderr
    assert "The speaker encoder could not be installed" in result.stdout
    assert calls(checkout)[-1] == "app.py"
    before = len(calls(checkout))
    again = install(checkout)
    assert [line.split()[-1] for line in calls(checkout)[before:]] == ["requirements-nodeps.txt"]
    assert "could not" not in again.stdout


def test_setting_up_twice_installs_once(checkout):
    install(checkout)
    before = calls(checkout)
    result = install(checkout)
    assert result.returncode == 0
    assert calls(checkout) == before
    assert "Installing" not in result.stdout


def test_a_changed_pin_is_installed_again(checkout):
    install(checkout)
    with (checkout / "requirements.txt").open("a") as file:
        file.write("another==1.0\n")
    before = len(calls(checkout))
    install(checkout)
    assert [line.split()[-1] for line in calls(checkout)[before:]] == ["requirements.txt"]


def test_the_cpu_choice_takes_pytorchs_own_index_for_torch_only(checkout):
    install(checkout, "--cpu")
    _, torch, *rest = calls(checkout)
    assert torch.endswith("--index-url https://download.pytorch.org/whl/cpu")
    assert not any("--index-url" in line for line in rest)


def test_run_sets_up_and_starts_the_page_with_its_flags(checkout):
    result = install(checkout, "run", "--port", "8000")
    assert result.returncode == 0
    assert calls(checkout)[-1] == "app.py --port 8000"


def test_test_sets_up_the_tools_and_hands_its_arguments_to_pytest(checkout):
    result = install(checkout, "test", "-k", "speak")
    assert result.returncode == 0
    assert any(line.endswith("some-tool==1.0") for line in calls(checkout))
    assert calls(checkout)[-1].startswith("-m pytest")
    assert calls(checkout)[-1].endswith("-k speak")


def test_a_failed_install_is_tried_again_the_next_time(checkout):
    assert install(checkout, PIP_EXIT="1").returncode == 1
    before = len(calls(checkout))
    assert install(checkout).returncode == 0
    assert len(calls(checkout)) > before


@pytest.mark.parametrize(
    ("pip_says", "sentence"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        ("WARNING: NewConnectionError: Failed to establish", "check the network"),
        ("ERROR: No matching distribution found", "pip could not install torch"),
        ("python: No module named pip", "is damaged; delete .venv"),
    ],
)
def test_a_failure_of_pip_is_explained_in_one_sentence(checkout, pip_says, sentence):
    result = install(checkout, PIP_SAYS=pip_says, PIP_EXIT="1")
    assert result.returncode == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_machine_without_a_fitting_python_is_told_which_to_install(checkout):
    for name in ("python3.11", "python3.12", "python3.13", "python3", "python"):
        program = checkout / "bin" / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    result = install(checkout)
    assert result.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 was not found" in result.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_named_by_hand_must_fit_too(checkout):
    result = install(checkout, "--python", "/bin/false")
    assert result.returncode == 1
    assert "/bin/false is not Python 3.11" in result.stderr


def test_a_full_disk_is_noticed_before_anything_is_made(checkout):
    program = checkout / "bin" / "df"
    program.write_text("#!/bin/sh\necho Filesystem blocks Used Available\necho /dev/x 9 9 120\n")
    program.chmod(0o755)
    result = install(checkout)
    assert result.returncode == 1
    assert "120 MB free" in result.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--with"], "--with needs a value"),
        (["install"], "'install' is not known"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_made(checkout, arguments, sentence):
    result = install(checkout, *arguments)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert not (checkout / ".venv").exists()


def tts_calls(checkout):
    """What was asked of pip for .venv-tts, and nothing that was asked for .venv."""
    lines = [line for line in calls(checkout) if line.startswith("-m pip")]
    places = (checkout / "environments").read_text().splitlines()
    pairs = zip(lines, places, strict=True)
    return [line for line, place in pairs if place.endswith(".venv-tts")]


def test_coquis_converters_get_an_environment_of_their_own(checkout):
    plain = install(checkout)
    before = calls(checkout)
    result = install(checkout, "--with", "tts")
    assert (plain.returncode, result.returncode) == (0, 0), result.stderr
    made, *asked = calls(checkout)[len(before) :]
    assert made == "-m venv .venv-tts"
    assert tts_calls(checkout) == asked
    assert asked[0].endswith("torch===2.13.0 torchaudio==2.11.0")
    assert asked[1].endswith("torch===2.13.0 -r requirements-tts.txt")
    assert (checkout / ".venv-tts" / ".ready").exists()


def test_setting_coquis_converters_up_twice_installs_once(checkout):
    install(checkout, "--with", "tts")
    before = calls(checkout)
    result = install(checkout, "--with", "tts")
    assert result.returncode == 0
    assert calls(checkout) == before
    assert "Installing" not in result.stdout


def test_the_cpu_choice_holds_for_coquis_converters_too(checkout):
    install(checkout, "--cpu", "--with", "tts")
    torch, rest = tts_calls(checkout)
    assert torch.endswith(
        "torch==2.13.0 torchaudio==2.11.0 --index-url https://download.pytorch.org/whl/cpu"
    )
    assert "--index-url" not in rest


def test_ray_comes_beside_everything_that_is_pinned_and_finds_the_app(checkout):
    result = install(checkout, "--with", "ray")
    assert result.returncode == 0, result.stderr
    assert calls(checkout)[-1].endswith("torch==2.13.0 -r requirements.txt -r requirements-ray.txt")
    paths = checkout / ".venv" / "packages" / "bark-voice-studio.pth"
    assert paths.read_text().splitlines() == [str(checkout)]
    before = calls(checkout)
    assert install(checkout, "--with", "ray").returncode == 0
    assert calls(checkout) == before


def test_the_tests_get_ray_and_the_app_alone_does_not(checkout):
    install(checkout)
    assert not any("requirements-ray.txt" in line for line in calls(checkout))
    install(checkout, "test")
    assert any("requirements-ray.txt" in line for line in calls(checkout))


def test_a_failure_to_install_ray_is_explained_and_tried_again(checkout):
    result = install(checkout, "--with", "ray", PIP_FAILS_ON="requirements-ray.txt")
    assert result.returncode == 1
    assert "pip could not install Ray" in result.stderr
    before = len(calls(checkout))
    assert install(checkout, "--with", "ray").returncode == 0
    assert len(calls(checkout)) == before + 1


def test_ray_is_the_version_that_its_list_is_made_for_and_changes_no_pin():
    lines = (ROOT / "requirements-ray.txt").read_text("utf-8").splitlines()
    pins = [Requirement(each) for each in lines if not each.startswith("#")]
    assert pins[0].name == "ray"
    assert all(re.fullmatch(r"==[\d.]+", str(pin.specifier)) for pin in pins)
    others = {Requirement(each).name for each in PROJECT["dependencies"]}
    assert others.isdisjoint(pin.name for pin in pins)


def test_the_other_extras_stay_in_the_main_environment(checkout):
    install(checkout, "--with", "dev")
    assert tts_calls(checkout) == []
    assert not (checkout / ".venv-tts").exists()


def test_converters_that_do_not_start_are_told_in_one_sentence_and_tried_again(checkout):
    result = install(checkout, "--with", "tts", IMPORT_EXIT="1")
    assert result.returncode == 1
    assert "do not start; the reason stands at the end of .venv-tts/install.log" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (checkout / ".venv-tts" / ".ready").exists()
    assert install(checkout, "--with", "tts").returncode == 0
    assert (checkout / ".venv-tts" / ".ready").exists()


def test_a_failure_of_pip_for_the_converters_names_their_log_and_spares_the_main_one(checkout):
    install(checkout)
    result = install(checkout, "--with", "tts", PIP_EXIT="1")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert ".venv-tts/install.log" in result.stderr
    assert install(checkout).returncode == 0


def test_a_disk_too_small_for_the_converters_is_noticed_before_anything_is_made(checkout):
    install(checkout)
    program = checkout / "bin" / "df"
    program.write_text("#!/bin/sh\necho Filesystem blocks Used Available\necho /dev/x 9 9 3500\n")
    program.chmod(0o755)
    result = install(checkout, "--with", "tts")
    assert result.returncode == 1
    assert "3500 MB free" in result.stderr
    assert not (checkout / ".venv-tts").exists()


def test_what_the_converters_need_is_pinned():
    lines = (ROOT / "requirements-tts.txt").read_text("utf-8").splitlines()
    loose = [each for each in lines if not re.search(r"^#|==[\d.]+$", each)]
    assert loose == []


def test_the_scripts_can_be_started():
    for name in ("install.sh", "scripts/check", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK), name
        assert subprocess.run(["bash", "-n", ROOT / name]).returncode == 0
