"""A recording drawn as SVG: its sound, where speech is, and the part that is used.

Only numbers are written into it, never text of a visitor: it is shown as HTML.
"""

import numpy as np

from webui.arrays import Waveform
from webui.clone_results import Recording, Window

WIDTH, HEIGHT = 600, 120
SOUND_TOP, SOUND_BOTTOM = 16, 96  # between the numbers of the parts and the seconds
COLUMNS = 300
PARTS_SHOWN = 6
TICK_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120)
TICKS = 8


def draw_recording(
    recording: Recording,
    spans: tuple[tuple[float, float], ...],
    windows: tuple[Window, ...],
    chosen: tuple[float, float],
) -> str:
    """Draw a recording.

    Args:
        recording: what is drawn.
        spans: of speech, in its seconds.
        windows: parts of this recording worth choosing, the best first.
        chosen: start and end of the part that is used, in seconds.
    """
    scale = WIDTH / max(recording.seconds, 1e-3)
    start, end = (min(max(each, 0.0), recording.seconds) for each in chosen)
    words = (
        f"The sound of a recording of {recording.seconds:.1f} seconds; "
        f"the part from {start:.1f} to {end:.1f} seconds is used."
    )
    return "".join(
        [
            f'<svg class="waveform" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'preserveAspectRatio="none" aria-label="{words}">',
            *(_box("speech", low * scale, high * scale, 97, 3) for low, high in spans),
            _box("chosen", start * scale, end * scale, SOUND_TOP, SOUND_BOTTOM - SOUND_TOP),
            _sound(recording.waveform),
            *_marks(windows, scale),
            *_ticks(recording.seconds, scale),
            "</svg>",
        ]
    )


def envelope(waveform: Waveform, columns: int = COLUMNS) -> np.ndarray:
    """The loudest sample of each of so many stretches, the loudest of all being 1."""
    edges = np.linspace(0, len(waveform), columns + 1).astype(np.int64)[:-1]
    if not len(waveform):
        return np.zeros(columns)
    peaks = np.maximum.reduceat(np.abs(waveform), np.minimum(edges, len(waveform) - 1))
    return peaks / max(float(peaks.max()), 1e-6)


def _box(kind: str, left: float, right: float, top: float, height: float) -> str:
    width = max(right - left, 1.0)
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.0f}" '
        f'width="{width:.1f}" height="{height:.0f}"/>'
    )


def _sound(waveform: Waveform) -> str:
    middle, reach = (SOUND_TOP + SOUND_BOTTOM) / 2, (SOUND_BOTTOM - SOUND_TOP) / 2 - 2
    step = WIDTH / COLUMNS
    path = []
    for column, peak in enumerate(envelope(waveform)):
        half = max(float(peak) * reach, 0.5)
        path.append(f"M{(column + 0.5) * step:.1f} {middle - half:.1f}v{2 * half:.1f}")
    return f'<path class="sound" d="{"".join(path)}"/>'


def _marks(windows: tuple[Window, ...], scale: float) -> list[str]:
    """A line above each of the best parts."""
    return [
        _box("part", each.start_seconds * scale, each.end_seconds * scale, 2 + 2 * place, 1.5)
        for place, each in enumerate(windows[:PARTS_SHOWN])
    ]


def _ticks(seconds: float, scale: float) -> list[str]:
    step = next((each for each in TICK_SECONDS if seconds / each <= TICKS), TICK_SECONDS[-1])
    return [_box("tick", at * scale, at * scale, 101, 5) for at in np.arange(0, seconds, step)]
