"""The quantizer's recipe: targets beside their features, and the file that the app reads."""

from pathlib import Path

import numpy as np
import torch

from recipes.mini import checkpoints
from recipes.mini.clips import Clip
from recipes.mini.hubert import HOP, PhoneNamer
from recipes.mini.quantizer import batch_of, quantizer_config, write_quantizer
from recipes.mini.spelling import PHONES
from recipes.mini.tokens import nearest, true_features
from webui.checkpoint import read_notes
from webui.cloning.quantizer import Quantizer, load_quantizer


def clip(frames: int, phone: int) -> Clip:
    samples = np.random.default_rng(phone).integers(-9_000, 9_000, frames * HOP).astype(np.int16)
    ends = np.array([len(samples) // 2, len(samples)])
    return Clip("a", 0, samples, np.array([0, phone]), ends, np.array([-1, 0]))


def centroids() -> np.ndarray:
    rows = np.concatenate([true_features(clip(12, phone)) for phone in range(len(PHONES))])
    return np.unique(rows, axis=0)


def test_every_frame_of_features_has_its_clips_token() -> None:
    clips, centres = [clip(10, 3), clip(14, 7)], centroids()
    features, target = batch_of(clips, PhoneNamer().eval(), centres, None)
    assert features.shape[:2] == target.shape == (2, 14)
    assert np.array_equal(target[0, :10], nearest(true_features(clips[0]), centres))
    assert (target[0, 10:] == -100).all()
    assert len(set(target[1].tolist())) > 1


def test_varied_clips_keep_as_many_tokens_as_frames() -> None:
    dice = np.random.default_rng(0)
    features, target = batch_of([clip(10, 3), clip(14, 7)], PhoneNamer().eval(), centroids(), dice)
    assert features.shape[1] == target.shape[1]
    assert (target >= 0).any(1).all()


def test_what_is_written_is_what_the_app_reads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Quantizer(quantizer_config())
    checkpoints.save(
        tmp_path / "quantizer.pt", {"model": model.state_dict(), "step": 5, "accuracy": 0.5}
    )
    out = tmp_path / "family"
    out.mkdir()
    write_quantizer(tmp_path, out)
    path = out / "quantizer" / "mini.safetensors"
    loaded, notes = load_quantizer(path), read_notes(path)
    assert (notes["family"], notes["version"], notes["accuracy"]) == ("mini", "0", "0.500")
    rows = np.random.default_rng(0).standard_normal((20, 192)).astype(np.float32)
    same = loaded.tokens_of(rows) == model.eval().tokens_of(rows)
    assert same.mean() > 0.9  # halves are kept
