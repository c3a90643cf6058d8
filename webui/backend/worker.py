"""Does one request after the other on one device: the same in this process and in a child."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import torch

from webui.backend.clone_jobs import CloneJobs
from webui.backend.cloning_models import CloningModels
from webui.backend.cloning_parts import CloningParts
from webui.backend.device import (
    choose_device,
    choose_threads,
    is_device_lost,
    is_out_of_memory,
)
from webui.backend.engine import failed
from webui.backend.facts import EngineStatus
from webui.backend.family_folders import FamilyFolders
from webui.backend.marking import Marker
from webui.backend.model_manager import MemoryPlan, ModelManager
from webui.backend.requests import (
    CheckRequest,
    CloneRequest,
    CompareRequest,
    EvaluateRequest,
    FeaturesRequest,
    LoadRequest,
    PairsRequest,
    PreviewRequest,
    ReportRequest,
    Request,
    SpeakRequest,
    TrainRequest,
    UnloadRequest,
)
from webui.backend.speech_judges import speech_judge
from webui.backend.training_jobs import TrainingJobs
from webui.errors import DeviceMemoryError, JobCancelled
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Cloned,
    Done,
    Event,
    Failed,
    Progress,
    Reported,
)
from webui.settings import Settings
from webui.synthesis.models import BarkModels
from webui.synthesis.speech import speak, speak_batch
from webui.training_results import FeaturesHeard, PairDropped, PairMade

_OF_TRAINING = PairsRequest | FeaturesRequest | TrainRequest | EvaluateRequest | CompareRequest
_OF_CLONING = CheckRequest | CloneRequest | ReportRequest | FeaturesRequest
_OF_A_FAMILY = SpeakRequest | PreviewRequest | CloneRequest | ReportRequest | PairsRequest
# After one of these a job is not begun again.
_RESULTS = AudioChunk | Cloned | Reported | PairMade | PairDropped | FeaturesHeard
LOADING_SHARE = 0.2  # of a job's progress, when its family has to be loaded first


class Worker:
    """Computes requests. Not for several threads: an engine gives it one job at a time."""

    def __init__(
        self,
        settings: Settings,
        manager: ModelManager | None = None,
        make_jobs: Callable[[ModelManager, CloningModels], CloneJobs] = CloneJobs,
        make_training: Callable[[ModelManager, CloningModels], TrainingJobs] = TrainingJobs,
    ) -> None:
        self._settings = settings
        self._manager = manager
        self._make_jobs, self._make_training = make_jobs, make_training
        self._models: CloningModels | None = None  # of cloning, beside the families
        self._jobs: CloneJobs | None = None
        self._training: TrainingJobs | None = None
        self._marker = Marker() if settings.watermark else None
        self.device_lost = False  # only a new process can compute again

    def run(self, request: Request, cancel: CancelToken) -> Iterator[Event]:
        """Do a request; what goes wrong becomes the stream's last event."""
        try:
            yield from self._answer(request, cancel)
        except JobCancelled:
            yield Cancelled()
        except Exception as fault:  # noqa: BLE001  (a job's fault must not end the worker)
            self.device_lost = is_device_lost(fault)
            is_full = is_out_of_memory(fault)
            yield Failed(_FULL, "DeviceMemoryError") if is_full else failed(fault)
        finally:
            if self._manager is not None and isinstance(request, _OF_A_FAMILY):
                self._manager.touch(request.family)
            if self._models is not None and isinstance(request, _OF_CLONING):
                self._models.touch()

    def status(self) -> EngineStatus:
        """What the worker knows of itself; `running` is for its engine to say."""
        if self._manager is None:
            return EngineStatus(running=False)
        device, loaded = self._manager.device, self._manager.loaded()
        return EngineStatus(
            running=False,
            device=device.name,
            device_name=device.title,
            precision=loaded[-1].precision if loaded else device.precision,
            loaded=loaded,
            asleep=self._manager.asleep,
        )

    def seconds_until_idle(self) -> float | None:
        """When `unload_idle` will have something to do; None while nothing is loaded."""
        return None if self._manager is None else self._manager.seconds_until_idle()

    def unload_idle(self) -> bool:
        """Give back the memory of what nobody used for long; says whether there was any."""
        return self._manager is not None and self._manager.unload_idle()

    def close(self) -> None:
        """Give all memory back."""
        if self._manager is not None:
            self._manager.unload()

    def _answer(self, request: Request, cancel: CancelToken) -> Iterator[Event]:
        manager = self._ready_manager()
        if isinstance(request, SpeakRequest):
            events = self._smaller_when_full(
                request.family, manager, lambda: self._spoken(request, manager, cancel)
            )
            yield from self._leaving(events)
        elif isinstance(request, _OF_TRAINING):
            yield from self._trained(request, manager, cancel)
        elif isinstance(request, CheckRequest):
            yield from self._cloning(manager).check(request, cancel)
        elif isinstance(request, CloneRequest):
            jobs = self._cloning(manager)
            yield from self._smaller_when_full(
                request.family, manager, lambda: jobs.clone(request, cancel)
            )
        elif isinstance(request, ReportRequest):
            jobs = self._cloning(manager)
            yield from self._smaller_when_full(
                request.family, manager, lambda: jobs.report(request, cancel)
            )
        elif isinstance(request, PreviewRequest):
            yield from self._leaving(self._preview(request, manager, cancel))
        elif isinstance(request, LoadRequest):
            yield from manager.models(request.family, cancel)
            yield Done()
        elif isinstance(request, UnloadRequest):
            manager.unload(request.family)
            yield Done()

    def _leaving(self, events: Iterator[Event]) -> Iterator[Event]:
        """Mark what is spoken, where the settings ask for it: every door gets its sound here."""
        return events if self._marker is None else self._marker.marked(events)

    def _samples_leaving(self, events: Iterator[Event]) -> Iterator[Event]:
        """Mark what a quantizer lets be heard; where that cannot be done, it is not heard."""
        return events if self._marker is None else self._marker.samples_marked(events)

    def _trained(
        self, request: _OF_TRAINING, manager: ModelManager, cancel: CancelToken
    ) -> Iterator[Event]:
        """Do what making a quantizer is made of."""
        if self._training is None:
            self._training = self._make_training(manager, self.cloning_models(manager))
        jobs = self._training
        if isinstance(request, PairsRequest):
            yield from self._smaller_when_full(
                request.family, manager, lambda: jobs.speak(request, cancel)
            )
        elif isinstance(request, FeaturesRequest):
            yield from jobs.listen(request, cancel)
        elif isinstance(request, TrainRequest):
            yield from self._samples_leaving(jobs.train(request, cancel))
        elif isinstance(request, EvaluateRequest):
            yield from self._samples_leaving(jobs.evaluate(request, cancel))
        else:
            yield from jobs.compare(request, cancel)

    def _smaller_when_full(
        self, family: str, manager: ModelManager, begin: Callable[[], Iterator[Event]]
    ) -> Iterator[Event]:
        """Do a job; when memory runs out before there was a result, once more, smaller."""
        has_result = False
        try:
            for event in begin():
                has_result = has_result or isinstance(event, _RESULTS)
                yield event
            return
        except (RuntimeError, MemoryError) as fault:
            if has_result or not is_out_of_memory(fault):
                raise
        if manager.shrink(family) is None:
            raise DeviceMemoryError(_FULL)
        yield from begin()

    def _spoken(
        self, request: SpeakRequest, manager: ModelManager, cancel: CancelToken
    ) -> Iterator[Event]:
        loading = yield from self._load_first(request.family, manager, cancel)
        models, base = loading
        controls, judge = request.controls, None
        notes: tuple[str, ...] = ()
        if controls.verify or controls.guard_drift:
            yield Progress("load", base, message="Loading what listens")
            judge, notes = speech_judge(request, models, self.cloning_models(manager))
        said = (models, request.text, request.speaker, controls, cancel, request.language, judge)
        events = speak_batch(*said, request.share) if controls.takes > 1 else speak(*said)
        note = manager.note(request.family)
        notes = (*notes, *([note] if note else []))
        for event in events:
            if isinstance(event, Progress):
                yield replace(event, fraction=base + (1 - base) * event.fraction)
            elif isinstance(event, Done) and event.result is not None and notes:
                yield Done(replace(event.result, notes=(*event.result.notes, *notes)))
            else:
                yield event

    def _preview(
        self, request: PreviewRequest, manager: ModelManager, cancel: CancelToken
    ) -> Iterator[Event]:
        models, _ = yield from self._load_first(request.family, manager, cancel)
        waveform = models.codec.decode(request.fine)
        yield AudioChunk(0, 1, "", waveform, models.codec.sample_rate)
        yield Done()

    def _load_first(
        self, family: str, manager: ModelManager, cancel: CancelToken
    ) -> Generator[Event, None, tuple[BarkModels, float]]:
        """Have the models ready, and say which share of the job's progress that took."""
        loading, base = manager.models(family, cancel), 0.0
        while True:
            try:
                event = next(loading)
            except StopIteration as end:
                return end.value, base
            base = LOADING_SHARE
            if isinstance(event, Progress):
                event = replace(event, fraction=base * event.fraction)
            yield event

    def _cloning(self, manager: ModelManager) -> CloneJobs:
        """Give what does cloning; its networks are loaded when a job needs them."""
        if self._jobs is None:
            self._jobs = self._make_jobs(manager, self.cloning_models(manager))
        return self._jobs

    def cloning_models(self, manager: ModelManager) -> CloningModels:
        """Give the networks that listen and judge, which live beside the families."""
        if self._models is None:
            parts = CloningParts(self._settings.models_dir, self._settings.offline)
            self._models = CloningModels(parts, manager)
        return self._models

    def _ready_manager(self) -> ModelManager:
        """Choose the device and the threads at the first request."""
        if self._manager is None:
            settings = self._settings
            device = choose_device(settings.device, settings.precision)
            torch.set_num_threads(choose_threads(settings.threads))
            budget = settings.memory_budget_gb
            self._manager = ModelManager(
                FamilyFolders((settings.models_dir, settings.builtin_models_dir)),
                device,
                MemoryPlan(None if budget is None else budget * 1e9, settings.idle_minutes * 60),
            )
        return self._manager


_FULL = "The memory is full. Choose a smaller family, a shorter text, or close other programs."
