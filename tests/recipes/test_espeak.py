"""The second teacher: sound where espeak-ng is installed, and phonemes becoming phones."""

import ctypes

import numpy as np
import pytest

from recipes.mini import espeak, hubert
from recipes.mini.clips import Clip, read_clips, read_shard
from recipes.mini.espeak_library import Phoneme, synthesise
from recipes.mini.espeak_phones import AMERICAN, BRITISH, moved, segments_of
from recipes.mini.speakers_espeak import HELD_OUT_ESPEAK, TRAINING_ESPEAK, EspeakSpeaker
from recipes.mini.spelling import PHONES
from recipes.mini.teacher import write_shard

RATE = 1_000  # of the made-up sounds: a sample is a millisecond


def has_espeak():
    try:
        ctypes.CDLL("libespeak-ng.so.1")
    except OSError:
        return False
    return True


needs_espeak = pytest.mark.skipif(not has_espeak(), reason="Debian's espeak-ng is not installed")


def phones_of(phonemes, table=AMERICAN, silent=()):
    """The phones of phonemes 100 ms long each, of a sound that is silent in the ranges given."""
    listed = [Phoneme(name, 100 * index) for index, name in enumerate(phonemes.split())]
    sound = np.ones(100 * len(listed), np.int16)
    for start, stop in silent:
        sound[start:stop] = 0
    return segments_of(listed, sound, RATE, table)


def names(segments):
    return " ".join(each.phone for each in segments)


@pytest.mark.parametrize("table", [AMERICAN, BRITISH])
def test_every_phone_of_the_tables_is_one_of_the_teachers(table):
    spoken = {phone for phones in table.values() for phone in phones.split()}
    assert spoken == set(PHONES) - {"pau"}
    assert max(len(phones.split()) for phones in table.values()) == 2


@pytest.mark.parametrize(
    ("phonemes", "american", "british"),
    [
        ("f O@ s", "f ao r s", "f ao s"),
        ("f O@ r aU", "f ao r aw", "f ao r aw"),
        ("h 3: r i", "hh er iy", "hh er iy"),
        ("b E t# 3", "b eh t er", "b eh t ax"),
        ("f aI3", "f ay er", "f ay ax"),
        ("l I t# @L", "l ih t ax l", "l ih t ax l"),
        ("D I2 ; a p", "dh ih ae p", "dh ih ae p"),
        ("tS 3: tS _: _", "ch er ch pau", "ch er ch pau"),
    ],
)
def test_vowels_with_r_flaps_and_glides_become_what_the_teacher_says(phonemes, american, british):
    assert names(phones_of(phonemes)) == american
    assert names(phones_of(phonemes, BRITISH)) == british


def test_the_silence_before_a_stop_is_its_closure():
    segments = phones_of("a t a", silent=[(60, 100)])
    assert names(segments) == "ae t ae"
    assert segments[0].end_seconds == pytest.approx(0.055)


def test_a_long_silence_before_another_phone_is_a_pause_and_a_short_one_is_not():
    long, short = phones_of("a s a", silent=[(60, 100)]), phones_of("a s a", silent=[(85, 100)])
    assert names(long) == "ae pau s ae"
    assert [each.end_seconds for each in long[:2]] == pytest.approx([0.060, 0.100])
    assert names(short) == "ae s ae"
    assert short[0].end_seconds == pytest.approx(0.080)


def test_two_phones_of_one_phoneme_share_its_time():
    ends = [each.end_seconds for each in phones_of("s i@3 s")]
    assert 0.1 < ends[1] < 0.15
    assert ends[2] == pytest.approx(0.195)


def test_boundaries_around_liquids_are_moved_to_where_the_teacher_puts_them():
    assert moved(["l", "iy", "l", "pau"], [0.1, 0.2, 0.3, 0.4]) == pytest.approx(
        [0.075, 0.165, 0.3, 0.4]
    )
    assert moved(["r", "iy", "pau"], [0.02, 0.2, 0.4]) == pytest.approx([0.01, 0.2, 0.4])


def test_an_unknown_phoneme_is_refused():
    with pytest.raises(KeyError, match="x"):
        phones_of("l 0 x")


def test_no_espeak_speaker_kept_out_is_one_of_training():
    assert len(TRAINING_ESPEAK) == 24
    assert len(HELD_OUT_ESPEAK) == 10
    held = {each.variant for each in HELD_OUT_ESPEAK}
    assert len(held) == 10
    assert not held & {each.variant for each in TRAINING_ESPEAK}


