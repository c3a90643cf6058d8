"""Step 6: the coarse stage, from semantic tokens to the first two codebooks.

    python -m recipes.mini.coarse --work WORK --minutes 90

It is trained on exactly the windows that generation builds, with a voice and without one. Which semantic token
belongs to which code is known, so one head of some layers is taught to look at it; finding that out alone
would take longer than all the rest. When it speaks, it goes on from codes that it has drawn itself, and a
slip leads to the next; so in some clips it goes on from its own codes in training too, and learns to come back to
what the semantic tokens ask for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from recipes.mini import layout as L
from recipes.mini.codec import CODEBOOK_SIZE
from recipes.mini.devices import fed, stage_parser, use_device
from recipes.mini.network import CausalNetwork
from recipes.mini.streams import Pairs, Take, read_takes, split_takes
from recipes.mini.training import NextLoss, told, train_stage

BATCH = 12
GUIDED_LAYERS = (1, 2)
NO_VOICE = 0.15
SLIPPING = 0.5  # of the clips
MOST_SLIPS = 0.5  # of a slipping clip's codes
VOICE_TOKENS = L.COARSE_HISTORY // L.COARSE_RATIO
VOICE_FRAMES = VOICE_TOKENS * L.TOKEN_FRAMES
OFFSETS = L.COARSE_OFFSET + CODEBOOK_SIZE * np.arange(L.COARSE_CODEBOOKS)  # of each codebook
COARSE_POSITIONS = L.COARSE_HISTORY + L.COARSE_WINDOW


def interleaved(codes: np.ndarray) -> np.ndarray:
    """c0, c1, c0, c1, … with the offset of each codebook."""
    return (codes[: L.COARSE_CODEBOOKS] + OFFSETS[:, None]).T.reshape(-1)


def apart(tokens: np.ndarray) -> np.ndarray:
    """The codes (codebooks, frames) of interleaved tokens."""
    return tokens.reshape(-1, L.COARSE_CODEBOOKS).T - OFFSETS[:, None]


class Window(NamedTuple):
    """What generation sees at one moment, and what it should make next; a batch of these has rows."""

    semantic: torch.Tensor | np.ndarray
    """The semantic window, padded."""
    coarse: torch.Tensor | np.ndarray
    """The coarse tokens: history, then new ones; in a batch -100 after their end."""
    places: torch.Tensor | np.ndarray
    """For each coarse token its place in the semantic window, -1 where that does not show it."""
    own: torch.Tensor | np.ndarray
    """Which coarse tokens are the clip's own, and no voice's."""


def window(voice: tuple[np.ndarray, np.ndarray] | None, take: Take, step: int) -> Window:
    """What generation sees when `step` coarse tokens are made, and the tokens it should make next."""
    token_of = np.arange(len(take.semantic)).repeat(L.COARSE_RATIO)
    if voice is None:
        semantic, coarse, base = take.semantic, interleaved(take.codes), 0
        before = 0
    else:
        base = VOICE_TOKENS
        semantic = np.concatenate([voice[0][-base:], take.semantic])
        # the last frame of the voice is dropped, as Bark does when it aligns a voice
        history = interleaved(voice[1])[-L.COARSE_HISTORY :][: -L.COARSE_CODEBOOKS]
        before = len(history)
        coarse = np.concatenate([history, interleaved(take.codes)])
        past = np.arange(base).repeat(L.COARSE_RATIO)[: len(history)]
        token_of = np.concatenate([past, base + token_of])
    start = max(0, base + round(step / L.COARSE_RATIO) - VOICE_TOKENS)
    seen = semantic[start : start + L.COARSE_SEMANTIC_WINDOW]
    padded = np.full(L.COARSE_SEMANTIC_WINDOW, L.COARSE_PAD)
    padded[: len(seen)] = seen
    made = before + step
    shown = slice(max(0, made - L.COARSE_HISTORY), made + L.COARSE_WINDOW)
    place = token_of[shown] - start
    place = np.where((place >= 0) & (place < len(seen)), place, -1)
    return Window(padded, coarse[shown], place, np.arange(len(coarse))[shown] >= before)


def batches(
    takes: list[Take], generator: np.random.Generator, count: int = BATCH
) -> Iterator[Window]:
    """Endless batches of windows: semantic (batch, window), all else (batch, positions)."""
    feed = iter(Pairs(takes, VOICE_FRAMES, generator))
    while True:
        windows = []
        for _ in range(count):
            voice, take = next(feed)
            steps = range(0, len(take.semantic) * L.COARSE_RATIO, L.COARSE_WINDOW)
            step = int(generator.choice(steps))
            chosen = None if generator.random() < NO_VOICE else voice
            windows.append(window(chosen, take, step))
        yield stacked(windows)


def stacked(windows: list[Window]) -> Window:
    """A batch of windows."""
    count = len(windows)
    coarse = np.full((count, COARSE_POSITIONS), -100)
    places = np.full((count, COARSE_POSITIONS), -1)
    own = np.zeros((count, COARSE_POSITIONS), dtype=bool)
    for row, shown in enumerate(windows):
        length = len(shown.coarse)
        coarse[row, :length], places[row, :length] = shown.coarse, shown.places
        own[row, :length] = shown.own
    semantic = np.stack([shown.semantic for shown in windows])
    return Window(*map(torch.from_numpy, (semantic, coarse, places, own)))


def network() -> CausalNetwork:
    """The coarse stage, untrained."""
    return CausalNetwork(L.COARSE_VOCABULARY, L.COARSE_VOCABULARY, L.COARSE_BLOCK, **L.COARSE_SIZE)


def _scores(
    model: CausalNetwork, semantic: torch.Tensor, coarse: torch.Tensor
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Scores of each codebook's own codes (batch, frames, codes), and the watched heads'."""
    infer = torch.full((len(semantic), 1), L.COARSE_INFER)
    inputs = torch.cat([semantic, infer, coarse[:, :-1].clamp(min=0)], 1)
    hidden, watched = model(model.input_embeds_layer(inputs), GUIDED_LAYERS)
    hidden = hidden[:, L.COARSE_SEMANTIC_WINDOW :]
    scores = []
    for book in range(L.COARSE_CODEBOOKS):
        low = L.COARSE_OFFSET + book * CODEBOOK_SIZE
        rows = model.lm_head.weight[low : low + CODEBOOK_SIZE]
        scores.append(F.linear(hidden[:, book :: L.COARSE_CODEBOOKS], rows).float())
    return scores, watched


