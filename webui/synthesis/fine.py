"""The first codebooks -> all of them, window by window, one codebook after the other."""

import math
from collections.abc import Generator

import numpy as np
import torch

from webui.arrays import CoarseCodes, FineCodes, Speaker
from webui.family import FamilyConfig
from webui.synthesis.sampling import Drawing
from webui.synthesis.transformer import FineTransformer


def fine_steps(family: FamilyConfig, frames: int, speaker: Speaker | None) -> int:
    """How many passes through the network a speech takes."""
    history = 0 if speaker is None else min(speaker.fine.shape[1], family.fine.history)
    return _windows(family, frames, history) * (family.fine.codebooks - family.coarse.codebooks)


def generate_fine(
    model: FineTransformer,
    family: FamilyConfig,
    coarse: CoarseCodes,
    speaker: Speaker | None,
    drawing: Drawing,
) -> Generator[int, None, FineCodes]:
    """Fill the other codebooks of one speech; yields how many passes are done.

    Windows begin with the end of the voice or of what is already made; cells that nobody knows yet
    hold the number behind the last code (suno-ai/bark generation.py, `generate_fine`).

    Args:
        model: the fine stage.
        family: all numbers.
        coarse: the first codebooks.
        speaker: the voice, or None.
        drawing: how to draw, with one generator.

    Raises:
        JobCancelled: somebody pressed Stop.
    """
    config, size = family.fine, family.codebook_size
    frames = coarse.shape[1]
    history = None if speaker is None else speaker.fine[:, -config.history :]
    known = 0 if history is None else history.shape[1]
    total = max(known + frames, config.window)
    codes = np.full((config.codebooks, total), size, dtype=np.int64)
    if history is not None:
        codes[:, :known] = history
    codes[: len(coarse), known : known + frames] = coarse
    grid = torch.from_numpy(codes.T.copy()).to(model.device).unsqueeze(0)  # (1, frames, codebooks)
    done = 0
    for window in range(_windows(family, frames, known)):
        start = min(window * config.history, total - config.window)
        fill = min(known + window * config.history, total - config.history)
        view = grid[:, start : start + config.window]
        for book in range(family.coarse.codebooks, config.codebooks):
            drawing.go_on()
            logits = model(view, book, fill - start, size)  # (1, new frames, codes)
            view[:, fill - start :, book] = drawing.pick(logits)
            done += 1
            yield done
    result: FineCodes = grid[0, known : known + frames].T.cpu().numpy().copy()
    return result


def _windows(family: FamilyConfig, frames: int, known: int) -> int:
    rest = frames - (family.fine.window - known)
    return max(0, math.ceil(rest / family.fine.history)) + 1
