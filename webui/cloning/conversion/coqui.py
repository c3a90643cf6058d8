"""Coqui's voice converters, driven as a child process in an environment of their own.

Their libraries do not fit beside ours, so `./install.sh --with tts` puts them into `.venv-tts`;
`coqui_child.py` runs there and talks to us through pipes. Coqui downloads its models itself.
"""

import json
import subprocess
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import encode_audio
from webui.cloning.conversion.loudness import as_loud
from webui.errors import CloneError

CHILD = Path(__file__).with_name("coqui_child.py")
PATIENCE_SECONDS = 3_600.0  # for one answer; the first one may wait for a download
MOST_SECONDS = 60  # of the target's recording that are sent
MAX_HEADER_BYTES = 2**16
MAX_SOUND_BYTES = 2**28
_ROUNDING_SECONDS = 0.1  # models cut or fill their last frames; more than that is a fault


@dataclass(frozen=True)
class CoquiModel:
    """One of Coqui's models; `needs_acceptance` where the user must accept the licence first."""

    name: str
    title: str
    licence: str
    id: str  # as Coqui's list of models has it
    needs_acceptance: bool = False
    hub: str = ""  # the repository it comes from, where that is the hub

    def kept_in(self, models_folder: Path) -> Path:
        """Where Coqui keeps this model once it is downloaded."""
        if self.hub:
            return models_folder / "hub" / f"models--{self.hub.replace('/', '--')}"
        return models_folder / "tts" / self.id.replace("/", "--")


_MULTI = "voice_conversion_models/multilingual"
COQUI_MODELS = {
    each.name: each
    for each in (
        CoquiModel("freevc24", "FreeVC", "MIT", f"{_MULTI}/vctk/freevc24"),
        CoquiModel(
            "openvoice_v2",
            "OpenVoice 2",
            "MIT",
            f"{_MULTI}/multi-dataset/openvoice_v2",
            hub="myshell-ai/OpenVoiceV2",
        ),
        CoquiModel("knnvc", "kNN-VC (Coqui)", "MIT", f"{_MULTI}/multi-dataset/knnvc"),
        CoquiModel(
            "your_tts",
            "YourTTS",
            "CC BY-NC-ND 4.0",
            "tts_models/multilingual/multi-dataset/your_tts",
            needs_acceptance=True,
        ),
    )
}


class CoquiConverter:
    """Moves speech to another voice with one of `COQUI_MODELS`.

    The child starts with the first conversion and keeps its model until `close`, or until this
    object is gone.
    """

    def __init__(
        self,
        model: CoquiModel,
        python: Path,
        models_folder: Path | None = None,
        device: str = "cpu",
        program: Path = CHILD,
    ) -> None:
        """Remember how the child is started.

        Args:
            model: one of `COQUI_MODELS`.
            python: the interpreter of the environment with Coqui's libraries.
            models_folder: where Coqui keeps what it downloads; its own choice if left out.
            device: where the model computes.
            program: what the interpreter runs.
        """
        self.name, self.title, self.licence = model.name, model.title, model.licence
        self.needs_acceptance = model.needs_acceptance
        self._model, self._device = model, device
        self._command = [str(python), "-P", str(program)]
        if models_folder is not None:
            self._command.append(str(models_folder))
        self._child: subprocess.Popen[bytes] | None = None

    def convert(
        self, source: Waveform, source_rate: int, target: OtherWaveform, target_rate: int
    ) -> tuple[OtherWaveform, int]:
        """Say what `source` says in the voice of `target`; see `Converter`.

        Raises:
            CloneError: the environment is missing, the model cannot be had, or it failed.
        """
        if self._child is None or self._child.poll() is not None:
            self._start()
        sounds = [
            encode_audio(source, source_rate, "wav"),
            encode_audio(target[: MOST_SECONDS * target_rate], target_rate, "wav"),
        ]
        header, made = self._ask({"do": "convert"}, sounds)
        rate = int(header["rate"])
        wanted = round(len(source) * rate / source_rate)
        if abs(len(made) - wanted) <= _ROUNDING_SECONDS * rate:
            made = np.pad(made[:wanted], (0, max(0, wanted - len(made))))
        return as_loud(made, source), rate

    def give_up(self) -> None:
        """End the conversion that runs, and its child with it."""
        child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """End the child; the next conversion starts it again."""
        child, self._child = self._child, None
        if child is not None:
            _end(child)

    def _start(self) -> None:
        try:
            self._child = subprocess.Popen(  # noqa: S603  a list of arguments, no shell, our file
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as fault:
            raise CloneError(
                f"{self.title} is not installed. Run ./install.sh --with tts, or choose another "
                "converter."
            ) from fault
        weakref.finalize(self, _end, self._child)
        self._ask({"do": "load", "model": self._model.id, "device": self._device})

    def _ask(
        self, request: dict[str, Any], sounds: list[bytes] | None = None
    ) -> tuple[dict[str, Any], OtherWaveform]:
        """Send a request and wait for its answer.

        Raises:
            CloneError: the child says what went wrong, or ended.
        """
        sounds = sounds or []
        message = json.dumps({**request, "bytes": [len(each) for each in sounds]}).encode() + b"\n"
        try:
            with _patience(self._child) as (to_child, from_child):
                to_child.write(message + b"".join(sounds))
                to_child.flush()
                header = json.loads(from_child.readline(MAX_HEADER_BYTES))
                if "fault" in header:
                    raise CloneError(self._words(request["do"], str(header["fault"])))
                (count,) = header.get("bytes", (0,))
                if not 0 <= count <= MAX_SOUND_BYTES or int(header["rate"]) <= 0:
                    raise ValueError("an impossible answer")
                sound = from_child.read(count)
                if len(sound) != count:
                    raise ValueError("half an answer")
                made = np.frombuffer(sound, "<f4")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            self.close()
            raise CloneError(
                f"{self.title}'s program ended in the middle of its work. Try again, or choose "
                "another converter."
            ) from fault
        if not np.isfinite(made).all():
            raise CloneError(f"{self.title} gave no sound. Try another part of the recording.")
        return header, made.astype(np.float32)

    def _words(self, work: str, fault: str) -> str:
        if work == "load":
            self.close()
            return (
                f"{self.title} could not be loaded ({fault}). It is downloaded the first time; "
                "check the network, or choose another converter."
            )
        return f"{self.title} could not convert this recording ({fault})."


@contextmanager
def _patience(
    child: "subprocess.Popen[bytes] | None",
) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Give the pipes to and from a child, and end it when it does not answer in time."""
    if child is None or child.stdin is None or child.stdout is None:
        raise BrokenPipeError("no child")
    watch = threading.Timer(PATIENCE_SECONDS, child.kill)
    watch.daemon = True
    watch.start()
    try:
        yield child.stdin, child.stdout
    finally:
        watch.cancel()


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # what was still to be written has no reader
                continue
