"""`python -m webui doctor`: what is installed, what is wrong, and how to mend it."""

import builtins
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.command_line import CommandLine
from webui import cli_doctor
from webui.backend import ray_cluster
from webui.backend.ray_cluster import Place
from webui.cli_doctor import (
    Finding,
    examine_cluster,
    examine_device,
    examine_families,
    examine_ffmpeg,
    examine_folders,
    examine_packages,
    examine_python,
    examine_speaker_encoder,
)
from webui.errors import EngineError
from webui.quality import similarity
from webui.settings import Settings


@pytest.fixture
def webui(tiny_family, tmp_path):
    return CommandLine(tiny_family.parent, tmp_path / "speakers")


@pytest.fixture
def nothing_built_in(monkeypatch, tmp_path):
    """As if no family came with the app."""
    nowhere = property(lambda settings: tmp_path / "nowhere")
    monkeypatch.setattr(Settings, "builtin_models_dir", nowhere)


def settings(tmp_path, **changes):
    folders = {f"{name}_dir": tmp_path / name for name in ("models", "speakers", "outputs", "data")}
    return Settings(**(folders | {"engine": "inline"} | changes))


def found(findings, what) -> Finding:
    (finding,) = [each for each in findings if each.what == what]
    return finding


# ---- the command


@pytest.fixture
def findings(monkeypatch):
    """Let the doctor find what the test puts here."""
    made = [Finding("Python", "ok", "3.11.7")]
    monkeypatch.setattr(cli_doctor, "examine", lambda settings: made)
    return made


def test_a_healthy_app_ends_with_0(findings, webui, capsys):
    assert webui("doctor") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out == "ok     Python  3.11.7\n\nNothing keeps the app from working.\n"


def test_a_hint_is_no_fault(findings, webui, capsys):
    findings.append(Finding("ffmpeg", "hint", "not found", "Install it."))
    assert webui("doctor") == 0
    assert "hint   ffmpeg  not found\n               -> Install it.\n" in capsys.readouterr().out


def test_a_fault_is_counted_and_ends_with_1(findings, webui, capsys):
    findings.append(Finding("torch", "fault", "not installed", "Run ./install.sh."))
    assert webui("doctor") == 1
    out = capsys.readouterr().out
    assert "FAULT  torch   not installed\n               -> Run ./install.sh.\n" in out
    assert out.endswith("\n1 to mend.\n")


def test_json_tells_the_findings_and_whether_all_is_well(findings, webui, capsys):
    assert webui("doctor", "--json") == 0
    finding = {"what": "Python", "state": "ok", "found": "3.11.7", "mend": ""}
    assert json.loads(capsys.readouterr().out) == {"ok": True, "findings": [finding]}
    findings.append(Finding("torch", "fault", "not installed", "Run ./install.sh."))
    assert webui("doctor", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["findings"][1]["mend"] == "Run ./install.sh."


def test_a_strangers_file_cannot_paint_the_terminal(findings, webui, capsys):
    findings.append(Finding("voice \x1b[2J", "hint", "\x1b]0;title\x07 broken\nFAULT  all", "\x1b"))
    assert webui("doctor") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "hint   voice [2J  ]0;title broken FAULT all\n" in out


def test_an_unusable_setting_is_refused_before_anything_is_looked_at(webui, capsys):
    assert webui("doctor", "--port", "many") == 1
    assert capsys.readouterr() == (
        "",
        "--port is 'many': it must be a whole number from 0 to 65,535.\n",
    )


def test_the_doctor_looks_at_everything_in_this_very_environment(webui, tmp_path, capsys):
    words = ["--outputs-dir", str(tmp_path), "--data-dir", str(tmp_path / "state")]
    webui("doctor", "--json", "--family", "tiny", *words)
    told = json.loads(capsys.readouterr().out)
    looked_at = {each["what"]: each for each in told["findings"]}
    wanted = {"Python", "torch", "gradio", "device", "family tiny", "ffmpeg"}
    folders = {"folder models", "folder speakers", "folder outputs", "folder data"}
    assert wanted | folders <= set(looked_at)
    assert looked_at["family tiny"]["found"] == "Tiny"
    assert [each["state"] for name, each in looked_at.items() if name in folders] == ["ok"] * 4


# ---- Python and its packages


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 10, 9), "fault"), ((3, 11, 0), "ok"), ((3, 13, 5), "ok"), ((3, 14, 0), "fault")],
)
def test_a_python_that_the_packages_do_not_run_on_is_a_fault(version, state):
    finding = examine_python(version)
    assert finding.state == state
    assert finding.found == ".".join(map(str, version))
    assert bool(finding.mend) is (state == "fault")


