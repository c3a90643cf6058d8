"""A `Service` that computes nothing: it speaks a sine wave, and fails or waits when told to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.fake_cloning import FakeCloning
from tests.fake_library import FakeLibrary
from tests.fake_projects import FakeProjects
from tests.fake_training import FakeTraining
from tests.fake_visitors import FakeShelves
from webui.arrays import Speaker, Waveform
from webui.backend.facts import EngineStatus, FamilyInfo, ServiceStatus, VoiceInfo
from webui.backend.project_beginning import ProjectStock
from webui.backend.project_desk import ProjectDesk
from webui.backend.requests import SpeakOrder, SpeakRequest
from webui.backend.visitor_projects import VisitorProjects
from webui.backend.visitor_voices import VisitorVoices
from webui.errors import FamilyNotFoundError, TextError, VoiceNotFoundError
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Done,
    Event,
    Failed,
    Progress,
    Speech,
    SpokenChunk,
)
from webui.family import read_family
from webui.settings import Settings
from webui.speaker_metadata import SpeakerMetadata
from webui.synthesis.controls import SpeechControls

RATE = 16_000
CHUNK_SECONDS = 0.4
FAMILIES = (
    FamilyInfo(
        id="mini", title="Mini", state="installed", size_bytes=55_000_000, licence="MIT",
        languages=("en",), is_demo=True, sample_rate=RATE, examples=("Good morning to you all.",),
    ),
    FamilyInfo(
        id="bark-small", title="Bark small", state="available", size_bytes=1_700_000_000,
        licence="MIT", licence_url="https://huggingface.co/suno/bark-small",
        languages=("en", "de"),
    ),
)  # fmt: skip
VOICES = (
    VoiceInfo("ada-11111111", "Ada", "mini", "en", "builtin", ("warm",), 3.0),
    VoiceInfo("bob-22222222", "Bob", "mini", "en", "own", (), 4.0, method="clone_with_quantizer"),
    VoiceInfo(
        "cid-33333333", "Cid", "mini", "de", "own",
        broken="This speaker file does not fit together.", repairable=True,
    ),
)  # fmt: skip


def sine(seconds: float = CHUNK_SECONDS, pitch: float = 220.0) -> Waveform:
    """A tone instead of a voice."""
    times = np.arange(int(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)


def speaker() -> Speaker:
    """A voice of `mini` that says nothing."""
    fine = np.zeros((8, 50), np.int64)
    return Speaker(np.zeros(50, np.int64), fine[:2], fine)


class SineEngine:
    """Lets the scripted service say what is requested."""

    def __init__(self, service: "FakeService") -> None:
        self._service = service

    def run(self, request: SpeakRequest, cancel: CancelToken | None = None) -> Iterator[Event]:
        order = SpeakOrder(request.text, request.family, controls=request.controls)
        self._service.orders.append(order)
        return self._service._speak(order, request.family, cancel or CancelToken())

    def status(self) -> EngineStatus:
        return self._service.engine_status()

    def devices(self) -> int:
        return self._service.devices()

    def close(self) -> None:
        pass


class FakeService(FakeCloning):
    """The public names of `webui.backend.service.Service`, scripted.

    Set the attributes before the call: `chunks`, `failure` (the job ends with these words),
    `cancel_at` (a chunk before which somebody presses Stop), `state_now` (a whole status).
    `orders` holds what was asked.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.chunks = 2
        self.failure: str | None = None
        self.failure_kind = "EngineError"
        self.cancel_at: int | None = None
        self.state_now: ServiceStatus | None = None
        self.orders: list[SpeakOrder] = []
        self.saved: list[tuple[Speaker, SpeakerMetadata]] = []
        self.closed = False
        self._families = {family.id: family for family in FAMILIES}
        self._voices = {voice.id: voice for voice in VOICES}
        self.library = FakeLibrary(self._voices)
        self.training = FakeTraining()
        self.projects = FakeProjects()

    def families(self) -> list[FamilyInfo]:
        return list(self._families.values())

    def family(self, family_id: str | None = None) -> FamilyInfo:
        name = family_id or self.default_family()
        if name not in self._families:
            raise FamilyNotFoundError(f'There is no model family "{name}".')
        return self._families[name]

    def default_family(self) -> str:
        return self.settings.family or "mini"

    def recommended_controls(self, family_id: str | None = None) -> SpeechControls:
        self.family(family_id)
        return SpeechControls()

    def status(self) -> ServiceStatus:
        if self.training.is_at_work:
            return ServiceStatus("busy", "Training", "Mini · CPU", 0.5, "mini", "cpu", "fp32")
        return self.state_now or ServiceStatus(
            "ready", "Ready", "Mini · CPU", family="mini", device="cpu", precision="fp32"
        )

    def engine_status(self) -> EngineStatus:
        return EngineStatus(running=False, device="cpu", device_name="CPU", precision="fp32")

    def devices(self) -> int:
        return 1

    def download(self, family_id: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        known = self.family(family_id)
        for step in range(5):
            if cancel is not None and cancel.cancelled:
                self._families[family_id] = replace(known, state="available", fraction=None)
                yield Cancelled()
                return
            fraction = step / 5
            self._families[family_id] = replace(known, state="downloading", fraction=fraction)
            yield Progress("download", fraction, 5.0 - step, message=f"Downloading {known.title}")
        if self.failure:
            self._families[family_id] = replace(known, state="available", fraction=None)
            yield Failed(self.failure, "DownloadError")
            return
        self._families[family_id] = replace(
            known, state="installed", fraction=None, sample_rate=RATE
        )
        yield Done()

    def cancel_download(self, family_id: str) -> None:
        self.family(family_id)

    def load(
        self, family_id: str | None = None, cancel: CancelToken | None = None
    ) -> Iterator[Event]:
        self.family(family_id)
        yield Progress("load", 0.5)
        yield Done()

    def unload(self, family_id: str | None = None) -> Iterator[Event]:
        yield Done()

    def voices(self, family: str | None = None, language: str | None = None) -> list[VoiceInfo]:
        return [
            voice
            for voice in self._voices.values()
            if family in (None, voice.family) and language in (None, voice.language)
        ]

    def speaker(self, voice_id: str, family: str | None = None) -> Speaker:
        voice = self._voices.get(voice_id)
        if voice is None:
            raise VoiceNotFoundError("This voice is no longer there. Pick another one.")
        if voice.family != self.family(family).id:
            raise VoiceNotFoundError(f'"{voice.name}" is a voice of {voice.family}.')
        return speaker()

    def visitor_voices(self, folder: Path) -> VisitorVoices:
        self.shelves = FakeShelves(VOICES)
        return self.shelves

    def visitor_projects(self, folder: Path, voices: VisitorVoices) -> VisitorProjects[ProjectDesk]:
        return VisitorProjects(folder, lambda _, owner: FakeProjects())

    def preview(self, voice_id: str) -> tuple[Waveform, int]:
        self.speaker(voice_id, "mini")
        return sine(), RATE

    def job_texts(self, folder: Path) -> ProjectDesk:
        """A real desk over this service's voices and its sine wave."""
        mini = read_family(Path(__file__).parents[1] / "models" / "mini")
        stock = ProjectStock(lambda _: mini, self.voices, self.speaker, self.recommended_controls)
        return ProjectDesk(folder, SineEngine(self), stock)

    def save_voice(self, made: Speaker, metadata: SpeakerMetadata) -> VoiceInfo:
        self.saved.append((made, metadata))
        info = VoiceInfo(
            f"own-{len(self.saved):08x}", metadata.name, metadata.family, metadata.language, "own"
        )
        self._voices[info.id] = info
        return info

    def speak(self, order: SpeakOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """A sine wave, chunk by chunk; the problems of an order are raised before the first."""
        if not order.text.strip():
            raise TextError("Type something to speak first.")
        family = self.family(order.family)
        if order.voice is not None and order.speaker is None:
            self.speaker(order.voice, family.id)
        self.orders.append(order)
        return self._speak(order, family.id, cancel or CancelToken())

    def close(self) -> None:
        self.closed = True

    def _speak(self, order: SpeakOrder, family: str, cancel: CancelToken) -> Iterator[Event]:
        seed = 62_422 if order.controls.seed is None else order.controls.seed
        made: list[SpokenChunk] = []

        def spoken() -> Speech:
            sound = np.concatenate([sine() for _ in made])
            return Speech(sound, RATE, tuple(made), seed, 0.1, family)

        yield Progress("queued", 0.0, message="1 before you")
        for number in range(self.chunks):
            if number == self.cancel_at:
                cancel.cancel()
            for done, stage in enumerate(("semantic", "coarse", "fine", "codec")):
                if cancel.cancelled:
                    yield Cancelled(spoken() if made else None)
                    return
                fraction = (number + done / 4) / self.chunks
                left = (1 - fraction) * self.chunks
                yield Progress(stage, fraction, left, number, self.chunks)
            if self.failure:
                yield Failed(self.failure, self.failure_kind)
                return
            start = number * CHUNK_SECONDS
            text = f"{order.text} ({number + 1})" if self.chunks > 1 else order.text
            made.append(SpokenChunk(text, start, start + CHUNK_SECONDS, speaker(), seed + number))
            yield AudioChunk(number, self.chunks, text, sine(), RATE)
        yield Done(spoken())
