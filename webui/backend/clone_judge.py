"""Lets a voice say the report's sentences and measures what comes."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from webui.arrays import OtherWaveform, Speaker, Waveform
from webui.backend.clone_pace import ClonePace
from webui.backend.clone_tools import CloneTools
from webui.backend.cloning_models import CloningModels
from webui.clone_results import CloneReport
from webui.errors import JobCancelled
from webui.events import Cancelled, CancelToken, Done, Event, Progress
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import BarkModels

PAUSE_SECONDS = 0.4  # between the report's sentences
SPEAKING_SHARE = 0.8  # of a report's work; the rest is measuring


@dataclass(frozen=True, eq=False)
class VoiceTest:
    """What a voice is to say, and what it is compared with."""

    models: BarkModels
    reference: tuple[Waveform, int]
    language: str
    seed: int
    cancel: CancelToken


class VoiceJudge:
    """Speaks with a voice and compares it, with the tools and the models of one worker."""

    def __init__(self, tools: CloneTools, parts: CloningModels) -> None:
        self._tools, self._parts = tools, parts

    def judge(
        self, test: VoiceTest, speaker: Speaker, pace: ClonePace
    ) -> Generator[Event, None, tuple[CloneReport, Waveform]]:
        """Give the report, and the sentences one after the other at the codec's rate.

        Raises:
            UserError: nothing can be said with this voice.
            JobCancelled: somebody pressed Stop.
        """
        said = []
        sentences = self._tools.sentences(test.language)
        for number, sentence in enumerate(sentences):
            begun = SPEAKING_SHARE * number / len(sentences)
            share = SPEAKING_SHARE / len(sentences)
            for event in self._spoken(test, sentence, speaker):
                if isinstance(event, Progress):
                    done = begun + share * event.fraction
                    yield pace.within(done, "report", "Speaking the test sentences")
                elif isinstance(event, Done) and event.result is not None:
                    said.append((sentence, event.result.waveform))
        stop_if(test.cancel)
        yield pace.within(SPEAKING_SHARE, "report", "Comparing it with the recording")
        rate = test.models.codec.sample_rate
        report = self._tools.report(
            *test.reference, said, rate, test.language, self._parts.speaker_encoder(),
            self._parts.recogniser(test.language),
        )  # fmt: skip
        stop_if(test.cancel)
        return report, _joined([waveform for _, waveform in said], rate)

    def _spoken(self, test: VoiceTest, sentence: str, speaker: Speaker) -> Iterator[Event]:
        """Say one sentence as the family recommends."""
        own = controls_from_json(test.models.family.controls)
        controls = controls_from_json({"seed": test.seed}, own)
        for event in self._tools.speak(
            test.models, sentence, speaker, controls, test.cancel, test.language
        ):
            if isinstance(event, Cancelled):
                raise JobCancelled
            yield event


def stop_if(cancel: CancelToken) -> None:
    """End a job that somebody asked to stop.

    Raises:
        JobCancelled: somebody did.
    """
    if cancel.cancelled:
        raise JobCancelled


def _joined(pieces: Sequence[OtherWaveform], rate: int) -> OtherWaveform:
    """Put sentences one after the other, with pauses between them."""
    pause = np.zeros(int(PAUSE_SECONDS * rate), np.float32)
    parts = [each for piece in pieces for each in (piece.astype(np.float32), pause)]
    return np.concatenate(parts[:-1]) if parts else pause[:0]