def test_a_package_that_is_missing_or_of_another_version_is_named(tmp_path):
    pins = tmp_path / "requirements.txt"
    pins.write_text("# a note\n\nnumpy>=1\nnumpy==0.1\nno-such-package==1.0\n")
    right, other, missing = examine_packages(pins)
    assert (right.what, right.state, right.mend) == ("numpy", "ok", "")
    assert (other.state, other.mend) == ("hint", "It was tested with ==0.1. Run ./install.sh.")
    assert (missing.what, missing.state) == ("no-such-package", "fault")
    assert missing.found == "not installed"


def test_every_package_of_the_app_is_looked_at():
    lines = cli_doctor.REQUIREMENTS.read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 5
    assert [finding.what for finding in examine_packages()] == [
        "".join(letter for letter in line.split("=")[0] if letter not in "<>") for line in pins
    ]


def test_a_list_of_packages_that_is_not_here_is_a_hint(tmp_path):
    (finding,) = examine_packages(tmp_path / "requirements.txt")
    assert finding.state == "hint"


def test_an_environment_with_nothing_in_it_is_a_fault_and_no_crash(monkeypatch):
    real = builtins.__import__

    def bare(name, *rest):
        if name.startswith("packaging"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", bare)
    (finding,) = examine_packages()
    assert (finding.state, finding.mend) == ("fault", "Run ./install.sh.")


def test_the_speaker_encoder_is_found_or_it_is_said_how_to_get_it(monkeypatch, tmp_path):
    weights = tmp_path / "pretrained.pt"
    monkeypatch.setattr(similarity, "encoder_weights", lambda: None)
    missing = examine_speaker_encoder()
    monkeypatch.setattr(similarity, "encoder_weights", lambda: weights)
    gone = examine_speaker_encoder()
    weights.write_bytes(b"other")
    damaged = examine_speaker_encoder()
    assert {each.state for each in (missing, gone, damaged)} == {"hint"}
    assert missing.mend.startswith("Run ./install.sh;")
    assert damaged.found == "its weights are not those we know"
    assert "run ./install.sh" in damaged.mend
    monkeypatch.setattr(similarity, "WEIGHTS_SHA256", hashlib.sha256(b"other").hexdigest())
    assert examine_speaker_encoder() == Finding("speaker encoder", "ok", str(weights))


def test_with_a_package_missing_the_rest_is_still_looked_at(monkeypatch, tmp_path):
    missing = Finding("torch", "fault", "not installed", "Run ./install.sh.")
    monkeypatch.setattr(cli_doctor, "examine_packages", lambda: [missing])
    looked_at = [each.what for each in cli_doctor.examine(settings(tmp_path))]
    assert looked_at[:2] == ["Python", "torch"]
    assert "device" not in looked_at  # it would need torch
    assert looked_at[-4:] == ["folder models", "folder speakers", "folder outputs", "folder data"]


# ---- the machine


def fake_torch(cuda=None, mps=False):
    """What the doctor asks torch, answered."""
    properties = SimpleNamespace(name="Card", total_memory=8 * 2**30)
    return SimpleNamespace(
        cuda=SimpleNamespace(
            is_available=lambda: cuda is not None, get_device_properties=lambda index: properties
        ),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


def test_a_graphics_card_is_named_with_its_memory(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", fake_torch(cuda="Card"))
    finding = examine_device(settings(tmp_path))
    assert (finding.state, finding.found) == ("ok", "Card, 8.0 GB (setting: auto)")


def test_a_graphics_card_that_was_asked_for_and_is_not_here_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", fake_torch())
    finding = examine_device(settings(tmp_path, device="cuda:1"))
    assert (finding.state, finding.found) == ("fault", "cuda:1 is not here")
    assert "--device auto" in finding.mend


def test_an_apple_gpu_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", fake_torch(mps=True))
    assert examine_device(settings(tmp_path)).found == "Apple GPU (setting: auto)"


@pytest.mark.parametrize(("driver", "state"), [("/usr/bin/nvidia-smi", "hint"), (None, "ok")])
def test_a_card_that_torch_cannot_use_is_a_hint(driver, state, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", fake_torch())
    monkeypatch.setattr(shutil, "which", lambda program: driver)
    finding = examine_device(settings(tmp_path))
    assert finding.state == state
    assert finding.found.startswith("CPU, ")


def test_a_torch_that_does_not_start_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)  # makes its import fail
    finding = examine_device(settings(tmp_path))
    assert finding.state == "fault"
    assert finding.found.startswith("torch does not start")
    assert ".venv" in finding.mend


@pytest.mark.parametrize(("place", "state"), [("/usr/bin/ffmpeg", "ok"), (None, "hint")])
def test_ffmpeg_is_missed_but_not_needed(place, state, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: place)
    assert examine_ffmpeg().state == state


# ---- families and voices


def test_without_any_family_the_app_cannot_speak(nothing_built_in, tmp_path):
    (finding,) = examine_families(settings(tmp_path))
    assert (finding.what, finding.state) == ("families", "fault")
    assert finding.mend == "Run: python -m webui models --download bark-small"


def test_a_family_that_is_here_is_named(nothing_built_in, tiny_family, tmp_path):
    (finding,) = examine_families(settings(tmp_path, models_dir=tiny_family.parent))
    assert finding == Finding("family tiny", "ok", "Tiny")


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("bark", "Run: python -m webui models --download bark"),
        ("mine", "Copy its folder again."),
    ],
)
def test_a_damaged_family_is_a_fault_with_what_to_do(
    name, mend, nothing_built_in, tiny_family, tmp_path
):
    family = shutil.copytree(tiny_family, tmp_path / "models" / name)
    (family / "config.json").write_text("{")
    findings = list(examine_families(settings(tmp_path)))
    damaged = found(findings, f"family {name}")
    assert (damaged.state, damaged.mend) == ("fault", mend)
    assert "config.json" in damaged.found


def test_a_chosen_family_that_is_not_here_is_a_fault(nothing_built_in, tiny_family, tmp_path):
    chosen = settings(tmp_path, models_dir=tiny_family.parent, family="bark-small")
    finding = found(examine_families(chosen), "family bark-small")
    assert (finding.state, finding.found) == ("fault", "chosen, but not here")


def test_a_broken_voice_is_a_hint(nothing_built_in, tiny_family, tmp_path):
    (tmp_path / "speakers").mkdir()
    (tmp_path / "speakers" / "cut.npz").write_bytes(b"PK\x03\x04" + b"\0" * 200)
    findings = list(examine_families(settings(tmp_path, models_dir=tiny_family.parent)))
    voice = found(findings, "voice cut")
    assert voice.state == "hint"
    assert "damaged" in voice.found


def test_a_folder_that_cannot_be_looked_into_is_a_fault_and_no_crash(monkeypatch, tmp_path):
    def closed(folders):
        raise PermissionError(13, "Permission denied", "/closed")

    monkeypatch.setattr("webui.backend.family_folders.FamilyFolders.all", closed)
    (finding,) = examine_families(settings(tmp_path))
    assert (finding.what, finding.state) == ("families", "fault")
    assert '"/closed" cannot be used: Permission denied.' in finding.found


# ---- folders


def test_folders_that_are_not_there_yet_count_by_where_they_would_be_made(tmp_path):
    deep = settings(tmp_path, models_dir=tmp_path / "a" / "b" / "c", speakers_dir=Path("not/yet"))
    assert [finding.state for finding in examine_folders(deep)] == ["ok"] * 4


def test_a_file_where_a_folder_should_be_is_a_fault(tmp_path):
    (tmp_path / "speakers").write_text("a file")
    (tmp_path / "data").write_text("a file")
    inside = settings(tmp_path, data_dir=tmp_path / "data" / "state")
    findings = list(examine_folders(inside))
    faults = [finding.what for finding in findings if finding.state == "fault"]
    assert faults == ["folder speakers", "folder data"]
    assert "--speakers-dir" in found(findings, "folder speakers").mend


def test_a_folder_that_may_not_be_written_is_a_fault(tmp_path, monkeypatch):
    (tmp_path / "outputs").mkdir()
    closed = tmp_path / "outputs"
    closed.chmod(0o555)
    if os.geteuid() == 0:  # whom no permission stops
        monkeypatch.setattr(os, "access", lambda path, mode: path != closed)
    faults = [each for each in examine_folders(settings(tmp_path)) if each.state == "fault"]
    assert [fault.what for fault in faults] == ["folder outputs"]
    assert faults[0].found == f"{closed} cannot be written"


def test_a_folder_that_may_not_even_be_seen_is_a_fault_and_no_crash(tmp_path, monkeypatch):
    def closed(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", closed)
    assert [each.state for each in examine_folders(settings(tmp_path))] == ["fault"] * 4


def test_a_disk_that_is_nearly_full_is_a_hint(tmp_path, monkeypatch):
    usage = SimpleNamespace(total=2**40, used=2**40, free=2**29)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    findings = list(examine_folders(settings(tmp_path)))
    assert [finding.state for finding in findings] == ["hint"] * 4
    assert findings[0].found.endswith("only 0.5 GB free")


# ---- a cluster


class FakeCluster:
    """Has two nodes, one of them with two cards."""

    def __init__(self, nodes=("gpu1", "gpu1", "gpu2")) -> None:
        self.nodes, self.has_left = nodes, False

    def places(self):
        return tuple(Place(node, node, "gpu", number, 0) for number, node in enumerate(self.nodes))

    def leave(self) -> None:
        self.has_left = True


def test_without_a_cluster_nothing_is_said_of_one(tmp_path):
    assert list(examine_cluster(settings(tmp_path))) == []


def test_the_devices_of_a_cluster_are_counted_and_it_is_left_again(tmp_path, monkeypatch):
    cluster = FakeCluster()
    monkeypatch.setattr(ray_cluster, "join", lambda settings: cluster)
    (finding,) = examine_cluster(settings(tmp_path, ray="auto"))
    assert finding == Finding("cluster", "ok", "3 devices: 2 on gpu1, 1 on gpu2")
    assert cluster.has_left


def test_a_cluster_without_a_device_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_cluster, "join", lambda settings: FakeCluster(()))
    (finding,) = examine_cluster(settings(tmp_path, ray="auto", device="cuda"))
    assert finding.state == "fault"
    assert "--device cuda" in finding.mend


def test_a_cluster_that_is_not_there_is_a_fault_in_its_own_words(tmp_path, monkeypatch):
    def refuse(settings):
        raise EngineError("No Ray cluster runs on this machine.")

    monkeypatch.setattr(ray_cluster, "join", refuse)
    (finding,) = examine_cluster(settings(tmp_path, ray="auto"))
    assert (finding.state, finding.found) == ("fault", "No Ray cluster runs on this machine.")
    assert "docs/cluster.md" in finding.mend
