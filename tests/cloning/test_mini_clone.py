"""Cloning with the built-in family: its own voices, played as recordings, come back."""

from pathlib import Path

import numpy as np
import pytest

from webui.arrays import Speaker
from webui.cloning.conversion.builtin import BuiltinConverter
from webui.cloning.hubert import SpeechListener, load_listener
from webui.cloning.methods import CloneDrawing, clone_by_conversion, clone_with_quantizer
from webui.cloning.recording_check import normalise_level
from webui.events import CancelToken
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.models import BarkModels, load_models

MINI = Path("models/mini")


@pytest.fixture(scope="module")
def models() -> BarkModels:
    return load_models(MINI)


@pytest.fixture(scope="module")
def listener() -> SpeechListener:
    return load_listener(MINI / "hubert", MINI / "quantizer" / "mini.safetensors")


@pytest.fixture(scope="module")
def voices(models: BarkModels) -> dict[str, Speaker]:
    limits = limits_of(models.family)
    return {
        path.stem: read_speaker(path, limits).speaker
        for path in sorted((MINI / "speakers").glob("*.npz"))
    }


def test_the_quantizer_hears_the_tokens_that_the_voices_are_made_of(
    models: BarkModels, listener: SpeechListener, voices: dict[str, Speaker]
) -> None:
    right = []
    for voice in voices.values():
        rate = models.codec.sample_rate
        sound = normalise_level(models.codec.decode(voice.fine), rate)
        made = clone_with_quantizer(models, listener, sound, rate)
        length = min(len(voice.semantic), len(made.speaker.semantic))
        right.append((made.speaker.semantic[:length] == voice.semantic[:length]).mean())
    assert np.mean(right) > 0.25  # after the codec, which blurs; chance is 0.002


def test_the_recordings_rate_hardly_matters(
    models: BarkModels, listener: SpeechListener, voices: dict[str, Speaker]
) -> None:
    from webui.audio import resample

    rate = models.codec.sample_rate
    sound = models.codec.decode(voices["ada"].fine)
    tokens = listener.semantics(sound, rate)
    again = listener.semantics(resample(sound, rate, 44_100), 44_100)
    length = min(len(tokens), len(again))
    assert abs(len(tokens) - len(again)) <= 1
    assert (tokens[:length] == again[:length]).mean() > 0.9


def test_conversion_keeps_the_words_that_the_family_spoke(
    models: BarkModels, voices: dict[str, Speaker]
) -> None:
    rate = models.codec.sample_rate
    target = models.codec.decode(voices["ivo"].fine)
    bases = [(name, voices[name]) for name in ("ada", "gus")]
    steps = clone_by_conversion(
        models, BuiltinConverter(), bases, target, rate,
        CloneDrawing(2, sentence="The moon is bright."), CancelToken(),
    )  # fmt: skip
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made = end.value
            break
    assert made.details["base_voice"] == "gus"  # the other deep one
    assert len(made.speaker.semantic) > 20
    seconds = len(made.speaker.semantic) / models.family.semantic.rate_hz
    assert made.speaker.fine.shape[1] == round(seconds * models.family.coarse.rate_hz)
