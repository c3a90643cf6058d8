"""Step 7: the fine stage, from the first two codebooks to all eight.

    python -m recipes.mini.fine --work WORK --minutes 40

The first codebooks say little of which code comes in the others: one who only learns the likeliest names one that is
as likely wrong, and adds its error to that of naming none. So the stage learns how far each code is from what the
codes before it leave out: its likeliest code is then the one with the least error to be expected. It learns so from
its own codes, one codebook after the other, because from these it goes on when it speaks.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOK_SIZE, CODEBOOKS, DIMENSION, load_parts
from recipes.mini.devices import fed, moved, stage_parser, use_device
from recipes.mini.network import Block, FineNetwork
from recipes.mini.streams import Pairs, Take, read_takes, split_takes
from recipes.mini.training import NextLoss, told, train_stage

BATCH = 6
NO_VOICE = 0.15
LATER = 0.4  # of the windows; their history is the clip itself
SHARPNESS = 32.0  # a code that leaves out a whole codebook's energy more is e^-16 times as likely
SEEN = 2_000  # clips by which the codes' vectors are measured
QUIET = 0.1  # an embedding's size beside the layers' own
LENGTHS = 0.3  # how loud an embedding says how long its vector is
BESIDE = (-2, -1, 1, 2)  # which frame each head of the first layers looks at
LOOKING = 1.0  # how firmly
HEAD = L.FINE_SIZE["width"] // L.FINE_SIZE["heads"]
PLACE = slice(DIMENSION + 1, DIMENSION + 1 + HEAD)  # where an embedding says its position


def window(voice: np.ndarray | None, codes: np.ndarray) -> tuple[np.ndarray, int]:
    """The first window that generation builds: (FINE_WINDOW, codebooks), and where its new part begins."""
    history = codes[:, :0] if voice is None else voice[:, -L.FINE_HISTORY :]
    joined = np.concatenate([history, codes], 1)[:, : L.FINE_WINDOW]
    padded = np.full((CODEBOOKS, L.FINE_WINDOW), L.FINE_UNKNOWN)
    padded[:, : joined.shape[1]] = joined
    return padded.T, history.shape[1]


def batches(
    takes: list[Take], generator: np.random.Generator, count: int = BATCH
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless batches: codes (batch, FINE_WINDOW, codebooks) and which frames are new (batch, FINE_WINDOW)."""
    feed = iter(Pairs(takes, L.FINE_WINDOW, generator))
    while True:
        rows, new = [], np.zeros((count, L.FINE_WINDOW), dtype=bool)
        for row in range(count):
            voice, take = next(feed)
            if generator.random() < LATER:
                cut = int(generator.integers(take.codes.shape[1]))
                codes, start = window(
                    np.concatenate([voice[1], take.codes[:, :cut]], 1), take.codes[:, cut:]
                )
            else:
                codes, start = window(
                    None if generator.random() < NO_VOICE else voice[1], take.codes
                )
            rows.append(codes)
            new[row, start:] = codes[start:, 0] != L.FINE_UNKNOWN
        yield torch.from_numpy(np.stack(rows)), torch.from_numpy(new)


def network() -> FineNetwork:
    """The fine stage, untrained."""
    return FineNetwork(L.FINE_CODES, CODEBOOKS, L.FINE_WINDOW, **L.FINE_SIZE)


def codebooks_of(work: Path) -> torch.Tensor:
    """The vectors of the codes: (codebooks, codes, dimension)."""
    return load_parts(work)["quantizer"].codes


@torch.no_grad()
def begin_with(model: FineNetwork, vectors: torch.Tensor, seen: torch.Tensor) -> None:
    """Let the stage begin with what is known of its codes.

    The embedding of each code is its vector, and how long that is beside the others: the sum of the embeddings
    is the sound so far, and a score says how near a code is to what the layers believe to be missing. So
    they stay as they are. They are small beside what the layers will add, which need not take away the sound so far.

    The heads of the first layers look at the frames beside, which tell most of what is missing: the codec's
    encoder hears further than one frame.
    """
    mean, axes, spread = _axes(vectors, seen)
    for book, (table, embedding) in enumerate(zip(vectors, model.input_embeds_layers, strict=True)):
        energy = table.square().sum(1)
        embedding.weight.requires_grad_(False)[:CODEBOOK_SIZE] = 0
        embedding.weight[:CODEBOOK_SIZE, :DIMENSION] = QUIET * (table - mean[book]) @ axes / spread
        embedding.weight[:CODEBOOK_SIZE, DIMENSION] = LENGTHS * (1 - energy / energy.mean()) / 2
    model.layernorm_final.weight.fill_(1 / QUIET)
    model.layernorm_final.weight[:DIMENSION] = 0.4 * spread / QUIET
    model.layernorm_final.weight[DIMENSION] = 0.0
    model.layernorm_final.bias[DIMENSION] = SHARPNESS / LENGTHS
    model.position_embeds_layer.weight.zero_()[:, PLACE] = 2 * QUIET * _waves(L.FINE_WINDOW)
    for block in model.layers[:2]:
        _look_beside(block)


