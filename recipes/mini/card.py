"""Step 9: the model card, from the figures that were measured.

python -m recipes.mini.card --work WORK --family models/mini --quality bench/results/mini_quality.json
    --faults bench/results/mini_faults.json --clones bench/results/clone_quality.json
"""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import safe_open

from recipes.mini import checkpoints
from recipes.mini import layout as L
from recipes.mini.clips import READING, TEACHERS, reading_shards, shards_of, token_path
from recipes.mini.flite import RATE
from recipes.mini.speakers import TRAINING_SPEAKERS, WIDE_SPEAKERS
from recipes.mini.speakers_espeak import TRAINING_ESPEAK
from recipes.mini.training import spent_before
from recipes.mini.voices import VOICES

PARTS = {
    "semantic.": "text stage", "coarse_acoustics.": "coarse stage", "fine_acoustics.": "fine stage",
    "codec_model.": "codec",
}  # fmt: skip
CHECKPOINTS = {
    "codec_encoder": "codec: encoder and codebooks", "codec_decoder": "codec: decoder", "hubert": "encoder", "quantizer": "quantizer",
    "text": "text stage", "coarse": "coarse stage", "fine": "fine stage",
}  # fmt: skip

OF_VOICES = "of_the_voices"
"""Where `bench.mini_quality` tells of the published voices' own speakers."""
KINDS = {"flite": "flite", "espeak": "espeak-ng"}
METHODS = {
    "quantizer": "2, quantizer", "conversion": "3, conversion", "transcript": "1, transcript", "none": "no voice at all",
}  # fmt: skip


def weights(family: Path) -> dict[str, float]:
    """Millions of numbers in each part."""
    counts = dict.fromkeys(PARTS.values(), 0)
    with safe_open(family / "model.safetensors", "np") as file:
        for name in file.keys():  # noqa: SIM118  (not a dict)
            for prefix, part in PARTS.items():
                if name.startswith(prefix) and not name.endswith("attn.bias"):
                    counts[part] += int(np.prod(file.get_slice(name).get_shape()))
    for part, path in (
        ("encoder", family / "hubert" / "model.safetensors"),
        ("quantizer", family / "quantizer" / "mini.safetensors"),
    ):
        with safe_open(path, "np") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
            counts[part] = sum(int(np.prod(shape)) for shape in shapes)
    return {part: count / 1e6 for part, count in counts.items()}


def speech(work: Path) -> dict[str, tuple[int, float]]:
    """Clips and hours that each teacher said, and of all of them those with codes."""
    found = dict.fromkeys((*TEACHERS, READING, "codes"), (0, 0.0))
    for path in shards_of(work) + reading_shards(work):
        with np.load(path) as shard:
            clips, hours = len(shard["sample_counts"]), shard["sample_counts"].sum() / RATE / 3_600
        has_codes = token_path(work, "codes", path).exists()
        for kind in (path.parent.name, *(["codes"] if has_codes else [])):
            found[kind] = (found[kind][0] + clips, found[kind][1] + float(hours))
    return found


def trained(work: Path) -> list[str]:
    """One row for each part: steps, minutes of a processor and of a graphics card."""
    rows = []
    for name, title in CHECKPOINTS.items():
        state = checkpoints.load(work / f"{name}.pt")
        if state is None:
            continue
        slow, fast = (each / 60 for each in spent_before(state).values())
        rows.append(f"| {title} | {state['step']:,} | {slow:.0f} | {fast:.1f} |")
    return rows


def percent(figure: dict[str, Any]) -> str:
    """A share with its interval."""
    if figure.get("share") is None:
        return str(figure.get("left_out", "not measured"))
    low, high = figure["low"], figure["high"]
    return f"{figure['share']:.0%} ({low:.0%} to {high:.0%}, of {figure['count']})"


class Measured(NamedTuple):
    """What the benches have found; empty where they were not run."""

    quality: dict[str, Any]
    """Of `bench.mini_quality`."""
    faults: dict[str, Any]
    """Of `bench.mini_faults`."""
    clones: dict[str, Any]
    """Of `bench.clone_quality`."""


