"""How much smaller weights change what a family would say: same tokens read, scores compared.

    python -m bench.int8_quality --family models/mini --out FILE.json

The full-precision stage speaks; the smaller ones read every token that it drew, and their scores
are compared with its own, token by token. int8 becomes the default on processors only if its loss
is small here.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.bark_sizes import SIZES, bark_family, network_of, random_weights
from bench.figures import keep
from webui.arrays import Speaker
from webui.backend.device import choose_threads
from webui.events import result_of
from webui.family import FamilyConfig
from webui.speaker_file import read_speaker
from webui.speaker_limits import limits_of
from webui.synthesis import coarse, semantic
from webui.synthesis.controls import SpeechControls, controls_from_json
from webui.synthesis.models import load_models
from webui.synthesis.sampling import Drawing, generators_of
from webui.synthesis.transformer import CausalTransformer, KeyValueCache

SENTENCES = Path(__file__).with_name("sentences.txt")
SMALLER = ("bf16", "int8")
RANDOM_TOKENS = 60
MOST_SECONDS = 6.0  # of one sentence
SMALL_LOSS = {"least_agreement": 0.97, "most_divergence": 0.01}
"""What we call small: of a hundred likeliest tokens at most three change, and one token of the
smaller stage tells less than a hundredth of a nat against it."""


@dataclass(eq=False)
class Scores:
    """What the comparisons of one stage and precision add up to."""

    agreed: list[bool] = field(default_factory=list)
    divergences: list[float] = field(default_factory=list)  # nats, from full precision

    def add(self, full: torch.Tensor, smaller: torch.Tensor) -> None:
        """Compare the scores of one place."""
        self.agreed.append(bool(full.argmax() == smaller.argmax()))
        expected, found = full.double().log_softmax(-1), smaller.double().log_softmax(-1)
        self.divergences.append(float((expected.exp() * (expected - found)).sum()))

    def summary(self) -> dict[str, Any]:
        """All of it in a few numbers."""
        agreement = float(np.mean(self.agreed))
        mean = float(np.mean(self.divergences))
        return {
            "tokens": len(self.agreed),
            "same_likeliest_token": round(agreement, 4),
            "mean_divergence_nats": round(mean, 6),
            "divergence_nats_99th_percentile": round(float(np.quantile(self.divergences, 0.99)), 6),
        }


class ComparedStage:
    """Stands where a stage stands, and lets smaller ones read along.

    Embeddings of all of them lie side by side in one tensor, so the stage's loop need not know.
    """

    def __init__(self, full: CausalTransformer, smaller: dict[str, CausalTransformer]) -> None:
        self._all = [full, *smaller.values()]
        self.scores = {name: Scores() for name in smaller}
        self.device = full.device

    def new_cache(self, batch: int) -> "_Caches":
        """An empty cache for each."""
        return _Caches([stage.new_cache(batch) for stage in self._all])

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids -> the embeddings of all, side by side."""
        return torch.cat([stage.embed(tokens) for stage in self._all], dim=-1)

    def __call__(self, embedded: torch.Tensor, caches: "_Caches", head: int = 0) -> torch.Tensor:
        """Score with all; give what full precision says."""
        parts = embedded.chunk(len(self._all), dim=-1)
        full, *others = (
            stage(part, cache, head)
            for stage, part, cache in zip(self._all, parts, caches.each, strict=True)
        )
        for scores, smaller in zip(self.scores.values(), others, strict=True):
            scores.add(full[0], smaller[0])
        return full


@dataclass(eq=False)
class _Caches:
    each: list[KeyValueCache]

    def reset(self) -> None:
        for cache in self.each:
            cache.reset()


