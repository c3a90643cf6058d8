"""What a recording's check says, in numbers and in words."""

import numpy as np
import pytest

from tests.cloning.recordings import (
    RATE,
    behind,
    check,
    finding,
    kinds,
    music,
    noise,
    silence,
    speech,
    voice,
)
from webui.audio import resample
from webui.clone_results import Recording
from webui.cloning.recording_check import check_recordings


@pytest.mark.parametrize("name", ["ada", "gus", "leo"])
def test_a_good_recording_has_no_findings(name):
    found = check(speech(name, name))
    assert found.findings == ()
    assert found.windows[0].score > 0.85
    assert found.noise_db > 24  # the codec of these voices hisses a little
    assert found.clipped_share < 0.001


def test_lengths_level_and_spans_are_told():
    sound = speech("ada")
    found = check(sound)
    assert found.seconds == pytest.approx(len(sound) / RATE)
    assert found.speech_seconds == pytest.approx(5.32, abs=0.1)
    assert sum(end - start for start, end in found.spans) == pytest.approx(found.speech_seconds)
    spoken = sound[np.abs(sound) > 0]
    assert found.level_db == pytest.approx(10 * np.log10(np.mean(spoken**2)), abs=1)


@pytest.mark.parametrize("decibels", [30, 20, 10])
def test_the_noise_is_measured(decibels):
    sound = speech("ada", "gus")
    found = check(behind(sound, noise(len(sound)), decibels))
    assert found.noise_db == pytest.approx(decibels, abs=2.5)


def test_a_recording_below_a_second_is_fatal():
    found = check(voice("ada")[:12_800])
    assert finding(found, "short").is_fatal
    assert "0.8 s" in finding(found, "short").words
    assert found.windows == ()


@pytest.mark.parametrize(
    "sound",
    [silence(4), noise(4 * RATE) * np.float32(0.1), music(4 * RATE) * np.float32(0.1)],
    ids=["silence", "noise", "music"],
)
def test_a_recording_without_speech_is_fatal(sound):
    found = check(sound)
    assert kinds(found) == ["silence"]
    assert finding(found, "silence").is_fatal
    assert found.windows == ()


def test_no_recording_is_fatal():
    (only,) = check_recordings([], None).findings
    assert only.is_fatal
    assert check(silence(0)).findings[0].is_fatal


def test_little_speech_is_said_and_used():
    found = check(np.concatenate([silence(0.5), voice("ada")[2_000:34_000], silence(0.5)]))
    assert "short" in kinds(found)
    assert not finding(found, "short").is_fatal
    assert found.windows


def spoiled(kind, rate=RATE):
    sound = resample(speech("ada", "leo"), RATE, rate)
    return {
        "noise": behind(sound, noise(len(sound)), 15),
        "music": behind(sound, resample(music(len(sound)), RATE, rate), 15),
        "clipped": np.clip(sound * 2.5, -0.5, 0.5).astype(np.float32),
        "quiet": sound * np.float32(0.02),
        "abrupt_end": sound[: round(1.6 * rate)],  # in the first phrase
    }[kind]


@pytest.mark.parametrize("kind", ["noise", "music", "clipped", "quiet", "abrupt_end"])
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_what_is_wrong_is_named_and_cloning_goes_on(kind, rate):
    found = check(spoiled(kind, rate), rate)
    assert set(kinds(found)) - {"short"} == {kind}
    assert not any(each.is_fatal for each in found.findings)
    assert found.windows


def test_more_noise_has_stronger_words():
    sound = speech("ada", "leo")
    a_little = finding(check(behind(sound, noise(len(sound)), 18)), "noise").words
    a_lot = finding(check(behind(sound, noise(len(sound)), 7)), "noise").words
    assert "a little noise" in a_little
    assert "a lot of noise" in a_lot


def test_a_telephone_recording_can_be_used():
    found = check(resample(speech("ada", "leo"), RATE, 8_000), 8_000)
    assert found.findings == ()
    assert found.windows[0].score > 0.8


def test_clipping_is_found_after_the_recording_was_made_quieter():
    clipped = np.clip(resample(speech("ada"), RATE, 48_000) * 3, -0.5, 0.5).astype(np.float32)
    assert check(clipped * np.float32(0.3), 48_000).clipped_share > 0.02
    assert check(resample(speech("ada"), RATE, 48_000), 48_000).clipped_share < 0.001


def test_clipping_is_found_after_a_lossy_format_made_waves_of_what_was_flat():
    clipped = np.clip(resample(speech("ada", "gus"), RATE, 48_000) * 3, -0.5, 0.5)
    lossy = resample(resample(clipped.astype(np.float32), 48_000, 12_000), 12_000, 48_000)
    ripple = behind(lossy, resample(noise(len(lossy) // 3 + 1), RATE, 48_000), 25)
    assert "clipped" in kinds(check(ripple, 48_000))
    clean = resample(resample(speech("ada", "gus"), RATE, 12_000), 12_000, 48_000)
    assert "clipped" not in kinds(check(clean, 48_000))


def test_every_finding_says_what_to_do_in_one_line():
    for kind in ("noise", "music", "clipped", "quiet", "abrupt_end"):
        words = finding(check(spoiled(kind)), kind).words
        assert words.endswith(".")
        assert "\n" not in words
        assert any(each in words for each in ("record", "choose", "wait", "clean"))


def test_several_recordings_are_summed_up():
    one, other = speech("ada"), speech("leo")
    found = check_recordings([Recording(one, RATE), Recording(other, RATE)], None)
    alone = [check(one), check(other)]
    assert found.seconds == pytest.approx(sum(each.seconds for each in alone))
    assert found.speech_seconds == pytest.approx(sum(each.speech_seconds for each in alone))
    assert min(each.level_db for each in alone) < found.level_db
    assert found.level_db < max(each.level_db for each in alone)
    shifted = [(a + alone[0].seconds, b + alone[0].seconds) for a, b in alone[1].spans]
    assert np.asarray(found.spans) == pytest.approx(np.asarray([*alone[0].spans, *shifted]))


def test_a_useless_recording_among_others_is_named_and_left_out():
    recordings = [
        Recording(silence(3), RATE, "empty.wav"),
        Recording(speech("ada"), RATE, "good.wav"),
    ]
    found = check_recordings(recordings, None)
    words = finding(found, "silence").words
    assert words.startswith("empty.wav: ")
    assert words.endswith("It is left out.")
    assert not any(each.is_fatal for each in found.findings)
    assert {each.recording for each in found.windows} == {1}


def test_only_useless_recordings_are_fatal():
    recordings = [Recording(silence(3), RATE, "a"), Recording(voice("ada")[:8_000], RATE, "b")]
    found = check_recordings(recordings, None)
    assert {each.kind for each in found.findings if each.is_fatal} == {"silence", "short"}
    assert found.windows == ()


def test_what_all_recordings_have_is_said_once_and_without_names():
    quiet = [Recording(speech(name) * np.float32(0.01), RATE, name) for name in ("ada", "leo")]
    found = check_recordings(quiet, None)
    assert kinds(found) == ["quiet"]
    assert "ada" not in finding(found, "quiet").words


@pytest.mark.slow
def test_ten_minutes_are_checked():
    found = check(np.tile(speech("ada", "gus"), 60)[: 600 * RATE])
    assert found.seconds == 600
    assert found.speech_seconds > 400
    assert len(found.windows) == 12
