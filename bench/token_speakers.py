"""How much of who speaks is left in a family's tokens: can a probe name the speaker from them?

    python -m bench.token_speakers --family models/mini --out bench/results/token_speakers.json

Twenty speakers that training never heard say the same thirty sentences. A linear probe learns to
name them from twenty sentences and is asked about the ten others. It sees how often each token and
each pair of neighbours comes; `once` are the semantic tokens with each run counted once, so that
pace, which is the teacher's and not the token's, tells nothing. `features` are the means and
deviations of what the quantizer reads, `coarse` the codec's first two codebooks, which shall tell
the speaker. Guessing is right in one of twenty. Needs flite.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bench.figures import keep
from bench.intervals import share
from bench.recogniser import RATE
from bench.unseen_speakers import unseen_speakers
from webui.cloning.hubert import load_hubert
from webui.cloning.quantizer import load_quantizer
from webui.synthesis.models import load_models

SENTENCES = Path(__file__).with_name("sentences.txt")
SPEAKERS, LEARNED, ASKED = 20, 20, 10
STEPS, DECAY = 300, 0.02


def counts_of(tokens: np.ndarray, kinds: int) -> dict[int, int]:
    """How often each token and each pair of neighbours comes, by a number for each."""
    pairs = kinds + tokens[:-1] * kinds + tokens[1:]
    values, counts = np.unique(np.concatenate([tokens, pairs]), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def as_vectors(rows: Sequence[dict[int, int]]) -> np.ndarray:
    """Counts -> vectors of length one, over all numbers that come: (rows, numbers)."""
    places = {
        number: place for place, number in enumerate(sorted({n for row in rows for n in row}))
    }
    vectors = np.zeros((len(rows), len(places)), np.float32)
    for vector, row in zip(vectors, rows, strict=True):
        for number, count in row.items():
            vector[places[number]] = np.log1p(count)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def probed(vectors: np.ndarray, speakers: np.ndarray, is_asked: np.ndarray) -> dict[str, Any]:
    """Learn to name the speakers from some rows; the share that is named right of the others."""
    centred = vectors - vectors[~is_asked].mean(0)
    scaled = torch.from_numpy(centred / (centred[~is_asked].std() + 1e-9))
    numbers, asked = torch.from_numpy(speakers), torch.from_numpy(is_asked)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        probe = nn.Linear(vectors.shape[1], SPEAKERS)
    optimizer = torch.optim.AdamW(probe.parameters(), 0.01, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(probe(scaled[~asked]), numbers[~asked]).backward()
        optimizer.step()
    named = probe(scaled[asked]).argmax(1)
    return share((named == numbers[asked]).tolist())


def main() -> int:
    """Measure, keep and show."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    models, encoder = load_models(words.family), load_hubert(words.family / "hubert")
    (file,) = sorted((words.family / "quantizer").glob("*.safetensors"))
    quantizer = load_quantizer(file)
    sentences = SENTENCES.read_text("utf-8").splitlines()[: LEARNED + ASKED]
    kinds = models.family.semantic.vocabulary
    semantic, once, features, coarse, speakers, is_asked = [], [], [], [], [], []
    for number, speaker in enumerate(unseen_speakers("flite", SPEAKERS, None)):
        for place, sentence in enumerate(sentences):
            sound = speaker.say(sentence)
            heard = encoder.features(sound, RATE)
            tokens = quantizer.tokens_of(heard)
            codes = models.codec.encode(sound)[:2].astype(np.int64)
            size = models.codec.codebook_size
            semantic.append(counts_of(tokens, kinds))
            once.append(counts_of(tokens[np.diff(tokens, prepend=-1) != 0], kinds))
            features.append(np.concatenate([heard.mean(0), heard.std(0)]))
            coarse.append(counts_of(np.concatenate([codes[0], size + codes[1]]), 2 * size))
            speakers.append(number)
            is_asked.append(place >= LEARNED)
        print(f"{number + 1} of {SPEAKERS} speakers", flush=True)
    who, asked = np.array(speakers), np.array(is_asked)
    seen = {
        "semantic": as_vectors(semantic),
        "once": as_vectors(once),
        "features": np.stack(features).astype(np.float32),
        "coarse": as_vectors(coarse),
    }
    result = {
        "family": models.family.id,
        "speakers": SPEAKERS,
        "sentences_learned": LEARNED,
        "sentences_asked": ASKED,
        "guessing": 1 / SPEAKERS,
        "named_right": {name: probed(rows, who, asked) for name, rows in seen.items()},
    }
    print(keep(result, words.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