def _axes(
    vectors: torch.Tensor, seen: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The mean vector of each codebook, and the axes of the sound so far, with how far it spreads on each."""
    parts = torch.stack([table[codes] for table, codes in zip(vectors, seen, strict=True)])
    mean = parts.mean(1)
    coarse = (parts - mean.unsqueeze(1))[: L.COARSE_CODEBOOKS].sum(0)
    energies, axes = torch.linalg.eigh(coarse.T @ coarse / len(coarse))
    return mean, axes, (energies.clamp(min=0) + 1).sqrt()


def _turns() -> torch.Tensor:
    """How far each wave turns from frame to frame; uneven, so that no two frames are alike in all of them."""
    return torch.pi * ((torch.arange(HEAD // 2) + 0.5) / (HEAD // 2)) ** 1.2


def _waves(count: int) -> torch.Tensor:
    """Sines and cosines of positions 0, 1, …: (count, values of a head), alike only for the same position."""
    turns = torch.arange(count).unsqueeze(1) * _turns()
    return torch.cat([turns.sin(), turns.cos()], 1)


def _look_beside(block: Block) -> None:
    """Let each head look at the frame that is its number of `BESIDE` away: the waves are turned by so much."""
    width = L.FINE_SIZE["width"]
    weight, turns = block.attn["att_proj"].weight, _turns()
    for head, away in enumerate(BESIDE):
        ask = slice(head * HEAD, (head + 1) * HEAD)
        answer = slice(width + head * HEAD, width + (head + 1) * HEAD)
        cos, sin = torch.diag((away * turns).cos()), torch.diag((away * turns).sin())
        weight[ask], weight[answer] = 0, 0
        weight[ask, PLACE] = LOOKING * torch.cat(
            [torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)]
        )
        weight[answer, PLACE] = LOOKING * torch.eye(HEAD)


def filled_in(
    model: FineNetwork, codes: torch.Tensor, new: torch.Tensor
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """Fill in the new frames as speaking does, one codebook after the other, each from those drawn before.

    Args:
        model: the stage.
        codes: windows (batch, FINE_WINDOW, codebooks); they are not changed.
        new: which frames are filled in, (batch, FINE_WINDOW).

    Yields:
        The number of a codebook; its scores in the new frames, (frames, codes); the likeliest code of each.
    """
    given = codes.clone()
    given[:, :, L.COARSE_CODEBOOKS :][new] = L.FINE_UNKNOWN
    for book in range(L.COARSE_CODEBOOKS, CODEBOOKS):
        scores = model(given, book)[..., :CODEBOOK_SIZE][new].float()
        drawn = scores.detach().argmax(-1)
        yield book, scores, drawn
        given = given.clone()  # what the scores came from is still needed to learn from them
        given[:, :, book][new] = drawn


def losses(
    model: FineNetwork, vectors: torch.Tensor, codes: torch.Tensor, new: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fill in the new frames as speaking does, and measure every codebook.

    Args:
        model: the stage.
        vectors: of the codes, (codebooks, codes, dimension).
        codes: windows (batch, FINE_WINDOW, codebooks).
        new: which frames are filled in, (batch, FINE_WINDOW).

    Returns:
        For each codebook of the stage: the mean square error of its scores; the energy of what is left out
        when its code is added, as a share of what the coarse codes leave out.
    """
    true = codes[new]
    left = sum(vectors[book][true[:, book]] for book in range(L.COARSE_CODEBOOKS, CODEBOOKS))
    before, found, shares = left.square().sum(), [], []
    for book, scores, drawn in filled_in(model, codes, new):
        found.append(error(scores, left, vectors[book]))
        left = left - vectors[book][drawn]
        shares.append(left.square().sum() / before)
    return torch.stack(found), torch.stack(shares)


def error(scores: torch.Tensor, left: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """The mean square error of scores (…, codes) of a codebook's `table` (codes, dimension).

    What they should say is how near each code is to what the codes before leave out, `left` (…, dimension).
    """
    energy = table.square().sum(1)
    with torch.autocast(left.device.type, enabled=False):  # what is asked for is exact
        nearness = (left @ table.T + (energy.mean() - energy) / 2) / energy.mean()
    return F.mse_loss(_centred(scores) / SHARPNESS, _centred(nearness))


def _centred(scores: torch.Tensor) -> torch.Tensor:
    """Only how scores differ from each other says anything."""
    return scores - scores.mean(-1, keepdim=True)


def train(
    work: Path, minutes: float, batch: int = BATCH, feeders: int = 0, rate: float = 1.0
) -> None:
    """Train until the time is up; goes on from the last checkpoint."""
    learned, kept_out = split_takes(read_takes(work))
    model, vectors = network(), codebooks_of(work)
    seen = torch.from_numpy(np.concatenate([take.codes for take in learned[:SEEN]], 1))
    begin_with(model, vectors, moved(seen))
    print(f"{len(learned)} clips", flush=True)
    test_feed = fed(lambda dice: batches(kept_out, dice), 0)
    test = [next(test_feed) for _ in range(6)]

    def start(step: int) -> NextLoss:
        feed = fed(lambda dice: batches(learned, dice, batch), step + 1, feeders)

        def next_loss(_: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            found, left = losses(model, vectors, *next(feed))
            return found.mean(), {"loss": found, "left": left}

        return next_loss

    train_stage(work / "fine.pt", model, minutes, start, lambda: report(model, vectors, test), rate)


@torch.no_grad()
def report(
    model: FineNetwork, vectors: torch.Tensor, test: list[tuple[torch.Tensor, torch.Tensor]]
) -> str:
    """What each codebook leaves out, of what the coarse codes leave out, on clips never trained on."""
    figures = [losses(model, vectors, *batch)[1] for batch in test]
    return f"left {told(torch.stack(figures).mean(0))}"


def main() -> None:
    """Train the fine stage."""
    arguments = stage_parser(__doc__, BATCH).parse_args()
    use_device(arguments.device)
    train(arguments.work, arguments.minutes, arguments.batch, arguments.feeders, arguments.rate)


if __name__ == "__main__":
    main()
