"""The three ways of cloning, on a family with random weights."""

import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cloning.listeners import make_hubert, quantizer_state, write_published
from webui.arrays import Speaker
from webui.cloning import methods
from webui.cloning.base_voices import median_pitch, nearest_base
from webui.cloning.hubert import SpeechListener, load_listener
from webui.cloning.methods import (
    CloneDrawing,
    MadeVoice,
    clone_by_conversion,
    clone_from_transcript,
    clone_with_quantizer,
)
from webui.errors import CloneError, JobCancelled
from webui.events import CancelToken, Progress
from webui.speaker_limits import check_ranges, even_lengths, limits_of
from webui.synthesis.codec import Codec
from webui.synthesis.models import BarkModels, load_models

RATE = 24_000  # another one than the family's


@pytest.fixture(scope="module")
def models(tiny_family: Path) -> BarkModels:
    models = load_models(tiny_family)
    talkative = {"min_eos_p": 1.0}  # random weights find the end likely at once
    return replace(models, family=replace(models.family, controls=talkative))


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> SpeechListener:
    folder = tmp_path_factory.mktemp("listener")
    make_hubert(folder / "hubert")
    return load_listener(folder / "hubert", write_published(folder / "q.pth", quantizer_state()))


def hum(seconds: float = 2.0, hz: float = 120.0, rate: int = RATE) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate
    partials = sum(np.sin(2 * np.pi * hz * n * times) / n for n in range(1, 12))
    return (0.1 * partials).astype(np.float32)


def finish(steps: Generator[Any, None, MadeVoice]) -> tuple[MadeVoice, list[Any]]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def assert_fits(models: BarkModels, speaker: Speaker) -> None:
    """The voice passes every check of a file that is read back, without a cut."""
    limits = limits_of(models.family)
    check_ranges(speaker.semantic, speaker.coarse, speaker.fine, limits)
    _, notes = even_lengths(speaker.semantic, speaker.coarse, speaker.fine, limits)
    assert notes == ()


def steps_until(steps: Generator[Any, None, Any], stage: str = "convert") -> list[Any]:
    """The events up to the first of a stage."""
    seen = []
    for event in steps:
        seen.append(event)
        if isinstance(event, Progress) and event.stage == stage:
            break
    return seen


class Louder:
    """A converter that changes nothing but the level, or also the length."""

    name, title, licence = "louder", "Louder", "MIT"

    def __init__(self, samples_more: int = 0) -> None:
        self.samples_more = samples_more
        self.heard: list[tuple[int, int]] = []

    def convert(
        self, source: np.ndarray, source_rate: int, target: np.ndarray, target_rate: int
    ) -> tuple[np.ndarray, int]:
        self.heard.append((len(source), len(target)))
        return np.pad(source * 1.5, (0, self.samples_more)).astype(np.float32), source_rate


def bases(models: BarkModels) -> list[tuple[str, Speaker]]:
    found = []
    for name, hz in (("low", 100.0), ("high", 240.0)):
        fine = models.codec.encode(hum(3.0, hz, models.codec.sample_rate))
        found.append((name, Speaker(np.arange(fine.shape[1]) % 40, fine[:2], fine)))
    return found


def test_method_2_takes_words_from_the_recording_and_sound_from_the_codec(
    models: BarkModels, listener: SpeechListener
) -> None:
    made = clone_with_quantizer(models, listener, hum(), RATE)
    assert_fits(models, made.speaker)
    assert np.array_equal(made.speaker.semantic, listener.semantics(hum(), RATE)[:50])
    sound = methods.resample(hum(), RATE, models.codec.sample_rate)
    assert np.array_equal(made.speaker.fine, models.codec.encode(sound)[:, :50])
    assert made.details == {"quantizer": "q"}
    assert made.notes == ()


@pytest.mark.parametrize("seconds", [1.0, 1.013, 2.999, 7.0])
def test_method_2_fits_for_any_length(
    models: BarkModels, listener: SpeechListener, seconds: float
) -> None:
    made = clone_with_quantizer(models, listener, hum(seconds), RATE)
    assert_fits(models, made.speaker)
    assert abs(len(made.speaker.semantic) - 25 * seconds) <= 1


def test_method_2_refuses_a_quantizer_of_another_family(models: BarkModels, tmp_path: Path) -> None:
    make_hubert(tmp_path / "hubert")
    path = write_published(tmp_path / "bark.pth", quantizer_state(tokens=90))
    with pytest.raises(CloneError, match="made for this family"):
        clone_with_quantizer(models, load_listener(tmp_path / "hubert", path), hum(), RATE)


