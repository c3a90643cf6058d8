"""The worker's answers to requests about cloning: look at a recording, clone it, judge a voice."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from webui.arrays import Speaker, Waveform
from webui.backend.clone_judge import VoiceJudge, VoiceTest, stop_if
from webui.backend.clone_pace import ClonePace
from webui.backend.clone_plan import (
    Attempt,
    attempts_of,
    chosen_windows,
    steps_of,
    with_failures,
)
from webui.backend.clone_tools import CloneTools, Embed, clone_tools
from webui.backend.clone_transcript import words_within
from webui.backend.cloning_catalogue import KNN_VC
from webui.backend.cloning_models import CloningModels
from webui.backend.cloning_parts import suggested_quantizer, takes_published
from webui.backend.converters import BUILTIN, check_licence
from webui.backend.model_manager import ModelManager
from webui.backend.requests import CheckRequest, CloneOrder, CloneRequest, ReportRequest
from webui.clone_results import (
    CloneCandidate,
    CloneOutcome,
    Method,
    Recording,
    RecordingCheck,
    Window,
)
from webui.cloning.methods import CloneDrawing, MadeVoice
from webui.errors import AudioFileError, CloneError, UserError
from webui.events import (
    CancelToken,
    Checked,
    Cloned,
    Done,
    Event,
    Made,
    Progress,
    Reported,
    followed,
    told_as,
)
from webui.synthesis.models import BarkModels

REFERENCE_SECONDS = 30.0  # the most of a recording's speech that a clone is compared with
_NOTHING = np.zeros(0, np.float32)  # the sound of a share in which every clone failed
STAGES: dict[Method, tuple[str, str]] = {  # as in `Progress`, and in the user's words
    "quantizer": ("listen", "Reading speech tokens"),
    "transcript": ("listen", "Reading the transcript"),
    "conversion": ("convert", "Speaking and converting"),
}


@dataclass(eq=False)
class _Job:
    """What an order has come to so far."""

    order: CloneOrder
    recordings: tuple[Recording, ...]
    check: RecordingCheck
    models: BarkModels
    bases: Sequence[tuple[str, Speaker]]
    pace: ClonePace
    cancel: CancelToken
    transcripts: dict[Window, str] = field(default_factory=dict)

    def seconds_before(self, recording: int) -> float:
        """Where a recording begins when all lie end to end, as `check.spans` has them."""
        return sum(each.seconds for each in self.recordings[:recording])

    def rate(self, window: Window) -> int:
        """The rate to cut a part at: codec and encoder then resample from the original."""
        return max(self.recordings[window.recording].rate, self.models.codec.sample_rate)


class CloneJobs:
    """Does requests about cloning with the models of one worker."""

    def __init__(
        self,
        manager: ModelManager,
        models: CloningModels,
        tools: CloneTools | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._manager, self._models = manager, models
        self._tools = tools or clone_tools()
        self._judge = VoiceJudge(self._tools, models)
        self._clock = clock

    def check(self, request: CheckRequest, cancel: CancelToken) -> Iterator[Event]:
        """Look at recordings.

        Raises:
            AudioFileError: there is none.
            JobCancelled: somebody pressed Stop.
        """
        yield Progress("check", 0.0, message="Listening to the recording")
        _, found = self._looked_at(request.recordings, request.denoise)
        stop_if(cancel)
        yield Checked(found)
        yield Done()

    def clone(self, request: CloneRequest, cancel: CancelToken) -> Iterator[Event]:
        """Make all clones of an order, judge and rank them.

        Raises:
            UserError: nothing can be cloned from the recordings, or no method could do it.
            JobCancelled: somebody pressed Stop.
        """
        order, begun = request.order, self._clock()
        methods = tuple(dict.fromkeys(order.methods))
        pace = ClonePace(("check", "load", *methods), len(methods), self._clock)
        yield pace.begin("check", "Finding the best part")
        recordings, check = self._looked_at(order.recordings, order.denoise)
        for finding in check.findings:
            if finding.is_fatal:
                raise AudioFileError(finding.words)
        first, step = request.share
        attempts = attempts_of(order, methods, chosen_windows(order, recordings, check))
        attempts = attempts[first::step]
        pace.end()
        pace.plan(steps_of(order, attempts), len(attempts))
        yield pace.begin("load")
        models = yield from self._family(request.family, pace, cancel)
        pace.end()
        job = _Job(order, recordings, check, models, request.bases, pace, cancel)
        made, faults = yield from self._candidates(job, attempts)
        rate = models.codec.sample_rate
        if step == 1:
            made = with_failures(faults, made)
        best = self._tools.cut(recordings, made[0].window, rate) if made else _NOTHING
        seconds = self._clock() - begun
        failures = tuple((method, str(fault)) for method, fault in faults.items())
        yield Cloned(
            CloneOutcome(request.family, tuple(made), check, best, rate, seconds, failures)
        )
        yield Done()

    def report(self, request: ReportRequest, cancel: CancelToken) -> Iterator[Event]:
        """Let a voice speak and judge it.

        Raises:
            UserError: the family is not there, or nothing can be said with this voice.
            JobCancelled: somebody pressed Stop.
        """
        pace = ClonePace(("load", "report"), 1, self._clock)
        yield pace.begin("load")
        models = yield from self._family(request.family, pace, cancel)
        pace.end()
        reference, rate = None, models.codec.sample_rate
        if request.reference is not None:
            reference, rate = request.reference.waveform, request.reference.rate
        else:
            reference = models.codec.decode(request.speaker.fine)
        yield pace.begin("report", "Speaking the test sentences")
        test = VoiceTest(models, (reference, rate), request.language, 0, cancel)
        report, _ = yield from self._judge.judge(test, request.speaker, pace)
        yield Reported(report)
        yield Done()

    def _looked_at(
        self, recordings: Sequence[Recording], denoise: bool
    ) -> tuple[tuple[Recording, ...], RecordingCheck]:
        """Clean recordings where that is wanted, and check them."""
        if not recordings or not any(len(each.waveform) for each in recordings):
            raise AudioFileError("There is no recording. Record or upload some seconds of speech.")
        cleaned = tuple(
            replace(each, waveform=self._tools.denoise(each.waveform, each.rate))
            if denoise
            else each
            for each in recordings
        )
        return cleaned, self._tools.check(cleaned, self._embed())

    def _embed(self) -> Embed | None:
        encoder = self._models.speaker_encoder()
        return None if encoder is None else encoder.embed

    def _family(
        self, family: str, pace: ClonePace, cancel: CancelToken
    ) -> Generator[Event, None, BarkModels]:
        def told(event: Event) -> Event:
            if isinstance(event, Progress):
                return pace.within(event.fraction, "load", event.message)
            return event

        return told_as(self._manager.models(family, cancel), told)

    def _candidates(
        self, job: _Job, attempts: Sequence[Attempt]
    ) -> Generator[Event, None, tuple[list[CloneCandidate], dict[Method, UserError]]]:
        """Make every clone that can be made, and rank them; tell what failed."""
        made: list[CloneCandidate] = []
        faults: dict[Method, UserError] = {}
        for attempt in attempts:
            stop_if(job.cancel)
            yield job.pace.begin(*STAGES[attempt.method], attempt.number)
            begun = self._clock()
            try:
                voice = yield from self._voice(job, attempt)
            except UserError as fault:
                faults.setdefault(attempt.method, fault)
                if job.order.report:
                    job.pace.skip(job.order.endings)
                continue
            job.pace.end()
            candidate = CloneCandidate(
                voice.speaker, attempt.method, attempt.window, attempt.seed,
                self._clock() - begun, notes=tuple(voice.notes), details=dict(voice.details),
            )  # fmt: skip
            if job.order.report:
                candidate = yield from self._best_ending(job, candidate, attempt.number)
            made.append(candidate)
        made.sort(key=lambda each: -_score(each))
        return made, faults

    def _best_ending(
        self, job: _Job, candidate: CloneCandidate, number: int
    ) -> Generator[Event, None, CloneCandidate]:
        """Judge a clone with several ends; give the one with the best report."""
        wanted = job.order.endings
        heard = 1 if self._embed() is None else wanted  # words alone do not tell which is more like
        tried = []
        for voice in self._tools.endings(job.models, candidate.speaker, heard):
            cut = _cut_at_its_end(candidate, voice, job.models.family.semantic.rate_hz)
            tried.append((yield from self._reported(job, cut, number)))
        job.pace.skip(wanted - len(tried))
        return max(tried, key=_score)  # the whole voice, where others are no better

    def _voice(self, job: _Job, attempt: Attempt) -> Generator[Event, None, MadeVoice]:
        """Make one voice by the attempt's method."""
        rate = job.rate(attempt.window)
        cut = self._tools.cut(job.recordings, attempt.window, rate)
        waveform = self._tools.normalise(cut, rate, job.models.family.voice_level_db)
        stop_if(job.cancel)
        if attempt.method == "quantizer":
            return (yield from self._heard(job, waveform, rate))
        order = job.order
        drawing = CloneDrawing(attempt.seed, language=order.language)
        stage, words = STAGES[attempt.method]
        if attempt.method == "transcript":
            text = self._transcript(job, attempt.window, waveform, rate)
            steps = self._tools.by_transcript(job.models, text, waveform, rate, drawing, job.cancel)
        else:
            converter = self._models.converter(self._converter_name(order))
            steps = self._tools.by_conversion(
                job.models, converter, job.bases, waveform, rate, drawing, job.cancel, self._embed()
            )
        return (yield from _paced(steps, lambda told: job.pace.within(told.fraction, stage, words)))

    def _heard(self, job: _Job, waveform: Waveform, rate: int) -> Generator[Event, None, MadeVoice]:
        """Method 2: the words by the encoder and a quantizer."""
        order, config = job.order, job.models.family
        files = self._models.parts.quantizer(config, order.language, order.quantizer)
        loading = self._models.listener(config, files)
        listener = yield from _paced(
            loading, lambda told: job.pace.within(0.05, "load", told.message)
        )
        stop_if(job.cancel)
        yield job.pace.within(0.3, *STAGES["quantizer"])
        voice = self._tools.by_quantizer(job.models, listener, waveform, rate)
        yield job.pace.within(1.0, "encode", "Encoding the sound")
        other = suggested_quantizer(order.language)
        substitutes = files.language and order.language not in files.language.split()
        if substitutes and takes_published(config) and order.language in other.languages:
            note = (
                f"{other.title} is not here, so another language's was used. It can be downloaded."
            )
            return replace(voice, notes=(*voice.notes, note))
        return voice

    def _transcript(self, job: _Job, window: Window, waveform: Waveform, rate: int) -> str:
        """What is said in a part: typed by the user, or recognised.

        Raises:
            CloneError: nobody typed it, and nothing here understands the language.
        """
        if window not in job.transcripts:
            typed = job.order.transcript
            if typed is not None:
                before = job.seconds_before(window.recording)
                part = before + window.start_seconds, before + window.end_seconds
                job.transcripts[window] = words_within(typed, job.check.spans, part)
            else:
                recogniser = self._models.recogniser(job.order.language)
                if recogniser is None:
                    raise CloneError(
                        "Method 1 needs to know what is said. Type it, or download a recogniser: "
                        "`python -m webui models --download whisper-base`."
                    )
                heard = recogniser.transcribe(waveform, rate, job.order.language)
                job.transcripts[window] = heard.text
        return job.transcripts[window]

    def _converter_name(self, order: CloneOrder) -> str:
        """Choose a converter, and see that its licence was accepted.

        Raises:
            CloneError: it was not.
        """
        name = order.converter or (KNN_VC if self._models.parts.is_ready(KNN_VC) else BUILTIN)
        check_licence(name, order.accepts_licence)
        return name

    def _reported(
        self, job: _Job, candidate: CloneCandidate, number: int
    ) -> Generator[Event, None, CloneCandidate]:
        """Add the report; a clone that cannot be judged is still a clone."""
        yield job.pace.begin("report", "Speaking the test sentences", number)
        order = job.order
        reference = self._reference(job, candidate.window)
        test = VoiceTest(job.models, reference, order.language, candidate.seed, job.cancel)
        try:
            report, speech = yield from self._judge.judge(test, candidate.speaker, job.pace)
        except UserError as fault:
            return replace(candidate, notes=(*candidate.notes, f"It could not be judged: {fault}"))
        job.pace.end()
        rate = job.models.codec.sample_rate
        return replace(candidate, report=report, speech=speech, sample_rate=rate)

    def _reference(self, job: _Job, window: Window) -> tuple[Waveform, int]:
        """Give what a clone is compared with: all speech of the recording, if one person speaks."""
        recording = job.recordings[window.recording]
        begin = job.seconds_before(window.recording)
        spans = [
            (max(0.0, start - begin), min(recording.seconds, end - begin))
            for start, end in job.check.spans
        ]
        pieces = [
            recording.waveform[int(start * recording.rate) : int(end * recording.rate)]
            for start, end in spans
            if end > start
        ]
        several = any(each.kind == "several_speakers" for each in job.check.findings)
        if several or not pieces:
            return self._tools.cut(job.recordings, window, recording.rate), recording.rate
        return np.concatenate(pieces)[: int(REFERENCE_SECONDS * recording.rate)], recording.rate


def _cut_at_its_end(whole: CloneCandidate, voice: Speaker, rate: float) -> CloneCandidate:
    """The clone with a voice that ends earlier, and a note that tells so."""
    tokens = len(whole.speaker.semantic) - len(voice.semantic)
    if not tokens:
        return whole
    note = f"The last {tokens / rate:.1f} s of the part were cut: so the clone is more like it."
    return replace(whole, speaker=voice, notes=(*whole.notes, note))


def _score(candidate: CloneCandidate) -> float:
    """What clones are ranked by; one that could not be judged comes last."""
    return candidate.report.score if candidate.report else 0.0


def _paced(
    steps: Generator[Event, None, Made], tell: Callable[[Progress], Event]
) -> Generator[Event, None, Made]:
    """Run a part of the work; of what it tells only progress is told, as part of the whole."""
    return followed(steps, lambda each: (tell(each),) if isinstance(each, Progress) else ())
