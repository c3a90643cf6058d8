"""Which voices a family can use: the ranges of their numbers, and lengths that go together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from webui.arrays import Speaker
from webui.errors import SpeakerFileError

if TYPE_CHECKING:
    from webui.family import FamilyConfig

TRIMMED_FRAMES = 8  # lengths that differ by at most this much are put right without asking


class MismatchedSpeakerError(SpeakerFileError):
    """The parts of a speaker do not last equally long; reading with `repair` cuts them to fit."""


@dataclass(frozen=True)
class SpeakerLimits:
    """Which numbers a family can use. The defaults are Bark's (suno-ai/bark generation.py).

    With both rates given, words and sound must last equally long the way Bark checks it.
    """

    codebooks: int = 8
    coarse_codebooks: int = 2
    codebook_size: int = 1_024
    semantic_vocabulary: int = 10_000
    semantic_rate: float | None = 49.9  # tokens per second
    frame_rate: float | None = 75.0  # frames per second

    @property
    def frames_per_token(self) -> float | None:
        """Frames of sound for one semantic token, or None when a rate is not known."""
        if self.frame_rate is None or self.semantic_rate is None:
            return None
        return self.frame_rate / self.semantic_rate


BARK_LIMITS = SpeakerLimits()


def limits_of(family: "FamilyConfig") -> SpeakerLimits:
    """Give the limits of a family's voices."""
    return SpeakerLimits(
        codebooks=family.fine.codebooks,
        coarse_codebooks=family.coarse.codebooks,
        codebook_size=family.codebook_size,
        semantic_vocabulary=family.semantic.vocabulary,
        semantic_rate=family.semantic.rate_hz,
        frame_rate=family.coarse.rate_hz,
    )


def check_ranges(
    semantic: np.ndarray, coarse: np.ndarray, fine: np.ndarray, limits: SpeakerLimits
) -> None:
    """Refuse arrays of a wrong shape, or with numbers that a family does not have.

    Raises:
        SpeakerFileError: the arrays are not those of a voice of this family.
    """
    _check_array("semantic", semantic, None, limits.semantic_vocabulary)
    _check_array("coarse", coarse, limits.coarse_codebooks, limits.codebook_size)
    _check_array("fine", fine, limits.codebooks, limits.codebook_size)


def even_lengths(
    semantic: np.ndarray,
    coarse: np.ndarray,
    fine: np.ndarray,
    limits: SpeakerLimits,
    *,
    repair: bool = False,
) -> tuple[Speaker, tuple[str, ...]]:
    """Make the parts of a voice last equally long, and say what was cut.

    Bark lines words and sound up by time, so a mismatch makes it babble or fall silent.

    Args:
        semantic: what is said, (tokens,).
        coarse: the first codebooks of the sound, (coarse_codebooks, frames).
        fine: all codebooks of the sound, (codebooks, frames).
        limits: what the family can use.
        repair: cut as much as is needed, not only a few frames.

    Raises:
        MismatchedSpeakerError: more than a few frames differ and `repair` is not given.
    """
    notes: list[str] = []
    surplus = fine.shape[1] - coarse.shape[1]
    if surplus:
        if abs(surplus) > TRIMMED_FRAMES and not repair:
            raise MismatchedSpeakerError(
                "This speaker file does not fit together: its coarse part has "
                f"{coarse.shape[1]:,} frames and its fine part {fine.shape[1]:,}. Repair cuts the "
                "longer one; if the voice then sounds wrong, clone it again."
            )
        frames = min(fine.shape[1], coarse.shape[1])
        fine, coarse = fine[:, :frames], coarse[:, :frames]
        notes.append(f"Its longer sound part was cut by {abs(surplus):,} frames to fit.")
    if not np.array_equal(coarse, fine[: len(coarse)]):
        notes.append("Its coarse part is not the start of its fine part; the fine part is used.")
        coarse = fine[: len(coarse)]
    tokens, frames = _matching_lengths(len(semantic), fine.shape[1], limits, repair)
    if tokens < len(semantic):
        notes.append(f"Its words were cut by {len(semantic) - tokens:,} tokens to fit its sound.")
    if frames < fine.shape[1]:
        notes.append(f"Its sound was cut by {fine.shape[1] - frames:,} frames to fit its words.")
    speaker = Speaker(
        semantic=np.ascontiguousarray(semantic[:tokens], np.int64),
        coarse=np.ascontiguousarray(coarse[:, :frames], np.int64),
        fine=np.ascontiguousarray(fine[:, :frames], np.int64),
    )
    return speaker, tuple(notes)


def _matching_lengths(
    tokens: int, frames: int, limits: SpeakerLimits, repair: bool
) -> tuple[int, int]:
    """Give how many tokens and frames to keep."""
    ratio = limits.frames_per_token
    if ratio is None or _goes_together(tokens, frames, ratio):
        return tokens, frames
    kept_frames = min(frames, round(tokens * ratio))
    kept_tokens = min(tokens, round(kept_frames / ratio))
    cut = max(frames - kept_frames, round((tokens - kept_tokens) * ratio))
    fits = kept_tokens > 0 and kept_frames > 0 and _goes_together(kept_tokens, kept_frames, ratio)
    if fits and (repair or cut <= TRIMMED_FRAMES):
        return kept_tokens, kept_frames
    remedy = "Repair cuts the longer part; or clone" if fits else "Clone"
    kind = MismatchedSpeakerError if fits else SpeakerFileError
    raise kind(
        "This speaker file does not fit together: its words last "
        f"{_seconds(tokens, limits.semantic_rate)} s and its sound "
        f"{_seconds(frames, limits.frame_rate)} s. {remedy} the voice again from the recording. "
        "It may also belong to another model family."
    )


def _goes_together(tokens: int, frames: int, ratio: float) -> bool:
    """Bark's own check of a voice: the ratio of the lengths, rounded to one digit."""
    return round(frames / tokens, 1) == round(ratio, 1)


def _seconds(steps: int, rate: float | None) -> str:
    return f"{steps / rate:.1f}" if rate else "?"


def _check_array(part: str, array: np.ndarray, rows: int | None, values: int) -> None:
    shape = array.shape
    if array.dtype.kind not in "iu":
        raise SpeakerFileError(f'The part "{part}" of this voice does not hold whole numbers.')
    if rows is None and array.ndim != 1:
        raise SpeakerFileError(
            f'The part "{part}" of this voice must be one row of numbers; its shape is {shape}.'
        )
    if rows is not None and (array.ndim != 2 or shape[0] != rows):
        raise SpeakerFileError(
            f'The part "{part}" of this voice must have {rows} rows of numbers; its shape is '
            f"{shape}. It may belong to another model family."
        )
    if array.size == 0:
        raise SpeakerFileError(f'The part "{part}" of this voice is empty. Clone the voice again.')
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= values:
        raise SpeakerFileError(
            f'The part "{part}" of this voice holds the number {low if low < 0 else high:,}; '
            f"allowed are 0 to {values - 1:,}. It is damaged or belongs to another model family."
        )
