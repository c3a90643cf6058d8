"""`python -m webui doctor`: what is installed, what is wrong, and how to mend it."""

import argparse
import hashlib
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from webui.cli_terminal import in_words, one_line, print_json, write_out
from webui.errors import UserError

if TYPE_CHECKING:
    from webui.settings import Settings

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
PYTHONS = ((3, 11), (3, 13))  # oldest and newest that the pinned packages run on
FREE_GB = 1.0  # below it a download or a long speech may not fit
REINSTALL_ENCODER = "Delete .venv/.installed-nodeps and the folder resemblyzer; run ./install.sh."
MARKS = {"ok": "ok   ", "hint": "hint ", "fault": "FAULT"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A `fault` keeps the app from working, a `hint` does not."""

    what: str
    state: Literal["ok", "hint", "fault"]
    found: str
    mend: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `doctor`: it takes the settings only."""
    parser.epilog = "The exit code is 1 when something keeps the app from working."


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Look at everything and say what was found.

    Raises:
        BrokenPipeError: the reader has gone.
        StorageError: the result cannot be written.
    """
    findings = examine(settings)
    faults = [finding for finding in findings if finding.state == "fault"]
    if arguments.json:
        print_json({"ok": not faults, "findings": [asdict(finding) for finding in findings]})
        return 1 if faults else 0
    width = max(len(one_line(finding.what)) for finding in findings)
    for finding in findings:
        what = one_line(finding.what).ljust(width)
        write_out(f"{MARKS[finding.state]}  {what}  {one_line(finding.found)}\n")
        if finding.mend:
            write_out(f"{'':7}{'':{width}}  -> {one_line(finding.mend)}\n")
    end = f"{len(faults)} to mend." if faults else "Nothing keeps the app from working."
    write_out(f"\n{end}\n")
    return 1 if faults else 0


def examine(settings: "Settings") -> list[Finding]:
    """Look at the installation, the machine, the folders and the models."""
    findings = [examine_python(), *examine_packages()]
    if not any(finding.state == "fault" for finding in findings):
        findings += [examine_device(settings), *examine_cluster(settings)]
        findings += examine_families(settings)
        findings += examine_cloning(settings)
        findings.append(examine_speaker_encoder())
        findings.append(examine_watermark(settings))
    findings += [examine_ffmpeg(), *examine_folders(settings)]
    return findings


def examine_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Is this a Python that the pinned packages run on?"""
    shown = ".".join(map(str, version))
    oldest, newest = PYTHONS
    if oldest <= version[:2] <= newest:
        return Finding("Python", "ok", shown)
    return Finding("Python", "fault", shown, "Install Python 3.11, then run ./install.sh again.")


def examine_packages(requirements: Path = REQUIREMENTS) -> Iterator[Finding]:
    """Is every pinned package there, in the version that we test with?"""
    if not requirements.is_file():
        yield Finding("packages", "hint", f"{requirements.name} is not here", "Run ./install.sh.")
        return
    try:
        from packaging.requirements import Requirement  # comes with the pinned packages
    except ModuleNotFoundError:
        yield Finding("packages", "fault", "not installed", "Run ./install.sh.")
        return
    for line in requirements.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pin = Requirement(line)
        try:
            version = metadata.version(pin.name)
        except metadata.PackageNotFoundError:
            yield Finding(pin.name, "fault", "not installed", "Run ./install.sh.")
            continue
        if pin.specifier.contains(version, prereleases=True):
            yield Finding(pin.name, "ok", version)
        else:
            mend = f"It was tested with {pin.specifier}. Run ./install.sh."
            yield Finding(pin.name, "hint", version, mend)


def examine_device(settings: "Settings") -> Finding:
    """Which device will compute, and is it the best one here?"""
    try:
        import torch
    except (ImportError, OSError) as fault:
        mend = "Delete the folder .venv and run ./install.sh."
        return Finding("device", "fault", f"torch does not start ({fault})"[:200], mend)
    if torch.cuda.is_available():
        facts = torch.cuda.get_device_properties(0)
        found = f"{facts.name}, {facts.total_memory / 2**30:.1f} GB"
        return Finding("device", "ok", f"{found} (setting: {settings.device})")
    if settings.device.startswith("cuda"):
        mend = "Choose --device auto, or install NVIDIA's driver and torch with CUDA."
        return Finding("device", "fault", f"{settings.device} is not here", mend)
    if torch.backends.mps.is_available():
        return Finding("device", "ok", f"Apple GPU (setting: {settings.device})")
    found = f"CPU, {os.cpu_count()} cores (setting: {settings.device})"
    if shutil.which("nvidia-smi"):
        mend = "There is an NVIDIA card: delete .venv and run ./install.sh without --cpu."
        return Finding("device", "hint", found, mend)
    return Finding("device", "ok", found)


def examine_cluster(settings: "Settings") -> Iterator[Finding]:
    """Can the Ray cluster be joined, and which devices has it? Only where one is asked for."""
    if settings.ray is None:
        return
    from webui.backend.ray_cluster import join

    try:
        cluster = join(settings)
    except UserError as fault:
        yield Finding("cluster", "fault", str(fault), "docs/cluster.md says how to start one.")
        return
    try:
        nodes = Counter(place.node_name for place in cluster.places())
    finally:
        cluster.leave()
    count = nodes.total()
    found = f"{count} device{'' if count == 1 else 's'}"
    if not count:
        mend = f"No node has what --device {settings.device} asks for."
        yield Finding("cluster", "fault", found, mend)
        return
    where = ", ".join(f"{number} on {node}" for node, number in sorted(nodes.items()))
    yield Finding("cluster", "ok", f"{found}: {where}")


def examine_families(settings: "Settings") -> Iterator[Finding]:
    """Which families are installed, can their files be read, and is the chosen one among them?"""
    from webui.backend.catalogue import CATALOGUE
    from webui.backend.service import Service

    service = Service(settings)
    try:
        installed = [family for family in service.families() if family.installed]
        voices = service.voices()
    except (UserError, OSError) as fault:
        yield Finding("families", "fault", str(in_words(fault)), "Change the folder's permissions.")
        return
    finally:
        service.close()
    for family in installed:
        if family.broken is None:
            yield Finding(f"family {family.id}", "ok", family.title)
            continue
        again = f"Run: python -m webui models --download {family.id}"
        mend = again if family.id in CATALOGUE else "Copy its folder again."
        yield Finding(f"family {family.id}", "fault", family.broken, mend)
    for voice in voices:
        if voice.broken:
            mend = "Repair it on the page, or ask for the file again."
            yield Finding(f"voice {voice.name}", "hint", voice.broken, mend)
    chosen = settings.family
    if not installed:
        mend = "Run: python -m webui models --download bark-small"
        yield Finding("families", "fault", f"none in {settings.models_dir}", mend)
    elif chosen is not None and chosen not in [family.id for family in installed]:
        mend = "Choose another one with --family, or download it: python -m webui models"
        yield Finding(f"family {chosen}", "fault", "chosen, but not here", mend)


def examine_speaker_encoder() -> Finding:
    """The speaker encoder tells how alike a clone and its speaker are; all else works without."""
    from webui.quality.similarity import WEIGHTS_SHA256, encoder_weights

    path, what = encoder_weights(), "speaker encoder"
    if path is None:
        mend = "Run ./install.sh; until then clones are not compared with their speaker."
        return Finding(what, "hint", "not installed", mend)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as fault:
        return Finding(what, "hint", f"cannot be read ({fault})"[:200], REINSTALL_ENCODER)
    if found != WEIGHTS_SHA256:
        return Finding(what, "hint", "its weights are not those we know", REINSTALL_ENCODER)
    return Finding(what, "ok", str(path))


def examine_watermark(settings: "Settings") -> Finding:
    """Is the watermark on, off, or not installed? Where it is wanted it has to be there."""
    from webui.backend.marking import MISSING, STATE_WORDS, watermark_state

    state = watermark_state(settings.watermark)
    if state != "missing":
        return Finding("watermark", "ok", STATE_WORDS[state])
    return Finding("watermark", "fault" if settings.watermark else "hint", "not installed", MISSING)


def examine_cloning(settings: "Settings") -> Iterator[Finding]:
    """What is there to clone with: quantizers, converters, recognisers?"""
    from webui.backend.service import Service

    service = Service(settings)
    try:
        family = service.default_family()
        parts = service.cloning_parts(family)
    except (UserError, OSError):  # told where the families are examined
        return
    finally:
        service.close()
    mends = {
        "quantizer": "For method 2 download one: python -m webui models --cloning",
        "converter": "Run ./install.sh.",
        "recogniser": "Run ./install.sh, or: python -m webui models --download whisper-base",
    }
    for kind, mend in mends.items():
        ready = [each.id for each in parts if each.kind == kind and each.state == "ready"]
        if ready:
            yield Finding(f"cloning: {kind}", "ok", f"{', '.join(ready)} (for {family})")
        else:
            yield Finding(f"cloning: {kind}", "hint", f"none for {family}", mend)


def examine_ffmpeg() -> Finding:
    """Ffmpeg plays speech while it is still being made, and reads m4a and webm."""
    program = shutil.which("ffmpeg")
    if program:
        return Finding("ffmpeg", "ok", program)
    mend = "Install it to hear speech while it is being made and to read m4a recordings."
    return Finding("ffmpeg", "hint", "not found", mend)


def examine_folders(settings: "Settings") -> Iterator[Finding]:
    """Can the folders be written, and is there room?"""
    for name in ("models_dir", "speakers_dir", "outputs_dir", "data_dir"):
        folder: Path = getattr(settings, name)
        what = name.removesuffix("_dir")
        there = _first_that_exists(folder)
        if there is None or not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            mend = f"Change its permissions, or choose another one with --{what}-dir."
            yield Finding(f"folder {what}", "fault", f"{folder} cannot be written", mend)
            continue
        free = shutil.disk_usage(there).free / 2**30
        if free < FREE_GB:
            mend = "Make room, or choose another folder."
            yield Finding(f"folder {what}", "hint", f"{folder}, only {free:.1f} GB free", mend)
        else:
            yield Finding(f"folder {what}", "ok", f"{folder}, {free:.0f} GB free")


def _first_that_exists(folder: Path) -> Path | None:
    """The folder, or the nearest one above it in which it could be made; None if that is closed."""
    try:
        return next(each for each in (folder, *folder.absolute().parents) if each.exists())
    except OSError:
        return None
