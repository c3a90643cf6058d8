"""What a quantizer that a family teaches itself is worth, and how that grows with the pairs.

    python -m bench.quantizer_training --pairs 100,300,1000,3000 --out FILE.json

The family speaks nonsense in its own voices and without one; a quantizer is trained on the first
100, 300, … of the pairs. The encoder and the architectures are as in the app. Judged by:

- `own_speech`: speech of the family that no training used, other texts, in voices that were
  learned and in voices that were not. Right is the token that the text stage gave for the frame. No
  listener gets all of them right: the coarse stage places sounds only about where the tokens say.
  The rows `shipped` and `tokenizer` show what others get right of the same speech.
- `unseen_speech`: recordings by the teacher of speakers that the family never heard. `known` are
  the exact tokens, which follow from the teacher's phones; `tokenizer` are those that the family's
  own tokenizer (its encoder, its heads and its centroids) gives for the recording.

With `--labels heard` the quantizers learn the tokens that the tokenizer hears in the same sound,
instead of those that the sound was made from: what is missing then is not due to the labels.

All seconds are of this machine; processor seconds are summed over all processes. With `--work` the
pairs are kept in a folder and used again; then `seconds` of making them are those of reading.
"""

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from bench.figures import keep
from bench.intervals import share
from bench.unseen_speakers import unseen_speakers
from recipes.mini.hubert import MOMENTS
from recipes.mini.tokens import nearest
from webui.checkpoint import load_tensors
from webui.cloning.hubert import HUBERT_RATE, HubertEncoder, load_hubert
from webui.cloning.quantizer import Quantizer, load_quantizer, quantizer_of
from webui.events import CancelToken
from webui.family import FamilyConfig, read_family
from webui.quantizer_file import write_quantizer
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import load_models
from webui.training.features import features_of
from webui.training.nonsense import NonsenseText, characters_for, corpus
from webui.training.pairs import NumberedText, speak_pairs
from webui.training.plan import TrainingData, TrainingPlan
from webui.training.train import train_quantizer
from webui.training_results import PairDropped, PairMade, QuantizerWeights

SECONDS = 2.6  # of a text, at most
HELD_OUT_VOICES = 2  # are never learned from
TEST_PAIRS = 96
TEXTS_AT_ONCE = 64  # of one process; eight of them go through the stages together
OWN_TOKENIZER = "semantic_tokens.safetensors"
Hearing = Callable[[np.ndarray], np.ndarray]  # features -> tokens


@dataclass(frozen=True, eq=False)
class Pair:
    """A pair as the bench keeps it."""

    text: str
    voice: str
    tokens: np.ndarray
    features: np.ndarray


