"""What is heard in one recording, per 10 ms: speech, background, how loud, how clipped, music."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.cloning.music_detection import music_frames
from webui.cloning.speech_detection import (
    DIGITAL_SILENCE,
    FRAME_SECONDS,
    Spans,
    frame_powers,
    frames_of,
    spans_of_speech,
    speech_probabilities,
)
from webui.cloning.voice_detector import RATE

# A room rings on after a word, and a breath is taken before the next: neither is background.
AFTER_SPEECH_SECONDS, BEFORE_SPEECH_SECONDS = 0.2, 0.05
LEAST_MARGIN_SECONDS = 0.03  # where the pauses are too short for that
LEAST_BACKGROUND_SECONDS = 0.2
SURELY_NONE = 0.3  # probability of speech; what lies above is neither speech nor background
QUIETEST_SHARE = 0.05  # of speech without any pause: its stop consonants are nearly silent
CLEANEST_DB = 80.0  # where nothing at all is heard in the pauses
SILENCE_DB = -120.0
CLIP_LEVEL = 0.985  # of the recording's highest or lowest value
CLIP_RUN_SECONDS = 1e-4  # that the wave stays there; and not less than three samples
# After Opus the exact runs are gone, but clipped by 8 dB 3 to 30 % of the speech lies in runs of
# 0.8 ms beyond 80 % of the usual peak; of clean speech up to 0.7 %.
WAVY_LEVEL, WAVY_RUN_SECONDS, WAVY_SHARE = 0.8, 8e-4, 0.02
PEAK_QUANTILE, PEAK_STEP = 0.9995, 7  # the usual peak, looked for in every seventh sample
LEAST_CLIPPED_PEAK = 0.05  # of full scale; whoever clips a recording does not make it so quiet


@dataclass(frozen=True, eq=False)
class Heard:
    """One recording, listened to at 16 kHz; every array has one value for each 10 ms."""

    sound: OtherWaveform  # at 16 kHz
    seconds: float
    spans: Spans
    powers: np.ndarray  # mean squares
    speech: np.ndarray  # bool
    background: np.ndarray  # bool: neither speech nor right beside it, nor digital silence
    clipped: np.ndarray  # 0..1, the share of the samples that are cut off
    music: np.ndarray  # 0..1, how much of the background is tones; 0 where there is no background

    @property
    def speech_seconds(self) -> float:
        """How long somebody speaks."""
        return sum(end - start for start, end in self.spans)

    @cached_property
    def level_db(self) -> float:
        """The level of the speech."""
        return decibels(float(self.powers[self.speech].mean())) if self.speech.any() else SILENCE_DB

    @cached_property
    def background_power(self) -> float:
        """The power of the pauses; of continuous speech, that of its quietest moments."""
        if self.background.any():
            # The mean of the middle: neither digital silence nor a door that falls shut.
            kept = np.sort(self.powers[self.background])
            kept = kept[len(kept) // 10 : max(1, len(kept) * 8 // 10)]
            return float(kept.mean())
        silent = self.powers[~self.speech]
        if len(silent) * FRAME_SECONDS >= LEAST_BACKGROUND_SECONDS:
            return float(np.median(silent))
        return float(np.quantile(self.powers, QUIETEST_SHARE)) if self.powers.size else 0.0

    @cached_property
    def noise_db(self) -> float:
        """How far the pauses are below the speech."""
        return min(max(self.level_db - decibels(self.background_power), 0.0), CLEANEST_DB)

    @cached_property
    def clipped_share(self) -> float:
        """The share of the samples of speech that are cut off."""
        return float(self.clipped[self.speech].mean()) if self.speech.any() else 0.0


def listen(waveform: Waveform, rate: int) -> Heard:
    """Find speech, background, clipping and music in a recording.

    Raises:
        CheckpointError: the speech detector's weights are missing.
    """
    sound = resample(waveform, rate, RATE)
    powers = frame_powers(sound)
    probabilities = speech_probabilities(sound, powers)
    spans = spans_of_speech(probabilities, powers)
    speech = frames_of(spans, len(powers))
    background = _background(spans, (powers > DIGITAL_SILENCE) & (probabilities < SURELY_NONE))
    return Heard(
        sound=sound,
        seconds=len(waveform) / rate,
        spans=spans,
        powers=powers,
        speech=speech,
        background=background,
        clipped=_clipped(waveform, rate, speech),
        music=music_frames(sound, background if spans else np.ones(len(powers), bool)),
    )


def decibels(power: float) -> float:
    """A mean square in dB of full scale, not below -120."""
    return max(SILENCE_DB, 10 * math.log10(max(power, 1e-12)))


def _background(spans: Spans, possible: np.ndarray) -> np.ndarray:
    """Mark the possible frames in which only the room is heard; none where there are too few."""
    for after, before in (
        (AFTER_SPEECH_SECONDS, BEFORE_SPEECH_SECONDS),
        (LEAST_MARGIN_SECONDS, LEAST_MARGIN_SECONDS),
    ):
        widened = tuple((max(0.0, start - before), end + after) for start, end in spans)
        marked = possible & ~frames_of(widened, len(possible))
        if marked.sum() * FRAME_SECONDS >= LEAST_BACKGROUND_SECONDS:
            return np.asarray(marked)
    return np.zeros(len(possible), bool)


def _clipped(waveform: Waveform, rate: int, speech: np.ndarray) -> np.ndarray:
    """The share of each 10 ms that stays at the recording's highest or lowest value: (frames,).

    A recording that was made quieter after it was clipped stays there too, only lower. A lossy
    format makes waves of what was flat; then the wave stays near its highest value for longer
    than speech does.
    """
    frames = len(speech)
    if not len(waveform):
        return np.zeros(frames)
    centred = waveform - waveform.mean(dtype=np.float64).astype(np.float32)
    if np.abs(centred).max() < LEAST_CLIPPED_PEAK:
        return np.zeros(frames)
    highest = (float(centred.max()), float(-centred.min()))
    run = max(3, math.ceil(CLIP_RUN_SECONDS * rate))
    exact = _share_in_runs(centred, rate, frames, [CLIP_LEVEL * each for each in highest], run)
    usual = float(np.quantile(np.abs(centred[::PEAK_STEP]), PEAK_QUANTILE))
    run = math.ceil(WAVY_RUN_SECONDS * rate)
    wavy = _share_in_runs(centred, rate, frames, [WAVY_LEVEL * usual] * 2, run)
    is_wavy = bool(speech.any()) and float(wavy[speech].mean()) >= WAVY_SHARE
    return np.maximum(exact, wavy) if is_wavy else exact


def _share_in_runs(
    waveform: Waveform, rate: int, frames: int, levels: Sequence[float], run: int
) -> np.ndarray:
    """The share of each 10 ms that lies in long runs beyond the upper or the lower level."""
    counts = np.zeros(frames)
    for side, level in zip((waveform, -waveform), levels, strict=True):
        beyond = np.concatenate([[False], side >= level, [False]])
        edges = np.flatnonzero(beyond[1:] != beyond[:-1]).reshape(-1, 2)
        lengths = edges[:, 1] - edges[:, 0]
        at = (edges[:, 0] / rate / FRAME_SECONDS).astype(np.int64)
        kept = (lengths >= run) & (at < frames)
        counts += np.bincount(at[kept], lengths[kept], minlength=frames)
    return np.asarray(counts / (rate * FRAME_SECONDS))
