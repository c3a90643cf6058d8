"""Cloning that computes nothing: tools and networks that do what a test tells them to."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from webui.arrays import Speaker
from webui.backend.clone_tools import CloneTools
from webui.backend.cloning_models import PartLoaders
from webui.clone_results import (
    CloneReport,
    Recording,
    RecordingCheck,
    SentenceHeard,
    SoundFacts,
    Window,
)
from webui.cloning.methods import MadeVoice
from webui.errors import TextError, UserError
from webui.events import Cancelled, CancelToken, Done, Progress, Speech

RATE = 16_000
FACTS = SoundFacts(4.0, -23.0, 30.0, 0.1)
SENTENCES = ("one.", "two.")
WINDOWS = (Window(4.0, 9.0, 0.9, True), Window(0.0, 4.0, 0.5))


def recording(seconds: float = 10.0, rate: int = RATE) -> Recording:
    """A ramp, so that each of its parts is known by its values."""
    samples = int(seconds * rate)
    return Recording(np.linspace(0, 1, samples, dtype=np.float32), rate, "ada.wav")


def report(score: float) -> CloneReport:
    heard = (SentenceHeard("one.", "one", 1.0),)
    return CloneReport(score, 0.9, 1.0, heard, FACTS, FACTS, "close", "It is close.", score)


def voice(mark: int, tokens: int = 50) -> Speaker:
    """A voice of the tiny family, known by its first code."""
    fine = np.zeros((8, tokens), np.int64)
    fine[0, 0] = mark
    return Speaker(np.zeros(tokens, np.int64), fine[:2], fine)


@dataclass
class ScriptedCloning:
    """Set the attributes before the job; `asked` holds what was called, in order.

    `faults` maps a method to what it raises; `scores` are those of the reports, in order; `stop_at`
    names the call during which somebody presses Stop.
    """

    check: RecordingCheck = field(
        default_factory=lambda: RecordingCheck(
            10.0, 8.0, -22.0, 30.0, 0.0, ((0.5, 4.0), (4.5, 9.0)), WINDOWS
        )
    )
    faults: dict[str, UserError] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    asked: list[tuple] = field(default_factory=list)
    stop_at: str = ""
    cancel: CancelToken = field(default_factory=CancelToken)
    understands: tuple[str, ...] = ("en",)
    encoder: object | None = field(
        default_factory=lambda: SimpleNamespace(embed=lambda waveform, rate: np.ones(4), nbytes=7)
    )
    made: int = 0
    ends: int = 1  # with which a voice can be tried
    mute: tuple[int, ...] = ()  # voices that can say nothing

    def tools(self) -> CloneTools:
        return CloneTools(
            denoise=self._denoise,
            check=self._check,
            cut=self._cut,
            normalise=lambda waveform, rate, level: self._noted("normalise", waveform, rate),
            by_quantizer=self._by_quantizer,
            by_transcript=self._by_transcript,
            by_conversion=self._by_conversion,
            endings=self._endings,
            speak=self._speak,
            sentences=lambda language: SENTENCES,
            report=self._report,
        )

    def loaders(self) -> PartLoaders:
        def listener(encoder, quantizer, device):
            self._note("load listener", encoder.name, quantizer.name, device)
            return SimpleNamespace(nbytes=100)

        def recogniser(language, whisper):
            self._note("load recogniser", language, whisper)
            if language not in self.understands:
                return None
            heard = SimpleNamespace(text="what was heard")
            return SimpleNamespace(nbytes=10, transcribe=lambda waveform, rate, language: heard)

        def converter(name, parts, device):
            self._note("load converter", name)
            return SimpleNamespace(name=name, title=name.title(), licence="MIT")

        return PartLoaders(listener, lambda: self.encoder, recogniser, converter)

    def names(self) -> list[str]:
        return [each[0] for each in self.asked]

    def calls(self, name: str) -> list[tuple]:
        return [each[1:] for each in self.asked if each[0] == name]

    def _note(self, name, *arguments) -> None:
        self.asked.append((name, *arguments))
        if name == self.stop_at:
            self.cancel.cancel()

    def _noted(self, name, result, *arguments):
        self._note(name, *arguments)
        return result

    def _denoise(self, waveform, rate):
        self._note("denoise", rate)
        return waveform * 0

    def _check(self, recordings, embed):
        self._note("check", recordings, embed)
        return self.check

    def _cut(self, recordings, window, rate):
        self._note("cut", window, rate)
        given = recordings[window.recording]
        start, end = window.start_seconds * given.rate, window.end_seconds * given.rate
        return given.waveform[int(start) : int(end)]

    def _voice(self, method: str, details: dict) -> MadeVoice:
        if method in self.faults:
            raise self.faults[method]
        self.made += 1
        return MadeVoice(voice(self.made), (f"Made by {method}.",), details)

    def _by_quantizer(self, models, listener, waveform, rate):
        self._note("quantizer", len(waveform), rate)
        return self._voice("quantizer", {"quantizer": "mini"})

    def _by_transcript(self, models, text, waveform, rate, drawing, cancel):  # noqa: PLR0913  (as the real one)
        self._note("transcript", text, drawing.seed, drawing.language)
        yield Progress("semantic", 0.5)
        return self._voice("transcript", {"transcript": text})

    def _by_conversion(self, models, converter, bases, waveform, rate, drawing, cancel, embed):  # noqa: PLR0913  (as the real one)
        self._note("conversion", converter.name, [name for name, _ in bases], drawing.seed)
        yield Progress("convert", 0.7)
        return self._voice("conversion", {"converter": converter.name})

    def _endings(self, models, speaker, count):
        self._note("endings", int(speaker.fine[0, 0]), count)
        mark = int(speaker.fine[0, 0])
        cuts = [voice(mark + 100 * end, 50 - 10 * end) for end in range(1, min(count, self.ends))]
        return [speaker, *cuts]

    def _speak(self, models, text, speaker, controls, cancel, language):  # noqa: PLR0913  (as the real one)
        self._note("speak", text, int(speaker.fine[0, 0]), controls.seed)
        if int(speaker.fine[0, 0]) in self.mute:
            raise TextError("Nothing can be said.")
        if "speak" in self.faults:
            raise self.faults["speak"]
        yield Progress("semantic", 0.5)
        if cancel.cancelled:
            yield Cancelled()
            return
        yield Done(Speech(np.full(100, 0.5, np.float32), RATE, (), 0, 0.1))

    def _report(self, reference, rate, said, its_rate, language, encoder, recogniser):  # noqa: PLR0913  (as the real one)
        texts = [text for text, _ in said]
        self._note("report", reference, rate, texts, encoder is not None, recogniser is not None)
        return report(self.scores.pop(0) if self.scores else 0.5)
