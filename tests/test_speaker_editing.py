"""Voices cut, joined and blended: words and sound stay together, and Bark's own check passes."""

import numpy as np
import pytest

from webui.arrays import Speaker
from webui.errors import SpeakerFileError
from webui.speaker_editing import blend_speakers, crop_speaker, join_speakers, seconds_of
from webui.speaker_file import check_speaker_fits
from webui.speaker_limits import BARK_LIMITS, SpeakerLimits

RATIO = BARK_LIMITS.frames_per_token
PLAIN = SpeakerLimits(8, 2, 1_024, 10_000, 25.0, 25.0)  # as many tokens as frames


def a_voice(seconds: float, base: int = 0, limits: SpeakerLimits = BARK_LIMITS) -> Speaker:
    """Every token and frame holds its number, counted from `base`: what was cut can be read off."""
    tokens = round(seconds * limits.semantic_rate)
    frames = round(tokens * limits.frames_per_token)
    fine = np.tile(np.arange(frames) % 500 + base, (8, 1))
    return Speaker(np.arange(tokens) + base, fine[:2], fine)


def assert_usable(made: Speaker, limits: SpeakerLimits = BARK_LIMITS) -> None:
    check_speaker_fits(made, limits)
    assert np.array_equal(made.coarse, made.fine[:2])


@pytest.mark.parametrize(("start", "end"), [(0, 2), (1.5, 4.25), (3, 6), (0, 6), (4.99, 6)])
def test_a_cut_takes_words_and_sound_of_the_same_time(start, end):
    made = crop_speaker(a_voice(6), BARK_LIMITS, start, end)
    assert_usable(made)
    assert seconds_of(made, BARK_LIMITS) == pytest.approx(end - start, abs=0.05)
    assert made.semantic[0] / 49.9 == pytest.approx(start, abs=0.03)
    assert made.fine[0, 0] / 75 == pytest.approx(start, abs=0.03)
    assert made.semantic[-1] / 49.9 == pytest.approx(end, abs=0.05)
    assert made.fine[0, -1] / 75 == pytest.approx(end, abs=0.05)


def test_every_cut_of_every_length_passes_the_check_of_bark():
    dice = np.random.default_rng(5)
    voice = a_voice(6.4)
    for _ in range(200):
        start = dice.uniform(0, 5.3)
        end = dice.uniform(start + 1.0, 6.4)
        made = crop_speaker(voice, BARK_LIMITS, float(start), float(end))
        assert_usable(made)
        assert made.fine[0, -1] / made.semantic[-1] == pytest.approx(RATIO, abs=0.05)


def test_a_cut_of_a_voice_whose_words_are_a_little_short_counts_from_the_end():
    whole = a_voice(6)
    voice = Speaker(whole.semantic[6:], whole.coarse, whole.fine)
    made = crop_speaker(voice, BARK_LIMITS, 3, 6)
    assert made.semantic[-1] == whole.semantic[-1]
    assert made.semantic[0] / 49.9 == pytest.approx(3, abs=0.03)
    assert_usable(crop_speaker(voice, BARK_LIMITS, 0, 6))


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (-1, 3, "between 0 and 6.0"), (3, 2, "between 0"), (2, 9, "between 0"),
        (1, 1.5, "0.5 s long"), (float("nan"), 3, "between 0"), (0, float("inf"), "between 0"),
    ],
)  # fmt: skip
def test_a_cut_that_is_none_is_refused_in_seconds(start, end, words):
    with pytest.raises(SpeakerFileError, match=words):
        crop_speaker(a_voice(6), BARK_LIMITS, start, end)


def test_a_voice_of_an_unknown_family_cannot_be_cut():
    unknown = SpeakerLimits(8, 2, 1_024, 10_000, None, None)
    with pytest.raises(SpeakerFileError, match="family is not here"):
        crop_speaker(a_voice(6), unknown, 0, 2)


def test_parts_of_a_speech_are_joined_and_their_end_is_kept():
    parts = [a_voice(3), a_voice(0), a_voice(4, base=400)]
    whole = join_speakers(parts, BARK_LIMITS, 20)
    assert_usable(whole)
    assert seconds_of(whole, BARK_LIMITS) == pytest.approx(7, abs=0.05)
    end = join_speakers(parts, BARK_LIMITS, 5)
    assert_usable(end)
    assert seconds_of(end, BARK_LIMITS) == pytest.approx(5, abs=0.05)
    assert end.semantic[-1] == parts[2].semantic[-1]
    assert end.semantic[0] / 49.9 == pytest.approx(2, abs=0.03)


def test_a_speech_without_a_word_makes_no_voice():
    with pytest.raises(SpeakerFileError, match="Nothing was said"):
        join_speakers([a_voice(0)], BARK_LIMITS, 5)


def turns_of(made: Speaker) -> list[str]:
    """Who speaks, in order: the second voice's numbers begin at 500."""
    who = ["B" if code >= 500 else "A" for code in made.fine[0]]
    return [each for place, each in enumerate(who) if place == 0 or who[place - 1] != each]


@pytest.mark.parametrize("share", [0.2, 0.25, 0.5, 0.6, 0.8])
def test_a_blend_alternates_and_gives_each_voice_its_share(share):
    made = blend_speakers(a_voice(6), a_voice(9, base=500), BARK_LIMITS, share, 6.83)
    assert_usable(made)
    assert (made.fine[0] >= 500).mean() == pytest.approx(share, abs=0.03)
    assert (made.semantic >= 500).mean() == pytest.approx(share, abs=0.03)
    last = "B" if share > 0.5 else "A"
    assert turns_of(made)[-1] == last
    assert len(turns_of(made)) == 2 * 35  # cycles of 0.2 s in 6.83 s


def test_a_blend_keeps_the_order_within_each_voice_and_repeats_nothing():
    first, second = a_voice(6), a_voice(6, base=500)
    made = blend_speakers(first, second, BARK_LIMITS, 0.5, 6.83)
    for low, voice in ((0, first), (500, second)):
        own = made.semantic[(made.semantic >= low) & (made.semantic < low + 500)]
        assert np.all(np.diff(own) == 1)
        assert own[-1] == voice.semantic[-1]


def test_words_and_sound_of_a_blend_change_speakers_at_the_same_time():
    made = blend_speakers(a_voice(6), a_voice(6, base=500), BARK_LIMITS, 0.4, 6.83)
    changes_in_words = np.flatnonzero(np.diff(made.semantic >= 500)) / 49.9
    changes_in_sound = np.flatnonzero(np.diff(made.fine[0] >= 500)) / 75
    assert changes_in_words == pytest.approx(changes_in_sound, abs=0.05)


def test_short_voices_are_blended_as_far_as_they_go_and_shorter_ones_refused():
    made = blend_speakers(a_voice(1, 0, PLAIN), a_voice(3, 500, PLAIN), PLAIN, 0.5, 6)
    assert seconds_of(made, PLAIN) == pytest.approx(2, abs=0.1)
    assert turns_of(made)[-1] == "A"
    with pytest.raises(SpeakerFileError, match="too short"):
        blend_speakers(a_voice(0.9, 0, PLAIN), a_voice(3, 500, PLAIN), PLAIN, 0.5, 6)


@pytest.mark.parametrize("share", [0, 0.1, 1.0, -1, float("nan")])
def test_a_share_that_leaves_one_voice_out_is_refused(share):
    with pytest.raises(SpeakerFileError, match="share"):
        blend_speakers(a_voice(6), a_voice(6), BARK_LIMITS, share, 5)