def _largest(scores: list[torch.Tensor]) -> torch.Tensor:
    """The coarse tokens (batch, positions) with the largest score of each codebook's."""
    codes = [each.argmax(-1) + low for each, low in zip(scores, OFFSETS.tolist(), strict=True)]
    return torch.stack(codes, 2).flatten(1)


@torch.no_grad()
def likeliest(model: CausalNetwork, batch: Window) -> torch.Tensor:
    """For each of the batch's coarse tokens the likeliest after those before it: (batch, positions)."""
    return _largest(_scores(model, batch.semantic, batch.coarse)[0])


@torch.no_grad()
def slipped(model: CausalNetwork, batch: Window) -> torch.Tensor:
    """The batch's coarse tokens (batch, positions), some of the clips' own as the stage itself draws them.

    In each of the first `SLIPPING` of the clips a random part, up to `MOST_SLIPS`.
    """
    count = round(SLIPPING * len(batch.coarse))
    if count == 0:
        return batch.coarse
    scores, _ = _scores(model, batch.semantic[:count], batch.coarse[:count])
    # with Gumbel noise the largest is a draw
    drawn = _largest([each - torch.empty_like(each).exponential_().log() for each in scores])
    slips = torch.rand(drawn.shape) < MOST_SLIPS * torch.rand(count, 1)
    chosen = slips & batch.own[:count]
    return torch.cat([torch.where(chosen, drawn, batch.coarse[:count]), batch.coarse[count:]])


def losses(
    model: CausalNetwork, batch: Window, heard: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Measure one batch.

    Args:
        model: the stage.
        batch: windows, whose coarse tokens are to be drawn.
        heard: the coarse tokens (batch, positions) that the stage goes on from, where it is not these.

    Returns:
        Cross entropy of each codebook over its own codes; how badly the guided heads look; the share
        of right codes of each codebook.
    """
    scores, watched = _scores(model, batch.semantic, batch.coarse if heard is None else heard)
    found, right = [], []
    for book, each in enumerate(scores):
        target = batch.coarse[:, book :: L.COARSE_CODEBOOKS]
        target = torch.where(target >= 0, target - L.COARSE_OFFSET - book * CODEBOOK_SIZE, target)
        found.append(F.cross_entropy(each.flatten(0, 1), target.flatten(), ignore_index=-100))
        right.append((each.argmax(-1) == target)[target >= 0].float().mean())
    return torch.stack(found), _guidance(watched, batch.places), torch.stack(right)


def _guidance(watched: list[torch.Tensor], places: torch.Tensor) -> torch.Tensor:
    """How little the watched heads look at the semantic token of the code that is drawn next."""
    positions = watched[0].shape[-1]
    first = L.COARSE_SEMANTIC_WINDOW
    later = torch.ones(positions, positions, dtype=torch.bool).triu(1)[first:]
    known = places >= 0
    target = places.clamp(min=0).unsqueeze(-1)
    total = watched[0].new_zeros(())
    for scores in watched:
        logs = scores[:, first:].masked_fill(later, float("-inf")).log_softmax(-1)
        total = total - logs.gather(-1, target).squeeze(-1)[known].mean()
    return total / len(watched)


def train(
    work: Path, minutes: float, batch: int = BATCH, feeders: int = 0, rate: float = 1.0
) -> None:
    """Train until the time is up; goes on from the last checkpoint."""
    learned, kept_out = split_takes(read_takes(work))
    model = network()
    print(f"{len(learned)} clips", flush=True)
    test_feed = fed(lambda dice: batches(kept_out, dice), 0)
    test = [next(test_feed) for _ in range(10)]

    def start(step: int) -> NextLoss:
        feed = fed(lambda dice: batches(learned, dice, batch), step + 1, feeders)

        def next_loss(_: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            shown = next(feed)
            found, guided, right = losses(model, shown, slipped(model, shown))
            figures = {"loss": found, "look": guided, "right": right}
            return found.mean() + 0.3 * guided, figures

        return next_loss

    train_stage(work / "coarse.pt", model, minutes, start, lambda: report(model, test), rate)


@torch.no_grad()
def report(model: CausalNetwork, test: list[Window]) -> str:
    """Loss and share of right codes of each codebook, on clips never trained on."""
    figures = [losses(model, batch) for batch in test]
    loss, _, right = (torch.stack(column).mean(0) for column in zip(*figures, strict=True))
    return f"loss {told(loss)} right {told(right)}"


def main() -> None:
    """Train the coarse stage."""
    arguments = stage_parser(__doc__, BATCH).parse_args()
    use_device(arguments.device)
    train(arguments.work, arguments.minutes, arguments.batch, arguments.feeders, arguments.rate)


if __name__ == "__main__":
    main()
