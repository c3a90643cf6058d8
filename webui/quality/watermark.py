"""A mark in a sound that nobody hears and this module finds: PerTh, by Resemble AI (MIT licence).

The networks are those of resemble-perth 1.0.1, whose weights alone are used: importing it needs
torchaudio and librosa. One network adds a little to the spectrum below 2 kHz, where louder parts
hide it; another listens for that at three speeds. It says that a sound was made here, not by whom.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.errors import CheckpointError

if TYPE_CHECKING:
    import torch

    from webui.checkpoint import StateDict

WEIGHTS_SHA256 = "a15bce457ebc53ce5e6c9c3f11df78cf7ee2bf9cdab0a798902135b4c4027670"
RATE = 32_000  # Hz; this and what follows: perth_net_implicit's hparams.yaml and its model/
FFT, HOP = 2_048, 320  # samples of a frame, and from one to the next
BANDS = 128  # below 2 kHz, of 1,025
WIDTH, KERNEL, MIDDLE_LAYERS = 256, 7, 5
QUIETEST = 1e-9  # of a magnitude
QUIETEST_DB, HEADROOM_DB = -180.0, 15.0  # the level of 0, and above 0 dB that of 1
LOUD_SHARE = 0.05  # of the loudest frame: quieter ones carry no mark
SPEEDS = {"slow_layers": 1.25, "normal_layers": 1.0, "fast_layers": 0.75}
MARKED = 0.5  # from here on a sound counts as marked
BLOCK = 20 * RATE  # samples that are marked, or listened to, at a time
MARGIN = 4 * FFT  # of the sound around a block that is looked at too
LEAST = FFT  # samples; anything shorter carries no mark


class Watermark:
    """Puts the mark into sounds and listens for it."""

    def __init__(self, state: "StateDict") -> None:
        import torch

        with torch.device("meta"):  # made without drawing random weights
            self._encoder: Final = _layers(BANDS)
            self._decoders: Final = {name: _layers(2) for name in SPEEDS}
        parts = {"encoder.layers.": self._encoder}
        parts |= {f"decoder.{name}.": network for name, network in self._decoders.items()}
        for prefix, network in parts.items():
            own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            renamed = {name.replace(".conv.", "."): each for name, each in own.items()}
            network.load_state_dict(_in_a_row(renamed), assign=True)
            network.requires_grad_(False)
        self._window: Final = torch.hann_window(FFT)

    def put(self, waveform: Waveform, rate: int) -> Waveform:
        """Give a sound of the same length with the mark in it; a very short one stays as it is."""
        sound = resample(waveform, rate, RATE)
        if len(sound) < LEAST:
            return waveform
        added = np.concatenate([self._added(*block) for block in _blocks(sound)])
        back = resample(added, RATE, rate)[: len(waveform)]
        marked = waveform + np.pad(back, (0, len(waveform) - len(back)))
        return np.asarray(np.clip(marked, -1.0, 1.0), np.float32)

    def heard(self, waveform: Waveform, rate: int) -> float:
        """Say how surely a sound is marked, 0 to 1; from `MARKED` on it counts as marked."""
        sound = resample(waveform, rate, RATE)
        if len(sound) < LEAST:
            return 0.0
        found = [(self._heard(block), len(block)) for block, _, _ in _blocks(sound)]
        return sum(value * length for value, length in found) / sum(length for _, length in found)

    def _added(self, block: OtherWaveform, start: int, end: int) -> OtherWaveform:
        """What the mark adds to a block, from `start` to `end` of what is looked at."""
        import torch

        with torch.inference_mode():
            spectrum = self._spectrum(block)
            level = _level(spectrum)
            more = self._encoder(level[None, :BANDS])[0] * _loud(level)
            grown = 10 ** (more * (HEADROOM_DB - QUIETEST_DB) / 20)  # a factor for each magnitude
            change = torch.zeros_like(spectrum)
            change[:BANDS] = spectrum[:BANDS] * (grown - 1)
            sound = torch.istft(change, FFT, HOP, window=self._window, length=len(block))
        return np.asarray(sound.numpy()[start:end], np.float32)

    def _heard(self, block: OtherWaveform) -> float:
        import torch
        from torch.nn.functional import interpolate

        with torch.inference_mode():
            level = _level(self._spectrum(block))
            mask, bands = _loud(level)[None, None], level[None, :BANDS]
            marks, weights = [], []
            for name, speed in SPEEDS.items():
                frames = int(level.shape[1] * speed)
                paced = interpolate(bands, size=frames, mode="linear", align_corners=True)
                at = interpolate(mask, size=frames, mode="nearest")[0, 0]
                weight, mark = (self._decoders[name](bands if speed == 1 else paced)[0] * at).sum(
                    dim=1
                ) / at.sum().clamp_min(1)
                marks.append(mark)
                weights.append(weight)
            shares = torch.stack(weights).softmax(dim=0)
            return float((torch.stack(marks) * shares).sum().clamp(0, 1))

    def _spectrum(self, block: OtherWaveform) -> "torch.Tensor":
        import torch

        sound = torch.from_numpy(np.array(block, np.float32))
        return torch.stft(sound, FFT, HOP, window=self._window, return_complex=True)


def watermark() -> Watermark | None:
    """Load the watermark; None where its weights are missing or not those we know."""
    from webui.checkpoint import load_known

    path = watermark_weights()
    if path is None:
        return None
    try:
        return Watermark(load_known(path, WEIGHTS_SHA256)["model"])
    except CheckpointError:
        return None


def watermark_weights() -> Path | None:
    """Where the weights lie, without importing their package; None where it is not installed."""
    spec = importlib.util.find_spec("perth")
    folders = [] if spec is None else spec.submodule_search_locations or []
    inside = Path("perth_net", "pretrained", "implicit", "perth_net_250000.pth.tar")
    return next((path for each in folders if (path := Path(each) / inside).is_file()), None)


def _layers(outputs: int) -> "torch.nn.Sequential":
    """Convolutions over time, each but the last followed by a leaky ReLU."""
    from torch.nn import Conv1d, LeakyReLU, Sequential

    pad = KERNEL // 2
    middle = [Conv1d(WIDTH, WIDTH, KERNEL, padding=pad) for _ in range(MIDDLE_LAYERS)]
    convolutions = [Conv1d(BANDS, WIDTH, 1), *middle]
    steps = [step for each in convolutions for step in (each, LeakyReLU())]
    return Sequential(*steps, Conv1d(WIDTH, outputs, 1))


def _in_a_row(state: "StateDict") -> "StateDict":
    """Number layers as `_layers` does: a ReLU stands behind each convolution."""
    parted = ((name.partition("."), each) for name, each in state.items())
    return {f"{2 * int(number)}.{rest}": each for (number, _, rest), each in parted}


def _blocks(sound: OtherWaveform) -> Iterator[tuple[OtherWaveform, int, int]]:
    """Parts of a sound with what lies around them, and where in that the part begins and ends."""
    starts = list(range(0, max(len(sound) - BLOCK // 2, 1), BLOCK))  # the last may be half as long
    for start, end in zip(starts, [*starts[1:], len(sound)], strict=True):
        first = max(start - MARGIN, 0)
        yield sound[first : end + MARGIN], start - first, end - first


def _level(spectrum: "torch.Tensor") -> "torch.Tensor":
    """Magnitudes in decibels, 0 for the quietest and 1 for 15 dB: (1_025, frames)."""
    level_db = 20 * spectrum.abs().clamp_min(QUIETEST).log10()
    return (level_db - QUIETEST_DB) / (HEADROOM_DB - QUIETEST_DB)


def _loud(level: "torch.Tensor") -> "torch.Tensor":
    """1 for frames that are not silent, else 0: (frames,)."""
    total = level.sum(dim=0)
    return (total > total.max() * LOUD_SHARE).float()
