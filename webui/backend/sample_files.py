"""The sample of a training on disk: a held-out speech, and what its quantizer hears in it."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webui.arrays import Waveform
from webui.backend.training_facts import TrainingSample
from webui.errors import UserError
from webui.file_saving import save_file, sweep_leftovers
from webui.training_results import PairMade, SampleHeard, SampleKept, SampleMissed

FACTS, SPOKEN = "sample.json", "spoken.flac"
MAX_FACTS_BYTES = 2**16


class SampleFiles:
    """Keeps the newest sample only. One process writes, and everybody may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> TrainingSample | None:
        """Tell of the newest sample, and of one that could not be made; None without either."""
        facts = self._facts()
        try:
            step, accuracy = int(facts.get("step", 0)), facts.get("accuracy")
            text, voice, missed = (str(facts.get(key, "")) for key in ("text", "voice", "missed"))
            accuracy = None if accuracy is None else float(accuracy)
        except (TypeError, ValueError):
            return None
        heard, spoken = self._heard(step), self._spoken
        if not (step and heard.is_file() and spoken.is_file()):
            return TrainingSample(missed=missed) if missed else None
        return TrainingSample(step, accuracy, text, voice, str(spoken), str(heard), missed)

    def keep(
        self, heard: SampleHeard, spoken: PairMade, has_text: bool
    ) -> SampleKept | SampleMissed:
        """Keep a sample in place of the one before.

        Args:
            heard: what a quantizer hears by now.
            spoken: the speech that it hears it in.
            has_text: whether it is known what is said there.
        """
        try:
            if self._facts().get("pair") != spoken.number or not self._spoken.is_file():
                self._write_sound(self._spoken, spoken.waveform, spoken.sample_rate)
            self._write_sound(self._heard(heard.step), heard.waveform, heard.sample_rate)
            facts = {
                "pair": spoken.number, "step": heard.step, "accuracy": heard.accuracy,
                "text": spoken.text if has_text else "", "voice": spoken.voice,
            }  # fmt: skip
            self._write(facts)
        except UserError as fault:
            return SampleMissed(heard.step, str(fault))
        self._keep_only(heard.step)
        return SampleKept(heard.step, str(self._spoken), str(self._heard(heard.step)))

    def note(self, missed: SampleMissed) -> None:
        """Remember why a sample could not be made; the one before is kept."""
        with contextlib.suppress(UserError):  # it was told already
            self._write({**self._facts(), "missed": missed.words})

    def sweep(self) -> None:
        """Remove what a killed process left half written, or did not come to remove."""
        sweep_leftovers(self._folder, 0.0)
        newest = self.newest()
        if newest is not None and newest.step:
            self._keep_only(newest.step)

    @property
    def _spoken(self) -> Path:
        return self._folder / SPOKEN

    def _heard(self, step: int) -> Path:
        """A name of its own for each step, so that nobody is given another sound than was said."""
        return self._folder / f"heard-{step}.flac"

    def _keep_only(self, step: int) -> None:
        for each in self._folder.glob("heard-*.flac"):
            if each != self._heard(step):
                with contextlib.suppress(OSError):  # somebody hears it; it goes the next time
                    each.unlink()

    def _facts(self) -> dict[str, Any]:
        path = self._folder / FACTS
        with contextlib.suppress(OSError, ValueError):
            if path.stat().st_size <= MAX_FACTS_BYTES:
                found = json.loads(path.read_text("utf-8"))
                return found if isinstance(found, dict) else {}
        return {}

    def _write(self, facts: Mapping[str, Any]) -> None:
        data = json.dumps(facts, ensure_ascii=False, indent=1).encode("utf-8", "replace")
        save_file(self._folder / FACTS, data, replace=True)

    def _write_sound(self, path: Path, waveform: Waveform, rate: int) -> None:
        from webui.audio import encode_audio  # late, as the libraries for sound are

        save_file(path, encode_audio(waveform, rate, "flac"), replace=True)
