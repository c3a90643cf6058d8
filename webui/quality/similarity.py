"""How alike two voices are: a speaker encoder that turns any speech into a point on a sphere.

The network is GE2E (L. Wan et al., "Generalized end-to-end loss for speaker verification", 2018)
as resemblyzer 0.1.4 trained it, and gives what resemblyzer's own code gives. Only the weights are
taken from that package: importing it needs a compiled speech detector and librosa.

On people, cosines are 0.85 (deviation 0.04) for one speaker and 0.55 (0.09) for two; 0.76 parts
them best. Noise, too, gives about 0.5.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from webui.arrays import OtherWaveform, SpeakerEmbedding, Waveform
from webui.audio import resample
from webui.errors import CheckpointError

if TYPE_CHECKING:
    from webui.checkpoint import StateDict

WEIGHTS_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
RATE = 16_000  # Hz; this and what follows: resemblyzer's hparams.py and voice_encoder.py
WINDOW, HOP = 400, 160  # samples of a frame, and from one to the next
BANDS = 40
PART_FRAMES = 160  # are heard at a time: 1.6 s
PART_STEP = 77  # frames from one part to the next: 1.3 a second
LEAST_COVERAGE = 0.75  # of the last part must be sound
WIDTH, LAYERS = 256, 3
PARTS_AT_ONCE = 64  # which bounds the memory
QUIETEST_DB = -30.0  # the sound is made at least so loud

SILENCE_STEP = 480  # samples that are judged together: 30 ms
SILENCE_DB = -32.0  # below the loud parts of a speech lies a pause
SILENCE_KEPT = 4  # steps of a pause that are kept at each side of speech


class SpeakerEncoder:
    """Turns speech into a vector of length one; the cosine of two says how alike the voices are."""

    def __init__(self, state: "StateDict") -> None:
        import torch

        with torch.device("meta"):  # made without drawing random weights
            self._lstm: Final = torch.nn.LSTM(BANDS, WIDTH, LAYERS, batch_first=True)
            self._linear: Final = torch.nn.Linear(WIDTH, WIDTH)
        for name, network in (("lstm.", self._lstm), ("linear.", self._linear)):
            own = {k.removeprefix(name): v for k, v in state.items() if k.startswith(name)}
            network.load_state_dict(own, assign=True)
            network.requires_grad_(False)
        self._filters: Final = mel_filters()

    def embed(self, waveform: Waveform, rate: int) -> SpeakerEmbedding:
        """Embed a recording: its pauses are shortened and its level raised first."""
        sound = resample(waveform, rate, RATE)
        return self.embed_speech(_without_pauses(_loud_enough(sound)))

    def embed_speech(self, speech: Waveform) -> SpeakerEmbedding:
        """Embed speech at `RATE`, as it is: the mean over parts of 1.6 s."""
        import torch

        starts = _part_starts(len(speech))
        mels = self._mel_spectrogram(speech, starts[-1] + PART_FRAMES)
        parts = np.stack([mels[start : start + PART_FRAMES] for start in starts])
        heard = np.zeros(WIDTH, np.float32)
        with torch.inference_mode():
            for first in range(0, len(parts), PARTS_AT_ONCE):
                batch = torch.from_numpy(parts[first : first + PARTS_AT_ONCE])
                _, (hidden, _) = self._lstm(batch)
                points = self._linear(hidden[-1]).relu()
                lengths = points.norm(dim=1, keepdim=True).clamp_min(1e-9)
                heard += (points / lengths).sum(dim=0).numpy()
        length = max(float(np.linalg.norm(heard)), 1e-9)
        return np.asarray(heard / length, np.float32)

    def _mel_spectrogram(self, speech: OtherWaveform, frames: int) -> np.ndarray:
        """The energy in each band of each frame, (frames, BANDS), zeros after the speech."""
        whole = max(len(speech), frames * HOP)
        padded = np.pad(speech, (WINDOW // 2, whole - len(speech) + WINDOW // 2))
        views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
        power = np.abs(np.fft.rfft(views * hann)) ** 2
        return np.asarray(power @ self._filters.T, np.float32)


def speaker_encoder() -> SpeakerEncoder | None:
    """Load the speaker encoder; None where its weights are missing or not those we know.

    `webui doctor` says which of the two it is, and how to mend it.
    """
    from webui.checkpoint import load_known

    path = encoder_weights()
    if path is None:
        return None
    try:
        content = load_known(path, WEIGHTS_SHA256)
    except CheckpointError:
        return None
    return SpeakerEncoder(content["model_state"])


def encoder_weights() -> Path | None:
    """Where resemblyzer's weights lie, without importing it; None where it is not installed."""
    spec = importlib.util.find_spec("resemblyzer")
    folders = [] if spec is None else spec.submodule_search_locations or []
    found = (Path(folder) / "pretrained.pt" for folder in folders)
    return next((path for path in found if path.is_file()), None)


def mel_filters() -> np.ndarray:
    """Triangles over the bins of a spectrum, (BANDS, bins), as in M. Slaney's Auditory Toolbox.

    Evenly spaced below 1,000 Hz and by equal factors above; each has the same area.
    """
    step_hz, turn_hz = 200 / 3, 1_000.0
    turn, factor = turn_hz / step_hz, np.log(6.4) / 27
    top = turn + np.log(RATE / 2 / turn_hz) / factor
    mels = np.linspace(0, top, BANDS + 2)
    corners = np.where(
        mels < turn, mels * step_hz, turn_hz * np.exp(factor * np.maximum(mels - turn, 0))
    )
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (high - low)), np.float32)


def _part_starts(samples: int) -> list[int]:
    """The first frame of each part of a speech."""
    frames = -(-(samples + 1) // HOP)
    starts = list(range(0, max(1, frames - PART_FRAMES + PART_STEP + 1), PART_STEP))
    coverage = (samples - starts[-1] * HOP) / (PART_FRAMES * HOP)
    return starts[:-1] if coverage < LEAST_COVERAGE and len(starts) > 1 else starts


def _loud_enough(sound: OtherWaveform) -> OtherWaveform:
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0
    wanted = 10 ** (QUIETEST_DB / 20)
    return sound * np.float32(wanted / level) if 0 < level < wanted else sound


def _without_pauses(sound: OtherWaveform) -> OtherWaveform:
    """Shorten the pauses to what is left around speech; a sound of pauses only stays as it is."""
    steps = len(sound) // SILENCE_STEP
    if not steps:
        return sound
    blocks = sound[: steps * SILENCE_STEP].reshape(steps, SILENCE_STEP)
    levels = np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1))
    loud = np.quantile(levels, 0.95) * 10 ** (SILENCE_DB / 20)
    spread = np.convolve(levels > loud, np.ones(2 * SILENCE_KEPT + 1))
    near = spread[SILENCE_KEPT : SILENCE_KEPT + steps] > 0.5
    return blocks[near].ravel() if near.any() else sound
