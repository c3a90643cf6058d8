"""Where somebody speaks in a recording: spans in seconds, their ends exact to about 10 ms."""

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.cloning.voice_detector import CHUNK_SAMPLES, RATE, load_voice_detector

FRAME_SECONDS = 0.01  # of the frames whose power is looked at
FRAME_SAMPLES = round(FRAME_SECONDS * RATE)
# silero-vad's own thresholds and shortest pause: a pause of 0.1 s between two phrases is one.
SPEECH_FROM, SPEECH_UNTIL = 0.5, 0.35
UNSURE_FROM, MOST_UNSURE_FRAMES = 0.2, 40  # before that, 0.4 s: it wakes up slowly
SHORTEST_PAUSE_SECONDS = 0.1
SHORTEST_SPEECH_SECONDS = 0.12  # shorter than any word; clicks and coughs are
# The network notices the first sound of a recording up to 0.25 s late, and the end of a phrase a
# chunk or two late or early: where the power rises and falls is the exact place.
MOST_MOVED_SECONDS = 0.25
SILENT_PAUSE_SECONDS = 0.18  # inside what it calls speech; a stop consonant is silent for 0.12 s
FADED_DB = -30.0  # of the speech's level: consonants at the end of a word are louder
ABOVE_FLOOR_DB = 6.0  # of the quietest tenth
DIGITAL_SILENCE = 1e-9  # power, -90 dB of full scale: nothing was recorded there
# The network expects speech at an ordinary level: at -60 dB of full scale it hears nothing.
PEAK_FOR_DETECTION = 0.5
MOST_GAIN = 300.0

Spans = tuple[tuple[float, float], ...]


def detect_speech(waveform: Waveform, rate: int) -> Spans:
    """Find where somebody speaks, as start and end in seconds; phrases, not words.

    Raises:
        CheckpointError: the detector's weights are missing.
    """
    sound = resample(waveform, rate, RATE)
    powers = frame_powers(sound)
    return spans_of_speech(speech_probabilities(sound, powers), powers)