def card(work: Path, family: Path, measured: Measured) -> str:
    """The whole page."""
    return f"{_what_it_is(work, family)}\n{_how_it_was_made(work, measured)}"


def heard_row(what: str, figures: dict[str, Any]) -> str:
    """One row of sentences said right and words heard wrong."""
    wrong = figures.get("word_error_rate")
    shown = "not measured" if wrong is None else f"{wrong:.0%}"
    return f"| {what} | {percent(figures.get('sentences_right', figures))} | {shown} |"


def fault_lines(found: dict[str, Any]) -> str:
    """What else may be wrong with speech, in sentences."""
    if not found:
        return ""
    long = found["long_texts"]
    return f"""
`python -m bench.mini_faults`: without click, clipping, hole or babble are {percent(found["sentences"]["clean"])} sentences. In texts of half a
minute the last part is as like the first ({long["last_to_first"]["mean"]:.3f}) as the first parts of two texts are like each other ({long["two_firsts"]["mean"]:.3f}).
"""


def clone_lines(found: dict[str, Any]) -> str:
    """How good clones are, as a table."""
    if not found:
        return ""
    rows = [
        f"| {len(figures['speakers'])} of {KINDS[kind]} | {METHODS[method]} | {percent(each['right_speaker'])} | {percent(each['right_sentence'])} |"
        for kind, figures in found["kinds"].items()
        for method, each in figures["methods"].items()
    ]
    endings = found.get("endings", 1)
    told = (
        f" Each clone spoke with up to {endings} ends, and the one with the best report was kept."
    )
    tried = told if endings > 1 else ""
    return f"""
`python -m bench.clone_quality`: clones of speakers that no training heard. Whose recording is the clone's speech nearest to, among
all of their kind; is the sentence understood?{tried}

| speakers | way | right speaker | right sentence |
|---|---|---|---|
{chr(10).join(rows)}
"""


def _what_it_is(work: Path, family: Path) -> str:
    sizes, said = weights(family), speech(work)
    total = sum(path.stat().st_size for path in family.rglob("*") if path.is_file())
    size_rows = [f"| {part} | {count:.1f} M |" for part, count in sizes.items()]
    return f"""---
license: mit
language: en
pipeline_tag: text-to-speech
tags: [bark, text-to-speech, synthetic-voices]
---

# mini: the built-in demonstration family

A complete small Bark: text, coarse and fine transformers, an EnCodec-architecture codec, a HuBERT-architecture encoder, a quantizer
for cloning and {len(VOICES)} voices, {total / 1e6:.0f} MB in all, trained from nothing by `recipes/mini` on synthetic speech. It is there so that
the app speaks at once and every test runs the real chain. It is a demonstration: plain English sentences, simple voices.

It loads in transformers too: `BarkModel.from_pretrained("models/mini")`.

## Data

Speech of two synthesisers, and no recording of a person:

| who | speakers | clips | hours |
|---|---|---|---|
| Debian's `flite`, voices slt, rms, awb (licence: see Debian's package, BSD-like) | {len(TRAINING_SPEAKERS)}, made by moving pitch, formants and pace | {said["teacher"][0]:,} | {said["teacher"][1]:.1f} |
| the same | {len(WIDE_SPEAKERS)} more | {said["wide"][0]:,} | {said["wide"][1]:.1f} |
| Debian's `espeak-ng` (GPL 3; its sound is free) | {len(TRAINING_ESPEAK)} variants | {said["espeak"][0]:,} | {said["espeak"][1]:.1f} |

They say short sentences and runs of words from Debian's `fortunes`; none of the sentences of `bench/sentences.txt` is among them.
{said["codes"][0]:,} clips ({said["codes"][1]:.1f} hours) of all three taught the coarse and the fine stage and the decoder, {said["played"][0]:,} of them
played faster or slower. The text stage learnt from `flite` only: {said[READING][0]:,} texts, {said[READING][1]:.0f} hours of which no sound was kept, with the examples of
Princeton's WordNet 3.0 (Debian's `wordnet-base`; WordNet's own licence, BSD-like). The published voices are of speakers of `flite`.

## Numbers

| part | weights |
|---|---|
{chr(10).join(size_rows)}

{RATE:,} Hz, {L.FRAME_RATE} frames a second of 8 codebooks x 1,024; {L.SEMANTIC_RATE} semantic tokens a second, {L.SEMANTIC_VOCABULARY} kinds; at most
{L.MOST_TOKENS / L.SEMANTIC_RATE:.0f} seconds in one go. Weights are kept in half precision and used in full.
"""


