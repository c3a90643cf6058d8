"""The part of the scripted service that clones: made-up figures, the same ones every time."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from webui.arrays import Speaker, Waveform
from webui.backend.facts import CloningPart, VoiceInfo
from webui.backend.requests import CloneOrder
from webui.clone_results import (
    METHODS,
    CloneCandidate,
    CloneOutcome,
    CloneReport,
    Finding,
    Method,
    Recording,
    RecordingCheck,
    SentenceHeard,
    SoundFacts,
    Window,
)
from webui.errors import AudioFileError, UserError
from webui.events import Cancelled, CancelToken, Cloned, Done, Event, Failed, Progress, Reported

CLONE_RATE = 16_000
SENTENCES = ("The night is cold and the wind is strong.", "I would like a cup of coffee, please.")
LIKENESS = {"quantizer": 0.84, "conversion": 0.75, "transcript": 0.61}
PARTS = (
    CloningPart("quantizer", "method", "Quantizer", "ready"),
    CloningPart("transcript", "method", "From the transcript", "ready"),
    CloningPart("conversion", "method", "By conversion", "ready"),
    CloningPart(
        "mini-en", "quantizer", "Built-in English", "ready", "en", licence="MIT", suggested=True
    ),
    CloningPart(
        "polish-8", "quantizer", "Polish, 8 epochs", "available", "pl", 104_000_000, "MIT",
        "https://huggingface.co/Hobis/bark-voice-cloning-polish-HuBERT-quantizer",
    ),
    CloningPart("builtin", "converter", "Built in", "ready", licence="MIT", suggested=True),
    CloningPart(
        "your_tts", "converter", "YourTTS", "ready", licence="CC BY-NC-ND 4.0",
        needs_licence_consent=True,
    ),
    CloningPart(
        "freevc24", "converter", "FreeVC", "missing",
        reason="Install it with ./install.sh --with tts.",
    ),
)  # fmt: skip


def tone(seconds: float, pitch: float) -> Waveform:
    """A tone instead of a clone's speech."""
    times = np.arange(int(seconds * CLONE_RATE)) / CLONE_RATE
    return (0.3 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)


def fake_speaker() -> Speaker:
    """A cloned voice that says nothing."""
    fine = np.zeros((8, 75), np.int64)
    return Speaker(np.zeros(50, np.int64), fine[:2], fine)


def sound_facts(seconds: float, pitch: float | None = 118.0) -> SoundFacts:
    """Facts of a recording or a clone."""
    high, low = (pitch * 1.3, pitch * 0.8) if pitch else (None, None)
    return SoundFacts(seconds, -23.0, 31.0, 0.12, 4.1 if pitch else None, pitch, low, high)


def fake_report(likeness: float | None = 0.84, heard: bool = True) -> CloneReport:
    """A report whose verdict follows the likeness."""
    closeness, verdict = "", "How alike the two voices are could not be measured."
    if likeness is not None:
        closeness = "close" if likeness > 0.8 else "somewhat" if likeness > 0.7 else "far"
        verdict = {
            "close": "This sounds like the speaker.",
            "somewhat": "This sounds somewhat like the speaker.",
            "far": "This does not sound like the speaker.",
        }[closeness]
    sentences = (
        SentenceHeard(
            SENTENCES[0], SENTENCES[0].lower() if heard else None, 1.0 if heard else None
        ),
        SentenceHeard(
            SENTENCES[1], "i would like a cup" if heard else None, 0.6 if heard else None
        ),
    )
    return CloneReport(
        likeness, 0.91 if likeness is not None else None, 0.8 if heard else None, sentences,
        sound_facts(6.5), sound_facts(5.0, 131.0), closeness, verdict, likeness or 0.0,
    )  # fmt: skip


