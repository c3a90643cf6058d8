"""Recordings made for tests: the built-in voices, with pauses, noise, music, clipping."""

import functools

import numpy as np

from tests.test_mini import MINI
from webui.arrays import Waveform
from webui.checkpoint import load_part
from webui.clone_results import Finding, Recording, RecordingCheck
from webui.cloning.recording_check import check_recordings
from webui.family import read_family
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.codec import build_codec

RATE = 16_000  # of the built-in family
PAUSE = 0.5  # seconds before, between and after the sentences of `speech`
# Where ada speaks in her own 5.9 s, louder than 45 dB below full scale: two phrases.
ADA_PHRASES = ((0.08, 2.04), (2.43, 5.79))


@functools.cache
def voice(name: str) -> Waveform:
    """What a built-in voice says in its own file, 4 to 5 s."""
    family = read_family(MINI)
    codec = build_codec(family.codec, load_part(MINI, "codec"), family.fine.codebooks)
    assert codec.sample_rate == RATE
    kept = read_speaker(MINI / "speakers" / f"{name}.npz", limits_of(family))
    return codec.decode(kept.speaker.fine)


def silence(seconds: float) -> Waveform:
    return np.zeros(round(seconds * RATE), np.float32)


def speech(*names: str, pause: float = PAUSE) -> Waveform:
    """The voices one after the other, with silence around each."""
    pieces = [silence(pause)]
    for name in names:
        pieces += [voice(name), silence(pause)]
    return np.concatenate(pieces)


def noise(samples: int, seed: int = 0) -> Waveform:
    """White noise of power one."""
    return np.random.default_rng(seed).normal(size=samples).astype(np.float32)


def music(samples: int, seed: int = 0) -> Waveform:
    """Plucked chords that change every 0.4 s, of power one."""
    generator = np.random.default_rng(seed)
    seconds = np.arange(round(0.4 * RATE)) / RATE
    chords = []
    for _ in range(-(-samples // len(seconds))):
        root = 220 * 2 ** (generator.choice([0, 2, 3, 5, 7, 8, 10]) / 12)
        tones = [
            np.sin(2 * np.pi * root * 2 ** (interval / 12) * overtone * seconds) / overtone
            for interval in (0, 4, 7, 12)
            for overtone in (1, 2, 3)
        ]
        chords.append(np.sum(tones, axis=0) * np.exp(-2 * seconds))
    made = np.concatenate(chords)[:samples].astype(np.float32)
    return made / made.std()


def behind(spoken: Waveform, sound: Waveform, decibels: float) -> Waveform:
    """Put a sound of power one so many dB below the speech, which is taken to be `spoken`."""
    loud = spoken[np.abs(spoken) > 0.02]
    level = np.sqrt(np.mean(loud**2))
    return spoken + sound[: len(spoken)] * np.float32(level * 10 ** (-decibels / 20))


def error_db(wanted: Waveform, found: Waveform) -> float:
    """How far what differs is below what is wanted."""
    return float(10 * np.log10(np.sum(wanted**2) / max(np.sum((found - wanted) ** 2), 1e-12)))


def check(waveform: Waveform, rate: int = RATE) -> RecordingCheck:
    return check_recordings([Recording(waveform, rate)], None)


def kinds(found: RecordingCheck) -> list[str]:
    return [finding.kind for finding in found.findings]


def finding(found: RecordingCheck, kind: str) -> Finding:
    (only,) = [each for each in found.findings if each.kind == kind]
    return only
