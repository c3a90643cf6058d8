"""How good clones are: the three methods and no voice at all, on speakers that training never saw.

    python -m bench.clone_quality --family models/mini --out bench/results/clone_quality.json

Speakers say some 8 s each: twenty of flite, the teacher's kind, and ten of espeak-ng, which nothing
but the encoder ever heard. Every method makes a voice of each and tries it with several ends, as
the app does; each voice says sentences that training never saw. The speaker encoder says whose
recording the speech is nearest to among those of its kind; the recogniser which of twenty sentences
it hears. Needs flite and espeak-ng.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

from bench.figures import keep
from bench.intervals import mean_interval, share
from bench.recogniser import RATE, ClosedSetRecogniser, candidate_sets
from bench.unseen_speakers import UnseenSpeaker, unseen_speakers
from webui.arrays import Speaker, Waveform
from webui.checkpoint import load_tensors
from webui.clone_results import MOST_ENDINGS
from webui.cloning.conversion.builtin import BuiltinConverter
from webui.cloning.endings import endings_of
from webui.cloning.hubert import load_listener
from webui.cloning.methods import (
    CloneDrawing,
    MadeVoice,
    clone_by_conversion,
    clone_from_transcript,
    clone_with_quantizer,
)
from webui.cloning.recording_check import normalise_level
from webui.errors import UserError
from webui.events import CancelToken, Done, result_of
from webui.quality.english_words import english_recogniser
from webui.quality.report import make_report
from webui.quality.sentences import report_sentences
from webui.quality.similarity import speaker_encoder
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import load_models
from webui.synthesis.speech import speak

SENTENCES = Path(__file__).with_name("sentences.txt")
METHODS = ("quantizer", "conversion", "transcript", "none")
CHECKED = 20  # speakers, and sentences to choose from


class Measurement:
    """A family, what clones with it, and the ears that judge."""

    def __init__(
        self, folder: Path, speakers: list[UnseenSpeaker], quantizer: Path | None = None
    ) -> None:
        encoder = speaker_encoder()
        if encoder is None:
            raise SystemExit("The speaker encoder is missing: ./install.sh installs it.")
        self.encoder, self.recogniser = encoder, english_recogniser()
        self.embed = encoder.embed
        self.models = load_models(folder, "cpu", "fp32")
        own = next((folder / "quantizer").glob("*.safetensors"))
        self.listener = load_listener(folder / "hubert", quantizer or own)
        self.converter = BuiltinConverter()
        limits = limits_of(self.models.family)
        self.bases = [
            (path.stem, read_speaker(path, limits).speaker)
            for path in sorted((folder / "speakers").glob("*.npz"))
        ]
        self.speakers = speakers
        self.sentences = SENTENCES.read_text("utf-8").splitlines()
        self.sets = candidate_sets(len(self.sentences))
        self.ears = ClosedSetRecogniser(self.sentences)
        self.references = np.stack([self.embed(each.sound, RATE) for each in speakers])

    def levelled(self, sound: Waveform) -> Waveform:
        """A recording as loud as the family's voices."""
        return normalise_level(sound, RATE, self.models.family.voice_level_db)

    def clone(self, method: str, index: int) -> MadeVoice | None:
        """Make a voice of one speaker's recording; None is speaking without a voice."""
        speaker = self.speakers[index]
        sound = self.levelled(speaker.sound)
        drawing, cancel = CloneDrawing(seed=index), CancelToken()
        if method == "quantizer":
            return clone_with_quantizer(self.models, self.listener, sound, RATE)
        if method == "transcript":
            return result_of(
                clone_from_transcript(self.models, speaker.transcript, sound, RATE, drawing, cancel)
            )
        if method == "conversion":
            return result_of(
                clone_by_conversion(
                    self.models,
                    self.converter,
                    self.bases,
                    sound,
                    RATE,
                    drawing,
                    cancel,
                    self.embed,
                )
            )
        return None

    def best_ending(self, voice: Speaker, index: int, endings: int) -> Speaker:
        """Cut a voice where its report is best, as the app does."""
        sound = self.speakers[index].sound

        def score(cut: Speaker) -> float:
            said = [(each, self.say(cut, each, index)) for each in report_sentences("en")]
            return make_report(sound, RATE, said, RATE, "en", self.encoder, self.recogniser).score

        cuts = endings_of(self.models, voice, endings)
        return max(cuts, key=score) if len(cuts) > 1 else voice

    def say(self, voice: Speaker | None, sentence: str, seed: int) -> Waveform:
        """Say a sentence, at `RATE`."""
        base = controls_from_json(self.models.family.controls)
        controls = controls_from_json({"seed": seed}, base)
        events = speak(self.models, sentence, voice, controls, CancelToken())
        speeches = [each.result for each in events if isinstance(each, Done)]
        sound = speeches[0].waveform if speeches and speeches[0] else np.zeros(RATE, np.float32)
        rate = self.models.codec.sample_rate
        return np.asarray(soxr.resample(sound, rate, RATE), np.float32)


