"""What may be wrong with speech beside its words: clicks, clipping, holes, babble, drift.

    python -m bench.mini_faults --family models/mini --out bench/results/mini_faults.json

Sentences that training never saw, said by the family's voices in turn. A hole is a silence of more
than 0.6 s inside a sentence; babble is sound that goes on after the last word, as verified
generation finds it. Then texts of half a minute: is the last chunk as like the first as the first
chunks of two such texts are like each other?
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.figures import keep
from bench.intervals import mean_interval, share
from webui.arrays import Speaker, Waveform
from webui.cloning.speech_detection import detect_speech
from webui.events import CancelToken, Done, Speech
from webui.quality.english_words import english_recogniser
from webui.quality.similarity import speaker_encoder
from webui.quality.verified import tail_start
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.speech import speak

SENTENCES = Path(__file__).with_name("sentences.txt")
HOLE_SECONDS = 0.6
FULL_SCALE = 0.999
CLICK_TIMES = 12.0  # the second difference against its root mean square in the 20 ms around
CLICK_LEAST = 0.15  # of full scale
LONG_SENTENCES = 12  # some half a minute


def say(
    models: BarkModels, text: str, voice: Speaker, seed: int, overrides: dict[str, Any]
) -> Speech | None:
    """Say a text with the recommended settings."""
    base = controls_from_json(models.family.controls)
    controls = controls_from_json({**overrides, "seed": seed}, base)
    events = list(speak(models, text, voice, controls, CancelToken()))
    return next((each.result for each in events if isinstance(each, Done)), None)


def faults_of(sentence: str, sound: Waveform, rate: int) -> list[str]:
    """Name the faults of one sentence."""
    found = []
    if (np.abs(sound) >= FULL_SCALE).sum() > 2:
        found.append("clipping")
    if clicks(sound, rate):
        found.append("click")
    spans = detect_speech(sound, rate)
    if not spans:
        return [*found, "silence"]
    if any(b[0] - a[1] > HOLE_SECONDS for a, b in zip(spans, spans[1:], strict=False)):
        found.append("hole")
    ears = english_recogniser()
    heard = None if ears is None else ears.listen_for(sentence, sound, rate, "en")
    if heard and heard.words and tail_start(sound, rate, heard.words[-1].end_seconds) is not None:
        found.append("babble")
    return found


def clicks(sound: Waveform, rate: int) -> int:
    """How many samples jump as no speech does."""
    bends = np.abs(np.diff(sound, 2))
    width = max(1, rate // 50)
    usual = np.sqrt(np.convolve(np.square(bends), np.ones(width) / width, "same")) + 1e-4
    return int(((bends > CLICK_LEAST) & (bends > CLICK_TIMES * usual)).sum())


def measure_sentences(
    models: BarkModels, voices: dict[str, Speaker], count: int, overrides: dict[str, Any]
) -> dict[str, Any]:
    """The share of sentences without any fault, and how often each fault was found."""
    sentences, names = SENTENCES.read_text("utf-8").splitlines(), list(voices)
    clean, kinds = [], Counter[str]()
    for turn in range(count):
        sentence = sentences[turn % len(sentences)]
        speech = say(models, sentence, voices[names[turn % len(names)]], 50 + turn, overrides)
        found = ["silence"] if speech is None else faults_of(
            sentence, speech.waveform, speech.sample_rate
        )  # fmt: skip
        clean.append(not found)
        kinds.update(found)
    return {"clean": share(clean), "faults": dict(kinds)}


def measure_long_texts(
    models: BarkModels, voices: dict[str, Speaker], count: int, overrides: dict[str, Any]
) -> dict[str, Any]:
    """Likeness of the last chunk to the first, beside that of two first chunks."""
    encoder = speaker_encoder()
    if encoder is None:
        return {"left_out": "the speaker encoder is not installed (./install.sh brings it)"}
    sentences = SENTENCES.read_text("utf-8").splitlines()
    last, firsts, seconds = [], [], []
    for turn, voice in enumerate(list(voices.values())[:count]):
        heads = []
        for half in range(2):
            start = (turn * 2 + half) * LONG_SENTENCES
            text = " ".join(sentences[(start + i) % len(sentences)] for i in range(LONG_SENTENCES))
            speech = say(models, text, voice, 7 + half, overrides)
            if speech is None:
                raise SystemExit("The family said nothing to a text of a dozen sentences.")
            rate = speech.sample_rate
            chunks = [
                speech.waveform[int(c.start_seconds * rate) : int(c.end_seconds * rate)]
                for c in speech.chunks
            ]
            head, tail = (encoder.embed(each, rate) for each in (chunks[0], chunks[-1]))
            heads.append(head)
            last.append(float(head @ tail))
            seconds.append(len(speech.waveform) / rate)
        firsts.append(float(heads[0] @ heads[1]))
    return {
        "last_to_first": mean_interval(last),
        "two_firsts": mean_interval(firsts),
        "gap": round(float(np.mean(firsts) - np.mean(last)), 4),
        "seconds_a_text": round(float(np.mean(seconds)), 1),
    }


def main() -> int:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--voices", type=int, default=6, help="that say long texts")
    parser.add_argument("--controls", default="{}", help="JSON over the recommended controls")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    models = load_models(chosen.family, "cpu", "fp32")
    limits, overrides = limits_of(models.family), json.loads(chosen.controls)
    files = sorted((chosen.family / "speakers").glob("*.npz"))
    voices = {path.stem: read_speaker(path, limits).speaker for path in files}
    result: dict[str, Any] = {"family": models.family.id, "controls": overrides}
    result["sentences"] = measure_sentences(models, voices, chosen.sentences, overrides)
    print(json.dumps(result), flush=True)
    result["long_texts"] = measure_long_texts(models, voices, chosen.voices, overrides)
    print(keep(result, chosen.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
