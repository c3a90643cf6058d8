"""Long texts on disk: whole or not at all, killed and gone on with, read within bounds."""

import os
import signal
import sys
import time

import numpy as np
import pytest

from tests.backend.project_stock import some_speakers, stock
from tests.backend.talking_engine import TalkingEngine
from tests.command_line import started
from webui.backend.project_desk import ProjectDesk
from webui.backend.project_store import (
    SETTLED_SECONDS,
    UNUSED_SOUNDS_KEPT_SECONDS,
    ProjectFolder,
    StoredCard,
    StoredChapter,
    StoredProject,
    project_folders,
)
from webui.backend.project_view import Naming, View, voice_print
from webui.errors import ProjectError, StorageError
from webui.events import Done
from webui.synthesis.controls import SpeechControls

CARD = StoredCard(
    "c0", "Good morning.", "ANNA", "a", 0, True, True, 0.0, 0.0, (0, 5), "0" * 32,
)  # fmt: skip
PLAIN = StoredCard("c1", "Bye.")


def project(*cards: StoredCard, **changes) -> StoredProject:
    values = {
        "name": "Tale", "family": "mini", "language": "en", "rate": 16_000, "seed": 7,
        "controls": SpeechControls(pause_seconds=0.5), "voices": {"": "a", "ANNA": "b"},
        "chapters": (StoredChapter("One", cards or (CARD, PLAIN)),), "prints": {"a": "x"},
        "origin": "o", "next_card": 2,
    }  # fmt: skip
    return StoredProject(**values | changes)


@pytest.fixture
def folder(tmp_path):
    made = ProjectFolder(tmp_path / "tale-00000000")
    made.save(project())
    return made


def tone(samples: int = 100):
    return np.full(samples, 0.25, np.float32)


def test_what_is_saved_is_read_back_with_every_value(folder):
    found = ProjectFolder(folder.path).load()
    assert found.chapters == project().chapters
    assert found.controls == project().controls
    assert found == project(changed=found.changed)
    assert found.changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"rate": 16000', '"rate": 0'),
        ('"seed": 7', '"seed": "7"'),
        ('"pause_seconds": 0.5', '"pause_seconds": 900'),
        ('"text": "Bye."', '"text": 5'),
        ('"text": "Bye."', '"text": "Bye.", "seed": "x"'),
        ('"text": "Bye."', '"text": "Bye.", "voice": 3'),
        ('"text": "Bye."', '"text": "Bye.", "earlier": ["x"]'),
        ('"voices": {', '"voices": 3, "x": {'),
        ('"chapters": [', '"chapters": [3, '),
    ],
)
def test_values_that_cannot_be_are_told_as_damage(folder, before, after):
    file = folder.path / "project.json"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    with pytest.raises(ProjectError, match="damaged"):
        ProjectFolder(folder.path).load()


def test_a_project_is_read_again_only_when_it_was_changed(folder):
    first = folder.load()
    assert folder.load() is first
    other = ProjectFolder(folder.path)
    other.save(project(name="Other"))
    assert folder.load().name == "Other"


def test_sounds_are_listed_by_their_names_and_strange_files_are_left_alone(folder):
    key = "ab" * 16
    folder.save_sound(key, tone(123), 16_000, {})
    (folder.path / "cards" / "x.flac").write_bytes(b"")
    (folder.path / "cards" / f"{key}-0.flac").write_bytes(b"")
    assert folder.sounds() == {key: 123}
    time.sleep(SETTLED_SECONDS)
    assert folder.sounds() is not None
    ProjectFolder(folder.path).save_sound("cd" * 16, tone(), 16_000, {})
    assert set(folder.sounds()) == {key, "cd" * 16}
    sound, rate = folder.read_sound(key)
    assert (len(sound), rate) == (123, 16_000)
    with pytest.raises(ProjectError, match="not spoken yet"):
        folder.read_sound("../../etc/passwd")


def test_old_sounds_that_nobody_can_ask_for_go_and_all_others_stay(folder):
    keys = ["a" * 32, "b" * 32, "c" * 32]
    for key in keys:
        folder.save_sound(key, tone(), 16_000, {})
    old = time.time() - UNUSED_SOUNDS_KEPT_SECONDS - 60
    for key in keys[:2]:
        os.utime(folder.path / "cards" / f"{key}-100.flac", (old, old))
    folder.sweep_sounds({keys[1]})
    assert set(folder.sounds()) == set(keys[1:])


