"""How soon the app answers: the page after its start, the first sound after the button.

    python -m bench.start --family mini --out FILE.json

The page is a process of its own, asked over HTTP; speaking goes the way of every door, through the
service and its engine in a child process.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import keep
from webui.backend.requests import SpeakOrder
from webui.backend.service import Service
from webui.events import AudioChunk, Done, Failed
from webui.settings import PROJECT_FOLDER, Settings

SENTENCES = Path(__file__).with_name("sentences.txt")
BARS = {"page_seconds": 6.0, "first_sound_seconds_warm": 1.0, "real_time_factor": 0.7}
PAGE_PATIENCE_SECONDS = 300.0
ASK_SECONDS = 0.02  # between two questions


@dataclass(frozen=True)
class Spoken:
    """One sentence: when its first sound came, when it was done, how long it sounds."""

    first_seconds: float
    all_seconds: float
    sound_seconds: float


def page_seconds(models_dir: Path) -> float:
    """Start `python app.py` and wait for the first whole answer of the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(port), "--offline",
            "--models-dir", str(models_dir), "--speakers-dir", f"{folder}/speakers",
            "--outputs-dir", f"{folder}/outputs", "--data-dir", f"{folder}/state",
        ]  # fmt: skip
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=PROJECT_FOLDER, stdout=subprocess.DEVNULL)
        try:
            while not _answers(port):
                if process.poll() is not None:
                    raise RuntimeError(f"app.py ended with code {process.returncode}")
                if time.perf_counter() - start > PAGE_PATIENCE_SECONDS:
                    raise RuntimeError("the page did not answer")
                time.sleep(ASK_SECONDS)
            return time.perf_counter() - start
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            return answer.status == 200 and bool(answer.read())
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def speak_once(service: Service, family: str, text: str, voice: str | None, seed: int) -> Spoken:
    """Say a sentence through the service and watch its stream."""
    controls = replace(service.recommended_controls(family), seed=seed)
    order = SpeakOrder(text, family, voice, controls)
    start = time.perf_counter()
    first = sound = 0.0
    for event in service.speak(order):
        if isinstance(event, AudioChunk) and not first:
            first = time.perf_counter() - start
        elif isinstance(event, Failed):
            raise RuntimeError(event.message)
        elif isinstance(event, Done) and event.result is not None:
            sound = len(event.result.waveform) / event.result.sample_rate
    return Spoken(first, time.perf_counter() - start, sound)


def measure_speaking(settings: Settings, family: str, sentences: list[str]) -> dict[str, Any]:
    """The first sentence on an engine that is not running yet, then all of them on a warm one."""
    service = Service(settings)
    try:
        voices = [voice.id for voice in service.voices(family)] or [None]
        cold = speak_once(service, family, sentences[0], voices[0], 0)
        warm = [
            speak_once(service, family, text, voices[number % len(voices)], number)
            for number, text in enumerate(sentences)
        ]
        status = service.engine_status()
    finally:
        service.close()
    sound = sum(each.sound_seconds for each in warm)
    return {
        "family": family,
        "device": status.device_name,
        "precision": status.precision,
        "sentences": len(sentences),
        "first_sound_seconds_cold": round(cold.first_seconds, 3),
        "first_sound_seconds_warm": round(median(each.first_seconds for each in warm), 3),
        "first_sound_seconds_warm_slowest": round(max(each.first_seconds for each in warm), 3),
        "sound_seconds": round(sound, 2),
        "real_time_factor": round(sum(each.all_seconds for each in warm) / sound, 3),
    }


def main() -> int:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", default="mini")
    parser.add_argument("--models-dir", type=Path, default=PROJECT_FOLDER / "models")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--sentences", type=int, default=50, help="how many of them")
    parser.add_argument("--starts", type=int, default=3, help="how often the page is started")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    load = os.getloadavg()
    models_dir = chosen.models_dir.resolve()
    starts = [page_seconds(models_dir) for _ in range(chosen.starts)]
    result: dict[str, Any] = {
        "what": "seconds until the page answers and until a family is heard",
        "cores": os.cpu_count(),
        "load_before": load,
        "page_seconds": round(median(starts), 2),
        "page_seconds_all": [round(each, 2) for each in starts],
    }
    if (models_dir / chosen.family / "config.json").is_file():
        sentences = SENTENCES.read_text("utf-8").splitlines()[: chosen.sentences]
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(
                models_dir=models_dir,
                speakers_dir=Path(folder) / "speakers",
                outputs_dir=Path(folder) / "outputs",
                data_dir=Path(folder) / "state",
                precision=chosen.precision,
                offline=True,
            )
            result |= measure_speaking(settings, chosen.family, sentences)
    else:
        print(f'There is no family "{chosen.family}" in {models_dir}; only the start was measured.')
    result["bars"] = {
        name: {"bar": bar, "found": result[name], "reached": result[name] <= bar}
        for name, bar in BARS.items()
        if name in result
    }
    print(keep(result, chosen.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
