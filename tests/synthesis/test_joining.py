"""Joining: nothing clicks, nothing jumps, nothing is too loud."""

import numpy as np
import pytest

from webui.synthesis.joining import (
    CROSSFADE_SECONDS,
    KEPT_AFTER_SECONDS,
    KEPT_BEFORE_SECONDS,
    PEAK,
    Joiner,
    Leveller,
    speech_level_db,
    trim_silence,
)

RATE = 16_000


def tone(seconds: float = 1.0, amplitude: float = 0.3, hertz: float = 220.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (amplitude * np.cos(2 * np.pi * hertz * time)).astype(np.float32)


def silence(seconds: float, noise: float = 0.0) -> np.ndarray:
    dice = np.random.default_rng(0)
    return (noise * dice.standard_normal(int(seconds * RATE))).astype(np.float32)


def largest_step(waveform: np.ndarray) -> float:
    return float(np.abs(np.diff(waveform, prepend=0.0, append=0.0)).max())


def test_silence_at_both_ends_is_shortened_to_a_bounded_amount() -> None:
    sound = np.concatenate([silence(1.0, 1e-4), tone(), silence(2.0, 1e-4)])
    trimmed = trim_silence(sound, RATE)
    expected = 1.0 + KEPT_BEFORE_SECONDS + KEPT_AFTER_SECONDS
    assert len(trimmed) / RATE == pytest.approx(expected, abs=0.02)
    np.testing.assert_array_equal(trimmed[1_000:15_000], sound[16_200:30_200])


def test_pauses_within_speech_are_kept() -> None:
    sound = np.concatenate([tone(0.5), silence(1.0), tone(0.5)])
    assert len(trim_silence(sound, RATE)) == len(sound)


@pytest.mark.parametrize("nothing", [silence(0.0), silence(1.0), silence(1.0, 1e-5)])
def test_silence_alone_stays_as_it_is(nothing: np.ndarray) -> None:
    np.testing.assert_array_equal(trim_silence(nothing, RATE), nothing)
    np.testing.assert_array_equal(Leveller().level(nothing, RATE), nothing)


def test_the_level_of_speech_does_not_count_its_pauses() -> None:
    level = speech_level_db(tone(), RATE)
    assert level == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.1)
    paused = np.concatenate([tone(), silence(3.0, 1e-4), tone()])
    assert speech_level_db(paused, RATE) == pytest.approx(level, abs=0.3)
    assert speech_level_db(silence(1.0), RATE) is None


def test_chunks_are_as_loud_as_the_first() -> None:
    leveller = Leveller()
    chunks = [tone(amplitude=a) for a in (0.2, 0.07, 0.5)]
    levels = [speech_level_db(leveller.level(chunk, RATE), RATE) for chunk in chunks]
    assert levels == pytest.approx([levels[0]] * 3, abs=0.1)


def test_a_first_chunk_far_too_quiet_is_raised() -> None:
    level = speech_level_db(Leveller().level(tone(amplitude=0.02), RATE), RATE)
    assert level == pytest.approx(-32.0, abs=0.1)


def test_no_gain_brings_a_peak_beyond_full_scale() -> None:
    leveller = Leveller()
    leveller.level(tone(amplitude=0.3), RATE)
    spiky = tone(amplitude=0.1)
    spiky[5_000] = 0.9
    assert np.abs(leveller.level(spiky, RATE)).max() <= PEAK + 1e-6
    assert np.abs(Leveller().level(tone(amplitude=1.7), RATE)).max() <= PEAK + 1e-6


def test_the_gain_is_bounded() -> None:
    leveller = Leveller()
    leveller.level(tone(amplitude=0.3), RATE)
    raised = leveller.level(tone(amplitude=0.003), RATE)
    assert np.abs(raised).max() == pytest.approx(0.003 * 10 ** (12 / 20), rel=0.01)


@pytest.mark.parametrize("pause", [0.0, 0.25])
def test_pieces_make_the_whole_and_chunks_lie_where_they_say(pause: float) -> None:
    joiner = Joiner(RATE)
    chunks = [tone(0.5), tone(0.7, hertz=330.0), tone(0.3, hertz=440.0)]
    pieces, spans = [], []
    for number, chunk in enumerate(chunks):
        piece, start, end = joiner.add(chunk, pause_after=pause if number < 2 else None)
        pieces.append(piece)
        spans.append((start, end))
    whole = np.concatenate(pieces)
    assert joiner.finish().size == 0
    overlap = CROSSFADE_SECONDS if pause == 0 else -pause
    assert len(whole) / RATE == pytest.approx(1.5 - 2 * overlap, abs=0.001)
    assert spans[-1][1] == pytest.approx(len(whole) / RATE)
    for (start, end), chunk in zip(spans, chunks, strict=True):
        assert end - start == pytest.approx(len(chunk) / RATE, abs=0.001)
        inner = whole[round(start * RATE) + 600 : round(end * RATE) - 600]
        np.testing.assert_allclose(inner, chunk[600:-600], atol=1e-6)


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_joins_do_not_click(pause: float) -> None:
    joiner = Joiner(RATE)
    chunks = [tone(0.5), -tone(0.5), tone(0.5, hertz=330.0)]
    pieces = [joiner.add(chunk, pause)[0] for chunk in chunks]
    whole = np.concatenate([*pieces, joiner.finish()])
    cut = np.concatenate(chunks)
    assert largest_step(cut) > 0.2  # put end to end they do click
    assert largest_step(whole) < 0.05  # a tone of 330 Hz itself steps by 0.04


def test_a_pause_is_silent_and_as_long_as_asked() -> None:
    joiner = Joiner(RATE)
    first, _, end = joiner.add(tone(0.5), 0.25)
    second, start, _ = joiner.add(tone(0.5), None)
    assert start - end == pytest.approx(0.25)
    assert len(first) == RATE // 2
    assert not second[: RATE // 4].any()


def test_the_first_piece_does_not_wait_for_the_second() -> None:
    joiner = Joiner(RATE)
    ready, _, _ = joiner.add(tone(1.0), 0.0)
    assert len(ready) >= (1.0 - CROSSFADE_SECONDS) * RATE - 1
    assert len(joiner.finish()) == pytest.approx(CROSSFADE_SECONDS * RATE, abs=1)


def test_crossfades_are_never_louder_than_what_they_mix() -> None:
    joiner = Joiner(RATE)
    pieces = [joiner.add(tone(0.2, amplitude=PEAK), 0.0)[0] for _ in range(4)]
    assert np.abs(np.concatenate(pieces)).max() <= PEAK + 1e-6


@pytest.mark.parametrize("length", [0, 1, 7, 100])
def test_tiny_chunks_are_joined_too(length: int) -> None:
    joiner = Joiner(RATE)
    pieces = [joiner.add(tone(1.0)[:length], 0.0)[0] for _ in range(3)]
    whole = np.concatenate([*pieces, joiner.finish()])
    assert np.isfinite(whole).all()
    assert len(whole) <= 3 * length


def test_chunks_given_in_are_not_changed() -> None:
    chunk = tone()
    joiner = Joiner(RATE)
    joiner.add(chunk, 0.0)
    joiner.add(chunk, None)
    np.testing.assert_array_equal(chunk, tone())
