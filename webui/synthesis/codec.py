"""FineCodes <-> Waveform: EnCodec's decoder and encoder, with a family's own sizes and weights.

The only place where transformers' EnCodec is imported, and not before a codec is built.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from webui.arrays import FineCodes, Waveform
from webui.errors import AudioFileError, CheckpointError, SpeakerFileError

if TYPE_CHECKING:
    from transformers import EncodecConfig, EncodecModel

PREFIX = "codec_model."  # of the codec's weights in a Bark checkpoint
# Weight normalisation as torch named it before version 2.
RENAMED = {
    ".weight_g": ".parametrizations.weight.original0",
    ".weight_v": ".parametrizations.weight.original1",
}
MOST_CODEBOOKS = 32
MOST_LAYERS = 16
WIDEST = 4_096  # channels anywhere in the codec


class Codec:
    """A family's codec, in float32 on one device."""

    def __init__(self, model: "EncodecModel", codebooks: int) -> None:
        self._model = model
        self.codebooks = codebooks
        self.codebook_size = int(model.config.codebook_size)
        self.sample_rate = int(model.config.sampling_rate)  # Hz
        self.frame_samples = int(model.config.hop_length)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.frame_samples

    @property
    def device(self) -> torch.device:
        """Where the codec computes."""
        return self._model.device

    @property
    def nbytes(self) -> int:
        """The memory that the weights take."""
        tensors = [*self._model.parameters(), *self._model.buffers()]
        return sum(tensor.nbytes for tensor in tensors)

    def to(self, device: str) -> "Codec":
        """Move the weights to another device."""
        torch.nn.Module.to(self._model, device)
        return self

    @torch.inference_mode()
    def decode(self, fine: FineCodes) -> Waveform:
        """Turn codes into sound: `frame_samples` samples for each frame.

        Raises:
            SpeakerFileError: the codes are not of this family.
        """
        rows, frames = fine.shape
        if not 1 <= rows <= self.codebooks or (
            frames and not 0 <= fine.min() <= fine.max() < self.codebook_size
        ):
            raise SpeakerFileError(
                f"These sound codes are not of this family, which has {self.codebooks} codebooks "
                f"of {self.codebook_size:,} values."
            )
        if not frames:
            return np.zeros(0, np.float32)
        codes = torch.from_numpy(fine.astype(np.int64)).to(self.device).unsqueeze(1)
        embeddings = self._model.quantizer.decode(codes)  # (1, width, frames)
        waveform = self._model.decoder(embeddings)[0, 0]  # (samples,)
        return np.asarray(waveform[: frames * self.frame_samples].float().cpu())

    @torch.inference_mode()
    def encode(self, waveform: Waveform) -> FineCodes:
        """Turn sound at `sample_rate` into codes, a last partial frame included.

        Raises:
            AudioFileError: the sound is shorter than one frame.
        """
        if len(waveform) < self.frame_samples:
            raise AudioFileError("This sound is too short to be encoded.")
        samples = torch.from_numpy(waveform.astype(np.float32)).to(self.device)
        embeddings = self._model.encoder(samples[None, None])  # (1, width, frames)
        layers: Any = self._model.quantizer.layers
        codes = []  # of each codebook in turn, for what the ones before left over
        for layer in layers[: self.codebooks]:
            codes.append(layer.encode(embeddings))
            embeddings = embeddings - layer.decode(codes[-1])
        return np.asarray(torch.cat(codes).cpu())


def build_codec(
    settings: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    codebooks: int,
    device: str = "cpu",
) -> Codec:
    """Build a codec from a family's `codec_config` and its weights.

    The weights are compared with the settings before memory is taken for the codec.

    Args:
        settings: `codec_config` of the family's config.json.
        weights: with or without the prefix `codec_model.`; both namings of weight normalisation.
        codebooks: how many codebooks the family's fine stage fills.
        device: where to compute.

    Raises:
        CheckpointError: settings and weights do not make a codec of this family.
    """
    config = _read_config(settings, codebooks)
    named = {_current_name(name): tensor for name, tensor in weights.items()}
    from transformers import EncodecModel

    try:
        with torch.device("meta"):
            expected = EncodecModel(config).state_dict()
    except (ValueError, TypeError, RuntimeError, ZeroDivisionError) as fault:
        raise CheckpointError("The codec's settings in config.json are unusable.") from fault
    for name, tensor in expected.items():
        found = named.get(name)
        if found is None or found.shape != tensor.shape:
            state = "is missing" if found is None else f"has the shape {tuple(found.shape)}"
            raise CheckpointError(
                f"The codec's weights do not fit config.json: {name} {state}, "
                f"expected {tuple(tensor.shape)}. Download the family again."
            )
    with torch.random.fork_rng(devices=[]):  # building draws first values that are thrown away
        model = EncodecModel(config)
    model.load_state_dict({name: named[name].float() for name in expected})
    _fuse_weight_norms(model)
    model.train(mode=False).requires_grad_(requires_grad=False)
    return Codec(model, codebooks).to(device)


def _read_config(settings: Mapping[str, Any], codebooks: int) -> "EncodecConfig":
    """Check the sizes that a codec's settings name, so that no file can ask for all the memory.

    Raises:
        CheckpointError: a size is missing, of the wrong kind, or beyond reason.
    """
    from transformers import EncodecConfig

    known = {key: value for key, value in settings.items() if not key.startswith("_")}
    known.pop("model_type", None)
    try:
        config = EncodecConfig(**known)
        layers = config.num_lstm_layers, config.num_residual_layers, len(config.upsampling_ratios)
        widths = (
            config.num_filters * 2 ** len(config.upsampling_ratios),
            config.hidden_size,
            config.codebook_dim or 0,
            *config.upsampling_ratios,
        )
        kernels = config.kernel_size, config.last_kernel_size, config.residual_kernel_size
        is_sound = (
            config.audio_channels == 1
            and codebooks <= config.num_quantizers <= MOST_CODEBOOKS
            and max(layers) <= MOST_LAYERS
            and 0 < min(widths) <= max(widths) <= WIDEST
            and 0 < min(kernels) <= max(kernels) <= WIDEST
            and 0 < config.codebook_size <= 2**16
        )
    except Exception as fault:  # whatever the settings' own checks raise
        raise CheckpointError("The codec's settings in config.json are unusable.") from fault
    if not is_sound:
        raise CheckpointError(
            f"The codec's settings in config.json are not those of a mono EnCodec with at least "
            f"{codebooks} codebooks."
        )
    return config


def _current_name(name: str) -> str:
    """The name that this version of torch gives to a weight."""
    name = name.removeprefix(PREFIX)
    for old, new in RENAMED.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _fuse_weight_norms(model: "EncodecModel") -> None:
    """Multiply direction and length of each weight once, instead of at every call."""
    for module in model.modules():
        if torch.nn.utils.parametrize.is_parametrized(module, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