def speech_probabilities(sound: OtherWaveform, powers: np.ndarray) -> np.ndarray:
    """How likely each 10 ms of a sound at 16 kHz is speech, given its `frame_powers`: (frames,).

    Raises:
        CheckpointError: the detector's weights are missing.
    """
    if not powers.any():
        return np.zeros(len(powers))
    # One click must not decide how loud everything else is: the fiftieth loudest frame does.
    loud = 2 * float(np.sqrt(np.quantile(powers, 0.98)))  # about the peak of such a sound
    gain = min(PEAK_FOR_DETECTION / max(loud, 1e-9), MOST_GAIN)
    centred = sound - sound.mean(dtype=np.float64).astype(np.float32)
    heard = load_voice_detector().probabilities(np.clip(centred * np.float32(gain), -1, 1))
    middles = np.arange(len(powers)) * FRAME_SAMPLES + FRAME_SAMPLES // 2
    return heard[np.minimum(middles // CHUNK_SAMPLES, len(heard) - 1)]


def spans_of_speech(probabilities: np.ndarray, powers: np.ndarray) -> Spans:
    """Find where somebody speaks in a sound whose probabilities and powers are known."""
    return _exact(_merged(_runs(probabilities)), powers)


def frame_powers(sound: Waveform) -> np.ndarray:
    """The mean square of each 10 ms of a sound at 16 kHz, its steady offset taken away."""
    frames = len(sound) // FRAME_SAMPLES
    blocks = sound[: frames * FRAME_SAMPLES].reshape(frames, FRAME_SAMPLES).astype(np.float64)
    offset = float(sound.mean(dtype=np.float64)) if len(sound) else 0.0
    return np.asarray(np.square(blocks - offset).mean(axis=1))


def frames_of(spans: Spans, frames: int) -> np.ndarray:
    """Mark the frames of 10 ms that lie in spans."""
    marked = np.zeros(frames, bool)
    for start, end in spans:
        marked[round(start / FRAME_SECONDS) : round(end / FRAME_SECONDS)] = True
    return marked


def _runs(probabilities: np.ndarray) -> list[tuple[float, float]]:
    """Where the probability is high: begins at one threshold and ends at a lower one.

    The frames before, about which the network is not sure yet, belong to it.
    """
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for index, probability in enumerate(probabilities.tolist()):
        if start is None and probability >= SPEECH_FROM:
            start = index
            earliest = max(runs[-1][1] if runs else 0, index - MOST_UNSURE_FRAMES)
            while start > earliest and probabilities[start - 1] >= UNSURE_FROM:
                start -= 1
        elif start is not None and probability < SPEECH_UNTIL:
            runs.append((start, index))
            start = None
    if start is not None:
        runs.append((start, len(probabilities)))
    return [(first * FRAME_SECONDS, end * FRAME_SECONDS) for first, end in runs]


def _merged(runs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Runs without the pauses that are too short, then without the runs that are too short."""
    merged: list[tuple[float, float]] = []
    for start, end in runs:
        if merged and start - merged[-1][1] < SHORTEST_PAUSE_SECONDS:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return [(start, end) for start, end in merged if end - start >= SHORTEST_SPEECH_SECONDS]


def _exact(spans: list[tuple[float, float]], powers: np.ndarray) -> Spans:
    """Move the ends of spans to where the power rises and falls, and split them at silence."""
    if not spans:
        return ()
    seconds = len(powers) * FRAME_SECONDS
    level = float(powers[frames_of(tuple(spans), len(powers))].mean())
    sounding = powers[powers > min(DIGITAL_SILENCE, level * 1e-6)]
    floor = float(np.quantile(sounding, 0.1)) if sounding.size else 0.0
    faded = max(level * 10 ** (FADED_DB / 10), floor * 10 ** (ABOVE_FLOOR_DB / 10))
    loud = powers > min(faded, level / 4)
    moved: list[tuple[float, float]] = []
    for index, (start, end) in enumerate(spans):
        before = moved[-1][1] if moved else 0.0
        after = spans[index + 1][0] if index + 1 < len(spans) else seconds
        exact_start = max(before, _edge(loud, start, -1))
        exact_end = min(after, _edge(loud, end, 1), seconds)
        if exact_end - exact_start >= SHORTEST_SPEECH_SECONDS:
            moved += _split(loud, exact_start, exact_end)
    return tuple((round(start, 3), round(end, 3)) for start, end in moved)


def _split(loud: np.ndarray, start: float, end: float) -> list[tuple[float, float]]:
    """Leave out long runs of frames that are not loud, where speech lies on both sides."""
    first = round(start / FRAME_SECONDS)
    heard = np.flatnonzero(loud[first : round(end / FRAME_SECONDS)]) + first
    parts: list[tuple[float, float]] = []
    for gap in np.flatnonzero(np.diff(heard) > round(SILENT_PAUSE_SECONDS / FRAME_SECONDS)):
        pause_start = (int(heard[gap]) + 1) * FRAME_SECONDS
        pause_end = int(heard[gap + 1]) * FRAME_SECONDS
        if min(pause_start - start, end - pause_end) >= SHORTEST_SPEECH_SECONDS:
            parts.append((start, pause_start))
            start = pause_end
    return [*parts, (start, end)]


def _edge(loud: np.ndarray, seconds: float, outwards: int) -> float:
    """Where the loud frames around one end of a span stop, not further off than allowed.

    `outwards` is -1 for the start of the span and 1 for its end.
    """
    most = round(MOST_MOVED_SECONDS / FRAME_SECONDS)
    first_inside = round(seconds / FRAME_SECONDS) - (1 if outwards > 0 else 0)
    at = first_inside
    if 0 <= at < len(loud) and loud[at]:  # walk out of the sound
        while 0 <= at + outwards < len(loud) and loud[at + outwards]:
            if abs(at + outwards - first_inside) > most:
                break
            at += outwards
    else:  # walk back into it
        while 0 <= at < len(loud) and not loud[at]:
            if abs(at - first_inside) >= most:
                return seconds
            at -= outwards
    return (at + (1 if outwards > 0 else 0)) * FRAME_SECONDS