def test_method_1_keeps_the_take_whose_length_fits_best_and_lines_the_ends_up(
    models: BarkModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [np.arange(10), np.arange(20, 38), np.arange(39)]

    def said(*_: object) -> Generator[Progress, None, list[np.ndarray]]:
        yield Progress("semantic", 0.5)
        return rows

    monkeypatch.setattr(methods, "_said", said)
    sound = hum(1.0, rate=16_000)  # 25 frames, 25 tokens
    made, _ = finish(
        clone_from_transcript(models, "hello there", sound, 16_000, CloneDrawing(1), CancelToken())
    )
    assert_fits(models, made.speaker)
    assert np.array_equal(made.speaker.semantic, rows[1])
    assert np.array_equal(made.speaker.fine, models.codec.encode(sound)[:, -18:])
    assert made.details["length_gap_seconds"] == pytest.approx(-7 / 25, abs=0.01)
    assert made.notes == ()  # within what is put right without a word


def test_method_1_says_how_far_words_and_sound_disagree(
    models: BarkModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*_: object) -> Generator[Progress, None, list[np.ndarray]]:
        yield Progress("semantic", 0.5)
        return [np.arange(40)]

    monkeypatch.setattr(methods, "_said", said)
    sound = hum(1.0, rate=16_000)
    made, _ = finish(
        clone_from_transcript(models, "hello", sound, 16_000, CloneDrawing(1), CancelToken())
    )
    assert_fits(models, made.speaker)
    assert np.array_equal(made.speaker.semantic, np.arange(15, 40))
    assert "0.6 s longer than the recording" in made.notes[0]


def test_method_1_really_reads_the_transcript_and_repeats_itself(models: BarkModels) -> None:
    def once(seed: int) -> MadeVoice:
        return finish(
            clone_from_transcript(
                models, "hello there", hum(), RATE, CloneDrawing(seed), CancelToken()
            )
        )[0]

    first, again, other = once(3), once(3), once(4)
    assert_fits(models, first.speaker)
    assert np.array_equal(first.speaker.semantic, again.speaker.semantic)
    assert not np.array_equal(first.speaker.semantic, other.speaker.semantic)


def test_method_1_needs_a_transcript(models: BarkModels) -> None:
    with pytest.raises(CloneError, match="Type the transcript"):
        finish(clone_from_transcript(models, " \n", hum(), RATE, CloneDrawing(1), CancelToken()))


def test_method_3_starts_from_a_base_and_keeps_its_words(models: BarkModels) -> None:
    converter, drawing = Louder(), CloneDrawing(5, sentence="hello there")
    made, seen = finish(
        clone_by_conversion(
            models, converter, bases(models), hum(2.0, 220.0), RATE, drawing, CancelToken()
        )
    )
    assert_fits(models, made.speaker)
    assert made.details["base_voice"] in {"low", "high"}
    assert made.details["converter"] == "louder"
    assert converter.heard[0][1] == len(hum(2.0))
    assert converter.heard[0][0] == len(made.speaker.semantic) * models.codec.frame_samples
    assert [each.stage for each in seen if isinstance(each, Progress)][-1] == "convert"
    assert all(isinstance(each, Progress) for each in seen)


def test_method_3_refuses_a_converter_that_changes_the_length(models: BarkModels) -> None:
    steps = clone_by_conversion(
        models, Louder(16_000), bases(models), hum(), RATE,
        CloneDrawing(5, sentence="hello there"), CancelToken(),
    )  # fmt: skip
    with pytest.raises(CloneError, match=r"Louder changed the length of the speech by 1\.0 s"):
        finish(steps)


def test_methods_1_and_3_stop_when_asked(models: BarkModels) -> None:
    stopped = CancelToken()
    stopped.cancel()
    drawing = CloneDrawing(5, sentence="hello there")
    with pytest.raises(JobCancelled):
        finish(clone_from_transcript(models, "hello", hum(), RATE, drawing, stopped))
    with pytest.raises(JobCancelled):
        finish(clone_by_conversion(models, Louder(), [], hum(), RATE, drawing, stopped))


class Endless(Louder):
    """A converter that works until it is told to give up."""

    def __init__(self) -> None:
        super().__init__()
        self.given_up = threading.Event()

    def convert(
        self, source: np.ndarray, source_rate: int, target: np.ndarray, target_rate: int
    ) -> tuple[np.ndarray, int]:
        assert self.given_up.wait(30)
        raise CloneError("it ended in the middle of its work")

    def give_up(self) -> None:
        self.given_up.set()


def test_a_stop_ends_a_conversion_that_runs(models: BarkModels) -> None:
    stopped, converter = CancelToken(), Endless()
    steps = clone_by_conversion(
        models, converter, bases(models), hum(), RATE,
        CloneDrawing(5, sentence="hello there"), stopped,
    )  # fmt: skip
    assert steps_until(steps)[-1].stage == "convert"
    threading.Timer(0.2, stopped.cancel).start()
    with pytest.raises(JobCancelled):
        finish(steps)


class HummingCodec(Codec):
    """Decodes every code to a hum of so many hertz."""

    def __init__(self) -> None:
        self.sample_rate, self.frame_samples = 16_000, 640

    def decode(self, fine: np.ndarray) -> np.ndarray:
        return hum(2.0, float(fine[0, 0]), self.sample_rate)


def test_the_nearest_base_is_chosen_by_pitch_where_there_is_no_speaker_encoder() -> None:
    def base(hz: int) -> tuple[str, Speaker]:
        fine = np.full((8, 50), hz)
        return str(hz), Speaker(np.zeros(50, np.int64), fine[:2], fine)

    found = nearest_base(HummingCodec(), [base(90), base(150), base(250)], hum(2.0, 170.0), RATE)
    assert found is not None
    assert found[0] == "150"


def test_the_nearest_base_is_chosen_by_likeness_where_there_is_a_speaker_encoder(
    models: BarkModels,
) -> None:
    def embed(waveform: np.ndarray, rate: int) -> np.ndarray:
        sure = np.zeros(2, np.float32)
        sure[int(len(waveform) / rate > 2.5)] = 1.0  # bases are three seconds long
        return sure

    both = bases(models)
    found = nearest_base(models.codec, both, hum(3.0, 105.0), RATE, embed)
    assert found is not None
    assert found[0] == "low"
    assert nearest_base(models.codec, [], hum(), RATE) is None


def test_the_pitch_of_silence_cannot_be_told() -> None:
    assert median_pitch(np.zeros(RATE, np.float32), RATE) is None
    assert median_pitch(hum(1.0, 150.0), RATE) == pytest.approx(150.0, rel=0.03)
