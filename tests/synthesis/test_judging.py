"""A judge listens before anybody else: what it refuses is spoken again, what it cuts stays cut."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_family import random_speaker
from webui.arrays import Speaker
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Progress, Speech
from webui.synthesis.controls import SpeechControls
from webui.synthesis.judging import Attempt, Verdict
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.rendering import seed_of
from webui.synthesis.speech import speak, speak_batch

TEXT = "hello.\n\nand now."
CONTROLS = SpeechControls(seed=1, max_seconds=1.0)
RIGHT = Verdict(is_right=True, score=1.0)
WRONG = Verdict(is_right=False, score=0.0, notes=("It said something else.",))
DRIFTED = Verdict(is_right=False, score=0.0, is_drifted=True)


class ScriptedJudge:
    """Gives the verdicts of a script, one for each attempt, and then none but good ones."""

    def __init__(self, *script: Verdict, tries: int = 3) -> None:
        self.tries = tries
        self.attempts: list[Attempt] = []
        self._script = list(script)

    def judge(self, attempt: Attempt) -> Verdict:
        self.attempts.append(attempt)
        return self._script.pop(0) if self._script else RIGHT

    def summary(self, chunks):
        return (f"{len(chunks)} parts were heard.",)


@pytest.fixture(scope="module")
def models(tiny_family: Path) -> BarkModels:
    return load_models(tiny_family)


@pytest.fixture(scope="module")
def voice() -> Speaker:
    return Speaker(*(each.astype(np.int64) for each in random_speaker(40, seed=5).values()))


@pytest.fixture(scope="module")
def say(models: BarkModels, voice: Speaker) -> Callable[..., list[Event]]:
    def tell(judge=None, text=TEXT, speaker=voice, cancel=None, **changes):
        controls = dataclasses.replace(CONTROLS, **changes)
        make = speak_batch if controls.takes > 1 else speak
        return list(make(models, text, speaker, controls, cancel or CancelToken(), "en", judge))

    return tell


@pytest.fixture(scope="module")
def plain(say) -> Speech:
    return speech(say())


def speech(told: list[Event]) -> Speech:
    (done,) = [event for event in told if isinstance(event, Done)]
    return done.result


def same(ours: Speaker, theirs: Speaker) -> bool:
    return np.array_equal(ours.semantic, theirs.semantic) and np.array_equal(ours.fine, theirs.fine)


def test_a_judge_that_is_content_changes_nothing_and_has_the_last_word(say, plain):
    judge = ScriptedJudge()
    judged = speech(say(judge))
    np.testing.assert_array_equal(judged.waveform, plain.waveform)
    assert judged.notes == (*plain.notes, "2 parts were heard.")
    assert [attempt.text for attempt in judge.attempts] == [chunk.text for chunk in plain.chunks]
    assert [chunk.tries for chunk in judged.chunks] == [1, 1]


def test_what_is_not_right_is_spoken_again_with_another_seed_that_makes_it_alone(say, plain):
    told = say(ScriptedJudge(WRONG, dataclasses.replace(RIGHT, words_right=0.75, similarity=0.5)))
    first, second = speech(told).chunks
    assert first.seed == seed_of(CONTROLS.seed, "try", 1)
    assert (first.tries, first.words_right, first.similarity) == (2, 0.75, 0.5)
    assert first.notes[-1] == "It was right at try 2."
    assert same(second.speaker, plain.chunks[1].speaker)
    alone = speech(say(text=first.text, seed=first.seed)).chunks[0]
    assert same(alone.speaker, first.speaker)
    assert any(event.message == "try 2" for event in told if isinstance(event, Progress))


def test_a_chunk_is_heard_once_when_it_is_accepted_and_before_the_next_is_made(say):
    told = say(ScriptedJudge(WRONG, WRONG))
    sounds = [event for event in told if isinstance(event, AudioChunk)]
    assert [sound.index for sound in sounds] == [0, 1]
    np.testing.assert_array_equal(
        np.concatenate([sound.waveform for sound in sounds]), speech(told).waveform
    )
    first = told.index(sounds[0])
    assert {event.chunk for event in told[:first] if isinstance(event, Progress)} == {0}
    fractions = [event.fraction for event in told if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)


def test_when_no_try_is_right_the_best_one_is_kept_and_it_is_said(say):
    better = dataclasses.replace(WRONG, score=0.5, words_right=0.5)
    judge = ScriptedJudge(WRONG, better, WRONG)
    chunk = speech(say(judge)).chunks[0]
    assert chunk.seed == seed_of(CONTROLS.seed, "try", 1)
    assert (chunk.tries, chunk.words_right) == (3, 0.5)
    assert chunk.notes[-2:] == (
        "None of 3 tries was right; the best one is kept.",
        "It said something else.",
    )


@pytest.mark.parametrize(("tries", "spoken"), [(1, 2), (2, 4), (8, 9)])
def test_a_text_is_spoken_again_no_more_often_than_the_budget_allows(say, tries, spoken):
    judge = ScriptedJudge(*[WRONG] * 50, tries=tries)
    speech(say(judge))
    assert len(judge.attempts) == spoken


def test_the_likeliest_tokens_are_not_drawn_again_in_vain(say):
    judge = ScriptedJudge(WRONG, WRONG, DRIFTED)
    speech(say(judge, greedy=True))
    assert len(judge.attempts) == 2
    judge = ScriptedJudge(RIGHT, DRIFTED)  # the second chunk can follow the voice alone
    speech(say(judge, greedy=True, condition_on_previous=True))
    assert len(judge.attempts) == 3


def test_the_end_is_cut_from_the_sound_and_from_the_tokens_alike(say, plain, models):
    cut = dataclasses.replace(RIGHT, end_seconds=0.33)
    judged = speech(say(ScriptedJudge(cut)))
    whole, kept = plain.chunks[0].speaker, judged.chunks[0].speaker
    tokens = 9  # 0.33 s at 25 Hz, whole tokens
    assert len(whole.semantic) > tokens
    np.testing.assert_array_equal(kept.semantic, whole.semantic[:tokens])
    np.testing.assert_array_equal(kept.coarse, whole.coarse[:, :tokens])
    np.testing.assert_array_equal(kept.fine, whole.fine[:, :tokens])
    seconds = judged.chunks[0].end_seconds - judged.chunks[0].start_seconds
    assert seconds <= tokens / 25
    assert judged.chunks[0].notes[-1].endswith("after the last word were cut off.")
    assert judged.chunks[0].seed == plain.chunks[0].seed
    end = round(seconds * judged.sample_rate) - 160  # before the fade
    np.testing.assert_array_equal(judged.waveform[:end], plain.waveform[:end])


def test_an_end_beyond_the_sound_cuts_nothing(say, plain):
    judged = speech(say(ScriptedJudge(dataclasses.replace(RIGHT, end_seconds=99.0))))
    assert same(judged.chunks[0].speaker, plain.chunks[0].speaker)
    np.testing.assert_array_equal(judged.waveform, plain.waveform)


def test_a_drifted_chunk_is_spoken_again_after_the_voice_alone(say, plain, voice):
    judge = ScriptedJudge(RIGHT, DRIFTED)
    second = speech(say(judge, condition_on_previous=True)).chunks[1]
    assert all(attempt.voice is voice for attempt in judge.attempts)
    alone = speech(say(text=second.text, seed=second.seed)).chunks[0]
    assert same(alone.speaker, second.speaker)


def test_the_chunk_after_a_drifted_one_follows_the_voice_alone(say):
    judge = ScriptedJudge(RIGHT, DRIFTED, tries=1)
    text = f"{TEXT}\n\nit is."
    third = speech(say(judge, text=text, condition_on_previous=True)).chunks[2]
    alone = speech(say(text=third.text, seed=third.seed)).chunks[0]
    assert same(alone.speaker, third.speaker)
    unjudged = speech(say(text=text, condition_on_previous=True)).chunks[2]
    assert not same(alone.speaker, unjudged.speaker)


def test_without_a_voice_the_first_chunk_that_is_kept_is_the_voice(say):
    judge = ScriptedJudge(dataclasses.replace(RIGHT, end_seconds=0.4))
    first, _ = speech(say(judge, speaker=None, seed=3)).chunks
    assert judge.attempts[0].voice is None
    assert judge.attempts[1].voice is first.speaker


def test_takes_are_judged_one_by_one(say):
    judge = ScriptedJudge(RIGHT, WRONG)
    told = say(judge, text="hello.", takes=2)
    first, second = [event.result.chunks[0] for event in told if isinstance(event, Done)]
    assert (first.tries, second.tries) == (1, 2)
    alone = speech(say(text="hello.", seed=second.seed)).chunks[0]
    assert same(alone.speaker, second.speaker)
    fractions = [event.fraction for event in told if isinstance(event, Progress)]
    assert fractions == sorted(fractions)


def test_a_judged_speech_is_the_same_again_by_its_seed(say):
    again = [speech(say(ScriptedJudge(WRONG, RIGHT, WRONG), seed=3)) for _ in range(2)]
    np.testing.assert_array_equal(again[0].waveform, again[1].waveform)
    assert [chunk.seed for chunk in again[0].chunks] == [chunk.seed for chunk in again[1].chunks]


def test_a_stop_is_heard_between_two_tries(say):
    cancel = CancelToken()

    class Stopping(ScriptedJudge):
        def judge(self, attempt):
            if len(self.attempts) == 1:
                cancel.cancel()
            return super().judge(attempt)

    judge = Stopping(RIGHT, WRONG, WRONG)
    last = say(judge, cancel=cancel)[-1]
    assert isinstance(last, Cancelled)
    assert len(last.partial.chunks) == 1
    assert last.partial.notes[-1] == "1 parts were heard."
    assert len(judge.attempts) == 2


def test_silence_is_not_judged_but_tried_again(say, monkeypatch):
    def silent(model, config, prompt, *rest):
        yield 1
        return [np.zeros(0, np.int64) for _ in prompt.texts]

    monkeypatch.setattr("webui.synthesis.rendering.generate_semantic", silent)
    judge = ScriptedJudge()
    (chunk,) = speech(say(judge, text="hello.")).chunks
    assert judge.attempts == []
    assert (chunk.tries, chunk.words_right) == (3, 0.0)