class FakeCloning:
    """Clones without computing. `failure` and `cancel_clone_at` (a candidate) work as in speaking.

    `clone_orders` holds what was asked, `kept_clones` what was kept and with which sentence.
    """

    failure: str | None
    failure_kind: str
    _voices: dict[str, VoiceInfo]

    def __init__(self) -> None:
        self.cancel_clone_at: int | None = None
        self.parts = list(PARTS)
        self.likeness: float | None = None  # of every clone; None: as its method has it
        self.clone_orders: list[CloneOrder] = []
        self.kept_clones: list[tuple[CloneCandidate, str, str, tuple[str, ...]]] = []

    def cloning_parts(self, family: str | None = None) -> list[CloningPart]:
        return list(self.parts)

    def check(
        self,
        recordings: tuple[Recording, ...],
        denoise: bool = False,
        cancel: CancelToken | None = None,
    ) -> RecordingCheck:
        if not recordings:
            raise AudioFileError("There is no recording to look at.")
        first = recordings[0]
        seconds = sum(each.seconds for each in recordings)
        level = float(np.sqrt(np.mean(np.square(first.waveform)))) if len(first.waveform) else 0.0
        if level < 1e-3:
            silence = Finding("silence", "We hear almost no speech.", is_fatal=True)
            return RecordingCheck(seconds, 0.0, -80.0, 0.0, 0.0, findings=(silence,))
        findings = [] if denoise else [Finding("noise", "There is a little noise.")]
        if first.seconds < 3:
            findings.append(
                Finding("short", f"Only {first.seconds:.1f} s; 6 s and more is better.")
            )
        windows = []
        for number, each in enumerate(recordings):
            length = min(each.seconds, 4.0)
            windows.append(Window(each.seconds - length, each.seconds, 0.9, True, number))
            if each.seconds > 5:
                windows.append(Window(0.5, 4.5, 0.7, False, number))
        windows.sort(key=lambda window: -window.score)
        return RecordingCheck(
            seconds, 0.8 * seconds, -21.0, 24.0, 0.0, ((0.3, first.seconds - 0.3),),
            tuple(windows), tuple(findings),
        )  # fmt: skip

    def clone(self, order: CloneOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Progress, then the clones; problems of the order are raised before."""
        check = self.check(order.recordings, order.denoise)
        for finding in check.findings:
            if finding.is_fatal:
                raise AudioFileError(finding.words)
        self.clone_orders.append(order)
        return self._clone(order, check, cancel or CancelToken())

    def keep_clone(  # noqa: PLR0913  as the service has it
        self,
        order: CloneOrder,
        outcome: CloneOutcome,
        candidate_index: int,
        name: str,
        consent: str,
        tags: tuple[str, ...] = (),
        notes: str = "",
    ) -> VoiceInfo:
        if not consent:
            raise UserError("Confirm first that you may clone this voice.")
        if self.failure:
            raise UserError(self.failure)
        candidate = outcome.candidates[candidate_index]
        self.kept_clones.append((candidate, name, consent, tags))
        info = VoiceInfo(
            f"clone-{len(self.kept_clones):08x}", name, outcome.family, order.language, "own",
            tags, 1.0, method=candidate.method,
        )  # fmt: skip
        self._voices[info.id] = info
        return info

    def report(
        self,
        voice_id: str,
        reference: Recording | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Event]:
        yield Progress("report", 0.5, 1.0)
        yield Reported(fake_report())
        yield Done()

    def _clone(
        self, order: CloneOrder, check: RecordingCheck, cancel: CancelToken
    ) -> Iterator[Event]:
        windows = check.windows[: order.windows]
        if order.window is not None:
            windows = (Window(*order.window, 0.5),)
        wanted = [
            (method, window, take)
            for method in order.methods
            for window in windows
            for take in range(1 if method == "quantizer" else order.takes)
        ]
        made = []
        yield Progress("queued", 0.0, message="1 before you")
        for number, (method, window, take) in enumerate(wanted):
            if number == self.cancel_clone_at:
                cancel.cancel()
            for done, stage in enumerate(("check", "listen", "encode", "report")):
                if cancel.cancelled:
                    yield Cancelled()
                    return
                fraction = (number + done / 4) / len(wanted)
                left = (1 - fraction) * len(wanted)
                yield Progress(stage, fraction, left, number, len(wanted))
            if self.failure:
                yield Failed(self.failure, self.failure_kind)
                return
            made.append(self._candidate(method, window, take))
        made.sort(key=lambda each: -each.report.score if each.report else 0)
        reference = tone(windows[0].end_seconds - windows[0].start_seconds, 118)
        outcome = CloneOutcome("mini", tuple(made), check, reference, CLONE_RATE, 1.5)
        yield Cloned(outcome)
        yield Done()

    def _candidate(self, method: Method, window: Window, take: int) -> CloneCandidate:
        pitch = 120.0 + 20 * METHODS.index(method) + 3 * take
        likeness = self.likeness or LIKENESS[method] + 0.05 * (window.score - 0.9) - 0.01 * take
        return replace(
            CloneCandidate(fake_speaker(), method, window, 7 + take, 0.5, fake_report(likeness)),
            speech=tone(2.0, pitch),
            sample_rate=CLONE_RATE,
            notes=("The words and the sound differed by 0.1 s and were aligned.",)
            if method == "transcript"
            else (),
        )
