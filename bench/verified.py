"""What verified generation is worth: words said right without it and with it.

    python -m bench.verified --family models/mini --out bench/results/verified.json

Fifty sentences that training never saw are spoken with the same seeds as they come and verified: as
the family recommends, and `lively`, at a temperature at which it slips more. Three judges hear all:

- `sentences_right`: pocketsphinx chooses among twenty sentences. Its acoustic model is that of the
  recogniser which verifies, so its errors are not independent of it.
- `words_right`: no recogniser. A word is right where the recording of the sentence by the teacher
  (flite) is nearer than the recordings with other words in its place. Independent of what verifies.
- `words_heard`: what the verifying recogniser itself hears. It picked the sounds, so this flatters.

`teacher` is what the judges say of the teacher's own sound, in voices that made no recording and
that no training heard, through the family's codec: nothing can be expected to score higher.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

from bench.figures import keep
from bench.intervals import mean_interval, share
from bench.mini_quality import Measurement
from bench.recogniser import RATE
from bench.template_judge import TemplateJudge
from recipes.mini.speakers import HELD_OUT_SPEAKERS, TRAINING_SPEAKERS
from webui.arrays import Waveform
from webui.events import CancelToken, Done, Speech
from webui.quality.panel import Panel
from webui.quality.verified import WordJudge
from webui.quality.words import recogniser, words_right
from webui.synthesis.controls import controls_from_json
from webui.synthesis.speech import speak

RIVALS = 3
WAYS: dict[str, dict[str, Any]] = {
    "recommended": {},
    "lively": {"semantic": {"temperature": 1.0}},
}
TEMPLATE_VOICES = (0, 14)  # of the teacher's: a high one and a low one


def recorder(number: int) -> Callable[[str], np.ndarray]:
    """Give one of the teacher's voices."""
    return lambda text: TRAINING_SPEAKERS[number].say(text)[0]


def rivals_of(sentences: list[str]) -> list[list[list[str]]]:
    """For each word of each sentence some other words of the sentences, of about its length."""
    vocabulary = sorted({word for each in sentences for word in re.findall(r"[a-z']+", each)})
    dice = np.random.default_rng(0)
    chosen = []
    for sentence in sentences:
        rows = []
        for word in re.findall(r"[\w']+", sentence.lower()):
            others = [each for each in dice.permutation(vocabulary) if each != word]
            others.sort(key=lambda other: abs(len(other) - len(word)))
            rows.append([str(each) for each in others[:RIVALS]])
        chosen.append(rows)
    return chosen


@dataclass(frozen=True)
class Outcome:
    """What the judges say, and the share of words right of each sentence."""

    facts: dict[str, Any]
    words: list[float]


class Comparison:
    """The sentences, spoken in several ways and judged by all."""

    def __init__(self, measured: Measurement, seeds: int, tries: int) -> None:
        self.measured = measured
        self.seeds = seeds
        ears = recogniser("en")
        if ears is None:
            raise SystemExit("The recogniser is missing: ./install.sh installs it.")
        self.ears = ears
        self.panel = Panel(WordJudge(ears, "en"), None, tries)
        self.templates = TemplateJudge([recorder(number) for number in TEMPLATE_VOICES])
        self.rivals = rivals_of(measured.sentences)

    def compare(self, overrides: dict[str, Any]) -> dict[str, Any]:
        """Say and judge all sentences, as they come and verified."""
        plain, verified = self._measure(overrides, None), self._measure(overrides, self.panel)
        gain = [after - before for after, before in zip(verified.words, plain.words, strict=True)]
        return {
            "plain": plain.facts,
            "verified": verified.facts,
            "words_right_gain_a_sentence": mean_interval(gain),
        }

    def _spoken(
        self, index: int, seed: int, overrides: dict[str, Any], panel: Panel | None
    ) -> Speech:
        """Say one sentence in one of the voices, in turn."""
        measured = self.measured
        names = list(measured.voices)
        voice = measured.voices[names[index % len(names)]]
        base = controls_from_json(measured.models.family.controls)
        controls = controls_from_json({**overrides, "seed": seed}, base)
        text = measured.sentences[index]
        *_, done = speak(measured.models, text, voice, controls, CancelToken(), "en", panel)
        if not isinstance(done, Done) or done.result is None:
            raise SystemExit(f"Nothing came of: {text}")
        return done.result

    def _measure(self, overrides: dict[str, Any], panel: Panel | None) -> Outcome:
        speeches = []
        started = time.process_time()
        for number in range(self.seeds):
            for index in range(self.measured.count):
                seed = 1 + number * self.measured.count + index
                speeches.append(self._spoken(index, seed, overrides, panel))
        spent = (time.process_time() - started) / len(speeches)
        parts = [part for speech in speeches for part in speech.chunks]
        judged = self._judged([speech.waveform for speech in speeches])
        judged.facts.update(
            processor_seconds_a_sentence=round(spent, 2),
            tries_a_part=round(float(np.mean([part.tries for part in parts])), 2),
            parts_cut=sum("cut off" in note for part in parts for note in part.notes),
            parts=len(parts),
        )
        return judged

    def measure_teacher(self) -> dict[str, Any]:
        """Judge the teacher's own sound, through the codec."""
        codec, sounds = self.measured.models.codec, []
        for index in range(self.measured.count):
            speaker = HELD_OUT_SPEAKERS[index % len(HELD_OUT_SPEAKERS)]
            sound, _ = speaker.say(self.measured.sentences[index])
            sound = sound * (0.6 / max(float(np.abs(sound).max()), 1e-3))
            heard = soxr.resample(sound, RATE, codec.sample_rate).astype(np.float32)
            sounds.append(codec.decode(codec.encode(heard)))
        return self._judged(sounds).facts

    def _judged(self, sounds: list[Waveform]) -> Outcome:
        """Let all judges hear the sentences, which come in their order, again and again."""
        rate = self.measured.models.codec.sample_rate
        right: list[bool] = []
        words: list[list[bool]] = []
        heard: list[float] = []
        for number, sound in enumerate(sounds):
            index = number % self.measured.count
            text = self.measured.sentences[index]
            right.append(self.measured.is_right(index, sound, rate))
            resampled = soxr.resample(sound, rate, RATE).astype(np.float64)
            words.append(self.templates.words_said(resampled, text, self.rivals[index]))
            heard.append(words_right(text, self.ears.listen_for(text, sound, rate, "en").text))
        facts = {
            "sentences_right": share(right),
            "words_right": share([word for some in words for word in some]),
            "words_heard": round(float(np.mean(heard)), 4),
        }
        return Outcome(facts, [float(np.mean(some)) for some in words])


def main() -> int:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=2, help="how often each sentence is spoken")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    measured = Measurement(arguments.family, "fp32", arguments.sentences)
    comparison = Comparison(measured, arguments.seeds, arguments.tries)
    result = {
        "family": measured.models.family.id,
        "seeds": arguments.seeds,
        "tries": arguments.tries,
        "teacher": comparison.measure_teacher(),
        **{name: comparison.compare(overrides) for name, overrides in WAYS.items()},
        "measured_in_seconds": round(time.perf_counter() - started, 1),
    }
    print(keep(result, arguments.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
