"""Step 4b: the quantizer, which turns the encoder's features of any recording into semantic tokens.

    python -m recipes.mini.quantizer --work WORK --minutes 15

The teacher's phones are known, so every frame has its exact token; sound, pace, pitch and noise vary
as they did for the encoder. To be trained again whenever the encoder has changed.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from recipes.mini import checkpoints
from recipes.mini.clips import Clip, read_clips, training_clips, validation_clips
from recipes.mini.hubert import HOP, PhoneNamer, hubert_config, padded, varied, warped
from recipes.mini.tokens import CLUSTERS, LAYER, load_encoder, nearest, true_features
from recipes.mini.training import Means, moments_of, set_rate
from webui.cloning.quantizer import Quantizer, QuantizerConfig

BATCH = 16
HIDDEN = 256
RATE = 2e-3  # of learning, at its highest


def quantizer_config() -> QuantizerConfig:
    """From the encoder's features to the family's tokens, in the published version 0's shape."""
    return QuantizerConfig(hubert_config().hidden_size, HIDDEN, CLUSTERS)


@torch.no_grad()
def features_of(encoder: PhoneNamer, sounds: list[np.ndarray]) -> torch.Tensor:
    """The encoder's features of several sounds (float, -1..1): (batch, frames of the longest, 192)."""
    longest = max(map(len, sounds))
    padded_sounds = [padded(np.pad(s, (0, longest - len(s))), hubert_config()) for s in sounds]
    stacked = torch.from_numpy(np.stack(padded_sounds).astype(np.float32))
    return encoder.hubert(stacked).last_hidden_state


def batch_of(
    clips: list[Clip], encoder: PhoneNamer, centroids: np.ndarray, dice: np.random.Generator | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and tokens (-100 outside) of some clips; varied unless `dice` is None."""
    if dice is not None:
        clips = [warped(clip, dice) for clip in clips]
    sounds = [clip.samples / 32_768.0 for clip in clips]
    if dice is not None:
        sounds = [varied(sound, dice) for sound in sounds]
    rows = [nearest(true_features(clip), centroids) for clip in clips]
    target = np.full((len(clips), -(-max(map(len, sounds)) // HOP)), -100, dtype=np.int64)
    for place, row in enumerate(rows):
        target[place, : len(row)] = row
    return features_of(encoder, sounds), torch.from_numpy(target)


@torch.no_grad()
def accuracy(
    model: Quantizer, clips: list[Clip], encoder: PhoneNamer, centroids: np.ndarray
) -> float:
    """The share of frames whose token is right, on clips never trained on."""
    right = total = 0
    for clip in clips[:100]:
        features, target = batch_of([clip], encoder, centroids, None)
        named = model(features)[0].argmax(-1)[: target.shape[1]]
        right += int((named == target[0]).sum())
        total += target.shape[1]
    return right / total


def train(work: Path, minutes: float) -> None:
    """Train from nothing until the time is up; the rate of learning falls to nearly nothing."""
    encoder, centroids = load_encoder(work), np.load(work / "centroids.npy")
    clips = read_clips(work)
    seen, kept_out = training_clips(clips), validation_clips(clips)
    seen.sort(key=lambda clip: len(clip.samples))
    dice = np.random.default_rng(0)
    torch.manual_seed(0)
    model = Quantizer(quantizer_config())
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    means, step = Means(), 0
    for step, part in moments_of(minutes, 0, means.told):
        set_rate(optimizer, RATE, step, part, 0.02)
        first = int(dice.integers(0, len(seen) - BATCH))
        features, target = batch_of(seen[first : first + BATCH], encoder, centroids, dice)
        scores = model(features)[:, : target.shape[1]]
        loss = F.cross_entropy(
            scores.flatten(0, 1), target[:, : scores.shape[1]].flatten(), ignore_index=-100
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        means.add({"loss": loss})
    right = accuracy(model, kept_out, encoder, centroids)
    print(f"done: step {step + 1} right {right:.3f}", flush=True)
    figures = {"step": step + 1, "accuracy": right, "seconds": 60 * minutes}
    checkpoints.save(work / "quantizer.pt", {"model": model.state_dict(), **figures})


def write_quantizer(work: Path, out: Path) -> None:
    """Write `quantizer/mini.safetensors` into the family's folder, in half precision."""
    state = checkpoints.load(work / "quantizer.pt")
    assert state is not None, "train the quantizer first"
    folder = out / "quantizer"
    folder.mkdir(exist_ok=True)
    notes = {
        "format": "pt", "version": "0", "family": "mini", "language": "en", "licence": "MIT",
        "layer": str(LAYER), "accuracy": f"{state['accuracy']:.3f}",
    }  # fmt: skip
    weights = {key: each.half().contiguous() for key, each in state["model"].items()}
    save_file(weights, folder / "mini.safetensors", metadata=notes)


def main() -> None:
    """Train the quantizer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train(arguments.work, arguments.minutes)


if __name__ == "__main__":
    main()
