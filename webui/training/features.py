"""Sound of a pair -> what the encoder hears in it, the sound varied or as it is."""

from dataclasses import dataclass

import numpy as np
import torch

from webui.arrays import OtherWaveform, SpeechFeatures, Waveform
from webui.cloning.hubert import HubertEncoder

STEEPEST = 1.0  # how fast the noise falls towards high frequencies; 1 is pink, 0 is white


@dataclass(frozen=True)
class Augmentation:
    """How a sound is varied, so that a quantizer also hears other rooms and microphones.

    `noise_share` of the sounds get noise that lies `quietest_noise_db` to `loudest_noise_db` below
    them; every sound is made up to `level_db` louder or quieter.
    """

    noise_share: float = 0.5
    quietest_noise_db: float = 40.0
    loudest_noise_db: float = 15.0
    level_db: float = 6.0


def features_of(
    encoder: HubertEncoder,
    waveform: Waveform,
    rate: int,
    augmentation: Augmentation | None = None,
    generator: torch.Generator | None = None,
) -> SpeechFeatures:
    """Hear a sound; gives features in half precision: half the size, and exact enough.

    Args:
        encoder: of the family, at the layer to learn from.
        waveform: mono.
        rate: its sample rate in Hz.
        augmentation: how to vary the sound first.
        generator: the dice for that; without one it is the same for every sound.

    Raises:
        AudioFileError: the sound is empty or too long.
    """
    if augmentation is not None:
        waveform = varied(waveform, augmentation, generator or torch.Generator().manual_seed(0))
    features = encoder.features(waveform, rate)
    return np.asarray(np.clip(features, -65_504, 65_504), dtype=np.float16)


def varied(
    waveform: Waveform, augmentation: Augmentation, generator: torch.Generator
) -> OtherWaveform:
    """Make a sound louder or quieter, and put noise under it or not."""
    noisy, below, steepness, level = torch.rand(4, generator=generator).tolist()
    gain = 10 ** (augmentation.level_db * (2 * level - 1) / 20)
    sound: OtherWaveform = waveform.astype(np.float32)
    if noisy < augmentation.noise_share and len(sound):
        noise = _noise(len(sound), STEEPEST * steepness, generator)
        span = augmentation.quietest_noise_db - augmentation.loudest_noise_db
        decibels = augmentation.loudest_noise_db + span * below
        loudness = float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
        sound = sound + noise * np.float32(loudness * 10 ** (-decibels / 20))
    return np.asarray(np.clip(sound * np.float32(gain), -1.0, 1.0), dtype=np.float32)


def _noise(samples: int, steepness: float, generator: torch.Generator) -> np.ndarray:
    """Noise of mean power one whose power falls with the frequency to this power."""
    white = np.asarray(torch.randn(samples, generator=generator))
    spectrum = np.fft.rfft(white)
    frequencies = np.maximum(np.arange(len(spectrum)), 1.0)
    coloured = np.fft.irfft(spectrum * frequencies ** (-steepness / 2), samples)
    return np.asarray(coloured / max(float(coloured.std()), 1e-9), dtype=np.float32)
