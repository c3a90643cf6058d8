"""How alike two voices are: resemblyzer's speaker encoder, whose weights lie in its package."""

import functools
import warnings
from typing import Any

import numpy as np
import soxr

RATE = 16_000  # Hz; what the encoder was trained on

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # one of its dependencies asks for pkg_resources
    from resemblyzer import VoiceEncoder, preprocess_wav


@functools.cache
def _encoder() -> Any:  # noqa: ANN401  (the package has no types)
    return VoiceEncoder("cpu", verbose=False)


def embedding(waveform: np.ndarray, rate: int) -> np.ndarray:
    """A vector of length one, (256,): the dot product of two says how alike the voices are."""
    sound = soxr.resample(waveform.astype(np.float32), rate, RATE)
    vector: np.ndarray = _encoder().embed_utterance(preprocess_wav(sound, RATE))
    return vector
