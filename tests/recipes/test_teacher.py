"""The teacher, where Debian's flite is installed: sound, and each moment's phone and letter."""

import ctypes
from collections import Counter

import numpy as np
import pytest

from recipes.mini import teacher
from recipes.mini.clips import read_shard
from recipes.mini.flite import Segment
from recipes.mini.played import factor_of, moved
from recipes.mini.speakers import (
    HELD_OUT_SPEAKERS,
    KNOWN_SPEAKERS,
    TRAINING_SPEAKERS,
    is_nearly_kept_out,
)
from recipes.mini.spelling import PHONES
from recipes.mini.voices import VOICES


def has_flite():
    try:
        ctypes.CDLL("libflite_cmu_us_slt.so.1")
    except OSError:
        return False
    return True


needs_flite = pytest.mark.skipif(not has_flite(), reason="Debian's libflite1 is not installed")


def test_no_speaker_kept_out_is_one_of_training():
    seen = {(each.base, each.formants, each.pitch_hz) for each in TRAINING_SPEAKERS}
    assert not seen & {(each.base, each.formants, each.pitch_hz) for each in HELD_OUT_SPEAKERS}
    names = [each.name for each in (*TRAINING_SPEAKERS, *HELD_OUT_SPEAKERS)]
    assert len(set(names)) == len(names)


@needs_flite
def test_a_clip_is_sound_with_its_phones_in_order():
    clip = teacher.say("The cat sat.", 0)
    assert 0.5 * 16_000 < len(clip["samples"]) < 3 * 16_000
    assert np.abs(clip["samples"]).max() == pytest.approx(0.6 * 32_767, abs=2)
    assert (np.diff(clip["ends"]) >= 0).all()
    assert clip["ends"][-1] <= len(clip["samples"]) + 1
    spoken = [PHONES[phone] for phone in clip["phones"] if PHONES[phone] != "pau"]
    assert spoken == ["dh", "ax", "k", "ae", "t", "s", "ae", "t"]
    letters = [letter for letter in clip["letters"] if letter >= 0]
    assert "".join("The cat sat."[letter] for letter in letters) == "Tecatsat"


def test_what_is_read_otherwise_than_written_is_left_out():
    segments = [Segment("pau", 0.1, "0"), Segment("ay", 0.2, "I"), Segment("pau", 0.3, "0")]
    assert teacher.letters_of_segments("I.", segments) == [-1, 0, -1]
    assert teacher.letters_of_segments("One.", segments) is None


@needs_flite
def test_a_shard_is_read_as_it_was_written(tmp_path):
    path, said = tmp_path / "000.npz", [("Good morning.", 1), ("It is late.", 13)]
    seconds = teacher.write_shard(path, said)
    clips = read_shard(path)
    assert [(clip.text, clip.speaker) for clip in clips] == [
        ("Good morning.", 1),
        ("It is late.", 13),
    ]
    assert sum(len(clip.samples) for clip in clips) / 16_000 == pytest.approx(seconds)
    assert np.array_equal(clips[1].phones, teacher.say("It is late.", 13)["phones"])


@needs_flite
def test_every_speaker_speaks_at_its_own_pitch_and_pace():
    lengths = {each.name: len(each.say("Good morning.")[0]) for each in TRAINING_SPEAKERS[::6]}
    assert min(lengths.values()) > 0.4 * 16_000
    assert len(set(lengths.values())) > 1


def test_clips_for_reading_keep_what_is_said_when_and_no_sound(tmp_path):
    def say(text, speaker):
        return {
            "samples": np.full(1_000 * len(text), 7, np.int16),
            "phones": np.array([0, 5], np.int16),
            "ends": np.array([200, 900], np.int32),
            "letters": np.array([-1, 0], np.int16),
        }

    path = tmp_path / "000.npz"
    seconds = teacher.write_shard(path, [("a", 1), ("bcd", 2)], say, with_sound=False)
    clips = read_shard(path)
    assert seconds == pytest.approx(4_000 / 16_000)
    assert [len(clip.samples) for clip in clips] == [1_000, 3_000]
    assert not any(clip.samples.any() for clip in clips)
    assert clips[1].ends.tolist() == [200, 900]
    assert path.stat().st_size < 4_000


def test_what_is_read_holds_all_that_the_teacher_says_and_more(monkeypatch):
    monkeypatch.setattr(teacher, "jobs", lambda: [("One.", 1), ("Two.", 2)])
    monkeypatch.setattr(teacher, "wordnet_sentences", lambda: ["A free port."] * 3)
    monkeypatch.setattr(teacher, "word_phrases", lambda *_: ["Free ports."])
    said = teacher.reading_jobs()
    assert len(said) == 6
    assert {("One.", 1), ("Two.", 2)} < set(said)
    assert said == teacher.reading_jobs()
    assert all(speaker < len(TRAINING_SPEAKERS) for _, speaker in said)


def test_the_published_voices_say_texts_of_their_own_and_those_hard_to_hear_more_often(
    monkeypatch,
):
    texts = [f"This is the text number {number}." for number in range(5_000)]
    monkeypatch.setattr(teacher, "jobs", lambda: [(text, 0) for text in ["Too short.", *texts]])
    jobs = teacher.voice_jobs()
    named = [each.name for each in KNOWN_SPEAKERS]
    wanted = {named.index(speaker) for speaker, _ in VOICES.values()}
    counts = Counter(speaker for _, speaker in jobs)
    assert set(counts) == wanted
    assert {text for text, _ in jobs} == set(texts)
    hard = [counts[each] for each in wanted if named[each].startswith(teacher.HARD_BASE)]
    others = [counts[each] for each in wanted if not named[each].startswith(teacher.HARD_BASE)]
    assert min(hard) > 2 * max(others)
    assert teacher.voice_jobs() == jobs


def test_no_published_voice_that_is_played_faster_becomes_one_kept_out():
    for speaker, each in enumerate(KNOWN_SPEAKERS):
        assert not is_nearly_kept_out(moved(each, factor_of("voices", speaker)))
