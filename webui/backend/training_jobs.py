"""The worker's answers to requests about training: speak pairs, listen to them, train, evaluate."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from webui.backend.clone_judge import VoiceJudge, VoiceTest, stop_if
from webui.backend.clone_pace import ClonePace
from webui.backend.clone_tools import CloneTools, clone_tools
from webui.backend.cloning_models import CloningModels
from webui.backend.device import is_out_of_memory
from webui.backend.model_manager import ModelManager
from webui.backend.requests import (
    CompareRequest,
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    TrainRequest,
)
from webui.backend.sample_jobs import SampleJobs, SampleTools, sample_tools
from webui.clone_results import CloneReport, Recording
from webui.errors import UserError
from webui.events import Cancelled, CancelToken, Done, Event, Progress, result_of
from webui.synthesis.models import BarkModels
from webui.synthesis.rendering import seed_of
from webui.training_results import FeaturesHeard, QuantizerComparison, QuantizerReport

if TYPE_CHECKING:
    from webui.cloning.hubert import HubertEncoder, SpeechListener
    from webui.cloning.quantizer import Quantizer

NEW = "new"  # how a quantizer is called that lies in no file yet


@dataclass(frozen=True)
class TrainingTools:
    """What layer 4 does for a training; tests put others in their place."""

    speak: Callable[..., Iterator[Event]]
    features: Callable[..., np.ndarray]
    train: Callable[..., Iterator[Event]]
    evaluate: "Callable[[EvaluateRequest, str], tuple[Quantizer, QuantizerReport]]"
    compare: Callable[[CompareRequest, str], QuantizerComparison]
    clones: CloneTools
    listener: "Callable[[HubertEncoder, Quantizer, str], SpeechListener]"
    samples: SampleTools


class TrainingJobs:
    """Does requests about training with the models of one worker."""

    def __init__(
        self, manager: ModelManager, models: CloningModels, tools: TrainingTools | None = None
    ) -> None:
        self._manager, self._models = manager, models
        self._tools = tools or training_tools()
        self._samples = SampleJobs(manager, self._tools.samples)

    def speak(self, request: PairsRequest, cancel: CancelToken) -> Iterator[Event]:
        """Let a family speak texts: `PairMade` or `PairDropped` for each.

        Raises:
            UserError: the family is not there, or a text cannot be spoken.
            JobCancelled: somebody pressed Stop.
        """
        models = yield from self._manager.models(request.family, cancel)
        yield from self._tools.speak(models, request.texts, request.controls, cancel)
        yield Done()

    def listen(self, request: FeaturesRequest, cancel: CancelToken) -> Iterator[Event]:
        """Listen to sounds with the encoder of a family's recordings: `FeaturesHeard` for each.

        Raises:
            UserError: the encoder is not there, or a sound is too long.
            JobCancelled: somebody pressed Stop.
        """
        config = self._manager.config(request.family)
        encoder = yield from self._models.encoder(config, request.layer)
        for done, (number, waveform, rate) in enumerate(request.sounds):
            stop_if(cancel)
            dice = torch.Generator().manual_seed(seed_of(request.seed, "augment", number))
            features = self._tools.features(encoder, waveform, rate, request.augmentation, dice)
            yield FeaturesHeard(number, features.astype(np.float16))
            yield Progress("features", (done + 1) / len(request.sounds))
        yield Done()

    def train(self, request: TrainRequest, cancel: CancelToken) -> Iterator[Event]:
        """Train a quantizer: points of the curve, weights from time to time, samples if asked for.

        When memory runs out before anything came of it, all families leave it and it begins again.

        Raises:
            UserError: nothing can be learned from so little.
        """
        begun = False
        try:
            for event in self._training(request, cancel):
                begun = begun or not isinstance(event, Progress)
                yield event
        except (RuntimeError, MemoryError) as fault:
            if begun or not is_out_of_memory(fault):
                raise
        else:
            yield Cancelled() if cancel.cancelled else Done()
            return
        self._manager.unload()
        yield from self._training(request, cancel)
        yield Cancelled() if cancel.cancelled else Done()

    def evaluate(self, request: EvaluateRequest, cancel: CancelToken) -> Iterator[Event]:
        """Say how good a quantizer is: a sample if one is asked for, then one `QuantizerReport`.

        Raises:
            UserError: there is nothing to judge by.
            JobCancelled: somebody pressed Stop.
        """
        listening = Progress("evaluate", 0.0, message="Listening to what was held out")
        yield listening
        sample = request.sample
        if sample is not None and sample.known != request.weights.accuracy:
            yield from self._samples.sample(request.weights, sample, listening, cancel)
            stop_if(cancel)
        quantizer, report = self._tools.evaluate(request, self._manager.device.name)
        stop_if(cancel)
        if request.clips:
            models = yield from self._manager.models(request.family, cancel)
            encoder = yield from self._models.encoder(models.family, request.layer)
            judged = []
            for number, clip in enumerate(request.clips):
                said = f"Judging clone {number + 1} of {len(request.clips)}"
                yield Progress("evaluate", (number + 1) / (len(request.clips) + 1), message=said)
                with suppress(UserError):  # a clip that cannot be cloned says nothing
                    judged.append(self._clone(request, models, (encoder, quantizer), clip, cancel))
            report = replace(
                report,
                words_right=_mean([each.words_right for each in judged]),
                similarity=_mean([each.similarity for each in judged]),
            )
        yield report
        yield Done()

    def compare(self, request: CompareRequest, cancel: CancelToken) -> Iterator[Event]:
        """Say which of two quantizers hears better: one `QuantizerComparison`.

        Raises:
            UserError: there is nothing to compare by.
        """
        yield Progress("evaluate", 0.0, message="Listening with both")
        yield self._tools.compare(request, self._manager.device.name)
        yield Done()

    def _clone(
        self,
        request: EvaluateRequest,
        models: BarkModels,
        listening: "tuple[HubertEncoder, Quantizer]",
        clip: Recording,
        cancel: CancelToken,
    ) -> CloneReport:
        """Clone a clip with a quantizer that is in no file, let the clone speak, and judge it."""
        listener = self._tools.listener(*listening, NEW)
        level_db = models.family.voice_level_db
        waveform = self._tools.clones.normalise(clip.waveform, clip.rate, level_db)
        voice = self._tools.clones.by_quantizer(models, listener, waveform, clip.rate)
        judge = VoiceJudge(self._tools.clones, self._models)
        test = VoiceTest(models, (clip.waveform, clip.rate), request.language, 0, cancel)
        pace = ClonePace(("report",), 1)
        pace.begin("report")
        steps = judge.judge(test, voice.speaker, pace)
        report, _ = result_of(steps)
        return report

    def _training(self, request: TrainRequest, cancel: CancelToken) -> Iterator[Event]:
        steps = self._tools.train(
            request.data, request.plan, cancel, request.resume, device=self._manager.device.name
        )
        if request.sample is None:
            return steps
        return self._samples.between(steps, request.sample, cancel)


def training_tools() -> TrainingTools:
    """Give the real ones."""
    from webui.cloning.hubert import SpeechListener
    from webui.cloning.quantizer import quantizer_of
    from webui.training.evaluate import compare, evaluate_quantizer
    from webui.training.features import features_of
    from webui.training.pairs import speak_pairs
    from webui.training.plan import split_pairs
    from webui.training.train import train_quantizer

    def judged(request: EvaluateRequest, device: str) -> "tuple[Quantizer, QuantizerReport]":
        quantizer = quantizer_of(request.weights, device)
        split = split_pairs(request.data, request.plan)
        return quantizer, evaluate_quantizer(quantizer, request.data, split, request.classes)

    def compared(request: CompareRequest, device: str) -> QuantizerComparison:
        first, second = quantizer_of(request.first, device), quantizer_of(request.second, device)
        data, others = request.data, request.second_features
        second_data = None if others is None else replace(data, features=others)
        return compare(first, second, data, second_data)

    tools: dict[str, Any] = {
        "speak": speak_pairs,
        "features": features_of,
        "train": train_quantizer,
        "evaluate": judged,
        "compare": compared,
        "clones": clone_tools(),
        "listener": SpeechListener,
        "samples": sample_tools(),
    }
    return TrainingTools(**tools)


def _mean(figures: Sequence[float | None]) -> float | None:
    known = [each for each in figures if each is not None]
    return fmean(known) if known else None
