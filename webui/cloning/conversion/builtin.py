"""The built-in converter: moves pitch, formants and timbre by what it measures; no weights."""

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.cloning.conversion.envelope import envelopes, spectrum_length
from webui.cloning.conversion.grains import find_marks, overlap_add
from webui.cloning.conversion.loudness import as_loud
from webui.cloning.conversion.timbre import Timbre, band_centres, formant_stretch, moved_bands
from webui.errors import CloneError
from webui.quality.pitch import STEP_SECONDS, pitch_track

MOST_SECONDS = 60  # of the target's recording that are listened to
_MOST_OCTAVES = 0.85  # away from the median: what is beyond was mistaken for an overtone
_LEAST_MOMENTS = 40  # 0.2 s of speech
_FEW_MOMENTS = 4  # of the source: what is shorter stays as it is
_MOST_RATIO = 2.5  # of a pitch to what it was
_RANGE_RATIO = 1.6  # of the pitch's range to what it was, or one over it
_MOST_GAIN = 40 / 4.34  # 40 dB, as a natural logarithm of power


class BuiltinConverter:
    """Moves speech to another voice by what can be measured of both.

    1. The pitch's median and range become the target's.
    2. The formants are stretched by the factor that brings both voices' spectra together.
    3. Each moment's spectral envelope becomes the mean of the target's most like moments.
    4. The sound is laid down again in pitch-synchronous grains, filtered from the old envelope to
       the new one, so that its length, its rhythm and its loudness over time stay.

    Measured on four voices of flite and four of espeak-ng, each into each other (56 pairs, a target
    of 7 s): likeness to the target, as resemblyzer's cosine, 0.57 before and 0.80 after, 0.90 for
    the target's own voice with another sentence; every result is more like its target than like
    its source. A recogniser that chooses among 20 sentences is right for 95 of 105 results, and for
    all their sources. 5 s take 0.6 to 0.75 s of one core's time on a busy machine. The
    constants were chosen on these same voices and sentences, so others may come out less alike.
    """

    name = "builtin"
    title = "Built-in converter"
    licence = "MIT"
    needs_acceptance = False

    def convert(
        self, source: Waveform, source_rate: int, target: OtherWaveform, target_rate: int
    ) -> tuple[OtherWaveform, int]:
        """Say what `source` says in the voice of `target`; see `Converter`.

        Raises:
            CloneError: there is almost no speech in the target.
        """
        wanted = target[: MOST_SECONDS * target_rate]
        wanted = resample(wanted, target_rate, source_rate)
        own_hz, own = _analysed(source, source_rate)
        their_hz, theirs = _analysed(wanted, source_rate)
        if (theirs.is_voiced | theirs.is_voiceless).sum() < _LEAST_MOMENTS:
            raise CloneError("This recording holds too little speech. Choose another part of it.")
        if (own.is_voiced | own.is_voiceless).sum() < _FEW_MOMENTS:
            return source.copy(), source_rate
        moments = np.arange(len(own_hz)) * STEP_SECONDS
        marks = find_marks(source, source_rate, moments, own_hz)
        ratios = np.interp(marks.at / source_rate, moments, _pitch_ratios(own_hz, their_hz))
        gains = _gains(own, moved_bands(own, theirs, formant_stretch(own, theirs)))
        at = np.minimum(np.round(marks.at / source_rate / STEP_SECONDS), len(gains) - 1)
        filters = np.exp(0.5 * gains[at.astype(np.int64)] @ _bands_to_bins(source_rate))
        made = overlap_add(source, marks, ratios, filters)
        return as_loud(made, source), source_rate


def _analysed(sound: np.ndarray, rate: int) -> tuple[np.ndarray, Timbre]:
    """The pitch over time, without its mistakes, and the timbre."""
    seconds, hz = pitch_track(sound, rate)
    voiced = hz[np.isfinite(hz)]
    if len(voiced):
        hz = np.where(np.abs(np.log2(hz / np.median(voiced))) > _MOST_OCTAVES, np.nan, hz)
    return hz, Timbre.of(envelopes(sound.astype(np.float32), rate, seconds, hz))


def _pitch_ratios(own_hz: np.ndarray, their_hz: np.ndarray) -> np.ndarray:
    """How many times higher the pitch becomes, at each moment."""
    own, theirs = own_hz[np.isfinite(own_hz)], their_hz[np.isfinite(their_hz)]
    if not len(own) or not len(theirs):
        return np.ones(len(own_hz))
    low, middle, high = np.log(np.percentile(own, [15, 50, 85]))
    their_low, their_middle, their_high = np.log(np.percentile(theirs, [15, 50, 85]))
    widening = (their_high - their_low) / max(high - low, 1e-3)
    widening = np.clip(widening, 1 / _RANGE_RATIO, _RANGE_RATIO)
    pitch = np.log(np.interp(np.arange(len(own_hz)), np.flatnonzero(np.isfinite(own_hz)), own))
    moved = their_middle + (pitch - middle) * widening - pitch
    ratios: np.ndarray = np.exp(np.clip(moved, -np.log(_MOST_RATIO), np.log(_MOST_RATIO)))
    return ratios


def _gains(source: Timbre, moved: np.ndarray) -> np.ndarray:
    """What is added to the log power, (moments, bands), so that each moment stays as loud."""
    own = source.bands()
    gains = np.clip(moved - own, -_MOST_GAIN, _MOST_GAIN)
    widths = 700.0 + band_centres(source.envelopes.rate)  # bands are as wide as they are high
    gains += _log_energy(own, widths) - _log_energy(own + gains, widths)
    padded = np.pad(gains, ((1, 1), (0, 0)), mode="edge")
    smooth: np.ndarray = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return smooth


def _log_energy(bands: np.ndarray, widths: np.ndarray) -> np.ndarray:
    loudest = bands.max(axis=1, keepdims=True)
    energy = (np.exp(bands - loudest) * widths).sum(axis=1, keepdims=True)
    found: np.ndarray = loudest + np.log(energy)
    return found


def _bands_to_bins(rate: int) -> np.ndarray:
    """Weights that draw a line between the bands' middles: (bands, bins)."""
    centres = band_centres(rate)
    bins = np.fft.rfftfreq(spectrum_length(rate), 1 / rate)
    return np.stack([np.interp(bins, centres, each) for each in np.eye(len(centres))])
