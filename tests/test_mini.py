"""The built-in family: small enough for git, complete, and the same in transformers' own Bark."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from webui.arrays import Speaker
from webui.events import AudioChunk, CancelToken, Done
from webui.family import read_family
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.speech import speak
from webui.synthesis.text import normalise

ROOT = Path(__file__).parents[1]
MINI = ROOT / "models" / "mini"
MOST_BYTES = 60_000_000
SENTENCE = "The moon is bright and the night is cold."


@functools.cache
def ours() -> BarkModels:
    return load_models(MINI)


@functools.cache
def theirs() -> Any:
    from transformers import BarkModel

    return BarkModel.from_pretrained(MINI).eval()


def voices() -> dict[str, Speaker]:
    limits = limits_of(read_family(MINI))
    files = sorted((MINI / "speakers").glob("*.npz"))
    return {path.stem: read_speaker(path, limits).speaker for path in files}


def say(text: str, voice: str | None, **controls: Any) -> Any:
    base = controls_from_json(ours().family.controls)
    chosen = controls_from_json(controls, base)
    speaker = None if voice is None else voices()[voice]
    return list(speak(ours(), text, speaker, chosen, CancelToken()))


def test_it_is_small_enough_to_be_kept_in_git():
    assert sum(path.stat().st_size for path in MINI.rglob("*") if path.is_file()) <= MOST_BYTES


def test_it_says_what_it_is():
    family = read_family(MINI)
    assert family.is_demo
    assert family.languages == ("en",)
    assert family.licence == "MIT"
    assert family.examples


def test_it_has_a_dozen_voices_with_names():
    limits = limits_of(read_family(MINI))
    files = sorted((MINI / "speakers").glob("*.npz"))
    read = [read_speaker(path, limits) for path in files]
    assert len({each.metadata.name for each in read}) == len(read) >= 12
    assert {each.metadata.family for each in read} == {"mini"}
    assert all(each.notes == () for each in read)


@pytest.mark.parametrize("with_voice", [True, False])
def test_transformers_loads_it_and_gives_the_same_greedy_tokens(with_voice):
    family, speaker = ours().family, voices()["ada"] if with_voice else None
    (done,) = [
        each
        for each in say(SENTENCE, "ada" if with_voice else None, greedy=True, min_eos_p=1.0)
        if isinstance(each, Done)
    ]
    made = done.result.chunks[0].speaker
    assert len(made.semantic) > 20
    bark = theirs()
    history = None
    if speaker is not None:
        history = {
            f"{name}_prompt": torch.tensor(getattr(speaker, name))
            for name in ("semantic", "coarse", "fine")
        }
    ids = ours().tokenizer.encode(normalise(SENTENCE))
    places = family.semantic.text_positions
    padded = np.zeros(places, np.int64)
    padded[: len(ids)] = ids
    tokens = {
        "input_ids": torch.from_numpy(padded)[None],
        "attention_mask": (torch.arange(places)[None] < len(ids)).long(),
    }
    with torch.no_grad():
        sound = bark.generate(
            **tokens,
            history_prompt=history,
            semantic_do_sample=False,
            coarse_do_sample=False,
            fine_temperature=None,
            semantic_min_eos_p=None,
        )[0]
    made_sound = ours().codec.decode(made.fine)
    assert len(sound) == len(made_sound)
    assert np.abs(sound.numpy() - made_sound).max() < 1e-3


def test_it_speaks_a_sentence_of_plausible_length_and_level():
    events = say(SENTENCE, "jon", seed=5)
    (done,) = [each for each in events if isinstance(each, Done)]
    sound, rate = done.result.waveform, done.result.sample_rate
    assert rate == 16_000
    assert 1.0 < len(sound) / rate < 6.0
    assert 0.02 < np.sqrt(np.mean(np.square(sound))) < 0.5
    assert np.abs(sound).max() <= 1.0


def test_the_same_seed_gives_the_same_sound_and_another_seed_another():
    def sound(seed):
        events = say("Good morning.", "bea", seed=seed)
        return next(each for each in events if isinstance(each, AudioChunk)).waveform

    first = sound(3)
    assert np.array_equal(first, sound(3))
    other = sound(4)
    assert len(other) != len(first) or not np.array_equal(first, other)


def test_its_tokenizer_knows_every_word_of_its_examples():
    for text in ours().family.examples:
        assert ours().tokenizer.unknown_words(text) == ()
