"""A speech: what is said, in which order it is told, and that it can be made again."""

import dataclasses
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_family import CODEBOOKS, CODES, SEMANTIC, random_speaker
from webui.arrays import Speaker
from webui.errors import SettingsError, TextError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Event, Progress, Speech
from webui.synthesis.controls import SpeechControls
from webui.synthesis.joining import PEAK
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.semantic import TextPrompt
from webui.synthesis.speech import speak, speak_batch

TEXT = "hello there, this is a test. and another one comes now. what is it?"
CONTROLS = SpeechControls(seed=1, max_seconds=1.6)  # every chunk says something


@pytest.fixture(scope="module")
def models(tiny_family: Path) -> BarkModels:
    return load_models(tiny_family)


@pytest.fixture(scope="module")
def voice() -> Speaker:
    arrays = random_speaker(40, seed=5)
    return Speaker(
        arrays["semantic_prompt"].astype(np.int64),
        arrays["coarse_prompt"].astype(np.int64),
        arrays["fine_prompt"].astype(np.int64),
    )


def events_of(
    models: BarkModels,
    text: str = TEXT,
    speaker: Speaker | None = None,
    controls: SpeechControls = CONTROLS,
) -> list[Event]:
    return list(speak(models, text, speaker, controls, CancelToken()))


def speech_of(
    models: BarkModels,
    text: str = TEXT,
    speaker: Speaker | None = None,
    controls: SpeechControls = CONTROLS,
) -> Speech:
    last = events_of(models, text, speaker, controls)[-1]
    assert isinstance(last, Done)
    assert last.result is not None
    return last.result


def assert_same_tokens(ours: Speaker, theirs: Speaker) -> None:
    np.testing.assert_array_equal(ours.semantic, theirs.semantic)
    np.testing.assert_array_equal(ours.fine, theirs.fine)


def changed(controls: SpeechControls = CONTROLS, **changes: object) -> SpeechControls:
    return dataclasses.replace(controls, **changes)


# What is told


def test_the_sound_of_each_chunk_comes_before_the_next_chunk_is_made(models: BarkModels) -> None:
    told = events_of(models)
    sounds = [event for event in told if isinstance(event, AudioChunk)]
    assert len(sounds) > 2
    assert [sound.index for sound in sounds] == list(range(len(sounds)))
    assert {sound.chunks for sound in sounds} == {len(sounds)}
    for place, event in enumerate(told):
        if isinstance(event, Progress):
            before = sum(isinstance(earlier, AudioChunk) for earlier in told[:place])
            assert event.chunk == before
    assert isinstance(told[-1], Done)
    assert not any(isinstance(event, Done | Cancelled) for event in told[:-1])