@dataclass(eq=False)
class Comparison:
    """The text and the coarse stage of one family in all precisions."""

    family: FamilyConfig
    text: ComparedStage
    coarse: ComparedStage

    def say(
        self, ids: np.ndarray, speaker: Speaker | None, controls: SpeechControls, seed: int
    ) -> None:
        """Say one text; the comparisons add up in the stages."""
        most = max(1, int(min(controls.max_seconds, MOST_SECONDS) * self.family.semantic.rate_hz))
        history = None if speaker is None else speaker.semantic
        spoken = semantic.generate_semantic(
            self.text,  # type: ignore[arg-type]  # stands where a stage stands
            self.family.semantic,
            semantic.TextPrompt([ids], history),
            Drawing(controls.semantic, generators_of([seed])),
            semantic.EndRule(controls.min_eos_p, most),
        )
        tokens = result_of(spoken)[0]
        if not len(tokens):
            return
        drawing = Drawing(controls.coarse, generators_of([seed]))
        result_of(coarse.generate_coarse(self.coarse, self.family, [tokens], speaker, drawing))  # type: ignore[arg-type]

    def summary(self) -> dict[str, Any]:
        """The numbers of both stages in every smaller precision."""
        return {
            stage: {name: scores.summary() for name, scores in compared.scores.items()}
            for stage, compared in (("text", self.text), ("coarse", self.coarse))
        }


def compare_random() -> dict[str, Any]:
    """Bark's small size with random weights: the arithmetic alone.

    Thousands of tokens are about equally likely there, so the likeliest changes easily.
    """
    family = bark_family(SIZES["small"])
    stages = {}
    for part, ranges in (
        ("text", semantic.emitted_ranges(family.semantic)),
        ("coarse", coarse.emitted_ranges(family)),
    ):
        weights, network = random_weights(SIZES["small"], part), network_of(family, part)

        def stage(precision: str) -> CausalTransformer:
            return CausalTransformer(network, weights, ranges, precision)  # noqa: B023

        stages[part] = _compared(stage)
    comparison = Comparison(family, stages["text"], stages["coarse"])
    ids = np.random.default_rng(2).integers(1_000, 100_000, 40)
    seconds = RANDOM_TOKENS / family.semantic.rate_hz
    comparison.say(ids, None, SpeechControls(max_seconds=seconds, min_eos_p=1.0), seed=0)
    return comparison.summary()


def compare_family(folder: Path, sentences: Iterable[str]) -> dict[str, Any]:
    """A family over the sentences, with its own voices in turn."""
    full = load_models(folder)
    family = full.family
    smaller = {name: load_models(folder, precision=name) for name in SMALLER}
    comparison = Comparison(
        family,
        ComparedStage(full.text, {name: each.text for name, each in smaller.items()}),
        ComparedStage(full.coarse, {name: each.coarse for name, each in smaller.items()}),
    )
    limits = limits_of(family)
    files = sorted((folder / "speakers").glob("*.npz"))
    voices: list[Speaker | None] = [read_speaker(path, limits).speaker for path in files]
    voices = voices or [None]
    controls = controls_from_json(family.controls)
    for number, sentence in enumerate(sentences):
        ids = full.tokenizer.encode(sentence)
        comparison.say(ids, voices[number % len(voices)], controls, seed=number)
    return comparison.summary()


def judge(scores: dict[str, Any]) -> dict[str, bool]:
    """Whether each precision's loss is small in both stages."""
    return {
        name: all(
            found[name]["same_likeliest_token"] >= SMALL_LOSS["least_agreement"]
            and found[name]["mean_divergence_nats"] <= SMALL_LOSS["most_divergence"]
            for found in scores.values()
        )
        for name in SMALLER
    }


def _compared(stage: Callable[[str], CausalTransformer]) -> ComparedStage:
    return ComparedStage(stage("fp32"), {name: stage(name) for name in SMALLER})


def main() -> int:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--sentences", type=int, default=50, help="how many of them")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(choose_threads(0))
    result: dict[str, Any] = {
        "what": "scores of smaller weights beside those of fp32 on the same tokens",
        "small_means": SMALL_LOSS,
        "random_weights_small": compare_random(),
    }
    if (chosen.family / "config.json").is_file():
        sentences = SENTENCES.read_text("utf-8").splitlines()[: chosen.sentences]
        result["family"] = chosen.family.name
        result["sentences"] = len(sentences)
        result["family_scores"] = compare_family(chosen.family, sentences)
        result["loss_is_small"] = judge(result["family_scores"])
    else:
        print(f"There is no family in {chosen.family}, so only random weights were measured.")
    print(keep(result, chosen.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