def test_notes_are_kept_bounded_and_forgotten_when_there_is_nothing_to_say(folder):
    folder.save_note("k", True, "It failed.")
    assert folder.notes() == {"k": (True, "It failed.")}
    folder.save_note("k", False, "")
    folder.save_note("other", False, "")
    assert folder.notes() == {}
    for number in range(3):
        folder.save_note(f"{number}", False, "note")
    (folder.path / "notes.json").write_text('{"a": 1}')
    assert folder.notes() == {}


@pytest.mark.parametrize(("writes", "name"), [(1, "Tale"), (2, "New 0"), (3, "New 0")])
def test_a_full_disk_leaves_the_last_whole_project(folder, monkeypatch, writes, name):
    left = [writes]

    def fsync(descriptor):  # of a file, then of its folder
        left[0] -= 1
        if not left[0]:
            raise OSError(28, "No space left on device")

    def save_often():
        for number in range(3):
            folder.save(project(name=f"New {number}"))

    monkeypatch.setattr("webui.file_saving.os.fsync", fsync)
    with pytest.raises(StorageError, match="Not enough disk"):
        save_often()
    monkeypatch.undo()
    assert ProjectFolder(folder.path).load().name == name
    assert not list(folder.path.glob(".*.part"))


def test_only_folders_with_our_names_are_projects(tmp_path, folder):
    for name in ("..x-00000000", "Tale-00000000", "tale", "a" * 70 + "-00000000"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "project.json").write_text("{}")
    (tmp_path / "empty-00000000").mkdir()
    assert list(project_folders(tmp_path)) == [folder.id]


def test_a_sounds_name_follows_from_all_that_decides_how_it_sounds_and_from_nothing_else():
    base = project()
    prints = {"a": voice_print(some_speakers()["a"]), "b": voice_print(some_speakers()["b"])}
    card = StoredCard("c0", "Good morning.", "ANNA")

    def key(card=card, prints=prints, **changes):
        return Naming(project(**changes), prints).key(card)

    same = [
        key(),
        key(name="Other"),
        key(voices={"": "b"}),
        key(voices={"": "a", "ANNA": "other"}, prints=prints | {"other": prints["b"]}),
        key(card=StoredCard("c0", "Good morning.", "ANNA", pause_seconds=3.0, locked=True)),
    ]
    assert len(set(same)) == 1
    others = [
        key(card=StoredCard("c1", "Good morning.", "ANNA")),
        key(card=StoredCard("c0", "Good evening.", "ANNA")),
        key(card=StoredCard("c0", "Good morning.")),
        key(card=StoredCard("c0", "Good morning.", "ANNA", seed=5)),
        key(family="bark"),
        key(language="de"),
        key(seed=8),
        key(controls=SpeechControls(greedy=True)),
    ]
    assert len({same[0], *others}) == 1 + len(others)
    assert key(prints={}) == ""
    assert base.controls.takes == 1


def test_the_whole_look_is_bound_to_one_moment():
    view = View(Naming(project(PLAIN), {"a": "x"}), {}, {})
    assert view.is_to_do(PLAIN)
    there = View(view.naming, {view.naming.keys["c1"]: 16_000}, {})
    assert not there.is_to_do(PLAIN)
    assert there.card(PLAIN).seconds == 1.0
    assert there.info("x").seconds == 1.0


@pytest.mark.slow
def test_a_process_that_is_killed_again_and_again_makes_nothing_twice_and_loses_nothing(tmp_path):
    desk = ProjectDesk(tmp_path, TalkingEngine(), stock())
    text = "\n\n".join(f"Sentence number {number} is here." for number in range(40))
    tale = desk.create("Tale", text).id
    texts = [card.text for each in desk.details(tale).chapters for card in each.cards]
    begun: list[str] = []
    kills = 2
    line = [sys.executable, "-m", "tests.backend.project_speaker", str(tmp_path), tale]
    for count in range(kills):
        with started(line) as process:
            for _ in range(8 + count):
                begun.append(process.stdout.readline().decode().strip())
            process.send_signal(signal.SIGKILL)
            begun += process.stdout.read().decode().split("\n")[:-1]
    done = [card for each in desk.details(tale).chapters for card in each.cards if card.seconds]
    assert 0 < len(done) < len(texts)
    assert len(begun) - len(done) <= kills  # only what was at work is lost
    engine = TalkingEngine()
    again = ProjectDesk(tmp_path, engine, stock())
    *_, last = again.render(tale)
    assert isinstance(last, Done)
    assert again.all()[0].done == len(texts)
    assert len(engine.texts) == len(texts) - len(done)
    assert {*begun, *engine.texts} == set(texts)
    assert not list((tmp_path / tale).rglob(".*.part")) or len(begun) > len(done)
    sounds = [again.card_sound(tale, card.id)[0] for card in done]
    assert all(len(sound) for sound in sounds)
