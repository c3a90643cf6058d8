"""The networks of cloning in memory: encoder, quantizer, speaker encoder, recogniser, converter."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webui.backend.cloning_parts import CloningParts, QuantizerFiles
from webui.backend.model_manager import ModelManager
from webui.events import Event, Progress
from webui.family import FamilyConfig

if TYPE_CHECKING:
    from webui.cloning.conversion.converter import Converter
    from webui.cloning.hubert import HubertEncoder, SpeechListener
    from webui.quality.similarity import SpeakerEncoder
    from webui.quality.words import Recogniser


def load_encoder(folder: Path, device: str, layer: int | None = None) -> "HubertEncoder":
    """Load an encoder alone, as training does; at a layer, or at the one that its folder names.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    from webui.cloning.hubert import load_hubert

    return load_hubert(folder, device, layer)


@dataclass(frozen=True)
class PartLoaders:
    """How each network is loaded; tests put others in their place."""

    listener: "Callable[[Path, Path, str], SpeechListener]"
    speaker_encoder: "Callable[[], SpeakerEncoder | None]"
    recogniser: "Callable[[str, Path | None], Recogniser | None]"
    converter: "Callable[[str, CloningParts, str], Converter]"
    encoder: "Callable[[Path, str, int | None], HubertEncoder]" = load_encoder


class CloningModels:
    """Loads a network when it is needed, and keeps it until it is idle or in the way.

    It is a guest of the families' memory (`model_manager.Guest`): counted in the plan, unloaded
    before any family. Of listeners only the last one is kept.
    """

    def __init__(
        self,
        parts: CloningParts,
        manager: ModelManager,
        loaders: PartLoaders | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.parts = parts
        self._manager = manager
        self._loaders = loaders or part_loaders()
        self._clock = clock
        self._listeners: dict[tuple[Path, Path], SpeechListener] = {}
        self._hearing: dict[tuple[Path, int | None], HubertEncoder] = {}  # alone, in training
        self._encoders: dict[str, SpeakerEncoder | None] = {}
        self._recognisers: dict[str, Recogniser | None] = {}
        self._converters: dict[str, Converter] = {}
        self.used_at = clock()
        manager.host(self)

    @property
    def nbytes(self) -> int:
        """The memory that all weights take."""
        return sum(
            int(getattr(each, "nbytes", 0)) for some in self._kept() for each in some.values()
        )

    def unload(self) -> None:
        """Give all memory back."""
        for some in self._kept():
            some.clear()

    def touch(self) -> None:
        """Count the idle time from now: a job has just used something."""
        self.used_at = self._clock()

    def listener(
        self, config: FamilyConfig, files: QuantizerFiles
    ) -> "Generator[Event, None, SpeechListener]":
        """Give the encoder and the quantizer of a family's recordings.

        Raises:
            CheckpointError: a file is damaged.
            DeviceMemoryError: they do not fit beside the family.
        """
        self.touch()
        key = files.encoder, files.file
        if key not in self._listeners:
            yield Progress("load", 0.0, message="Loading the encoder")
            self._listeners.clear()
            need = sum(each.stat().st_size for each in (*_weights(files.encoder), files.file))
            self._manager.make_room(need, config.id, "the encoder of method 2")
            device = self._manager.device.name
            self._listeners[key] = self._loaders.listener(files.encoder, files.file, device)
        return self._listeners[key]

    def encoder(
        self, config: FamilyConfig, layer: int | None = None
    ) -> "Generator[Event, None, HubertEncoder]":
        """Give the encoder of a family's recordings, without a quantizer.

        Args:
            config: of the family.
            layer: whose features are wanted; None takes the family's own choice.

        Raises:
            FamilyNotFoundError: it is not here.
            CheckpointError: a file is damaged.
            DeviceMemoryError: it does not fit beside the family.
        """
        self.touch()
        folder = self.parts.encoder(config)
        key = folder, layer
        if key not in self._hearing:
            yield Progress("load", 0.0, message="Loading the encoder")
            self._hearing.clear()
            need = sum(each.stat().st_size for each in _weights(folder))
            self._manager.make_room(need, config.id, "the encoder of method 2")
            self._hearing[key] = self._loaders.encoder(folder, self._manager.device.name, layer)
        return self._hearing[key]

    def speaker_encoder(self) -> "SpeakerEncoder | None":
        """Give what compares voices; None where it is not installed."""
        self.touch()
        if "" not in self._encoders:
            self._encoders[""] = self._loaders.speaker_encoder()
        return self._encoders[""]

    def recogniser(self, language: str) -> "Recogniser | None":
        """Give what understands a language; None where nothing here does."""
        self.touch()
        if language not in self._recognisers:
            folder = self.parts.whisper_folder()
            self._recognisers[language] = self._loaders.recogniser(language, folder)
        return self._recognisers[language]

    def converter(self, name: str) -> "Converter":
        """Give a voice converter.

        Raises:
            FamilyNotFoundError: it is not here, or there is none of this name.
            CheckpointError: its files are damaged.
        """
        self.touch()
        if name not in self._converters:
            made = self._loaders.converter(name, self.parts, self._manager.device.name)
            self._converters[name] = made
        return self._converters[name]

    def _kept(self) -> tuple[dict[Any, Any], ...]:
        return (
            self._listeners, self._hearing, self._encoders, self._recognisers, self._converters,
        )  # fmt: skip


def part_loaders() -> PartLoaders:
    """Name the real loaders; what they need is imported when they are called."""

    def listener(encoder: Path, quantizer: Path, device: str) -> "SpeechListener":
        from webui.cloning.hubert import load_listener

        return load_listener(encoder, quantizer, device)

    def speaker_encoder() -> "SpeakerEncoder | None":
        from webui.quality.similarity import speaker_encoder

        return speaker_encoder()

    def recogniser(language: str, whisper: Path | None) -> "Recogniser | None":
        from webui.quality.words import recogniser

        return recogniser(language, whisper)

    def converter(name: str, parts: CloningParts, device: str) -> "Converter":
        from webui.backend.converters import load_converter

        return load_converter(name, parts, device)

    return PartLoaders(listener, speaker_encoder, recogniser, converter)


def _weights(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.suffix in (".safetensors", ".bin")]
