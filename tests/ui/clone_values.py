"""Recordings and filled-in forms for the tests of the Voice Clone tab."""

from dataclasses import replace

import numpy as np

from webui.audio import write_audio
from webui.clone_results import Recording
from webui.ui.clone_form import AUTOMATIC, BEST_PART, CloneForm

RATE = 16_000


def sound(seconds: float = 6.5, loudness: float = 0.3) -> np.ndarray:
    """A humming that comes and goes."""
    times = np.arange(int(seconds * RATE)) / RATE
    swell = np.abs(np.sin(2 * np.pi * times))
    return (loudness * swell * np.sin(2 * np.pi * 140 * times)).astype(np.float32)


def recording(seconds: float = 6.5, name: str = "anna.wav") -> Recording:
    return Recording(sound(seconds), RATE, name)


def clip(folder, seconds: float = 6.5, loudness: float = 0.3, name: str = "anna.wav") -> str:
    """A recording as a file; gives its path as the page sees it."""
    path = folder / name
    write_audio(path, sound(seconds, loudness), RATE)
    return str(path)


def filled(clip_path: str | None, **changes) -> CloneForm:
    """A form with everything in it that cloning asks for."""
    form = CloneForm(
        clip=clip_path, files=None, denoise=False, part=BEST_PART, which=0, start=0.0, end=4.0,
        name="Anna", language="en", tags=["warm"], method="quantizer", transcript="",
        family="mini", quantizer=AUTOMATIC, converter=AUTOMATIC, windows=2, takes=1, endings=3,
        licence=False, consent=True,
    )  # fmt: skip
    return replace(form, **changes)