def measure_method(
    measured: Measurement, method: str, each_says: int, endings: int = MOST_ENDINGS
) -> dict[str, Any]:
    """Clone all speakers by one method and judge what the clones say."""
    right_speaker: list[bool] = []
    right_words: list[bool] = []
    likeness: list[float] = []
    seconds: list[float] = []
    trying: list[float] = []
    failed: list[str] = []
    for index, speaker in enumerate(measured.speakers):
        started = time.perf_counter()
        try:
            made = measured.clone(method, index)
        except UserError as fault:
            failed.append(f"{speaker.name}: {fault}")
            continue
        seconds.append(time.perf_counter() - started)
        voice = made.speaker if made else None
        if voice is not None:
            voice = measured.best_ending(voice, index, endings)
            trying.append(time.perf_counter() - started - seconds[-1])
        for turn in range(each_says):
            sentence = (index * each_says + turn) % len(measured.sentences)
            sound = measured.say(voice, measured.sentences[sentence], seed=100 + turn)
            near = measured.references @ measured.embed(sound, RATE)
            likeness.append(float(near[index]))
            right_speaker.append(int(near.argmax()) == index)
            right_words.append(measured.ears.choose(sound, measured.sets[sentence]) == sentence)
    return {
        "right_speaker": share(right_speaker),
        "right_sentence": share(right_words),
        "similarity": mean_interval(likeness),
        "seconds_a_clone": {"median": round(float(np.median(seconds)), 2),
                            "most": round(max(seconds), 2)} if seconds else {},
        "seconds_of_trying_endings": round(float(np.median(trying)), 2) if trying else None,
        "failed": failed,
    }  # fmt: skip


def measure_tokens(measured: Measurement) -> dict[str, Any]:
    """How many semantic tokens method 2 hears right, where the teacher's own tokens are known."""
    right = total = 0
    for speaker in measured.speakers:
        if speaker.tokens is None:
            continue
        heard = measured.listener.semantics(measured.levelled(speaker.sound), RATE)
        length = min(len(heard), len(speaker.tokens))
        right += int((heard[:length] == speaker.tokens[:length]).sum())
        total += length
    return {"share": round(right / total, 4) if total else None, "tokens": total}


def measure_ceilings(measured: Measurement, each_says: int) -> dict[str, Any]:
    """What the ears themselves can tell: the speakers' own recordings and other sentences."""
    halves, words, speakers = [], [], []
    for index, speaker in enumerate(measured.speakers):
        middle = len(speaker.sound) // 2
        first, second = speaker.sound[:middle], speaker.sound[middle:]
        halves.append(float(measured.embed(first, RATE) @ measured.embed(second, RATE)))
        for turn in range(each_says):
            sentence = (index * each_says + turn) % len(measured.sentences)
            sound = speaker.say(measured.sentences[sentence])
            near = measured.references @ measured.embed(sound, RATE)
            speakers.append(int(near.argmax()) == index)
            words.append(measured.ears.choose(sound, measured.sets[sentence]) == sentence)
    return {
        "right_speaker": share(speakers),
        "right_sentence": share(words),
        "similarity_of_halves": mean_interval(halves),
    }


def verdicts(methods: dict[str, Any]) -> dict[str, Any]:
    """The bars of method 2, and whether method 2 is above 3 and 3 above 1."""
    judged: dict[str, Any] = {}
    heard = methods.get("quantizer")
    if heard:
        for name, bar in (("right_speaker", 0.6), ("right_sentence", 0.8)):
            found = heard[name]["share"]
            judged[f"method 2 {name}"] = {"share": found, "bar": bar, "reached": found >= bar}
        most = heard["seconds_a_clone"]["most"]
        judged["method 2 seconds_a_clone"] = {"most": most, "bar": 5.0, "reached": most <= 5.0}
    if {"quantizer", "conversion", "transcript"} <= set(methods):
        for figure in ("right_speaker", "right_sentence"):
            order = sorted(
                ("quantizer", "conversion", "transcript"),
                key=lambda each: -methods[each][figure]["share"],
            )
            judged[f"order by {figure}"] = order
    return judged


def centroids_of(folder: Path) -> np.ndarray | None:
    """The clusters that are a family's semantic tokens, where it has them."""
    path = folder / "hubert" / "semantic_tokens.safetensors"
    return load_tensors(path)["centroids"].float().numpy() if path.is_file() else None


def measure_kind(
    measured: Measurement, methods: list[str], each_says: int, endings: int
) -> dict[str, Any]:
    """All figures for the speakers of one kind."""
    speakers = measured.speakers
    found: dict[str, Any] = {
        "speakers": [f"{each.name} ({len(each.sound) / RATE:.1f} s)" for each in speakers],
        "semantic_tokens_right": measure_tokens(measured),
        "ceilings": measure_ceilings(measured, each_says),
        "methods": {},
    }
    print(json.dumps(found), flush=True)
    for method in methods:
        found["methods"][method] = measure_method(measured, method, each_says, endings)
        print(method, json.dumps(found["methods"][method]), flush=True)
    return found | {"verdicts": verdicts(found["methods"])}


def main() -> int:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--sentences", type=int, default=3, help="each clone says so many")
    parser.add_argument("--kinds", default="flite,espeak")
    parser.add_argument(
        "--endings", type=int, default=MOST_ENDINGS, help="with which each voice is tried"
    )
    parser.add_argument("--speakers", type=int, default=CHECKED, help="of each kind, at most")
    parser.add_argument("--quantizer", type=Path, help="another one than the family's own")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    result: dict[str, Any] = {
        "what": "clones of speakers that training never saw",
        "quantizer": chosen.quantizer.stem if chosen.quantizer else "the family's own",
        "sentences_each": chosen.sentences,
        "endings": chosen.endings,
        "threads": chosen.threads,
        "kinds": {},
    }
    for kind in chosen.kinds.split(","):
        speakers = unseen_speakers(kind, chosen.speakers, centroids_of(chosen.family))
        measured = Measurement(chosen.family, speakers, chosen.quantizer)
        methods = chosen.methods.split(",")
        result["kinds"][kind] = measure_kind(measured, methods, chosen.sentences, chosen.endings)
    keep(result, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
