"""Pairs: what a text becomes depends on itself alone, and bad ones are dropped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from webui.errors import JobCancelled, TextError
from webui.events import CancelToken, Progress
from webui.speaker_file import limits_of, read_speaker
from webui.synthesis.controls import SpeechControls
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.semantic import generate_semantic
from webui.training import pairs
from webui.training.pairs import NumberedText, fault_of_pair, most_tokens, speak_pairs
from webui.training_results import PairDropped, PairMade

CONTROLS = SpeechControls(min_eos_p=0.1)


@pytest.fixture(scope="module")
def models(tiny_family: Path) -> BarkModels:
    return load_models(tiny_family)


@pytest.fixture
def no_faults(monkeypatch):
    """What a family of random weights says is kept, whatever it is."""
    monkeypatch.setattr(pairs, "fault_of_pair", lambda *_: None)


def texts(models, count=5):
    names = ("ada", "bob")
    read = {
        name: read_speaker(
            models.family.folder / "speakers" / f"{name}.npz", limits_of(models.family)
        ).speaker
        for name in names
    }
    return [
        NumberedText(n, f"hello {'abcdefgh'[n]}.", 10 + n, ("", *names)[n % 3], read.get(
            ("", *names)[n % 3]
        ))
        for n in range(count)
    ]  # fmt: skip


def made(models, given, controls=CONTROLS):
    events = speak_pairs(models, given, controls, CancelToken())
    return {each.number: each for each in events if not isinstance(each, Progress)}


@pytest.mark.usefixtures("no_faults")
def test_a_pair_is_the_same_whatever_it_is_made_beside(models, monkeypatch):
    given = texts(models)
    together = made(models, given)
    monkeypatch.setattr(pairs, "BATCH", 1)
    assert sorted(together) == [0, 1, 2, 3, 4]
    for each in given:
        (alone,) = made(models, [each]).values()
        beside = together[each.number]
        assert type(beside) is type(alone)
        if isinstance(alone, PairMade) and isinstance(beside, PairMade):
            assert np.array_equal(beside.semantic, alone.semantic)
            assert np.allclose(beside.waveform, alone.waveform, atol=1e-5)
    assert sum(isinstance(each, PairMade) for each in together.values()) >= 2


@pytest.mark.usefixtures("no_faults")
def test_a_pair_knows_its_text_and_voice_and_lasts_as_long_as_its_tokens(models):
    found = [each for each in made(models, texts(models)).values() if isinstance(each, PairMade)]
    assert {each.voice for each in found} <= {"", "ada", "bob"}
    for each in found:
        assert each.text == f"hello {'abcdefgh'[each.number]}."
        tokens = len(each.semantic) / models.family.semantic.rate_hz
        assert abs(len(each.waveform) / each.sample_rate - tokens) < 0.05


@pytest.mark.usefixtures("no_faults")
def test_another_seed_says_something_else(models):
    given = texts(models, 1)
    first, second = (made(models, [replace(given[0], seed=seed)])[0] for seed in (1, 2))
    one, other = (getattr(each, "semantic", np.zeros(0)) for each in (first, second))
    assert not np.array_equal(one, other)


@pytest.mark.usefixtures("no_faults")
def test_a_pair_that_reaches_the_longest_duration_is_dropped(models, monkeypatch):
    (whole,) = made(models, texts(models, 1)).values()
    assert isinstance(whole, PairMade)
    monkeypatch.setattr(pairs, "most_tokens", lambda *_: len(whole.semantic))
    assert list(made(models, texts(models, 1)).values()) == [PairDropped(0, "length")]


def test_a_pair_is_never_longer_than_the_family_or_the_controls_allow(models):
    assert most_tokens(models.family, replace(CONTROLS, max_seconds=0.5)) == 12
    assert most_tokens(models.family, replace(CONTROLS, max_seconds=60.0)) == 60


def test_texts_of_one_voice_go_through_the_text_stage_together(models, monkeypatch):
    sizes = []

    def counted(model, config, prompt, drawing, end):
        sizes.append(len(prompt.texts))
        return generate_semantic(model, config, prompt, drawing, end)

    monkeypatch.setattr(pairs, "generate_semantic", counted)
    made(models, texts(models, 6))
    assert sizes == [2, 2, 2]


def test_progress_rises_to_the_end(models):
    events = list(speak_pairs(models, texts(models), CONTROLS, CancelToken()))
    fractions = [each.fraction for each in events if isinstance(each, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert {each.stage for each in events if isinstance(each, Progress)} == {"pairs"}


def test_stopping_ends_it_at_once(models):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(JobCancelled):
        list(speak_pairs(models, texts(models), CONTROLS, cancel))


def test_a_text_without_words_is_refused(models):
    with pytest.raises(TextError, match="nothing to say"):
        list(speak_pairs(models, [NumberedText(0, "...", 0)], CONTROLS, CancelToken()))


def tone(seconds, loudness=0.3):
    return (loudness * np.sin(np.arange(int(16_000 * seconds)) * 0.05)).astype(np.float32)


@pytest.mark.parametrize(
    ("tokens", "waveform", "text", "fault"),
    [
        (50, tone(2.0), "", None),
        (50, tone(2.0), "a text of about two seconds.", None),
        (50, tone(2.0), "a text that takes very much longer to say than this " * 4, "unspoken"),
        (2, tone(0.08), "", "unspoken"),
        (50, tone(1.8), "", "length"),
        (50, tone(2.2), "", "length"),
        (50, tone(2.0, 0.001), "", "silent"),
        (50, np.concatenate([tone(0.2), np.zeros(28_800, np.float32)]), "", "silent"),
        (50, np.full(32_000, np.nan, np.float32), "", "silent"),
    ],
)
def test_a_pair_from_which_nothing_can_be_learned_has_a_fault(tokens, waveform, text, fault):
    semantic = np.zeros(tokens, np.int64)
    assert fault_of_pair(semantic, waveform, 16_000, 25.0, text) == fault
