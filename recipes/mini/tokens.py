"""Step 4: tokens of every clip: semantic tokens by k-means on phones' chances, codes by the codec.

A semantic token is a cluster of what is said in the four moments of a frame: the square roots of the phones'
chances, so that distance is that of distributions (Hellinger). The clusters are fitted on the teacher's own phones,
softened over neighbouring moments, and training speech gets its tokens from them too: they are exact, so the text
stage has nothing to guess. A recording gets its tokens from the chances that the encoder hears. The clusters do
not depend on the encoder, so it may be trained further at any time.

    python -m recipes.mini.tokens --work WORK semantic|codes [--shards N]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from transformers import EncodecModel

from recipes.mini import checkpoints
from recipes.mini.clips import Clip, read_shard, shards_of, token_path
from recipes.mini.codec import ResidualQuantizer, codec_config, load_parts
from recipes.mini.hubert import HOP, MOMENTS, PhoneNamer, hubert_config, moments, padded
from recipes.mini.spelling import PHONES

CLUSTERS = 500
SOFTNESS = (
    0.35  # how much of a moment's phone its neighbours get; without it rare phones share clusters
)
LAYER = 4  # of the encoder; the last one
FIT_FRAMES = 120_000


def load_encoder(work: Path) -> PhoneNamer:
    """The trained encoder."""
    model = PhoneNamer()
    state = checkpoints.load(work / "hubert.pt")
    assert state is not None, "train the encoder first"
    model.load_state_dict(state["model"])
    return model.eval()


def load_codec(work: Path) -> tuple[EncodecModel, ResidualQuantizer]:
    """The trained codec and its codebooks."""
    model, parts = EncodecModel(codec_config()), load_parts(work)
    model.encoder, model.decoder = parts["encoder"], parts["decoder"]
    return model.eval(), parts["quantizer"]


@torch.no_grad()
def features(encoder: PhoneNamer, samples: np.ndarray) -> np.ndarray:
    """Square roots of the phones' chances at each frame's moments, (frames, 164), of int16 samples."""
    sound = padded(samples / 32_768.0, hubert_config()).astype(np.float32)
    chances = encoder(torch.from_numpy(sound).unsqueeze(0))[0].softmax(-1)
    return chances.sqrt().flatten(1).numpy()


def true_features(clip: Clip) -> np.ndarray:
    """What `features` would be if the encoder named the teacher's phones for sure: (frames, 164)."""
    phones = moments(clip)
    sure = np.zeros((len(phones), MOMENTS, len(PHONES)), dtype=np.float32)
    np.put_along_axis(sure, phones[..., None], 1.0, 2)
    soft = sure.copy()
    soft[:, 1:] += SOFTNESS * sure[:, :-1]
    soft[:, :-1] += SOFTNESS * sure[:, 1:]
    return np.sqrt(soft / soft.sum(-1, keepdims=True)).reshape(len(phones), -1)


def fit_centroids(rows: np.ndarray, clusters: int = CLUSTERS, rounds: int = 25) -> np.ndarray:
    """k-means: (clusters, dimension). Empty clusters are put on the rows that are worst served."""
    x = torch.from_numpy(rows)
    generator = torch.Generator().manual_seed(0)
    centroids = x[torch.randperm(len(x), generator=generator)[:clusters]].clone()
    for _ in range(rounds):
        distance, index = torch.cdist(x, centroids).min(1)
        counts = torch.bincount(index, minlength=clusters)
        sums = torch.zeros_like(centroids).index_add_(0, index, x)
        centroids = sums / counts.clamp(min=1).unsqueeze(1)
        empty = (counts == 0).nonzero().flatten()
        centroids[empty] = x[distance.topk(len(empty)).indices]
    return centroids.numpy()


def nearest(rows: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The index of each row's nearest centroid."""
    return (rows @ centroids.T - 0.5 * np.square(centroids).sum(1)).argmax(1).astype(np.int64)


def write_semantic(work: Path, shards: list[Path]) -> None:
    """Semantic tokens of each shard that has none yet; fits the centroids first."""
    path = work / "centroids.npy"
    if not path.exists():
        rows = [true_features(clip) for shard in shards[:8] for clip in read_shard(shard)]
        every = np.concatenate(rows)
        picked = np.random.default_rng(0).permutation(len(every))[:FIT_FRAMES]
        np.save(path, fit_centroids(every[picked]))
    centroids = np.load(path)
    for shard in shards:
        target = token_path(work, "semantic", shard)
        if not target.exists():
            _write(
                target, [nearest(true_features(clip), centroids) for clip in read_shard(shard)], 0
            )


@torch.no_grad()
def codes_of(model: EncodecModel, quantizer: ResidualQuantizer, samples: np.ndarray) -> np.ndarray:
    """Codes (codebooks, frames) of int16 samples, padded with silence to whole frames."""
    frames = -(-len(samples) // HOP)
    sound = np.pad(samples / 32_768.0, (0, frames * HOP - len(samples))).astype(np.float32)
    z = model.encoder(torch.from_numpy(sound)[None, None])
    return quantizer.encode(z)[0].numpy().astype(np.int16)


def write_codes(work: Path, shards: list[Path]) -> None:
    """Codes of each shard that has none yet."""
    model, quantizer = load_codec(work)
    for module in model.modules():
        if torch.nn.utils.parametrize.is_parametrized(module, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    for shard in shards:
        target = token_path(work, "codes", shard)
        if not target.exists():
            _write(
                target, [codes_of(model, quantizer, clip.samples) for clip in read_shard(shard)], 1
            )


def _write(path: Path, arrays: list[np.ndarray], axis: int) -> None:
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, values=np.concatenate(arrays, axis), counts=[a.shape[axis] for a in arrays])
    unfinished.rename(path)
    print(path, flush=True)


def main() -> None:
    """Write the tokens that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=60, help="of each teacher, at most")
    parser.add_argument("--backwards", action="store_true", help="begin with the last shard")
    parser.add_argument("kind", choices=["semantic", "codes"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    shards = shards_of(arguments.work, arguments.shards)
    shards = shards[::-1] if arguments.backwards else shards
    {"semantic": write_semantic, "codes": write_codes}[arguments.kind](arguments.work, shards)


if __name__ == "__main__":
    main()
