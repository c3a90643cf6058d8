"""How well a family speaks English: sentences said right, and voices kept apart.

    python -m bench.mini_quality --family models/mini --out bench/results/mini_quality.json

Fifty sentences that training never saw; for each, the recogniser chooses among it and nineteen
others, and writes down freely what it hears. The chain says them once with each seed, because word
errors differ by several points from seed to seed, and each time in other voices, because they
differ as much by who says what; the voices' own teachers say the same. The page's examples are said
by every voice.
The codec is also measured by STOI, which says how much of speech is still understood.
`teacher` and `codec` need the recipe's teacher (Debian's flite); where it is missing they are
left out.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
import torch
from pystoi import stoi

from bench.figures import keep
from bench.intervals import mean_interval, share
from bench.recogniser import CANDIDATES, RATE, ClosedSetRecogniser, candidate_sets, levelled
from webui.arrays import Speaker, Waveform
from webui.events import CancelToken, Done, Speech
from webui.quality.english_words import english_recogniser
from webui.quality.similarity import speaker_encoder
from webui.quality.words import distance, words_of
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import SpeechControls, controls_from_json
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.speech import speak

if TYPE_CHECKING:
    from recipes.mini.speakers import TeacherSpeaker

SENTENCES = Path(__file__).with_name("sentences.txt")
PARTS = ("teacher", "codec", "chain", "examples")


class Measurement:
    """One family, its voices, and the ears that judge them."""

    def __init__(self, folder: Path, precision: str, most: int) -> None:
        self.models: BarkModels = load_models(folder, "cpu", precision)
        self.sentences = SENTENCES.read_text("utf-8").splitlines()
        self.count = min(most, len(self.sentences))
        self.sets = candidate_sets(len(self.sentences))
        self.ears = ClosedSetRecogniser(self.sentences)
        limits = limits_of(self.models.family)
        files = sorted((folder / "speakers").glob("*.npz"))
        self.voices: dict[str, Speaker] = {
            path.stem: read_speaker(path, limits).speaker for path in files
        }

    def is_right(self, index: int, sound: Waveform, rate: int) -> bool:
        """Whether the recogniser hears sentence `index` in a sound."""
        return self.ears.choose(soxr.resample(sound, rate, RATE), self.sets[index]) == index

    def word_errors(self, index: int, sound: Waveform, rate: int) -> tuple[int, int]:
        """Word errors of sentence `index`."""
        return word_errors_of(self.sentences[index], sound, rate)

    def spoken(
        self, controls: SpeechControls, turn: int = 0
    ) -> Iterator[tuple[int, str, Waveform, float]]:
        """Every sentence in one of the voices: index, voice, sound, seconds of compute.

        The voices take turns; in another turn every sentence has another voice.
        """
        names = list(self.voices)
        for index in range(self.count):
            name = names[(index + turn) % len(names)]
            said = self.said(self.sentences[index], self.voices[name], controls)
            if said is not None:
                yield index, name, said.waveform, said.compute_seconds

    def said(self, text: str, voice: Speaker, controls: SpeechControls) -> Speech | None:
        """A text in one of the voices."""
        events = speak(self.models, text, voice, controls, CancelToken())
        (done,) = (each for each in events if isinstance(each, Done))
        return done.result


def word_errors_of(sentence: str, sound: Waveform, rate: int) -> tuple[int, int]:
    """Word errors of what the recogniser writes down freely, and words of the sentence."""
    ears = english_recogniser()
    if ears is None:
        raise SystemExit("The recogniser is missing: ./install.sh installs it.")
    wanted = words_of(sentence)
    return distance(wanted, words_of(ears.transcribe(sound, rate, "en").text)), len(wanted)


def measure_chain(
    measured: Measurement, seeds: list[int], overrides: dict[str, Any]
) -> dict[str, Any]:
    """Text to audio, once with each seed: sentences said right, nearest voice, real-time factor."""
    base = controls_from_json(measured.models.family.controls)
    rate = measured.models.codec.sample_rate
    right, seconds, compute, sounds, wrong = [], 0.0, 0.0, [], []
    errors: dict[int, list[tuple[int, int]]] = {seed: [] for seed in seeds}
    for turn, seed in enumerate(seeds):
        controls = controls_from_json({"seed": seed, **overrides}, base)
        for index, name, sound, spent in measured.spoken(controls, turn):
            right.append(measured.is_right(index, sound, rate))
            errors[seed].append(measured.word_errors(index, sound, rate))
            seconds += len(sound) / rate
            compute += spent
            sounds.append((name, sound))
            if not right[-1]:
                wrong.append(measured.sentences[index])
    return {
        "sentences_right": share(right),
        "word_error_rate": pooled([each for some in errors.values() for each in some]),
        "word_error_rate_of_seeds": {seed: pooled(some) for seed, some in errors.items()},
        "wrong": wrong,
        "real_time_factor": round(compute / max(seconds, 1e-9), 3),
        "seconds_a_sentence": round(seconds / len(right), 2),
        "nearest_voice_right": nearest_voices(measured, sounds),
    }


def measure_examples(measured: Measurement, seed: int) -> dict[str, Any]:
    """The page's examples in every voice: how many the recogniser hears, among nineteen others."""
    family, sentences = measured.models.family, measured.sentences
    if not family.examples or not measured.voices:
        return {"left_out": "the family has no examples or no voices"}
    ears = ClosedSetRecogniser([*sentences, *family.examples])
    controls = controls_from_json({"seed": seed}, controls_from_json(family.controls))
    rate, right, wrong = measured.models.codec.sample_rate, [], []
    for place, text in enumerate(family.examples, len(sentences)):
        others = [i for i, each in enumerate(sentences) if words_of(each) != words_of(text)]
        for name, voice in measured.voices.items():
            said = measured.said(text, voice, controls)
            sound = np.zeros(0) if said is None else soxr.resample(said.waveform, rate, RATE)
            right.append(ears.choose(sound, [*others[: CANDIDATES - 1], place]) == place)
            if not right[-1]:
                wrong.append(f"{name}: {text}")
    return {"sentences_right": share(right), "wrong": wrong}