def test_progress_rises_through_the_stages_in_order(models: BarkModels) -> None:
    told = [event for event in events_of(models) if isinstance(event, Progress)]
    fractions = [event.fraction for event in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == pytest.approx(1.0)
    stages = [event.stage for event in told if event.chunk == 1]
    order = ["semantic", "coarse", "fine", "codec"]
    assert [stage for stage in order if stage in stages] == order
    assert [order.index(stage) for stage in stages] == sorted(map(order.index, stages))


def test_the_pieces_of_sound_are_the_whole_speech(models: BarkModels) -> None:
    for pause in (0.25, 0.0):
        told = events_of(models, controls=changed(pause_seconds=pause))
        pieces = [event.waveform for event in told if isinstance(event, AudioChunk)]
        speech = told[-1].result
        np.testing.assert_array_equal(np.concatenate(pieces), speech.waveform)
        assert np.isfinite(speech.waveform).all()
        assert 0.001 < np.abs(speech.waveform).max() <= PEAK + 1e-6


def test_a_speech_knows_its_chunks_and_arrays(models: BarkModels) -> None:
    speech = speech_of(models)
    assert " ".join(chunk.text for chunk in speech.chunks) == TEXT
    assert speech.sample_rate == models.codec.sample_rate
    assert speech.family == "tiny"
    assert speech.seed == CONTROLS.seed
    assert 0 < speech.compute_seconds < 60
    ends = [chunk.end_seconds for chunk in speech.chunks]
    starts = [chunk.start_seconds for chunk in speech.chunks]
    assert ends[-1] == pytest.approx(len(speech.waveform) / speech.sample_rate)
    assert sum(end > start for start, end in zip(starts, ends, strict=True)) > 2
    np.testing.assert_allclose(np.array(starts[1:]) - ends[:-1], 0.25, atol=1e-3)
    for chunk in speech.chunks:
        semantic, fine = chunk.speaker.semantic, chunk.speaker.fine
        if not len(semantic):
            assert "Nothing was said" in chunk.notes[0]
            continue
        assert 0 <= semantic.min() <= semantic.max() < SEMANTIC
        assert 0 <= fine.min() <= fine.max() < CODES
        assert fine.shape == (CODEBOOKS, len(semantic))  # both rates of this family are 25 Hz
        np.testing.assert_array_equal(chunk.speaker.coarse, fine[:2])


def test_pauses_at_the_end_of_a_paragraph_are_longer(models: BarkModels) -> None:
    speech = speech_of(models, "hello there.\n\nand now this.")
    first, second = speech.chunks
    assert second.start_seconds - first.end_seconds == pytest.approx(0.5, abs=1e-3)


def test_what_may_be_wrong_is_noted(models: BarkModels, voice: Speaker) -> None:
    speech = speech_of(models, "hello мир and this", voice)
    assert any("мир" in note for note in speech.notes)
    chunks = speech_of(models, controls=changed(max_seconds=0.5)).chunks  # 12 tokens
    cut = ["longest duration (0.5 s)" in " ".join(chunk.notes) for chunk in chunks]
    assert cut == [len(chunk.speaker.semantic) == 12 for chunk in chunks]
    assert any(cut)
    assert not speech_of(models, "hello", voice).notes
    assert any("follow the voice of the first" in note for note in speech_of(models).notes)


# What is refused


@pytest.mark.parametrize("text", ["", " \n", "...", "привет", "a" * 5_000_000])
def test_a_text_that_cannot_be_said_is_refused(models: BarkModels, text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(TextError):
        events_of(models, text)
    assert time.perf_counter() - start < 0.5


def test_controls_outside_their_range_are_refused(models: BarkModels) -> None:
    with pytest.raises(SettingsError):
        events_of(models, controls=changed(pause_seconds=-1.0))
    with pytest.raises(SettingsError):
        list(speak_batch(models, TEXT, None, changed(takes=1_000), CancelToken()))


# The same again


def test_the_same_seed_gives_the_same_samples(models: BarkModels, voice: Speaker) -> None:
    first, again = (speech_of(models, speaker=voice) for _ in range(2))
    np.testing.assert_array_equal(first.waveform, again.waveform)
    other = speech_of(models, speaker=voice, controls=changed(seed=4))
    assert other.waveform.shape != first.waveform.shape or (other.waveform != first.waveform).any()


def test_the_same_seed_gives_the_same_samples_in_a_new_process(
    models: BarkModels, tiny_family: Path
) -> None:
    here = speech_of(models, "hello there")
    code = (
        "import sys, pathlib, hashlib\n"
        "from webui.events import CancelToken\n"
        "from webui.synthesis.controls import SpeechControls\n"
        "from webui.synthesis.models import load_models\n"
        "from webui.synthesis.speech import speak\n"
        "models = load_models(pathlib.Path(sys.argv[1]))\n"
        "controls = SpeechControls(seed=1, max_seconds=1.6)\n"
        "*_, done = speak(models, 'hello there', None, controls, CancelToken())\n"
        "print(hashlib.sha256(done.result.waveform.tobytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_family)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == hashlib.sha256(here.waveform.tobytes()).hexdigest()


def test_the_global_dice_are_neither_used_nor_moved(models: BarkModels) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = speech_of(models, "hello there")
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(2)
    np.testing.assert_array_equal(first.waveform, speech_of(models, "hello there").waveform)


def test_without_a_seed_each_speech_is_new_and_tells_its_seed(models: BarkModels) -> None:
    first, second = (speech_of(models, "hello", controls=changed(seed=None)) for _ in range(2))
    assert first.seed != second.seed
    again = speech_of(models, "hello", controls=changed(seed=first.seed))
    np.testing.assert_array_equal(first.waveform, again.waveform)


def test_greedy_speech_does_not_depend_on_the_seed(models: BarkModels, voice: Speaker) -> None:
    speeches = [
        speech_of(models, "hello there", voice, changed(seed=seed, greedy=True)) for seed in (1, 2)
    ]
    np.testing.assert_array_equal(speeches[0].waveform, speeches[1].waveform)


def test_one_chunk_can_be_made_again_alone(models: BarkModels, voice: Speaker) -> None:
    for chunk in speech_of(models, speaker=voice).chunks:
        alone = speech_of(models, chunk.text, voice, changed(seed=chunk.seed))
        assert len(alone.chunks) == 1
        assert_same_tokens(alone.chunks[0].speaker, chunk.speaker)


def test_chunks_have_different_seeds(models: BarkModels) -> None:
    seeds = [chunk.seed for chunk in speech_of(models, "hello there.\n\n" * 6).chunks]
    assert len(set(seeds)) == 6


# What a chunk is conditioned on


def test_every_chunk_is_conditioned_on_the_voice(models: BarkModels, voice: Speaker) -> None:
    plain, voiced = speech_of(models), speech_of(models, speaker=voice)
    for number in range(2):
        ours, theirs = plain.chunks[number].speaker, voiced.chunks[number].speaker
        assert not np.array_equal(ours.semantic, theirs.semantic)


def test_without_a_voice_later_chunks_follow_the_first(models: BarkModels) -> None:
    first, second = speech_of(models).chunks[:2]
    alone = speech_of(models, second.text, first.speaker, changed(seed=second.seed))
    assert_same_tokens(alone.chunks[0].speaker, second.speaker)


def test_by_choice_a_chunk_continues_the_one_before(models: BarkModels, voice: Speaker) -> None:
    continued = speech_of(models, speaker=voice, controls=changed(condition_on_previous=True))
    plain = speech_of(models, speaker=voice)
    assert_same_tokens(continued.chunks[0].speaker, plain.chunks[0].speaker)
    first, second = continued.chunks[:2]
    history = Speaker(
        np.concatenate([voice.semantic, first.speaker.semantic]),
        np.concatenate([voice.coarse, first.speaker.coarse], axis=1),
        np.concatenate([voice.fine, first.speaker.fine], axis=1),
    )
    alone = speech_of(models, second.text, history, changed(seed=second.seed))
    assert_same_tokens(alone.chunks[0].speaker, second.speaker)
    assert not np.array_equal(plain.chunks[1].speaker.semantic, second.speaker.semantic)


# Nothing said


def test_when_nothing_is_said_it_is_tried_again_and_then_noted(
    models: BarkModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def silent(
        model: object, config: object, prompt: TextPrompt, *rest: object
    ) -> Generator[int, None, list[np.ndarray]]:
        calls.append(len(prompt.texts))
        yield 1
        return [np.zeros(0, np.int64) for _ in prompt.texts]

    monkeypatch.setattr("webui.synthesis.rendering.generate_semantic", silent)
    speech = speech_of(models, "hello")
    assert calls == [1, 1, 1]
    assert "Nothing was said" in speech.chunks[0].notes[0]
    assert speech.waveform.size == 0
    calls.clear()
    speech_of(models, "hello", controls=changed(greedy=True))
    assert calls == [1]


# Takes


def test_takes_made_together_are_those_made_alone(models: BarkModels, voice: Speaker) -> None:
    told = list(speak_batch(models, TEXT, voice, changed(takes=3), CancelToken()))
    speeches = [event.result for event in told if isinstance(event, Done)]
    assert len(speeches) == 3
    assert told[-3:] == [event for event in told if isinstance(event, Done)]
    assert len({speech.seed for speech in speeches}) == 3
    for speech in speeches:
        alone = speech_of(models, speaker=voice, controls=changed(seed=speech.seed))
        for ours, theirs in zip(speech.chunks, alone.chunks, strict=True):
            assert_same_tokens(ours.speaker, theirs.speaker)
        np.testing.assert_allclose(speech.waveform, alone.waveform, atol=1e-6)


def test_shares_of_the_takes_are_all_takes(models: BarkModels, voice: Speaker) -> None:
    controls = changed(takes=3)

    def takes(share: tuple[int, int]):
        told = speak_batch(models, TEXT, voice, controls, CancelToken(), share=share)
        return [event.result for event in told if isinstance(event, Done)]

    whole, first, second = takes((0, 1)), takes((0, 2)), takes((1, 2))
    shared = [first[0], second[0], first[1]]
    for ours, theirs in zip(shared, whole, strict=True):
        assert ours.seed == theirs.seed
        np.testing.assert_allclose(ours.waveform, theirs.waveform, atol=1e-6)


@pytest.mark.parametrize("continues", [False, True])
def test_takes_without_a_voice_keep_their_own(models: BarkModels, continues: bool) -> None:
    controls = changed(takes=2, condition_on_previous=continues)
    told = list(speak_batch(models, TEXT, None, controls, CancelToken()))
    fractions = [event.fraction for event in told if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    for event in told[-2:]:
        again = changed(controls, seed=event.result.seed)
        alone = speech_of(models, controls=again)
        for ours, theirs in zip(event.result.chunks, alone.chunks, strict=True):
            assert_same_tokens(ours.speaker, theirs.speaker)


# Stopping


def cancel_when(
    models: BarkModels, is_time: Callable[[Event], bool]
) -> tuple[list[Event], CancelToken]:
    cancel, told = CancelToken(), []
    for event in speak(models, TEXT, None, CONTROLS, cancel):
        told.append(event)
        if is_time(event):
            cancel.cancel()
    return told, cancel


def test_cancelling_keeps_the_chunks_that_are_finished(models: BarkModels) -> None:
    told, _ = cancel_when(models, lambda event: isinstance(event, Progress) and event.chunk == 2)
    whole = speech_of(models)
    last = told[-1]
    assert isinstance(last, Cancelled)
    assert len(last.partial.chunks) == 2
    assert last.partial.chunks[1].text == whole.chunks[1].text
    end = round(last.partial.chunks[1].end_seconds * last.partial.sample_rate)
    assert len(last.partial.waveform) == end


def test_cancelling_in_the_first_chunk_leaves_nothing(models: BarkModels) -> None:
    told, _ = cancel_when(models, lambda event: True)
    assert isinstance(told[-1], Cancelled)
    assert told[-1].partial is None
    assert len(told) <= 3


@pytest.mark.parametrize("stage", ["semantic", "coarse", "fine", "codec"])
def test_a_cancel_is_heard_in_every_stage_at_the_next_token(
    models: BarkModels, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr("webui.synthesis.rendering.TICK_SECONDS", 0.0)  # report every token
    told, _ = cancel_when(
        models, lambda event: isinstance(event, Progress) and event.stage == stage
    )
    first = next(
        place
        for place, event in enumerate(told)
        if isinstance(event, Progress) and event.stage == stage
    )
    assert isinstance(told[-1], Cancelled)
    assert len(told) - first <= (4 if stage == "codec" else 3)


def test_a_cancelled_job_leaves_no_trace_in_the_next(models: BarkModels) -> None:
    before = speech_of(models)
    for chunk in range(3):
        cancel_when(models, lambda event, n=chunk: getattr(event, "chunk", -1) == n)
    np.testing.assert_array_equal(before.waveform, speech_of(models).waveform)
