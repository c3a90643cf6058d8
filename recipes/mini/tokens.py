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
from recipes.mini.clips import Clip, read_shard, reading_shards, shards_of, token_path
from recipes.mini.codec import ResidualQuantizer, codec_config, load_parts
from recipes.mini.devices import here, use_device
from recipes.mini.hubert import HOP, MOMENTS, PhoneNamer, hubert_config, moments, padded
from recipes.mini.spelling import PHONES

CLUSTERS = 500
SOFTNESS = (
    0.35  # how much of a moment's phone its neighbours get; without it rare phones share clusters
)
LAYER = 4  # of the encoder; the last one
FIT_FRAMES = 120_000
AT_ONCE = 32  # clips; on the processor as fast as one by one


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
            write_tokens(
                target, [nearest(true_features(clip), centroids) for clip in read_shard(shard)], 0
            )


def codes_of(model: EncodecModel, quantizer: ResidualQuantizer, samples: np.ndarray) -> np.ndarray:
    """Codes (codebooks, frames) of int16 samples, padded with silence to whole frames."""
    return codes_of_all(model, quantizer, [samples])[0]


@torch.no_grad()
def codes_of_all(
    model: EncodecModel, quantizer: ResidualQuantizer, clips: list[np.ndarray]
) -> list[np.ndarray]:
    """Codes (codebooks, frames) of each clip's int16 samples.

    Clips of as many frames are computed at once, so that none hears the silence after a shorter one.
    """
    of_length: dict[int, list[int]] = {}
    for index, samples in enumerate(clips):
        of_length.setdefault(-(-len(samples) // HOP), []).append(index)
    found = [np.zeros((0, 0), np.int16)] * len(clips)
    for frames, same in of_length.items():
        for first in range(0, len(same), AT_ONCE):
            members = same[first : first + AT_ONCE]
            sounds = [np.pad(clips[i], (0, frames * HOP - len(clips[i]))) for i in members]
            z = model.encoder(here(np.stack(sounds)[:, None].astype(np.float32)) / 32_768)
            for index, codes in zip(members, quantizer.encode(z).cpu().numpy(), strict=True):
                found[index] = codes.astype(np.int16)
    return found


def write_codes(work: Path, shards: list[Path]) -> None:
    """Codes of each shard that has none yet."""
    model, quantizer = load_codec(work)
    for module in model.modules():
        if torch.nn.utils.parametrize.is_parametrized(module, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    for shard in shards:
        target = token_path(work, "codes", shard)
        if not target.exists():
            clips = [clip.samples for clip in read_shard(shard)]
            write_tokens(target, codes_of_all(model, quantizer, clips), 1)


def write_tokens(path: Path, arrays: list[np.ndarray], axis: int) -> None:
    """Write the tokens of a shard's clips, joined along `axis`, and how many each clip has."""
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
    parser.add_argument("--device", default="cpu", help="where codes are computed: cpu or cuda")
    parser.add_argument("--worker", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("kind", choices=["semantic", "codes"])
    arguments = parser.parse_args()
    use_device(arguments.device if arguments.kind == "codes" else "cpu")
    shards = shards_of(arguments.work, arguments.shards)
    if arguments.kind == "semantic":
        shards += reading_shards(arguments.work)
    shards = shards[arguments.worker :: arguments.workers]
    {"semantic": write_semantic, "codes": write_codes}[arguments.kind](arguments.work, shards)


if __name__ == "__main__":
    main()