def pooled(errors: list[tuple[int, int]]) -> float:
    """Word errors of all sentences for each of their words."""
    return round(sum(each for each, _ in errors) / max(sum(words for _, words in errors), 1), 4)


def nearest_voices(measured: Measurement, sounds: list[tuple[str, Waveform]]) -> dict[str, Any]:
    """How often a speech is nearer to its own voice's prompt than to every other one's."""
    encoder = speaker_encoder()
    if encoder is None:
        return {"left_out": "the speaker encoder is not installed (./install.sh brings it)"}
    rate = measured.models.codec.sample_rate
    names = list(measured.voices)
    prompts = np.stack(
        [
            encoder.embed(measured.models.codec.decode(voice.fine), rate)
            for voice in measured.voices.values()
        ]
    )
    hits, own, others = [], [], []
    for name, sound in sounds:
        likeness = prompts @ encoder.embed(sound, rate)
        mine = names.index(name)
        hits.append(int(likeness.argmax()) == mine)
        own.append(float(likeness[mine]))
        others.append(float(np.delete(likeness, mine).mean()))
    return {
        **share(hits),
        "similarity_own": round(float(np.mean(own)), 3),
        "similarity_others": round(float(np.mean(others)), 3),
        "voices": len(names),
    }


def measure_teacher(measured: Measurement, through_codec: bool, turns: int) -> dict[str, Any]:
    """The teacher's own speech, as it is or encoded and decoded by the family's codec.

    By all its speakers in turn, and by those whose voices the chain has, each saying what it says
    in as many turns.
    """
    try:
        from recipes.mini.speakers import KNOWN_SPEAKERS, TRAINING_SPEAKERS
        from recipes.mini.voices import VOICES

        TRAINING_SPEAKERS[0].say("Good morning.")
    except OSError:
        return {"left_out": "the teacher's library (Debian's libflite1) is not installed"}
    named = {each.name: each for each in KNOWN_SPEAKERS}
    own = [named[VOICES[name.capitalize()][0]] for name in measured.voices]
    found = _measure_speakers(measured, TRAINING_SPEAKERS, through_codec, 1)
    of_own = _measure_speakers(measured, own, through_codec, turns)
    return found | {"of_the_voices": of_own}


def _measure_speakers(
    measured: Measurement, speakers: list["TeacherSpeaker"], through_codec: bool, turns: int
) -> dict[str, Any]:
    """The sentences said by some of the teacher's speakers, as `Measurement.spoken` lets them."""
    codec, right, errors = measured.models.codec, [], []
    clear: list[float] = []
    for index, turn in itertools.product(range(measured.count), range(turns)):
        sound, _ = speakers[(index + turn) % len(speakers)].say(measured.sentences[index])
        sound = clean = levelled(sound)
        if through_codec:
            heard = soxr.resample(sound, RATE, codec.sample_rate).astype(np.float32)
            sound = soxr.resample(codec.decode(codec.encode(heard)), codec.sample_rate, RATE)
            length = min(len(sound), len(clean))
            clear.append(float(stoi(clean[:length], sound[:length], RATE)))
        right.append(measured.is_right(index, sound, RATE))
        errors.append(measured.word_errors(index, sound, RATE))
    found = {"sentences_right": share(right), "word_error_rate": pooled(errors)}
    return found | ({"stoi": mean_interval(clear)} if through_codec else {})


def main() -> int:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument(
        "--seeds",
        default="1,2,3,4,5,6",
        help="of the chain, each a turn of the voices; the first is that of the examples too",
    )
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--controls", default="{}", help="JSON over the recommended controls")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    measured = Measurement(arguments.family, arguments.precision, arguments.sentences)
    parts, seeds = arguments.parts.split(","), [int(each) for each in arguments.seeds.split(",")]
    result: dict[str, Any] = {"family": measured.models.family.id, "precision": arguments.precision}
    if "teacher" in parts:
        result["teacher"] = measure_teacher(measured, through_codec=False, turns=len(seeds))
    if "codec" in parts:
        result["codec"] = measure_teacher(measured, through_codec=True, turns=len(seeds))
    if "chain" in parts:
        overrides = json.loads(arguments.controls)
        result["chain"] = measure_chain(measured, seeds, overrides)
    if "examples" in parts:
        result["examples"] = measure_examples(measured, seeds[0])
    result["measured_in_seconds"] = round(time.perf_counter() - started, 1)
    print(keep(result, arguments.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
