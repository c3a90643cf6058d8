"""Makes one voice out of others: a part of it, several joined, two blended. Arrays in and out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from webui.arrays import Speaker
from webui.errors import SpeakerFileError
from webui.speaker_limits import SpeakerLimits, even_lengths

MIN_SECONDS = 1.0  # of a cut; shorter ones carry no voice
# Of a blend, in which each voice sounds once. Longer ones leave the model with whoever came last:
# measured with `mini`, turns of 0.8 s sound like one of the two, turns of 0.1 s more often between.
CYCLE_SECONDS = 0.2
SHARES = (0.2, 0.8)  # of the second voice; less is under one token of a family with 25 a second
MIN_BLEND_SECONDS = 1.0  # of each voice


@dataclass(frozen=True)
class _Span:
    """A stretch of a voice: whole tokens and the frames that belong to them."""

    first_token: int
    tokens: int
    first_frame: int
    frames: int

    def of(self, speaker: Speaker) -> Speaker:
        token_end, frame_end = self.first_token + self.tokens, self.first_frame + self.frames
        return Speaker(
            speaker.semantic[self.first_token : token_end],
            speaker.coarse[:, self.first_frame : frame_end],
            speaker.fine[:, self.first_frame : frame_end],
        )


def seconds_of(speaker: Speaker, limits: SpeakerLimits) -> float:
    """How long a voice sounds."""
    rate, _ = _rates(limits)
    return float(speaker.fine.shape[1] / rate)


def crop_speaker(
    speaker: Speaker, limits: SpeakerLimits, start_seconds: float, end_seconds: float
) -> Speaker:
    """Cut a part out of a voice: words, coarse and fine sound at the same places.

    Raises:
        SpeakerFileError: the part does not lie within the voice, or is too short.
    """
    whole = seconds_of(speaker, limits)
    if not 0 <= start_seconds < end_seconds <= whole + 0.05:
        raise SpeakerFileError(
            f"A cut lies between 0 and {whole:.1f} s and ends after it begins; this one goes from "
            f"{start_seconds:.1f} to {end_seconds:.1f} s."
        )
    if end_seconds - start_seconds < MIN_SECONDS:
        raise SpeakerFileError(
            f"This cut is {end_seconds - start_seconds:.1f} s long; a voice needs at least "
            f"{MIN_SECONDS:.0f} s. Bark listens to the last 5 to 7 seconds of a voice."
        )
    part = _span(speaker, limits, start_seconds, end_seconds).of(speaker)
    return _fitting(part, limits)


def join_speakers(parts: Sequence[Speaker], limits: SpeakerLimits, most_seconds: float) -> Speaker:
    """Put parts of one speech behind each other and keep their end.

    Raises:
        SpeakerFileError: a part's words and sound do not go together, or nothing is said.
    """
    fitting = [
        even_lengths(each.semantic, each.coarse, each.fine, limits)[0]
        for each in parts
        if len(each.semantic)
    ]
    if not fitting:
        raise SpeakerFileError("Nothing was said, so there is no voice to keep. Try another seed.")
    joined = _concatenated(fitting)
    whole = seconds_of(joined, limits)
    if whole <= most_seconds:
        return _fitting(joined, limits)
    return _fitting(_span(joined, limits, whole - most_seconds, whole).of(joined), limits)


def blend_speakers(
    first: Speaker, second: Speaker, limits: SpeakerLimits, share: float, window_seconds: float
) -> Speaker:
    """Mix two voices: their ends take turns, a syllable each, as far back as a family listens.

    A model goes on in the manner of what it has just read. Codes of two voices cannot be averaged
    (they are names, not amounts), so the prompt alternates between them: within every
    `CYCLE_SECONDS` the second voice has its share. Each voice's own stretches keep their order,
    none comes twice, and each brings its words and its sound together. The voice with the greater
    share comes last, because the end counts most; of equals it is the first.

    Args:
        first: one voice.
        second: the other one.
        limits: of the family of both.
        share: of the second voice, 0.2 to 0.8.
        window_seconds: how far back the family listens.

    Raises:
        SpeakerFileError: the share is outside its range, or a voice is too short.
    """
    if not SHARES[0] <= share <= SHARES[1]:
        raise SpeakerFileError(
            f"The second voice's share lies between {SHARES[0]:.0%} and {SHARES[1]:.0%}; "
            f"{share:.0%} would leave nothing to blend."
        )
    shares = 1 - share, share
    lengths = seconds_of(first, limits), seconds_of(second, limits)
    if min(lengths) < MIN_BLEND_SECONDS:
        raise SpeakerFileError(
            f"A voice of {min(lengths):.1f} s is too short to be blended; "
            f"{MIN_BLEND_SECONDS:.0f} s are needed."
        )
    available = min(length / part for length, part in zip(lengths, shares, strict=True))
    cycles = math.ceil(min(window_seconds, available) / CYCLE_SECONDS - 1e-9)
    turns = tuple(min(CYCLE_SECONDS, available / cycles) * part for part in shares)
    order = ((first, turns[0]), (second, turns[1]))
    if share <= 0.5:
        order = order[::-1]
    parts = []
    for back in range(cycles, 0, -1):  # counted from the end of each voice
        for voice, turn in order:
            whole = seconds_of(voice, limits)
            start = max(0.0, whole - back * turn)
            parts.append(_span(voice, limits, start, whole - (back - 1) * turn).of(voice))
    return _fitting(_concatenated(parts), limits)


def _rates(limits: SpeakerLimits) -> tuple[float, float]:
    """Frames per second, and frames for each token."""
    if limits.frame_rate is None or limits.frames_per_token is None:
        raise SpeakerFileError(
            "This voice's family is not here, so its length in time is not known. "
            "Download the family first."
        )
    return limits.frame_rate, limits.frames_per_token


def _span(speaker: Speaker, limits: SpeakerLimits, start: float, end: float) -> _Span:
    """Find a stretch in time, counted from the end: there Bark lines words and sound up."""
    rate, ratio = _rates(limits)
    frames, tokens = speaker.fine.shape[1], len(speaker.semantic)
    after = frames - min(round(end * rate), frames)  # frames behind the stretch
    length = frames - after - max(round(start * rate), 0)
    tokens_after = round(after / ratio)
    kept = min(round((after + length) / ratio), tokens) - tokens_after
    last_frame = frames - after
    first_frame = max(last_frame - length, 0)
    return _Span(tokens - tokens_after - kept, max(kept, 0), first_frame, last_frame - first_frame)


def _concatenated(parts: Sequence[Speaker]) -> Speaker:
    return Speaker(
        np.concatenate([part.semantic for part in parts]),
        np.concatenate([part.coarse for part in parts], axis=1),
        np.concatenate([part.fine for part in parts], axis=1),
    )


def _fitting(made: Speaker, limits: SpeakerLimits) -> Speaker:
    """Even out what rounding has left, so that the voice passes Bark's own check."""
    return even_lengths(made.semantic, made.coarse, made.fine, limits, repair=True)[0]
