"""The functions that a cloning job is made of; tests put others in their place."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from webui.arrays import Speaker, Waveform
from webui.clone_results import CloneReport, Recording, RecordingCheck, Window
from webui.events import Event

if TYPE_CHECKING:
    from webui.cloning.methods import MadeVoice
    from webui.synthesis.models import BarkModels

Embed = Callable[[Waveform, int], np.ndarray]


@dataclass(frozen=True)
class CloneTools:
    """What layer 2 and 3 do for a cloning job; each is described where it is made."""

    denoise: Callable[[Waveform, int], Waveform]
    check: Callable[[Sequence[Recording], Embed | None], RecordingCheck]
    cut: Callable[[Sequence[Recording], Window, int], Waveform]
    normalise: Callable[[Waveform, int, float | None], Waveform]
    by_quantizer: "Callable[..., MadeVoice]"
    by_transcript: "Callable[..., Generator[Event, None, MadeVoice]]"
    by_conversion: "Callable[..., Generator[Event, None, MadeVoice]]"
    endings: "Callable[[BarkModels, Speaker, int], Sequence[Speaker]]"
    speak: Callable[..., Iterator[Event]]
    sentences: Callable[[str], Sequence[str]]
    report: Callable[..., CloneReport]


def clone_tools() -> CloneTools:
    """Give the real ones."""
    from webui.cloning.denoising import denoise
    from webui.cloning.endings import endings_of
    from webui.cloning.methods import (
        clone_by_conversion,
        clone_from_transcript,
        clone_with_quantizer,
    )
    from webui.cloning.recording_check import check_recordings, cut, normalise_level
    from webui.quality.report import make_report
    from webui.quality.sentences import report_sentences
    from webui.synthesis.speech import speak

    tools: dict[str, Any] = {
        "denoise": denoise,
        "check": check_recordings,
        "cut": cut,
        "normalise": normalise_level,
        "by_quantizer": clone_with_quantizer,
        "by_transcript": clone_from_transcript,
        "by_conversion": clone_by_conversion,
        "endings": endings_of,
        "speak": speak,
        "sentences": report_sentences,
        "report": make_report,
    }
    return CloneTools(**tools)
