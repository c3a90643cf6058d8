"""Whether speech that leaves the engine carries the watermark, and whether a file does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from webui.audio import read_audio
from webui.errors import SettingsError
from webui.events import AudioChunk, Cancelled, Done, Event, Speech
from webui.quality.watermark import MARKED, watermark, watermark_weights
from webui.training_results import SampleHeard, SampleMissed

if TYPE_CHECKING:
    from webui.arrays import Waveform
    from webui.quality.watermark import Watermark

WatermarkState = Literal["on", "off", "missing"]
STATE_WORDS = {
    "on": "on: everything that is spoken carries it",
    "off": "off; --watermark switches it on",
    "missing": "not installed: run ./install.sh",
}
MISSING = (
    "The watermark is not installed, or its weights are not those we know. Run ./install.sh, or "
    "start without --watermark."
)


def watermark_state(is_wanted: bool) -> WatermarkState:
    """Say how it stands, without loading anything."""
    if watermark_weights() is None:
        return "missing"
    return "on" if is_wanted else "off"


def find_mark(path: Path) -> tuple[bool, float]:
    """Say whether a recording was marked, and how sure that is, 0 to 1.

    Raises:
        SettingsError: what listens for it is not installed.
        AudioFileError: it is no recording that can be read.
    """
    waveform, rate = read_audio(path)
    found = _loaded().heard(waveform, rate)
    return found >= MARKED, found


class Marker:
    """Puts the watermark into the sounds of a job's events; loads it when it is first needed."""

    def __init__(self) -> None:
        self._watermark: Watermark | None = None

    def marked(self, events: Iterator[Event]) -> Iterator[Event]:
        """Give the same events with the mark in every sound.

        Raises:
            SettingsError: it is not installed; nothing leaves without it.
        """
        mark = self._watermark = self._watermark or _loaded()
        for event in events:
            if isinstance(event, AudioChunk):
                yield replace(event, waveform=mark.put(event.waveform, event.sample_rate))
            elif isinstance(event, Done) and event.result is not None:
                yield replace(event, result=_marked_speech(event.result, mark))
            elif isinstance(event, Cancelled) and event.partial is not None:
                yield replace(event, partial=_marked_speech(event.partial, mark))
            else:
                yield event

    def samples_marked(self, events: Iterator[Event]) -> Iterator[Event]:
        """Give the same events with the mark in every sample; without it there is none."""
        for event in events:
            if not isinstance(event, SampleHeard):
                yield event
                continue
            try:
                mark = self._watermark = self._watermark or _loaded()
            except SettingsError as fault:
                yield SampleMissed(event.step, str(fault))
            else:
                yield replace(event, waveform=mark.put(event.waveform, event.sample_rate))


def _marked_speech(speech: Speech, mark: "Watermark") -> Speech:
    sound: Waveform = mark.put(speech.waveform, speech.sample_rate)
    return replace(speech, waveform=sound)


def _loaded() -> "Watermark":
    found = watermark()
    if found is None:
        raise SettingsError(MISSING)
    return found
