"""Which part of a recording a voice is made of."""

import numpy as np
import pytest

from tests.cloning.recordings import RATE, behind, check, music, noise, silence, speech, voice
from webui.audio import resample
from webui.clone_results import Recording
from webui.cloning.listening import listen
from webui.cloning.recording_check import check_recordings, cut
from webui.cloning.windows import MOST_SECONDS, MOST_WINDOWS, distinct, find_windows


def rhythm(*pieces, tail=0.5):
    """Voices and pauses (numbers, in seconds) one after the other."""
    sounds = [voice(each) if isinstance(each, str) else silence(each) for each in pieces]
    return np.concatenate([*sounds, silence(tail)])


def best(sound):
    return check(sound).windows[0]


def spoken_share(sound, window):
    heard = listen(sound, RATE)
    first, end = round(window.start_seconds * 100), round(window.end_seconds * 100)
    return heard.speech[first:end].mean()


def test_the_best_window_ends_in_a_pause_right_after_the_speech():
    sound = speech("ada", "kit", pause=0.8)
    window = best(sound)
    last = max(end for _, end in listen(sound, RATE).spans if end <= window.end_seconds)
    assert window.ends_in_pause
    assert 0.15 <= window.end_seconds - last <= 0.3


def test_windows_are_as_long_as_bark_listens_and_no_longer():
    found = check(speech("ada", "gus", "leo", "kit", pause=0.3)).windows
    assert all(each.end_seconds - each.start_seconds <= MOST_SECONDS + 0.01 for each in found)
    assert found[0].end_seconds - found[0].start_seconds > 5


def test_windows_are_ranked_and_differ_and_are_not_many():
    found = check(np.tile(speech("ada", "gus", pause=0.4), 8)).windows
    assert len(found) == MOST_WINDOWS
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    ends = sorted(each.end_seconds for each in found)
    assert min(np.diff(ends)) >= 0.3


def test_a_window_holds_little_silence():
    sound = rhythm(0.3, "ada", 4.0, "kit", 0.2, "kit", 4.0, "gus")
    assert spoken_share(sound, best(sound)) > 0.8


@pytest.mark.parametrize("kind", ["noise", "music", "clipped", "quiet"])
def test_the_clean_half_is_chosen(kind):
    clean = speech("gus", "gus")
    half = len(clean) / RATE
    spoiled = {
        "noise": behind(clean, noise(len(clean)), 10),
        "music": behind(clean, music(len(clean)), 10),
        "clipped": np.clip(clean * 6, -0.6, 0.6).astype(np.float32),
        "quiet": clean * np.float32(0.05),
    }[kind]
    assert best(np.concatenate([spoiled, clean])).start_seconds > half - 0.5
    assert best(np.concatenate([clean, spoiled])).end_seconds < half + 0.5


def test_a_recording_that_breaks_off_is_used_up_to_its_last_pause():
    sound = speech("gus", "gus", "gus", pause=0.6)
    broken = sound[: round(13.5 * RATE)]  # in the third one's first phrase
    window = best(broken)
    assert window.ends_in_pause
    assert window.end_seconds < 12.0


def test_speech_without_a_pause_is_cut_at_a_quiet_moment():
    # Noise 15 dB below hides the voice's own pauses, so that it seems to speak on and on.
    sound = np.tile(voice("kit")[1_600:], 5)
    noisy = behind(sound, noise(len(sound)), 12)
    found = check(noisy).windows
    assert found
    assert all(each.end_seconds - each.start_seconds <= MOST_SECONDS + 0.01 for each in found)


@pytest.mark.parametrize("seconds", [1.0, 1.1, 1.5])
def test_a_second_of_speech_has_a_window(seconds):
    sound = voice("ada")[2_000:][: round(seconds * RATE)]
    (window,) = check(sound).windows[:1]
    assert 0 <= window.start_seconds < window.end_seconds <= seconds
    assert window.score < 0.3


def test_windows_are_found_in_all_recordings_and_say_in_which():
    recordings = [
        Recording(behind(speech("ada"), noise(200_000), 12), RATE, "a"),
        Recording(resample(speech("ada"), RATE, 44_100), 44_100, "b"),
        Recording(silence(3), RATE, "c"),
    ]
    found = check_recordings(recordings, None).windows
    assert {each.recording for each in found} == {0, 1}
    assert found[0].recording == 1
    assert found[0].end_seconds <= recordings[1].seconds


def test_what_is_no_speech_has_no_windows():
    assert find_windows([listen(noise(RATE * 3) * np.float32(0.1), RATE)]) == []
    assert distinct([]) == ()


@pytest.mark.parametrize("rate", [RATE, 24_000, 48_000])
def test_a_window_is_cut_from_its_own_recording_at_the_wanted_rate(rate):
    first, second = speech("gus"), resample(speech("ada"), RATE, 44_100)
    recordings = [Recording(first, RATE), Recording(second, 44_100)]
    window = check_recordings(recordings[1:], None).windows[0]
    window = type(window)(**{**vars(window), "recording": 1})
    piece = cut(recordings, window, rate)
    assert len(piece) == pytest.approx((window.end_seconds - window.start_seconds) * rate, abs=2)
    whole = resample(second, 44_100, rate)[round(window.start_seconds * rate) :][: len(piece)]
    inside = slice(rate // 100, -rate // 100)
    assert np.abs(piece[inside] - whole[inside]).max() < 0.02
    assert abs(piece[0]) < 1e-6
    assert abs(piece[-1]) < 1e-6


def test_a_window_beyond_the_recording_is_cut_at_its_end():
    recording = Recording(speech("ada"), RATE)
    window = type(best(recording.waveform))(5.0, 99.0, 0.5)
    assert len(cut([recording], window, RATE)) == len(recording.waveform) - 5 * RATE


def test_cutting_leaves_the_recording_as_it_was():
    recording = Recording(speech("ada"), RATE)
    kept = recording.waveform.copy()
    cut([recording], best(recording.waveform), RATE)
    np.testing.assert_array_equal(recording.waveform, kept)
