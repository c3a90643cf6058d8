"""Two speakers in one recording are noticed, and the best part is of one of them."""

import numpy as np
import pytest

from tests.cloning.recordings import RATE, kinds, silence, speech, voice
from webui.clone_results import Recording
from webui.cloning.listening import listen
from webui.cloning.recording_check import check_recordings
from webui.cloning.speakers_heard import MOST_PIECES, tell_speakers


def embed_by_pitch(waveform, rate):
    """Stands for a speaker encoder: high and low voices are 90 degrees apart, give or take."""
    sound = waveform - waveform.mean()
    spectrum = np.abs(np.fft.rfft(sound, 2 * len(sound))) ** 2
    likeness = np.fft.irfft(spectrum)[: rate // 70]
    likeness = likeness[rate // 400 :]
    lag = rate // 400 + int(np.argmax(likeness > 0.9 * likeness.max()))  # two periods are as alike
    angle = np.pi / 2 * np.clip((rate / lag - 100) / 100, 0, 1)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def check(*sounds):
    return check_recordings([Recording(each, RATE) for each in sounds], embed_by_pitch)


def test_the_stand_in_tells_the_voices_of_these_tests_apart():
    ada, gus = embed_by_pitch(voice("ada"), RATE), embed_by_pitch(voice("gus"), RATE)
    assert ada @ gus < 0.5


@pytest.mark.parametrize("name", ["ada", "gus"])
def test_one_speaker_is_one(name):
    assert "several_speakers" not in kinds(check(speech(name, name)))


def test_two_speakers_are_noticed():
    found = check(speech("ada", "gus"))
    assert "several_speakers" in kinds(found)
    assert not any(each.is_fatal for each in found.findings)


def test_two_speakers_in_two_recordings_are_noticed():
    assert "several_speakers" in kinds(check(speech("ada"), speech("gus")))


def test_nobody_is_told_apart_without_an_encoder():
    found = check_recordings([Recording(speech("ada", "gus"), RATE)], None)
    assert "several_speakers" not in kinds(found)


@pytest.mark.parametrize(("main", "other"), [("ada", "gus"), ("gus", "ada")])
def test_the_best_windows_are_of_who_speaks_most(main, other):
    sounds = [speech(main, pause=0.2), speech(main, pause=0.2), speech(other, pause=0.2)]
    edge = sum(map(len, sounds[:2])) / RATE
    for window in check(np.concatenate(sounds)).windows[:2]:
        assert window.end_seconds < edge + 0.1
    edge = len(sounds[2]) / RATE
    for window in check(np.concatenate(sounds[::-1])).windows[:2]:
        assert window.start_seconds > edge - 0.1


def test_a_short_odd_sound_makes_no_second_speaker():
    sound = np.concatenate([speech("ada", "ada", "ada", "ada"), voice("gus")[2_000:24_000]])
    assert "several_speakers" not in kinds(check(sound))


def test_a_long_recording_is_listened_to_in_few_places_from_start_to_end():
    asked = []

    def embed(waveform, rate):
        asked.append(len(waveform) / rate)
        return embed_by_pitch(waveform, rate)

    heard = listen(np.tile(speech("ada"), 20), RATE)
    found = tell_speakers([heard], embed)
    assert len(asked) == len(found.pieces) == MOST_PIECES
    assert found.pieces[0].start < 5
    assert found.pieces[-1].end > heard.seconds - 5
    assert all(1 < seconds < 4 for seconds in asked)


def test_too_little_speech_is_not_judged():
    assert not tell_speakers([listen(silence(2), RATE)], embed_by_pitch).are_several
    assert not tell_speakers([listen(voice("ada")[:24_000], RATE)], embed_by_pitch).pieces


def test_the_real_encoder_tells_the_built_in_voices_apart():
    from webui.quality.similarity import speaker_encoder

    encoder = speaker_encoder()
    if encoder is None:
        pytest.skip("the speaker encoder's weights are not installed")

    def check_with_it(sound):
        return kinds(check_recordings([Recording(sound, RATE)], encoder.embed))

    assert "several_speakers" in check_with_it(speech("ada", "gus"))
    assert "several_speakers" not in check_with_it(speech("ada", "ada"))
    assert "several_speakers" not in check_with_it(speech("gus", "gus"))
