"""A picture of two sounds, one below the other: spectrogram and pitch over the same time."""

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.quality.pitch import pitch_track

RATE = 16_000  # Hz; the picture shows 0 to 8 kHz
WINDOW, HOP, FFT = 400, 80, 1_024  # samples: 25 ms every 5 ms
ROWS = 128  # of each spectrogram
LEAST_COLUMNS, MOST_COLUMNS = 640, 1_600
RANGE_DB = 65.0  # below the loudest is drawn
GAP_ROWS, AXIS_ROWS = 10, 8
TICK_SECONDS = 0.5
PAPER, INK, PITCH = (28, 31, 38), (150, 156, 168), (255, 176, 64)
PITCH_LOW_HZ, PITCH_HIGH_HZ = 60.0, 500.0  # bottom and top of the panel for the pitch, in octaves
# Dark to bright, readable on light and on dark pages; equal steps of lightness.
COLOURS = np.array(
    [(28, 31, 38), (44, 49, 92), (66, 74, 150), (84, 116, 186), (98, 160, 200), (150, 204, 202),
     (226, 240, 214)], dtype=np.float64,
)  # fmt: skip


def report_picture(
    reference: Waveform, reference_rate: int, clone: OtherWaveform, clone_rate: int
) -> np.ndarray:
    """Draw the recording above and the clone below it.

    Time runs to the right, with a tick every half second and a longer one every second; both sounds
    begin at the left edge and share one scale. The orange line is the pitch, 60 to 500 Hz from the
    bottom of a spectrogram to its top, in octaves.

    Returns:
        (rows, columns, 3) of uint8.
    """
    sounds = [
        resample(reference, reference_rate, RATE).astype(np.float64),
        resample(clone, clone_rate, RATE).astype(np.float64),
    ]
    seconds = max(max(map(len, sounds)) / RATE, TICK_SECONDS)
    columns = int(np.clip(round(seconds * RATE / HOP), LEAST_COLUMNS, MOST_COLUMNS))
    gap = _blank(GAP_ROWS, columns)
    axis = _axis(seconds, columns)
    panels = [np.concatenate([_panel(each, seconds, columns), axis]) for each in sounds]
    return np.concatenate([panels[0], gap, panels[1]])


def _panel(sound: np.ndarray, seconds: float, columns: int) -> np.ndarray:
    """One spectrogram with its pitch: (ROWS, columns, 3)."""
    panel = _blank(ROWS, columns)
    if not len(sound):
        return panel
    level = _spectrogram(sound)  # (frames, ROWS)
    wide = max(1, min(columns, round(columns * len(sound) / RATE / seconds)))
    picked = np.minimum((np.arange(wide) + 0.5) / wide * len(level), len(level) - 1).astype(int)
    shade = ((level[picked].T[::-1] / RANGE_DB) + 1).clip(0, 1) * (len(COLOURS) - 1)
    low = np.minimum(shade.astype(int), len(COLOURS) - 2)
    part = (shade - low)[..., None]
    panel[:, :wide] = (COLOURS[low] * (1 - part) + COLOURS[low + 1] * part).astype(np.uint8)
    times, hz = pitch_track(sound.astype(np.float32), RATE)
    at = np.minimum((times / seconds * columns).astype(int), wide - 1)
    octaves = np.log2(hz / PITCH_LOW_HZ) / np.log2(PITCH_HIGH_HZ / PITCH_LOW_HZ)
    for column, height in zip(at, octaves, strict=True):
        if np.isfinite(height):
            row = int(round((1 - float(np.clip(height, 0, 1))) * (ROWS - 2)))
            panel[row : row + 2, column : column + 2] = PITCH
    return panel


def _spectrogram(sound: np.ndarray) -> np.ndarray:
    """Levels in dB below the loudest, (frames, ROWS) from low to high frequencies."""
    padded = np.pad(sound, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), FFT)) ** 2
    bands = power[:, : FFT // 2].reshape(len(frames), ROWS, -1).mean(-1)
    loudest = float(bands.max())
    if loudest <= 0:
        return np.full(bands.shape, -RANGE_DB)
    return np.asarray(10 * np.log10(np.maximum(bands / loudest, 1e-12)))


def _axis(seconds: float, columns: int) -> np.ndarray:
    """Ticks below a panel."""
    axis = _blank(AXIS_ROWS, columns)
    for tick in range(int(seconds / TICK_SECONDS) + 1):
        column = min(int(tick * TICK_SECONDS / seconds * columns), columns - 1)
        axis[: AXIS_ROWS if tick % 2 == 0 else AXIS_ROWS // 2, column] = INK
    return axis


def _blank(rows: int, columns: int) -> np.ndarray:
    return np.full((rows, columns, 3), PAPER, np.uint8)
