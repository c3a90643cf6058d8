"""A training on disk: it comes back as it was, one works on it at a time, damage is said."""

import json
import multiprocessing

import numpy as np
import pytest

from tests.backend.scripted_training import REPORT, weights_of
from tests.backend.test_cloning_desk import tiny_voice
from webui.backend.requests import TrainingOrder
from webui.backend.training_folder import (
    TrainingEnd,
    TrainingFolder,
    is_training_id,
    plan_file,
    training_folders,
)
from webui.errors import StorageError, TrainingError
from webui.training.pairs import NumberedText
from webui.training_results import TrainingPoint

ORDER = TrainingOrder("Żółć 1", None, "pl", 2, "a b c", voices=("x",), epochs=3)


@pytest.fixture
def folder(tmp_path):
    made = TrainingFolder(tmp_path / "zolc-1")
    texts = [NumberedText(0, "ąę", 7, "Ada", tiny_voice()), NumberedText(1, "b", 8)]
    made.create(plan_file(ORDER, "tiny"), texts, {"Ada": tiny_voice()})
    return made


def again(folder):
    return TrainingFolder(folder.path)


def point(step, **how):
    return TrainingPoint(step, step / 2, 1.0, 0.5, **how)


def test_a_plan_comes_back_without_the_text_of_the_user(folder):
    plan = again(folder).plan()
    assert plan.own_text
    assert plan.family == plan.order.family == "tiny"
    assert plan.order.corpus is None
    assert (plan.order.name, plan.order.voices, plan.order.epochs) == ("Żółć 1", ("x",), 3)
    assert b"a b c" not in b"".join(each.read_bytes() for each in folder.path.glob("*.json"))


def test_texts_come_back_with_their_seeds_and_the_arrays_of_their_voices(folder):
    first, second = again(folder).texts()
    assert (first.number, first.text, first.seed, first.voice_name) == (0, "ąę", 7, "Ada")
    np.testing.assert_array_equal(first.voice.semantic, tiny_voice().semantic)
    np.testing.assert_array_equal(first.voice.fine, tiny_voice().fine)
    assert (second.number, second.voice, second.voice_name) == (1, None, "")
    assert folder.count() == 2


def test_an_order_of_a_later_version_can_be_read(folder):
    path = folder.path / "plan.json"
    values = json.loads(path.read_text())
    values["order"]["new"] = 1
    path.write_text(json.dumps(values))
    assert again(folder).plan().order.texts == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"order": {}}', "\x00"])
def test_a_damaged_plan_is_said_in_words(folder, content):
    (folder.path / "plan.json").write_text(content)
    with pytest.raises(TrainingError, match=r"plan\.json cannot be read"):
        again(folder).plan()


def test_damaged_texts_or_voices_are_said_in_words(folder):
    (folder.path / "voices.npz").write_bytes(b"PK")
    with pytest.raises(TrainingError, match="damaged"):
        again(folder).texts()


def test_a_training_that_is_there_is_not_begun_again(folder):
    with pytest.raises(StorageError, match="taken"):
        folder.create(plan_file(ORDER, "tiny"), [], {})


def test_without_its_plan_there_is_no_training(folder, tmp_path):
    (tmp_path / "Not An Id").mkdir()
    (tmp_path / "Not An Id" / "plan.json").write_text("{}")
    assert list(training_folders(tmp_path)) == ["zolc-1"]
    (folder.path / "plan.json").unlink()
    assert training_folders(tmp_path) == {}
    assert training_folders(tmp_path / "nowhere") == {}


def test_the_curve_shows_every_step_once_also_after_a_kill(folder):
    assert folder.curve() == []
    folder.add_points([point(1), point(2, accuracy=0.5, accuracy_top5=0.75, best=0.5)])
    folder.add_points([point(3)])
    folder.add_points([point(2), point(3)])
    with (folder.path / "curve.jsonl").open("a") as file:
        file.write('{"step": 4, "epo')
    found = again(folder).curve()
    assert [each.step for each in found] == [1, 2, 3]
    assert found[1].accuracy is None


def test_weights_come_back_with_what_going_on_needs(folder):
    assert folder.weights() is None
    assert folder.weights_facts() is None
    folder.save_weights(weights_of(2))
    folder.save_weights(weights_of(4))
    found = again(folder).weights()
    assert (found.step, found.accuracy, found.is_final, found.resume) == (4, 0.4, False, b"step 4")
    assert found.sizes == weights_of(4).sizes
    np.testing.assert_array_equal(found.state["fc.weight"], weights_of(4).state["fc.weight"])
    facts = folder.weights_facts()
    assert (facts.step, facts.accuracy, facts.is_final) == (4, 0.4, False)


def test_damaged_weights_count_as_none(folder):
    folder.save_weights(weights_of(2))
    path = folder.path / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-9])
    assert again(folder).weights() is None


def test_a_report_comes_back(folder):
    assert folder.report() is None
    folder.save_report(REPORT)
    assert again(folder).report() == REPORT
    folder.forget_report()
    folder.forget_report()
    assert again(folder).report() is None


def test_how_the_work_ended_is_remembered(folder):
    assert folder.end() == TrainingEnd()
    folder.save_end(TrainingEnd("failed", "The disk is full."))
    assert again(folder).end() == TrainingEnd("failed", "The disk is full.")


def test_one_works_on_a_training_at_a_time(folder):
    with folder.at_work():
        with pytest.raises(TrainingError, match="at work in another window"):
            again(folder).at_work().__enter__()
        with pytest.raises(TrainingError, match="at work in another window"):
            again(folder).delete()
    with again(folder).at_work():
        pass


def test_the_right_to_work_ends_with_the_process(folder):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(folder.path, theirs), daemon=True)
    process.start()
    assert ours.recv() == "held"
    with pytest.raises(TrainingError, match="at work"):
        folder.at_work().__enter__()
    process.kill()
    process.join(30)
    with folder.at_work():
        pass


def _hold(path, connection):
    with TrainingFolder(path).at_work():
        connection.send("held")
        connection.recv()


def test_a_deleted_training_is_gone(folder, tmp_path):
    folder.save_weights(weights_of(2))
    again(folder).delete()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "..", "a/b", "A", "a--b", "-a", "a" * 61, "a b", ".a"])
def test_an_id_is_never_a_path(text):
    assert not is_training_id(text)
