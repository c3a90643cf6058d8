"""Long texts: begun, edited, spoken card by card, and nothing twice."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.backend.project_stock import some_speakers, stock
from tests.backend.talking_engine import RATE, SAMPLES_PER_LETTER, TalkingEngine, sound_of
from webui.audio import read_audio, read_metadata
from webui.backend.project_beginning import ProjectOrder
from webui.backend.project_desk import MOST_TAKES, ProjectDesk
from webui.backend.service import Service
from webui.errors import (
    AudioFileError,
    FamilyNotFoundError,
    ProjectError,
    SettingsError,
    TextError,
    VoiceNotFoundError,
)
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Failed, Progress
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls

TALE = (
    "Chapter One\n\nThe moon is bright.\n\nIt is late. ANNA: no.\n\n"
    "ANNA: Who is there?\n\nBOB: Me.\n\nChapter Two\n\nThe end."
)


@pytest.fixture
def engine():
    return TalkingEngine()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "projects"


@pytest.fixture
def desk(root, engine) -> ProjectDesk:
    made = ProjectDesk(root, engine, stock())
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path):
    return Settings(
        family="mini", outputs_dir=tmp_path / "outputs", speakers_dir=tmp_path / "speakers"
    )


@pytest.fixture
def tale(desk) -> str:
    return desk.create("Tale", TALE).id


def cards(desk, project):
    return [card for each in desk.details(project).chapters for card in each.cards]


def states(desk, project) -> list[str]:
    return [card.state for card in cards(desk, project)]


def spoken(events) -> list[str]:
    """The texts that were told as ready; the stream ended well."""
    told = list(events)
    assert isinstance(told[-1], Done), told[-1]
    return [each.text for each in told if isinstance(each, AudioChunk)]


def in_file(desk, project, card="c1"):
    sound, rate = desk.card_sound(project, card)
    assert rate == RATE
    return sound


# Begun


def test_a_text_becomes_chapters_of_cards_with_a_voice_for_everybody_who_speaks(desk, tale):
    details = desk.details(tale)
    assert details.info.name == "Tale"
    assert (details.info.chapters, details.info.cards, details.info.done) == (2, 7, 0)
    assert 3 < details.info.expected_seconds < 12
    assert [each.title for each in details.chapters] == ["Chapter One", "Chapter Two"]
    said = [(card.speaker, card.text) for card in details.chapters[0].cards]
    assert said == [
        ("", "Chapter One"),
        ("", "The moon is bright."),
        ("", "It is late. ANNA: no."),
        ("ANNA", "Who is there?"),
        ("BOB", "Me."),
    ]
    assert details.speakers == ("", "ANNA", "BOB")
    assert len(set(details.voices.values())) == 3
    assert details.family == "mini"
    assert details.language == "en"
    assert states(desk, tale) == ["new"] * 7


def test_a_card_is_never_longer_than_the_family_says_in_one_go(desk):
    long = " ".join(f"Word number {number} is here." for number in range(60))
    made = cards(desk, desk.create("", long).id)
    assert len(made) > 20
    assert " ".join(card.text for card in made) == long
    assert max(len(card.text) for card in made) < 60


def test_chosen_voices_and_controls_are_kept_and_a_text_without_a_name_gets_its_title(desk):
    voices = list("abcde")
    controls = SpeechControls(pause_seconds=0.75, seed=9)
    made = desk.create(
        "", ("story.txt", TALE.encode()), voice=voices[4], voices={"ANNA": voices[3]},
        controls=controls, language="EN",
    )  # fmt: skip
    details = desk.details(made.id)
    assert made.name == "story"
    assert details.voices[""] == voices[4]
    assert details.voices["ANNA"] == voices[3]
    assert details.voices["BOB"] == voices[0]
    assert details.controls == controls


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"source": "..."}, TextError),
        ({"source": ("a.pdf", b"x")}, TextError),
        ({"name": "x" * 65}, ProjectError),
        ({"name": "a\u202eb"}, ProjectError),
        ({"family": "other"}, FamilyNotFoundError),
        ({"voice": "nobody"}, VoiceNotFoundError),
        ({"voices": {"ANNA": "../x"}}, VoiceNotFoundError),
        ({"controls": SpeechControls(min_eos_p=7)}, SettingsError),
    ],
    ids=["no words", "no text", "long name", "hidden letters", "family", "voice", "path", "knob"],
)
def test_what_is_wrong_is_refused_before_anything_is_written(desk, root, change, fault):
    wishes = {"name": "Tale", "source": TALE} | change
    with pytest.raises(fault):
        desk.create(wishes.pop("name"), wishes.pop("source"), **wishes)
    assert not root.exists()
    assert desk.all() == []


def test_the_same_text_with_the_same_wishes_is_the_same_project(desk):
    order = ProjectOrder("Tale", ("tale.txt", TALE.encode()))
    first = desk.open_or_create(order)
    assert desk.open_or_create(order).id == first.id
    for other in (
        replace(order, name="Other"),
        replace(order, source=("tale.txt", TALE.encode() + b" More.")),
        replace(order, controls=SpeechControls(seed=3)),
    ):
        assert desk.open_or_create(other).id != first.id
    assert len(desk.all()) == 4


# Spoken


def test_every_card_is_spoken_once_and_a_second_pass_has_nothing_to_do(desk, tale, engine):
    texts = [card.text for card in cards(desk, tale)]
    assert spoken(desk.render(tale)) == texts
    assert engine.texts == texts
    assert states(desk, tale) == ["done"] * 7
    (info,) = desk.all()
    letters = sum(map(len, texts))
    assert info.done == 7
    assert info.seconds == pytest.approx(letters * SAMPLES_PER_LETTER / RATE)
    assert info.expected_seconds == pytest.approx(info.seconds)
    assert spoken(desk.render(tale)) == []
    assert engine.texts == texts


def test_a_card_gets_the_arrays_of_its_voice_and_its_sound_is_what_the_engine_made(
    desk, tale, engine
):
    list(desk.render(tale))
    voices = desk.details(tale).voices
    for request, card in zip(engine.asked, cards(desk, tale), strict=True):
        speaker = some_speakers()[voices[card.speaker]]
        np.testing.assert_array_equal(request.speaker.fine, speaker.fine)
        np.testing.assert_allclose(in_file(desk, tale, card.id), sound_of(request), atol=1e-4)
    assert len({request.controls.seed for request in engine.asked}) == 7


def test_progress_counts_cards_and_ends_with_all_of_them(desk, tale):
    told = [each for each in desk.render(tale) if isinstance(each, Progress)]
    fractions = [each.fraction for each in told]
    assert fractions == sorted(fractions)
    assert {each.chunks for each in told} == {7} | ({1} if told[0].stage == "queued" else set())
    assert told[-1].fraction == pytest.approx(1.0)
    assert told[-1].chunk == 6


def test_only_the_chosen_chapter_or_the_chosen_cards_are_spoken(desk, tale, engine):
    assert spoken(desk.render(tale, chapter=1)) == ["Chapter Two", "The end."]
    assert spoken(desk.render(tale, cards=["c3", "c0", "x"])) == ["Chapter One", "Who is there?"]
    with pytest.raises(ProjectError, match="no chapter 3"):
        desk.render(tale, chapter=2)
    assert len(engine.asked) == 4


def test_it_goes_on_when_nobody_reads_and_another_reader_may_come(desk, tale, engine):
    engine.gate.clear()
    events = desk.render(tale)
    next(events)
    engine.began.acquire(timeout=60)
    events.close()
    (info,) = desk.all()
    assert info.running
    again = desk.follow(tale)
    assert isinstance(next(again), Progress)
    engine.gate.set()
    assert isinstance(list(again)[-1], Done)
    assert states(desk, tale) == ["done"] * 7
    assert not desk.all()[0].running
    assert list(desk.follow(tale)) == []


def test_stopping_keeps_what_is_done_and_the_next_pass_makes_only_the_rest(desk, tale, engine):
    events = desk.render(tale)
    for event in events:
        if isinstance(event, AudioChunk) and event.index == 2:
            engine.gate.clear()
            desk.stop(tale)
    assert isinstance(event, Cancelled)
    engine.gate.set()
    done = states(desk, tale).count("done")
    assert 3 <= done < 7
    before = len(engine.asked)
    assert len(spoken(desk.render(tale))) == 7 - done
    assert len(engine.asked) == before + 7 - done


def test_the_readers_token_stops_it_for_everybody(desk, tale, engine):
    engine.gate.clear()
    cancel = CancelToken()
    events = desk.render(tale, cancel=cancel)
    next(events)
    cancel.cancel()
    assert isinstance(list(events)[-1], Cancelled)
    assert states(desk, tale) == ["new"] * 7


def test_a_card_that_fails_says_why_and_the_others_are_spoken(desk, tale, engine):
    engine.fails = "moon"
    assert len(spoken(desk.render(tale))) == 6
    failed = cards(desk, tale)[1]
    assert failed.state == "failed"
    assert failed.note == "This cannot be said: The moon is bright."
    engine.fails = ""
    assert spoken(desk.render(tale)) == ["The moon is bright."]
    assert cards(desk, tale)[1].note == ""


def test_three_failures_in_a_row_end_it_with_the_reason(desk, tale, engine):
    engine.fails = " "
    *_, last = desk.render(tale, cards=["c1", "c2", "c3", "c6"])
    assert isinstance(last, Failed)
    assert "cannot be said" in last.message
    assert states(desk, tale).count("failed") == 3


def test_a_card_without_sound_is_told_and_notes_of_the_engine_stay_with_the_card(
    desk, tale, engine
):
    engine.silent, engine.note = "moon", "The end may be missing."
    list(desk.render(tale, chapter=0))
    silent, other = cards(desk, tale)[1:3]
    assert silent.state == "failed"
    assert "Nothing was said" in silent.note
    assert (other.state, other.note) == ("done", "The end may be missing.")


def test_several_devices_speak_several_cards_at_once(root):
    engine = TalkingEngine(devices=3)
    engine.gate.clear()
    desk = ProjectDesk(root, engine, stock())
    events = desk.render(desk.create("Tale", TALE).id)
    for _ in range(3):
        assert engine.began.acquire(timeout=60)
    engine.gate.set()
    assert sorted(spoken(events)) == sorted(engine.texts)
    assert len(engine.asked) == 7


def test_what_is_edited_meanwhile_is_spoken_as_it_is_when_its_turn_comes(desk, tale, engine):
    engine.gate.clear()
    events = desk.render(tale)
    engine.began.acquire(timeout=60)
    desk.edit_card(tale, "c6", text="Another end.")
    desk.lock(tale, "c5", True)
    desk.delete_card(tale, "c4")
    engine.gate.set()
    assert spoken(events) == [
        "Chapter One", "The moon is bright.", "It is late. ANNA: no.", "Who is there?",
        "Another end.",
    ]  # fmt: skip


def test_two_programs_do_not_speak_one_text_at_once(root, desk, tale, engine):
    engine.gate.clear()
    desk.render(tale)
    engine.began.acquire(timeout=60)
    other = ProjectDesk(root, TalkingEngine(), stock())
    *_, last = other.render(tale)
    assert isinstance(last, Failed)
    assert "another window or program" in last.message
    with pytest.raises(ProjectError, match="another window or program"):
        other.delete(tale)


def test_closing_the_app_stops_it_and_nothing_begins_afterwards(desk, tale, engine):
    engine.gate.clear()
    events = desk.render(tale)
    engine.began.acquire(timeout=60)
    closing = threading.Thread(target=desk.close)
    closing.start()
    assert isinstance(list(events)[-1], Cancelled)
    closing.join(60)
    with pytest.raises(ProjectError, match="app is ending"):
        desk.render(tale)


# Changed


def test_only_what_was_changed_is_spoken_again_and_old_words_have_their_old_sound(
    desk, tale, engine
):
    list(desk.render(tale))
    before = in_file(desk, tale)
    changed = desk.edit_card(tale, "c1", text="The  moon is dark.")
    assert (changed.state, changed.text) == ("changed", "The moon is dark.")
    np.testing.assert_array_equal(in_file(desk, tale), before)
    assert spoken(desk.render(tale)) == ["The moon is dark."]
    assert not np.array_equal(in_file(desk, tale), before)
    assert desk.edit_card(tale, "c1", text="The moon is bright.").state == "done"
    np.testing.assert_array_equal(in_file(desk, tale), before)
    assert len(engine.asked) == 8


def test_a_speakers_new_voice_changes_that_speakers_cards_and_not_the_locked_ones(desk, tale):
    list(desk.render(tale))
    desk.lock(tale, "c0", True)
    kept = in_file(desk, tale, "c0")
    other = desk.details(tale).voices["BOB"]
    details = desk.assign_voice(tale, "", other)
    assert details.voices[""] == other
    assert states(desk, tale) == [
        "done", "changed", "changed", "done", "done", "changed", "changed",
    ]  # fmt: skip
    assert len(spoken(desk.render(tale))) == 4
    np.testing.assert_array_equal(in_file(desk, tale, "c0"), kept)
    assert desk.lock(tale, "c0", False).state == "changed"
    with pytest.raises(ProjectError, match='called "EVE"'):
        desk.assign_voice(tale, "EVE", other)
    with pytest.raises(VoiceNotFoundError):
        desk.assign_voice(tale, "BOB", "nobody")


def test_a_cards_own_voice_seed_and_pause_count_and_can_be_taken_back(desk, tale):
    list(desk.render(tale))
    other = desk.details(tale).voices["BOB"]
    assert desk.edit_card(tale, "c1", voice=other).state == "changed"
    assert desk.edit_card(tale, "c1", voice=None).state == "done"
    assert desk.edit_card(tale, "c1", seed=5).state == "changed"
    assert desk.edit_card(tale, "c1", seed=None).state == "done"
    paused = desk.edit_card(tale, "c1", pause_seconds=3.0)
    assert (paused.state, paused.pause_seconds) == ("done", 3.0)
    assert desk.edit_card(tale, "c1", speaker="ANNA").state == "changed"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"text": " "}, TextError),
        ({"text": "a" * 2_001}, TextError),
        ({"voice": "nobody"}, VoiceNotFoundError),
        ({"seed": -1}, ProjectError),
        ({"seed": 2**32}, ProjectError),
        ({"pause_seconds": float("nan")}, ProjectError),
        ({"pause_seconds": 31.0}, ProjectError),
    ],
)
def test_an_edit_that_cannot_be_leaves_the_card_as_it_was(desk, tale, change, fault):
    before = cards(desk, tale)
    with pytest.raises(fault):
        desk.edit_card(tale, "c1", **change)
    assert cards(desk, tale) == before


def test_a_locked_card_is_neither_spoken_nor_changed(desk, tale, engine):
    desk.lock(tale, "c1", True)
    assert "The moon is bright." not in spoken(desk.render(tale))
    for change in (
        lambda: desk.edit_card(tale, "c1", text="No."),
        lambda: desk.split_card(tale, "c1", 8),
        lambda: desk.merge_with_next(tale, "c1"),
        lambda: desk.merge_with_next(tale, "c0"),
        lambda: desk.delete_card(tale, "c1"),
        lambda: desk.reroll(tale, "c1"),
        lambda: desk.undo_reroll(tale, "c1"),
    ):
        with pytest.raises(ProjectError, match="locked"):
            change()


def test_cards_are_split_merged_inserted_and_deleted(desk, tale):
    first, second = desk.split_card(tale, "c1", 8)
    assert (first.text, second.text) == ("The moon", "is bright.")
    assert (first.ends_paragraph, second.ends_paragraph) == (False, True)
    assert desk.merge_with_next(tale, "c1").text == "The moon is bright."
    made = desk.insert_card_after(tale, "c4", "You?")
    assert (made.speaker, made.state) == ("BOB", "new")
    desk.delete_card(tale, "c0")
    said = [card.text for card in desk.details(tale).chapters[0].cards]
    assert said == [
        "The moon is bright.", "It is late. ANNA: no.", "Who is there?", "Me.", "You?",
    ]  # fmt: skip
    ids = [card.id for card in cards(desk, tale)]
    assert len(set(ids)) == len(ids)
    for place in (0, 8_000, -5):
        with pytest.raises(ProjectError, match="words on both sides"):
            desk.split_card(tale, "c1", place)
    with pytest.raises(ProjectError, match="different voices"):
        desk.merge_with_next(tale, "c2")
    with pytest.raises(ProjectError, match="No card follows"):
        desk.merge_with_next(tale, made.id)
    desk.delete_card(tale, "c5")
    desk.delete_card(tale, "c6")
    assert len(desk.details(tale).chapters) == 1
    for card in ids[:-3]:
        desk.delete_card(tale, card)
    with pytest.raises(ProjectError, match="last card"):
        desk.delete_card(tale, made.id)


def test_a_card_moves_in_its_chapter_and_keeps_its_sound(desk, tale, engine):
    list(desk.render(tale))
    ends = [card.ends_paragraph for card in cards(desk, tale)]
    assert desk.move_card(tale, "c1", -1).state == "done"
    assert [card.id for card in cards(desk, tale)][:3] == ["c1", "c0", "c2"]
    assert [card.ends_paragraph for card in cards(desk, tale)] == ends
    desk.move_card(tale, "c1", 2)
    assert [card.id for card in cards(desk, tale)][:3] == ["c0", "c2", "c1"]
    assert spoken(desk.render(tale)) == []
    for card, by in (("c0", -1), ("c0", 500), ("c4", 1)):
        with pytest.raises(ProjectError, match="its chapter ends before"):
            desk.move_card(tale, card, by)
    with pytest.raises(ProjectError, match="not there any more"):
        desk.move_card(tale, "c99", 1)


def test_cards_of_subtitles_keep_their_order(desk):
    first = "1\n00:00:01,000 --> 00:00:02,000\nThe sun is up.\n\n"
    second = "2\n00:00:05,000 --> 00:00:06,000\nIt is warm.\n"
    made = desk.create("Film", ("film.srt", (first + second).encode())).id
    with pytest.raises(ProjectError, match="keep their order"):
        desk.move_card(made, cards(desk, made)[0].id, 1)


def test_merged_back_a_card_has_its_sound_again(desk, tale):
    list(desk.render(tale))
    desk.split_card(tale, "c1", 8)
    assert states(desk, tale)[1:3] == ["changed", "new"]
    assert desk.merge_with_next(tale, "c1").state == "done"


# Rolled again


def test_a_reroll_gives_another_sound_and_undoing_it_the_one_before(desk, tale):
    list(desk.render(tale))
    first = in_file(desk, tale)
    assert spoken(desk.reroll(tale, "c1")) == ["The moon is bright."]
    second = in_file(desk, tale)
    assert spoken(desk.reroll(tale, "c1")) == ["The moon is bright."]
    assert not np.array_equal(first, second)
    assert cards(desk, tale)[1].takes == 2
    assert desk.undo_reroll(tale, "c1").takes == 1
    np.testing.assert_array_equal(in_file(desk, tale), second)
    assert desk.undo_reroll(tale, "c1").state == "done"
    np.testing.assert_array_equal(in_file(desk, tale), first)
    with pytest.raises(ProjectError, match="no earlier sound"):
        desk.undo_reroll(tale, "c1")


def test_a_reroll_that_fails_or_is_stopped_changes_nothing(desk, tale, engine):
    list(desk.render(tale))
    before = cards(desk, tale)
    engine.fails = "moon"
    *_, last = desk.reroll(tale, "c1")
    assert isinstance(last, Failed)
    engine.fails, engine.silent = "", "moon"
    *_, last = desk.reroll(tale, "c1")
    assert isinstance(last, Failed)
    engine.gate.clear()
    cancel = CancelToken()
    events = desk.reroll(tale, "c1", cancel)
    next(events)
    cancel.cancel()
    assert isinstance(list(events)[-1], Cancelled)
    assert cards(desk, tale) == before


def test_earlier_takes_are_bounded_and_fit_only_the_words_that_they_say(desk, tale):
    list(desk.render(tale))
    for _ in range(MOST_TAKES + 2):
        list(desk.reroll(tale, "c1"))
    assert cards(desk, tale)[1].takes == MOST_TAKES
    assert desk.edit_card(tale, "c1", text="The moon is dark.").takes == 0
    assert desk.edit_card(tale, "c1", text="The moon is bright.").takes == MOST_TAKES


# Given out


def test_a_chapter_is_one_sound_with_pauses_and_subtitles_that_fit(desk, tale, tmp_path):
    list(desk.render(tale))
    desk.edit_card(tale, "c1", pause_seconds=1.5)
    sound, rate = desk.chapter_sound(tale, 0)
    texts = [card.text for card in desk.details(tale).chapters[0].cards]
    letters = sum(map(len, texts))
    expected = letters * SAMPLES_PER_LETTER / RATE + 0.5 + 1.5 + 0.5 + 0.5
    assert rate == RATE
    assert len(sound) / rate == pytest.approx(expected, abs=0.01)
    srt = desk.subtitles(tale, "srt", 0)
    assert srt.count("-->") == 5
    last = srt.split("-->")[-1].split()[0]
    assert float(last.rpartition(":")[2].replace(",", ".")) == pytest.approx(expected, abs=0.01)
    assert "<v ANNA>Who is there?" in desk.subtitles(tale, "vtt")
    desk.export(tale, tmp_path / "one.flac", "flac", 0)
    whole, _ = read_audio(tmp_path / "one.flac")
    np.testing.assert_allclose(whole, sound, atol=1e-4)


def test_only_what_fits_is_given_out(desk, tale):
    with pytest.raises(ProjectError, match="Nothing of this was spoken"):
        desk.chapter_sound(tale, 0)
    with pytest.raises(ProjectError, match="not spoken yet"):
        desk.card_sound(tale, "c1")
    list(desk.render(tale))
    whole = len(desk.chapter_sound(tale, 0)[0])
    desk.edit_card(tale, "c1", text="Old words are not heard.")
    assert len(desk.chapter_sound(tale, 0)[0]) < whole
    assert "moon" not in desk.subtitles(tale, "srt")
    with pytest.raises(ProjectError, match="no chapter 10"):
        desk.subtitles(tale, "srt", 9)


def test_a_card_of_subtitles_begins_when_the_subtitle_does(desk):
    srt = (
        "1\n00:00:02,000 --> 00:00:03,000\nGood morning.\n\n2\n00:00:09,000 --> 00:00:10,000\nBye."
    )
    film = desk.create("Film", ("film.srt", srt.encode())).id
    list(desk.render(film))
    assert [card.start_seconds for card in cards(desk, film)] == [2.0, 9.0]
    sound, rate = desk.chapter_sound(film, 0)
    assert not sound[: 2 * rate].any()
    assert sound[2 * rate : round(2.2 * rate)].any()
    assert not sound[5 * rate : 9 * rate].any()
    assert sound[9 * rate :].any()
    assert "00:00:02,000 -->" in desk.subtitles(film, "srt")
    assert "00:00:09,000 -->" in desk.subtitles(film, "srt")


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_the_whole_is_exported_with_what_it_was_made_of(desk, tale, tmp_path, kind):
    list(desk.render(tale))
    desk.export(tale, tmp_path / f"tale.{kind}", kind)
    facts = read_metadata(tmp_path / f"tale.{kind}")
    assert (facts["title"], facts["family"]) == ("Tale", "mini")
    sound, rate = read_audio(tmp_path / f"tale.{kind}")
    parts = [len(desk.chapter_sound(tale, number)[0]) / RATE for number in (0, 1)]
    assert len(sound) / rate == pytest.approx(sum(parts) + 2.0, abs=0.15)


def test_a_card_file_says_how_it_was_made(desk, tale, root):
    list(desk.render(tale, cards=["c1"]))
    (file,) = (root / tale / "cards").glob("*.flac")
    facts = read_metadata(file)
    assert facts["text"] == "The moon is bright."
    assert facts["voice"] == desk.details(tale).voices[""]


def test_an_unknown_format_is_refused(desk, tale, tmp_path):
    list(desk.render(tale, chapter=1))
    with pytest.raises(AudioFileError, match="none of them"):
        desk.export(tale, tmp_path / "a.exe", "exe")
    assert list(tmp_path.glob("*.exe")) == []


# Kept


def test_another_program_sees_the_same_and_makes_nothing_twice(root, desk, tale):
    list(desk.render(tale, chapter=0))
    again = TalkingEngine()
    other = ProjectDesk(root, again, stock())
    assert other.details(tale) == desk.details(tale)
    assert spoken(other.render(tale)) == ["Chapter Two", "The end."]
    assert len(again.asked) == 2
    assert states(desk, tale) == ["done"] * 7


def test_a_project_is_renamed_and_deleted_and_a_damaged_one_says_so(desk, tale, root):
    assert desk.rename(tale, " New  name ").name == "New name"
    with pytest.raises(ProjectError):
        desk.rename(tale, "x" * 65)
    other = desk.create("Other", TALE).id
    file = root / tale / "project.json"
    for damage in ("{", "[]", json.dumps({"name": 1}), '{"chapters": [{"title": 1, "cards": 2}]}'):
        file.write_text(damage)
        broken = next(each for each in desk.all() if each.id == tale)
        assert "damaged" in str(broken.broken)
        with pytest.raises(ProjectError, match="damaged"):
            desk.details(tale)
    desk.delete(tale)
    assert [each.id for each in desk.all()] == [other]
    assert not file.parent.exists()


@pytest.mark.parametrize("name", ["", "..", "../../etc", "tale", "a/b", "x" * 500])
def test_an_id_is_looked_up_and_never_a_path(desk, tale, name):
    for act in (desk.details, desk.delete, desk.render):
        with pytest.raises(ProjectError, match="no such text"):
            act(name)


def test_a_voice_that_is_gone_leaves_its_sounds_and_is_missed_for_new_ones(root, engine):
    speakers = some_speakers()
    desk = ProjectDesk(root, engine, stock(speakers))
    tale = desk.create("Tale", TALE).id
    list(desk.render(tale, cards=["c1"]))
    del speakers[desk.details(tale).voices[""]]
    assert states(desk, tale)[1] == "done"
    *_, last = desk.render(tale, cards=["c2"])
    assert isinstance(last, Failed)
    assert last.kind == "VoiceNotFoundError"


def test_a_voice_with_other_arrays_under_the_same_name_is_another_voice(root, engine):
    speakers = some_speakers()
    desk = ProjectDesk(root, engine, stock(speakers))
    tale = desk.create("Tale", TALE).id
    list(desk.render(tale))
    speakers[desk.details(tale).voices["BOB"]] = some_speakers(seed=9)["a"]
    assert [card.text for card in cards(desk, tale) if card.state != "done"] == ["Me."]


def test_a_public_page_shows_nothing_of_the_owners_texts(settings):
    owner = Service(settings, TalkingEngine()).projects
    tale = owner.create("Tale", TALE).id
    assert [each.id for each in owner.all()] == [tale]
    public = Service(replace(settings, public=True), TalkingEngine()).projects
    assert public.all() == []
    for act in (
        lambda: public.create("x", TALE),
        lambda: public.details(tale),
        lambda: public.render(tale),
        lambda: public.card_sound(tale, "c1"),
        lambda: public.delete(tale),
        lambda: public.open_or_create(ProjectOrder("x", TALE)),
    ):
        with pytest.raises(SettingsError, match="public page"):
            act()


def test_visitors_have_desks_of_their_own_with_a_bound(settings, tmp_path):
    service = Service(replace(settings, public=True), TalkingEngine())
    shelves = service.visitor_projects(tmp_path / "v", service.visitor_voices(tmp_path / "w"))
    first, second = shelves.of("one"), shelves.of("two")
    mine = first.create("Mine", "Good morning.").id
    assert spoken(first.render(mine)) == ["Good morning."]
    assert second.all() == []
    with pytest.raises(ProjectError, match="no such text"):
        second.details(mine)
    with pytest.raises(TextError, match="the limit here is 20,000"):
        first.create("Long", "word " * 5_000)
    service.close()
