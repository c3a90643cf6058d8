"""kNN-VC: each moment of the source becomes the mean of the target's four most like moments.

Baas, van Niekerk and Kamper, "Voice conversion with just nearest neighbors" (2023): WavLM hears
both, k nearest neighbours by cosine choose, a HiFi-GAN made for these features speaks.
"""

from pathlib import Path

import torch
from torch.nn import functional

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.cloning.conversion.loudness import as_loud
from webui.cloning.conversion.vocoder import Vocoder, VocoderConfig, load_vocoder
from webui.cloning.conversion.wavlm import RATE, WavlmEncoder, load_wavlm
from webui.errors import CheckpointError, CloneError

NEIGHBOURS = 4  # bshall/knn-vc, matcher.py
LEAST_SECONDS = 0.5  # of the target
MOST_SECONDS = 120  # of the target that are listened to


class KnnConverter:
    """Moves speech to another voice with WavLM and a vocoder that was made for its features."""

    name = "knn-vc"
    title = "kNN-VC"
    licence = "MIT"
    needs_acceptance = False

    def __init__(self, encoder: WavlmEncoder, vocoder: Vocoder) -> None:
        self.encoder, self.vocoder = encoder, vocoder

    @property
    def nbytes(self) -> int:
        """The memory that the weights of both take."""
        return self.encoder.nbytes + sum(each.nbytes for each in self.vocoder.parameters())

    def convert(
        self, source: Waveform, source_rate: int, target: OtherWaveform, target_rate: int
    ) -> tuple[OtherWaveform, int]:
        """Say what `source` says in the voice of `target`; see `Converter`.

        Raises:
            CloneError: the target is too short.
        """
        if len(target) < LEAST_SECONDS * target_rate:
            raise CloneError("This recording holds too little speech. Choose another part of it.")
        own = resample(source, source_rate, RATE)
        theirs = resample(target[: MOST_SECONDS * target_rate], target_rate, RATE)
        features = self.encoder.features(own)
        matched = nearest_means(features, self.encoder.features(theirs))
        return as_loud(self.vocoder.sound_of(matched)[: len(own)], own), RATE


def nearest_means(features: torch.Tensor, pool: torch.Tensor) -> torch.Tensor:
    """For each row of `features` the mean of the rows of `pool` that point the most its way."""
    likeness = functional.normalize(features, dim=1) @ functional.normalize(pool, dim=1).T
    nearest = likeness.topk(min(NEIGHBOURS, len(pool)), dim=1).indices  # (frames, neighbours)
    return pool[nearest].mean(dim=1)


def load_knn_vc(
    wavlm_folder: Path,
    vocoder_file: Path,
    device: str = "cpu",
    config: VocoderConfig | None = None,
) -> KnnConverter:
    """Load the converter.

    Args:
        wavlm_folder: WavLM-Large in transformers' layout.
        vocoder_file: `prematch_g_02500000.pt` of bshall/knn-vc.
        device: where both compute.
        config: the vocoder's sizes; the published ones if left out.

    Raises:
        CheckpointError: a file is missing or damaged, or the two do not fit together.
    """
    encoder = load_wavlm(wavlm_folder, device)
    vocoder = load_vocoder(vocoder_file, device, config)
    wanted = (vocoder.config.features, vocoder.config.hop)
    if (encoder.width, encoder.hop) != wanted:
        raise CheckpointError(
            f"The vocoder reads {wanted[0]} values for each {wanted[1]} samples and this encoder "
            f"gives {encoder.width} for each {encoder.hop}. Download WavLM-Large."
        )
    return KnnConverter(encoder, vocoder)
