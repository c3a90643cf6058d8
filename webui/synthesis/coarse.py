"""Semantic tokens -> the first codebooks, in windows that slide along the speech."""

import math
from collections.abc import Generator, Sequence

import numpy as np
import torch

from webui.arrays import AnyTokens, CoarseCodes, Speaker
from webui.family import FamilyConfig
from webui.synthesis.sampling import Drawing
from webui.synthesis.transformer import CausalTransformer


def emitted_ranges(family: FamilyConfig) -> tuple[range, ...]:
    """The codes of each coarse codebook, as the coarse stage numbers them."""
    first, size = family.semantic.vocabulary, family.codebook_size
    return tuple(
        range(first + book * size, first + (book + 1) * size)
        for book in range(family.coarse.codebooks)
    )


def coarse_steps(family: FamilyConfig, semantic_tokens: int) -> int:
    """How many coarse tokens belong to so many semantic tokens: whole frames only."""
    books = family.coarse.codebooks
    return math.floor(semantic_tokens * family.coarse_per_semantic / books) * books


def generate_coarse(
    model: CausalTransformer,
    family: FamilyConfig,
    semantic: Sequence[AnyTokens],
    speaker: Speaker | None,
    drawing: Drawing,
) -> Generator[int, None, list[CoarseCodes]]:
    """Make the coarse codes of all rows in one pass; yields how many tokens there are.

    Each window sees a stretch of semantic tokens around its place, the infer token, and the last
    coarse tokens (suno-ai/bark generation.py, `generate_coarse`). While neither has begun to slide,
    which they have not in a speech's first seconds without a voice, a window only continues the one
    before it, and nothing is read again.

    Args:
        model: the coarse stage.
        family: all numbers.
        semantic: one row per speech.
        speaker: the voice of all rows, or None.
        drawing: how to draw, with one generator per row.

    Raises:
        JobCancelled: somebody pressed Stop.
    """
    config, device = family.coarse, model.device
    steps = [coarse_steps(family, len(row)) for row in semantic]
    voice_semantic, voice_coarse = _history(family, speaker)
    guide = torch.from_numpy(_guide(family, voice_semantic, semantic)).to(device)
    before = len(voice_coarse)
    tokens = torch.empty((len(semantic), before + max(steps)), dtype=torch.int64, device=device)
    tokens[:, :before] = torch.from_numpy(voice_coarse).to(device)
    cache = model.new_cache(len(semantic))
    seen = guide[:, :0]  # the tokens that the cache has read
    made = 0
    while made < max(steps):
        here = len(voice_semantic) + round(made / family.coarse_per_semantic)
        window = _window(family, guide, tokens[:, : before + made], here)
        if made and torch.equal(window[:, :-1], seen):
            embedded = model.embed(window[:, -1:])
        else:
            cache.reset()
            embedded = model.embed(window)
        begun = before + made
        for _ in range(min(config.window, max(steps) - made)):
            drawing.go_on()
            book = made % config.codebooks
            picked = drawing.pick(model(embedded, cache, head=book))
            first = family.semantic.vocabulary + book * family.codebook_size
            tokens[:, before + made] = picked + first
            embedded = model.embed(tokens[:, before + made : before + made + 1])
            made += 1
            yield made
        seen = torch.cat([window, tokens[:, begun : before + made - 1]], dim=1)
    rows = tokens[:, before:].cpu().numpy()
    return [_frames(family, row[:count]) for row, count in zip(rows, steps, strict=True)]


def _guide(
    family: FamilyConfig, voice_semantic: np.ndarray, semantic: Sequence[AnyTokens]
) -> np.ndarray:
    """The voice's semantic tokens and then each row's, padded by a window: (rows, tokens)."""
    before, longest = len(voice_semantic), max(len(row) for row in semantic)
    padded = np.full(
        (len(semantic), before + longest + family.coarse.semantic_window),
        family.coarse.semantic_pad_token,
    )
    for number, row in enumerate(semantic):
        padded[number, :before] = voice_semantic
        padded[number, before : before + len(row)] = row
    return padded


def _window(
    family: FamilyConfig,
    guide: torch.Tensor,
    tokens: torch.Tensor,
    here: int,
) -> torch.Tensor:
    """What one window begins with: semantic stretch, infer token, last coarse tokens.

    `here` is the semantic token that the window's first new code belongs to.
    """
    config = family.coarse
    start = max(0, here - math.floor(config.max_history / family.coarse_per_semantic))
    infer = torch.full((len(guide), 1), config.infer_token, device=guide.device)
    stretch = guide[:, start : start + config.semantic_window]
    last = tokens[:, max(0, tokens.shape[1] - config.max_history) :]
    return torch.cat([stretch, infer, last], dim=1)


def _history(family: FamilyConfig, speaker: Speaker | None) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a voice's semantic tokens and interleaved coarse tokens that belong together.

    The last frame's coarse tokens are dropped, which aligns the two (as Suno does).
    """
    if speaker is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    books = family.coarse.codebooks
    offsets = family.semantic.vocabulary + family.codebook_size * np.arange(books)
    coarse = (speaker.coarse + offsets[:, None]).T.reshape(-1)  # c0, c1, c0, c1, …
    ratio = family.coarse_per_semantic
    count = min(
        math.floor(family.coarse.max_history / ratio),
        len(speaker.semantic) - len(speaker.semantic) % 2,
        math.floor(len(coarse) / ratio),
    )
    if count <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return (
        speaker.semantic[-count:].astype(np.int64),
        coarse[-round(count * ratio) :][:-books].astype(np.int64),
    )


def _frames(family: FamilyConfig, row: np.ndarray) -> CoarseCodes:
    """Interleaved tokens -> (coarse codebooks, frames)."""
    books = family.coarse.codebooks
    offsets = family.semantic.vocabulary + family.codebook_size * np.arange(books)
    codes: CoarseCodes = row.reshape(-1, books).T - offsets[:, None]
    return codes
