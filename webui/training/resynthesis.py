"""What a quantizer hears in a speech, spoken again by the family: tokens -> codes -> sound."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from webui.arrays import AnyFeatures, AnyTokens, OtherWaveform, Speaker
from webui.cloning.quantizer import Quantizer
from webui.errors import TextError
from webui.events import CancelToken, told_as
from webui.synthesis.coarse import coarse_steps, generate_coarse
from webui.synthesis.controls import SpeechControls
from webui.synthesis.fine import fine_steps, generate_fine
from webui.synthesis.models import BarkModels
from webui.synthesis.rendering import drawing

COARSE_SHARE, FINE_SHARE = 0.75, 0.2  # of the work, about; the rest is the codec's

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class HeldOutSpeech:
    """A speech that no quantizer learns from: what was heard in it, and how it was spoken.

    `voice` and `seed` are those that it was made with; with them nothing differs from the speech
    but what the quantizer hears.
    """

    features: AnyFeatures
    rates: tuple[float, float]  # frames of features a second, semantic tokens a second
    voice: Speaker | None = None
    controls: SpeechControls = field(default_factory=SpeechControls)
    seed: int = 0


def speak_heard(
    models: BarkModels, quantizer: Quantizer, speech: HeldOutSpeech, cancel: CancelToken
) -> Generator[float, None, OtherWaveform]:
    """Speak what a quantizer hears in a speech; yields how much of the work is done, 0..1.

    Args:
        models: the family that spoke it.
        quantizer: into this family's tokens.
        speech: what was held out.
        cancel: looked at before every token.

    Raises:
        TextError: it is too short for one frame of sound.
        JobCancelled: somebody pressed Stop.
    """
    family = models.family
    tokens = tokens_heard(quantizer, speech)
    steps = coarse_steps(family, len(tokens))
    if not steps:
        raise TextError("This speech is too short to be spoken again.")
    coarse = generate_coarse(
        models.coarse, family, [tokens], speech.voice,
        drawing(speech.controls, "coarse", [speech.seed], cancel),
    )  # fmt: skip
    (codes,) = yield from _shares(coarse, steps, 0.0, COARSE_SHARE)
    fine = generate_fine(
        models.fine, family, codes, speech.voice,
        drawing(speech.controls, "fine", [speech.seed], cancel),
    )  # fmt: skip
    passes = fine_steps(family, codes.shape[1], speech.voice)
    sound = yield from _shares(fine, passes, COARSE_SHARE, FINE_SHARE)
    return models.codec.decode(sound)


def tokens_heard(quantizer: Quantizer, speech: HeldOutSpeech) -> AnyTokens:
    """Name a token for every moment of a speech, as many a second as the family speaks."""
    named = quantizer.tokens_of(speech.features)
    frame_rate, token_rate = speech.rates
    count = round(len(named) * token_rate / frame_rate)
    frames = np.floor((np.arange(count) + 0.5) * (frame_rate / token_rate)).astype(np.int64)
    return np.asarray(named[np.clip(frames, 0, max(0, len(named) - 1))])


def _shares(
    steps: Generator[int, None, Made], expected: int, before: float, share: float
) -> Generator[float, None, Made]:
    """Run a stage, of whose work so much was done before it."""
    return told_as(steps, lambda done: before + share * min(1.0, done / max(expected, 1)))
