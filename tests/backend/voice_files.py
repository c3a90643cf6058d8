"""Files of voices, as people and other tools leave them in folders."""

import json
from pathlib import Path

import numpy as np

from tests.hostile_speakers import arrays
from tests.tiny_family import random_speaker
from webui.backend.facts import VoiceInfo
from webui.backend.speaker_library import SpeakerLibrary

PARTS = ("semantic_prompt", "coarse_prompt", "fine_prompt")


def add_voice(path: Path, *, frames: int = 50, seed: int = 0, **metadata: object) -> Path:
    """A voice of the tiny family; what is said about it is written beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **random_speaker(frames, seed), metadata=np.array(json.dumps(metadata)))
    return path


def add_bark_voice(path: Path) -> Path:
    """A voice as it is shared for Bark: no word about itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays())
    return path


def add_mismatched_voice(path: Path, **metadata: object) -> Path:
    """A voice of the tiny family whose words last longer than its sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = random_speaker(50, 0)
    parts["semantic_prompt"] = np.tile(parts["semantic_prompt"], 3)
    np.savez(path, **parts, metadata=np.array(json.dumps(metadata)))
    return path


def add_preset(base: Path, *, leave_out: str = "") -> Path:
    """A Bark voice in three .npy files whose names begin with `base`."""
    base.parent.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if part != leave_out:
            np.save(base.with_name(f"{base.name}_{part}.npy"), arrays()[part])
    return base


def named(library: SpeakerLibrary, family: str | None = None) -> dict[str, VoiceInfo]:
    voices = library.voices(family)
    found = {voice.name: voice for voice in voices}
    assert len(found) == len(voices)
    return found


def only(library: SpeakerLibrary) -> VoiceInfo:
    (voice,) = library.voices()
    return voice
