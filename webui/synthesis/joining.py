"""Chunks of sound -> one sound: silence trimmed, loudness kept level, joins without clicks."""

import math

import numpy as np

from webui.arrays import OtherWaveform, Waveform

FRAME_SECONDS = 0.01  # in which silence is looked for
SILENCE_BELOW_DB = -40.0  # of the loudest frame
KEPT_BEFORE_SECONDS = 0.05  # of silence before the first sound
KEPT_AFTER_SECONDS = 0.15
LEVEL_SECONDS = 0.1  # of the blocks whose power makes the level
ABSOLUTE_GATE_DB = -60.0  # quieter blocks are pauses
RELATIVE_GATE_DB = -10.0  # of the mean of the others; both gates as in ITU-R BS.1770
QUIETEST_DB, LOUDEST_DB = -32.0, -16.0  # where a speech's level may lie
MOST_GAIN_DB = 12.0
PEAK = 0.98
FADE_SECONDS = 0.005
CROSSFADE_SECONDS = 0.03  # where chunks follow each other without a pause


def trim_silence(waveform: Waveform, rate: int) -> OtherWaveform:
    """Shorten silence at both ends to a bounded amount; silence alone stays as it is."""
    frame = max(1, round(FRAME_SECONDS * rate))
    powers = _block_powers(waveform, frame)
    if not powers.size or powers.max() <= _power(ABSOLUTE_GATE_DB):
        return waveform
    heard = np.flatnonzero(powers > powers.max() * _power(SILENCE_BELOW_DB))
    start = heard[0] * frame - round(KEPT_BEFORE_SECONDS * rate)
    end = (heard[-1] + 1) * frame + round(KEPT_AFTER_SECONDS * rate)
    return waveform[max(0, start) : end]


def speech_level_db(waveform: Waveform, rate: int) -> float | None:
    """The level of what is spoken, without its pauses, in dB of full scale; None for silence."""
    powers = _block_powers(waveform, max(1, round(LEVEL_SECONDS * rate)))
    spoken = powers[powers > _power(ABSOLUTE_GATE_DB)]
    if not spoken.size:
        return None
    spoken = spoken[spoken > spoken.mean() * _power(RELATIVE_GATE_DB)]
    return 10 * math.log10(float(spoken.mean()))


class Leveller:
    """Keeps every chunk of a speech as loud as its first, and never beyond full scale."""

    def __init__(self) -> None:
        self._target_db: float | None = None

    def level(self, waveform: Waveform, rate: int) -> Waveform:
        """Bring a chunk to the level of the speech."""
        level_db = speech_level_db(waveform, rate)
        gain = 1.0
        if level_db is not None:
            if self._target_db is None:
                self._target_db = min(max(level_db, QUIETEST_DB), LOUDEST_DB)
            gain_db = min(max(self._target_db - level_db, -MOST_GAIN_DB), MOST_GAIN_DB)
            gain = 10 ** (gain_db / 20)
        peak = float(np.abs(waveform).max(initial=0.0))
        gain = min(gain, PEAK / peak) if peak > 0 else gain
        return waveform * np.float32(gain)


class Joiner:
    """Puts chunks one behind the other; what it gives out can be played at once.

    The pieces that it gives out, put together, are the whole sound.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._held = np.zeros(0, np.float32)  # the end of the last chunk, to be mixed with the next
        self._silence = 0  # samples, before the next chunk
        self._length = 0  # samples given out

    def add(
        self, waveform: Waveform, pause_after: float | None
    ) -> tuple[OtherWaveform, float, float]:
        """Join one more chunk.

        Args:
            waveform: the chunk.
            pause_after: seconds of silence before the next chunk; 0 fades from one into the other;
                None when no chunk follows.

        Returns:
            The samples that can be played now, and where the chunk starts and ends in the whole
            sound, in seconds.
        """
        sound = waveform.astype(np.float32)  # a copy, to be faded
        start = self._length + self._silence
        pieces = [np.zeros(self._silence, np.float32), self._mixed(sound)]
        end = start + len(pieces[1])
        whole = np.concatenate(pieces)
        hold = round(CROSSFADE_SECONDS * self._rate) if pause_after == 0 else 0
        hold = min(hold, len(sound) // 2)
        self._silence = round((pause_after or 0) * self._rate)
        self._held = whole[len(whole) - hold :].copy()
        ready = whole[: len(whole) - hold]
        if not hold:
            _fade(ready[-len(sound) :], self._fade_samples(sound), out=True)
        self._length += len(ready)
        return ready, start / self._rate, end / self._rate

    def finish(self) -> Waveform:
        """Give out what was held back for a chunk that will not come."""
        _fade(self._held, len(self._held), out=True)
        rest, self._held = self._held, np.zeros(0, np.float32)
        self._length += len(rest)
        return rest

    def _mixed(self, sound: Waveform) -> OtherWaveform:
        """The chunk, with the end of the one before mixed into its start."""
        count = min(len(self._held), len(sound))
        if not len(self._held):
            _fade(sound, self._fade_samples(sound), out=False)
            return sound
        before, tail = self._held[: len(self._held) - count], self._held[len(self._held) - count :]
        rise = np.linspace(0, 1, count, dtype=np.float32)
        sound[:count] = sound[:count] * rise + tail * (1 - rise)
        return np.concatenate([before, sound])

    def _fade_samples(self, sound: Waveform) -> int:
        return min(round(FADE_SECONDS * self._rate), len(sound))


def _fade(sound: Waveform, count: int, out: bool) -> None:
    """Fade the first or last samples in place."""
    if not count:
        return
    rise = np.linspace(0, 1, count, dtype=np.float32)
    if out:
        sound[-count:] *= rise[::-1]
    else:
        sound[:count] *= rise


def _block_powers(waveform: Waveform, size: int) -> np.ndarray:
    """The mean power of each block of samples; a last shorter block counts too."""
    squares = waveform.astype(np.float64) ** 2
    starts = np.arange(0, len(squares), size)
    if not starts.size:
        return np.zeros(0)
    lengths = np.diff([*starts, len(squares)])
    return np.asarray(np.add.reduceat(squares, starts) / lengths)


def _power(decibels: float) -> float:
    return float(10 ** (decibels / 10))