def test_batches_come_from_both_teachers_in_the_share_that_is_asked():
    def endless(name):
        while True:
            yield name

    feed = hubert.mixed(endless("flite"), endless("espeak"), 0.33, np.random.default_rng(0))
    drawn = [next(feed) for _ in range(1_000)]
    assert drawn.count("espeak") == pytest.approx(330, abs=45)


def test_without_clips_of_the_second_teacher_its_share_must_be_none():
    clip = Clip("a", 0, np.zeros(1_280, np.int16), np.zeros(1, np.int16), np.array([1_280]), None)
    spoken = {"flite": [clip] * 3, "espeak": [], "made": []}
    sound, phones = next(hubert.feed_of(spoken, 0, np.random.default_rng(1)))
    assert len(sound) == len(phones) == 2  # the first clip is kept out
    with pytest.raises(AssertionError, match=r"recipes\.mini\.espeak"):
        hubert.feed_of(spoken, 0.3, np.random.default_rng(1))


@needs_espeak
def test_a_clip_is_silent_in_its_pauses_and_sounds_elsewhere():
    clip = espeak.say("Stop, then look at the cat.", 1)
    phones = [PHONES[phone] for phone in clip["phones"]]
    assert phones[0] == phones[-1] == "pau"
    assert phones.count("pau") == 3
    assert " ".join(phones).endswith("dh ax k ae t pau")
    assert (np.diff(clip["ends"]) > 0).all()
    assert clip["ends"][-1] == pytest.approx(len(clip["samples"]), abs=1)
    assert (clip["letters"] == -1).all()
    assert np.abs(clip["samples"]).max() == pytest.approx(0.6 * 32_767, abs=2)
    parts = np.split(clip["samples"].astype(float), clip["ends"][:-1])
    loudness = {"pause": [], "vowel": []}
    for phone, part in zip(phones, parts, strict=True):
        kind = "pause" if phone == "pau" else "vowel" if phone[0] in "aeiou" else None
        if kind:
            loudness[kind].append(np.sqrt((part**2).mean()))
    assert max(loudness["pause"]) < 0.02 * min(loudness["vowel"])


@needs_espeak
def test_a_sound_that_english_lacks_leaves_the_clip_out(monkeypatch):
    monkeypatch.delitem(AMERICAN, "k")
    assert espeak.say("The cat.", 1) is None
    assert espeak.say("The man.", 1) is not None


@needs_espeak
@pytest.mark.parametrize("speaker", [*TRAINING_ESPEAK, *HELD_OUT_ESPEAK], ids=lambda s: s.voice)
def test_every_espeak_speaker_is_installed_and_has_no_echo(speaker):
    """An echo would fill the closures that the labels are found by."""
    settings = {"words_a_minute": speaker.words_a_minute, "pitch": speaker.pitch, "pitch_range": 50}
    sound, rate, _ = synthesise("Go, now.", speaker.voice, **settings)
    assert np.abs(sound).max() < 32_767
    sounding = np.flatnonzero(sound)
    assert np.diff(sounding).max() > 0.1 * rate


@needs_espeak
def test_a_higher_pitch_and_another_pace_are_heard():
    def said(pitch, words):
        return EspeakSpeaker("en-us", "m1", pitch, 50, words).say("A long meadow.")

    slow, quick = said(50, 120), said(50, 170)
    assert slow[1][-1].end_seconds > 1.2 * quick[1][-1].end_seconds
    assert names(slow[1]) == names(quick[1]) == names(said(80, 120)[1])
    assert not np.array_equal(slow[0], said(80, 120)[0])


@needs_espeak
def test_shards_of_the_second_teacher_are_read_in_order(tmp_path):
    (tmp_path / "espeak").mkdir()
    for index, text in enumerate(["Good morning.", "It is late."]):
        write_shard(tmp_path / "espeak" / f"{index:03d}.npz", [(text, index)], espeak.say)
    clips = read_clips(tmp_path, "espeak")
    assert [(clip.text, clip.speaker) for clip in clips] == [
        ("Good morning.", 0),
        ("It is late.", 1),
    ]
    assert len(read_shard(tmp_path / "espeak" / "001.npz")) == 1


def test_the_second_teacher_says_the_teachers_texts_in_another_order(monkeypatch):
    texts = [f"Text {index}." for index in range(200)]
    monkeypatch.setattr(espeak.teacher, "jobs", lambda: [(text, 99) for text in texts])
    said = espeak.jobs()
    assert said == espeak.jobs()
    assert [text for text, _ in said] != texts
    assert sorted(text for text, _ in said) == sorted(texts)
    assert {speaker for _, speaker in said} == set(range(len(TRAINING_ESPEAK)))
