"""The timbre of a voice, and which of its moments another voice's moments are most like."""

from dataclasses import dataclass

import numpy as np

from webui.cloning.conversion.envelope import Envelopes

BANDS = 80
SPEECH_DB = -35.0  # moments quieter than this, against the loudest, are not speech
NEIGHBOURS = 12
STRETCHES = np.exp(np.arange(-6, 7) * 0.04)  # of the formants: 0.79 to 1.27
_SHAPES = 20  # coefficients of the band spectrum's cosine transform that are compared
_AROUND = 3  # moments before and after, between which a change is looked at
_CHANGING = 0.5  # how much a change counts beside what there is
_EVENED = 7  # moments, 35 ms, over which what is changed is evened out
_FEW = 20  # moments: fewer say nothing about a voice
_LOOKED_AT = 300  # moments of each voice, at most, while stretches are compared
_KNEE = 0.875  # of the highest frequency: above it the stretching evens out


def band_centres(rate: int) -> np.ndarray:
    """The middles of bands that the ear finds equally wide, in Hz."""
    highest = 1127.0 * np.log1p(rate / 2 / 700)
    steps = np.linspace(0, highest, BANDS + 2)[1:-1]
    centres: np.ndarray = 700.0 * np.expm1(steps / 1127.0)
    return centres


@dataclass(frozen=True, eq=False)
class Timbre:
    """Band spectra of the moments of a voice that are speech, voiced and voiceless apart."""

    envelopes: Envelopes
    is_voiced: np.ndarray  # (moments,), speech with a pitch
    is_voiceless: np.ndarray  # (moments,), speech without

    @staticmethod
    def of(envelopes: Envelopes) -> "Timbre":
        """Tell speech from pauses."""
        speech = envelopes.level_db > SPEECH_DB
        return Timbre(envelopes, speech & envelopes.is_voiced, speech & ~envelopes.is_voiced)

    def bands(self, stretch: float = 1.0) -> np.ndarray:
        """Log power in bands, (moments, BANDS), with the formants `stretch` times as high."""
        rate = self.envelopes.rate
        return self.envelopes.log_power(_unstretched(band_centres(rate), stretch, rate / 2))


def formant_stretch(source: Timbre, target: Timbre) -> float:
    """How many times higher the target's formants are: the stretch with the nearest neighbours."""
    wanted = _shapes(_some(target.bands()[target.is_voiced]))
    moments = _some(np.flatnonzero(source.is_voiced))
    if len(moments) < _FEW or len(wanted) < _FEW:
        return 1.0
    part = Timbre(
        Envelopes(
            source.envelopes.cepstra[moments],
            source.envelopes.rate,
            source.envelopes.is_voiced[moments],
            source.envelopes.level_db[moments],
        ),
        source.is_voiced[moments],
        source.is_voiceless[moments],
    )
    distances = [
        _nearest(_shapes(part.bands(float(stretch))), wanted)[1].mean() for stretch in STRETCHES
    ]
    return float(STRETCHES[int(np.argmin(distances))])


def moved_bands(source: Timbre, target: Timbre, stretch: float) -> np.ndarray:
    """The source's band spectra as the target would say them: (moments, BANDS), log power.

    Each moment becomes the mean of the target's moments that are most like it, once both voices'
    own means are taken out. This is kNN-VC's idea (Baas and others, 2023) on band spectra, where
    voiced moments find voiced ones only. What has no counterpart is shifted by the difference of
    the means alone.
    """
    moved = source.bands(stretch)
    wanted = target.bands()
    result = moved.copy()
    shift = np.zeros(BANDS, np.float32)
    for own, theirs in (
        (source.is_voiced, target.is_voiced),
        (source.is_voiceless, target.is_voiceless),
    ):
        if not own.any():
            continue
        if theirs.sum() < _FEW:
            result[own] = moved[own] + shift
            continue
        shift = wanted[theirs].mean(axis=0) - moved[own].mean(axis=0)
        chosen, _ = _nearest(_courses(moved, own), _courses(wanted, theirs))
        result[own] = wanted[theirs][chosen].mean(axis=1)
    return np.asarray(moved + _evened(result - moved))


def _evened(change: np.ndarray) -> np.ndarray:
    """The change without what flickers from moment to moment, which costs words."""
    weights = np.hanning(_EVENED + 2)[1:-1].astype(np.float32)
    padded = np.pad(change, ((_EVENED // 2, _EVENED // 2), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _EVENED, axis=0)
    even: np.ndarray = windows @ (weights / weights.sum())
    return even


def _unstretched(hz: np.ndarray, stretch: float, highest: float) -> np.ndarray:
    """Where the source has what the stretched sound has at `hz`."""
    knee = _KNEE * highest * min(1.0, stretch)  # in the stretched sound
    above = highest - (highest - hz) * (highest - knee / stretch) / (highest - knee)
    return np.where(hz <= knee, hz / stretch, above)


def _shapes(bands: np.ndarray) -> np.ndarray:
    """The course of band spectra without level and without the voice's mean: (moments, shapes)."""
    order = np.arange(1, _SHAPES)[:, None]
    waves = np.cos(np.pi * order * (np.arange(bands.shape[1]) + 0.5) / bands.shape[1])
    shapes = bands @ waves.T.astype(np.float32)
    centred: np.ndarray = shapes - shapes.mean(axis=0)
    return centred


def _courses(bands: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """What `_shapes` says of the chosen moments, and how it is changing there."""
    shapes = _shapes(bands)
    changes = np.zeros_like(shapes)
    changes[_AROUND:-_AROUND] = shapes[2 * _AROUND :] - shapes[: -2 * _AROUND]
    courses = np.concatenate([shapes, _CHANGING * changes], axis=1)[chosen]
    centred: np.ndarray = courses - courses.mean(axis=0)
    return centred


def _nearest(own: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row of `own` the rows of `theirs` that are nearest, and their squared distances."""
    squares = (own**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None, :]
    distances = squares - 2 * own @ theirs.T
    count = min(NEIGHBOURS, len(theirs) - 1)
    chosen = np.argpartition(distances, count, axis=1)[:, :count]
    return chosen, np.take_along_axis(distances, chosen, axis=1)


def _some(rows: np.ndarray) -> np.ndarray:
    """At most `_LOOKED_AT` of the rows, evenly apart."""
    if len(rows) <= _LOOKED_AT:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(np.int64)]