def _seeds_line(chain: dict[str, Any]) -> str:
    """How much the chain's wrong words differ from seed to seed."""
    rates = list(chain.get("word_error_rate_of_seeds", {}).values())
    if len(rates) < 2:
        return "The chain was heard with one seed: with others its wrong words differ by several points.\n"
    return f"The chain was heard with {len(rates)} seeds, which differ: with the best {min(rates):.0%} of its words were heard wrong, with the worst {max(rates):.0%}.\n"


def _how_it_was_made(work: Path, measured: Measured) -> str:
    chain, codec, teacher, examples = (
        measured.quality.get(part, {}) for part in ("chain", "codec", "teacher", "examples")
    )
    clear = codec.get("stoi", {}).get("mean", "not measured")
    voice_rows = [f"| {name} | {sound} |" for name, (_, sound) in VOICES.items()]
    heard, tokens = (
        f"{state['accuracy']:.0%}" if "accuracy" in state else "an unknown share"
        for state in (
            checkpoints.load(work / f"{name}.pt") or {} for name in ("hubert", "quantizer")
        )
    )
    return f"""## Training

Two cores of a shared server processor, and for some parts a graphics card (NVIDIA H100 or H200) for a few minutes at the end. On the
processor each part had one thread, the codec two when all of it learnt together; on both several parts were trained at once, so the minutes are
those of a clock.

| part | steps | minutes on the processor | on the graphics card |
|---|---|---|---|
{chr(10).join(trained(work))}

## Measured

`python -m bench.mini_quality`: fifty sentences that training never saw; pocketsphinx chooses among the right one and
nineteen others, and writes down freely what it hears. In brackets the 95 % interval.

| what | sentences right | words heard wrong |
|---|---|---|
{heard_row("the teacher's own sound", teacher)}
{heard_row("through the codec alone", codec)}
{heard_row("the teacher's own sound, by the speakers of the voices below", teacher.get(OF_VOICES, {}))}
{heard_row("the same through the codec alone", codec.get(OF_VOICES, {}))}
{heard_row("the whole chain, text to sound, in these voices", chain)}

{_seeds_line(chain)}Of the page's examples, said by every voice, are heard right: {percent(examples.get("sentences_right", examples))}.
STOI of the codec, beside the teacher's own sound: {clear}. A sentence is nearest to the voice that spoke it, of {len(VOICES)}: {percent(chain.get("nearest_voice_right", {}))}.
Real-time factor on one thread of that processor: {chain.get("real_time_factor", "not measured")}.
The encoder names {heard} of the phones at four moments of a frame right and the quantizer {tokens} of the
semantic tokens, on sentences that their training never saw.
{fault_lines(measured.faults)}{clone_lines(measured.clones)}
## Voices

| name | sound |
|---|---|
{chr(10).join(voice_rows)}

## Limits

English only. No laughter, songs, `[tags]`, numbers in digits or foreign names: it never heard them. Rare words are spelt out
by guess. It sounds buzzy, and some sentences come out wrong; another seed may help. It says little of how good Bark
itself is.
"""


def main() -> None:
    """Write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--family", type=Path, required=True)
    for name in Measured._fields:
        parser.add_argument(f"--{name}", type=Path, required=name == "quality")
    arguments = parser.parse_args()
    paths = (arguments.quality, arguments.faults, arguments.clones)
    measured = Measured(*(json.loads(path.read_text("utf-8")) if path else {} for path in paths))
    page = card(arguments.work, arguments.family, measured)
    (arguments.family / "README.md").write_text(page, "utf-8")


if __name__ == "__main__":
    main()
