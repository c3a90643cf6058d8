"""Whether Coqui's voice converters run: all four, really constructed, with random weights.

    ./install.sh --with tts
    python -m bench.coqui_conversion --out bench/results/coqui_conversion.json

The models are written where Coqui keeps its downloads, so that everything else is what the app
does: its child process in .venv-tts, its pipes, Coqui loading by name. With random weights the
sound is noise; what is shown is that it arrives, in full length, at the model's own rate.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from webui.cloning.conversion.coqui import CHILD, COQUI_MODELS, CoquiConverter
from webui.errors import CloneError
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.models import load_models

MAKER = Path(__file__).with_name("coqui_random_models.py")
FAMILY = Path("models/mini")


def voices() -> tuple[np.ndarray, np.ndarray, int]:
    """Speech of two voices of the built-in family, from their prompts, and its sample rate."""
    models = load_models(FAMILY)
    limits = limits_of(models.family)
    ada, bea = (
        models.codec.decode(read_speaker(FAMILY / "speakers" / f"{name}.npz", limits).speaker.fine)
        for name in ("ada", "bea")
    )
    return ada, bea, models.codec.sample_rate


class OfflineConverter(CoquiConverter):
    """The app's converter, whose child finds FreeVC's speaker encoder replaced."""

    def __init__(self, name: str, python: Path, home: Path) -> None:
        super().__init__(COQUI_MODELS[name], python, home, program=MAKER)
        self._command[-1:] = ["--as-child", str(CHILD), str(home)]


def measure(name: str, python: Path, home: Path) -> dict[str, Any]:
    """Convert twice with one child, which loads its model once."""
    converter = OfflineConverter(name, python, home)
    source, target, own_rate = voices()
    seconds = len(source) / own_rate
    result: dict[str, Any] = {"licence": converter.licence, "source_seconds": round(seconds, 3)}
    try:
        for _ in range(2):
            made, rate = converter.convert(source, own_rate, target, own_rate)
        gap = len(made) / rate - seconds
        result |= {
            "rate": rate,
            "length_gap_ms": round(1_000 * gap, 2),
            "is_sound": bool(np.isfinite(made).all() and np.abs(made).max() > 0),
        }
    except CloneError as fault:
        result["fault"] = str(fault)
    finally:
        converter.close()
    return result


def main() -> int:
    """Write the models, drive them, say how it went; fails unless all converted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", type=Path, default=Path(".venv-tts/bin/python"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=sorted(COQUI_MODELS), action="append")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([given.python, "-P", MAKER, home], check=True)
        names = given.only or list(COQUI_MODELS)
        results = {name: measure(name, given.python, Path(home)) for name in names}
    text = json.dumps(results, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n", "utf-8")
    sounds = [
        each.get("is_sound") and abs(each["length_gap_ms"]) <= 20 for each in results.values()
    ]
    return 0 if all(sounds) else 1


if __name__ == "__main__":
    sys.exit(main())