def texts_for(family: FamilyConfig, count: int, test: bool) -> list[NumberedText]:
    """Nonsense of words and of letters by turns, in all voices by turns; the test has others."""
    longest = characters_for(corpus("en"), SECONDS)
    words, letters = (
        iter(NonsenseText(corpus("en"), order, int(test), longest // 2, longest).texts(count))
        for order in ("word", "character")
    )
    files = sorted((family.folder / "speakers").glob("*.npz"))
    voices = [(each.stem, read_speaker(each, limits_of(family)).speaker) for each in files]
    kept = voices[::6][:HELD_OUT_VOICES]
    learned = [each for each in voices if each not in kept]
    turn: list[tuple[str, Any]] = [("", None), *(kept + learned[:3] if test else learned)]
    made = []
    for number in range(count):
        name, voice = turn[number % len(turn)]
        text = next(words if number % 2 else letters)
        made.append(NumberedText(number, text, number + (10**6 if test else 0), name, voice))
    return made


@contextmanager
def work_folder(folder: Path | None) -> Iterator[Path]:
    """The folder that keeps pairs, or one for a while."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with TemporaryDirectory() as passing:
        yield Path(passing)


def make_pairs(folder: Path, texts: Sequence[NumberedText], file: Path) -> None:
    """Speak some texts and listen to them, in a process of its own; keep what comes of it."""
    torch.set_num_threads(1)
    models, encoder = load_models(folder), load_hubert(folder / "hubert")
    started = time.process_time()
    controls = controls_from_json(models.family.controls)
    events = list(speak_pairs(models, texts, controls, CancelToken()))
    spoken = time.process_time()
    made = [each for each in events if isinstance(each, PairMade)]
    heard = [features_of(encoder, each.waveform, each.sample_rate) for each in made]
    figures = {
        "dropped": sum(isinstance(each, PairDropped) for each in events),
        "sound_seconds": sum(len(each.waveform) / each.sample_rate for each in made),
        "pairs_processor_seconds": spoken - started,
        "features_processor_seconds": time.process_time() - spoken,
    }
    pairs = [
        Pair(each.text, each.voice, each.semantic, features)
        for each, features in zip(made, heard, strict=True)
    ]
    _write(file, pairs, figures)


def pairs_of(
    folder: Path, count: int, test: bool, processes: int, work: Path | None
) -> tuple[list[Pair], dict[str, Any]]:
    """Give so many pairs, made now or kept from an earlier run, and what making them took."""
    made: list[Pair] = []
    facts: dict[str, float] = {}
    every = texts_for(read_family(folder), count, test)
    parts = [every[first : first + TEXTS_AT_ONCE] for first in range(0, count, TEXTS_AT_ONCE)]
    started = time.perf_counter()
    with work_folder(work) as kept, ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        files = [kept / f"{_name(part)}.npz" for part in parts]
        jobs = [
            None if file.exists() else pool.submit(make_pairs, folder, part, file)
            for file, part in zip(files, parts, strict=True)
        ]
        for number, (file, job) in enumerate(zip(files, jobs, strict=True)):
            if job is not None:
                job.result()
            pairs, figures = _read(file)
            made += pairs
            facts = {key: facts.get(key, 0.0) + value for key, value in figures.items()}
            print(f"{number + 1} of {len(jobs)} parts, {len(made)} pairs", flush=True)
    facts["seconds"] = time.perf_counter() - started
    return made, {**{key: round(value, 1) for key, value in facts.items()}, "pairs": len(made)}


def data_of(pairs: Sequence[Pair], rates: tuple[float, float]) -> TrainingData:
    """Pairs as a training takes them."""
    return TrainingData(
        tuple(each.features for each in pairs),
        tuple(each.tokens for each in pairs),
        tuple(each.text for each in pairs),
        tuple(each.voice for each in pairs),
        rates,
    )


def trained(data: TrainingData, plan: TrainingPlan) -> tuple[QuantizerWeights, dict[str, Any]]:
    """Train, and say what it took."""
    started, processor = time.perf_counter(), time.process_time()
    events = train_quantizer(data, plan, CancelToken())
    weights = [each for each in events if isinstance(each, QuantizerWeights)][-1]
    facts = {
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "steps": weights.step,
        "shift": weights.shift,
        "held_out_in_training": round(weights.accuracy or 0.0, 4),
    }
    return weights, facts


def own_tokenizer(folder: Path) -> tuple[Hearing, np.ndarray]:
    """The family's own way from features to tokens, and its centroids."""
    state = {
        key: each.float() for key, each in load_tensors(folder / "hubert" / OWN_TOKENIZER).items()
    }
    centroids = state["centroids"].numpy()

    def hear(features: np.ndarray) -> np.ndarray:
        heads = torch.from_numpy(features) @ state["heads.weight"].T + state["heads.bias"]
        chances = heads.reshape(len(features), MOMENTS, -1).softmax(-1)
        return nearest(chances.sqrt().flatten(1).numpy(), centroids)

    return hear, centroids


def right_share(hear: Hearing, lessons: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """The share of frames whose token is right."""
    hits: list[bool] = []
    for features, tokens in lessons:
        named = hear(features.astype(np.float32))
        length = min(len(named), len(tokens))
        hits += (named[:length] == tokens[:length]).tolist()
    return share(hits)


@dataclass(frozen=True, eq=False)
class Judge:
    """The speech that every quantizer is judged by."""

    test: Sequence[Pair]
    unseen: Sequence[tuple[np.ndarray, np.ndarray]]  # features and exact tokens
    tokenizer: Hearing
    learned_voices: frozenset[str]

    def judge(self, hear: Hearing) -> dict[str, Any]:
        """Judge one way of hearing."""
        learned = [each for each in self.test if each.voice in self.learned_voices]
        others = [each for each in self.test if each.voice not in self.learned_voices]
        by_tokenizer = [(features, self.tokenizer(features)) for features, _ in self.unseen]
        return {
            "own_speech": {
                "learned_voices": right_share(hear, [(p.features, p.tokens) for p in learned]),
                "other_voices": right_share(hear, [(p.features, p.tokens) for p in others]),
            },
            "unseen_speech": {
                "known": right_share(hear, self.unseen),
                "tokenizer": right_share(hear, by_tokenizer),
            },
        }


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Everything, as far as it has come; the last one is whole."""
    folder: Path = arguments.family
    family, encoder = read_family(folder), load_hubert(folder / "hubert")
    counts = sorted(int(each) for each in arguments.pairs.split(","))
    test, test_facts = pairs_of(
        folder, arguments.test_pairs, True, arguments.processes, arguments.work
    )
    pairs, facts = pairs_of(folder, counts[-1], False, arguments.processes, arguments.work)
    rates = (HUBERT_RATE / encoder.hop, family.semantic.rate_hz)
    hear, centroids = own_tokenizer(folder)
    if arguments.labels == "heard":
        pairs = [replace(each, tokens=hear(each.features.astype(np.float32))) for each in pairs]
    judge = Judge(test, _unseen(encoder, centroids), hear, frozenset(each.voice for each in pairs))
    shipped = sorted((folder / "quantizer").glob("*.safetensors"))
    found: dict[str, Any] = {
        "family": family.id,
        "threads": arguments.threads,
        "processes": arguments.processes,
        "labels": arguments.labels,
        "making_pairs": facts,
        "making_test_pairs": test_facts,
        "shipped": {each.stem: judge.judge(load_quantizer(each).tokens_of) for each in shipped},
        "tokenizer": judge.judge(hear),
        "curve": [],
    }
    yield found
    for architecture in arguments.architectures.split(","):
        for count in counts:
            least = arguments.least_steps
            plan = TrainingPlan(family.semantic.vocabulary, architecture, least_steps=least)
            weights, took = trained(data_of(pairs[:count], rates), plan)
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                name = f"{architecture}_{count}.safetensors"
                write_quantizer(arguments.keep / name, weights, {"family": family.id}, replace=True)
            model: Quantizer = quantizer_of(weights)
            parameters = sum(each.numel() for each in model.parameters())
            found["curve"].append(
                {
                    "architecture": architecture,
                    "pairs": len(pairs[:count]),
                    "parameters": parameters,
                    "training": took,
                    **judge.judge(model.tokens_of),
                }
            )
            yield found


def _unseen(encoder: HubertEncoder, centroids: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    recorded = unseen_speakers("flite", 12, centroids)
    return [
        (encoder.features(each.sound, HUBERT_RATE), each.tokens)
        for each in recorded
        if each.tokens is not None
    ]


def _name(texts: Sequence[NumberedText]) -> str:
    words = "\n".join(f"{each.number} {each.seed} {each.voice_name} {each.text}" for each in texts)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _write(path: Path, pairs: Sequence[Pair], figures: dict[str, float]) -> None:
    arrays = {
        f"{number}_{key}": value
        for number, each in enumerate(pairs)
        for key, value in vars(each).items()
    }
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, figures=np.array(json.dumps(figures)), count=len(pairs), **arrays)
    unfinished.rename(path)


def _read(path: Path) -> tuple[list[Pair], dict[str, float]]:
    with np.load(path) as kept:
        pairs = [
            Pair(
                str(kept[f"{number}_text"]),
                str(kept[f"{number}_voice"]),
                kept[f"{number}_tokens"],
                kept[f"{number}_features"],
            )
            for number in range(int(kept["count"]))
        ]
        return pairs, json.loads(str(kept["figures"]))


def main() -> None:
    """Measure, and write the figures whenever there are new ones."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--pairs", default="100,300,1000,3000", help="how many, parted by commas")
    parser.add_argument("--test-pairs", type=int, default=TEST_PAIRS)
    parser.add_argument("--architectures", default="version_2", help="parted by commas")
    parser.add_argument("--labels", choices=("given", "heard"), default="given")
    parser.add_argument("--least-steps", type=int, default=600, help="of a training")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that speak")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="that train")
    parser.add_argument("--work", type=Path, help="a folder for the pairs, to use them again")
    parser.add_argument("--keep", type=Path, help="a folder for the quantizers, to clone with")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for found in measured(arguments):
        keep(found, arguments.out)
        print(json.dumps(found["curve"][-1:] or found["shipped"]), flush=True)


if __name__ == "__main__":
    main()
