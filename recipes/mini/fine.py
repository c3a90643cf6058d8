"""Step 7: the fine stage, from the first two codebooks to all eight.

python -m recipes.mini.fine --work WORK --minutes 40
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOK_SIZE, CODEBOOKS
from recipes.mini.devices import fed, training_parser, use_device
from recipes.mini.network import FineNetwork
from recipes.mini.streams import Pairs, Take, read_takes, split_takes
from recipes.mini.training import NextLoss, train_stage

BATCH = 12
NO_VOICE = 0.15


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
            if generator.random() < 0.4:  # a later window: its history is the clip itself
                cut = int(generator.integers(len(take.semantic)))
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


def loss_of(
    model: FineNetwork, codes: torch.Tensor, new: torch.Tensor, book: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross entropy and share of right codes of `book` in the new frames."""
    inputs = codes.clone()
    inputs[:, :, book][new] = L.FINE_UNKNOWN
    scores = model(inputs, book)[..., :CODEBOOK_SIZE][new]
    target = codes[:, :, book][new]
    return F.cross_entropy(scores, target), (scores.argmax(-1) == target).float().mean()


def train(work: Path, minutes: float, batch: int = BATCH, feeders: int = 0) -> None:
    """Train until the time is up; goes on from the last checkpoint."""
    learned, kept_out = split_takes(read_takes(work))
    model = network()
    print(f"{len(learned)} clips", flush=True)
    test_feed = fed(lambda dice: batches(kept_out, dice), 0)
    test = [next(test_feed) for _ in range(6)]

    def start(step: int) -> NextLoss:
        feed = fed(lambda dice: batches(learned, dice, batch), step + 1, feeders)

        def next_loss(number: int) -> tuple[torch.Tensor, str]:
            book = L.COARSE_CODEBOOKS + number % (CODEBOOKS - L.COARSE_CODEBOOKS)
            loss, right = loss_of(model, *next(feed), book)
            return loss, f"codebook {book} loss {loss.item():.3f} right {right.item():.3f}"

        return next_loss

    train_stage(work / "fine.pt", model, minutes, start, lambda: report(model, test))


@torch.no_grad()
def report(model: FineNetwork, test: list[tuple[torch.Tensor, torch.Tensor]]) -> str:
    """Loss and share of right codes of every codebook, on clips never trained on."""
    words = []
    for book in range(L.COARSE_CODEBOOKS, CODEBOOKS):
        figures = [loss_of(model, *batch, book) for batch in test]
        loss, right = (float(torch.stack(column).mean()) for column in zip(*figures, strict=True))
        words.append(f"{book}: {loss:.2f} {right:.2f}")
    return "  ".join(words)


def main() -> None:
    """Train the fine stage."""
    arguments = training_parser(__doc__, BATCH).parse_args()
    use_device(arguments.device)
    train(arguments.work, arguments.minutes, arguments.batch, arguments.feeders)


if __name__ == "__main__":
    main()
