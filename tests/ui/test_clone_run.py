import pytest

from tests.ui.clone_values import clip, filled
from webui.backend.cloning_desk import CONSENT
from webui.ui import clone_run
from webui.ui.takes import new_owner

PAGE = "page-1"


@pytest.fixture
def path(tmp_path):
    return clip(tmp_path)


def run(studio, path, owner="0" * 32, **changes):
    return list(clone_run.clone(studio, filled(path, **changes), owner, PAGE))


def words(shown) -> str:
    return "\n".join(each.status for each in shown if each.status)


def test_a_cloning_tells_its_stages_and_ends_with_a_clone_on_the_shelf(studio, path):
    owner = new_owner()
    shown = run(studio, path, owner)
    told = words(shown)
    assert "Waiting for its turn · 1 before you" in told
    for stage in ("Finding the best part", "Listening to the words", "Writing down the sound"):
        assert f"{stage} · about 1 s left" in told
    assert [each.running for each in shown[-2:]] == [True, False]
    made = shown[-1].made
    assert studio.clones.newest(owner) is made
    assert (made.name, made.tags, made.consent) == ("Anna", ("warm",), CONSENT)
    assert made.outcome.candidates[0].method == "quantizer"
    assert "Done: one voice" in told


def test_comparing_all_counts_the_voices(studio, path):
    shown = run(studio, path, method="all")
    assert "Voice 6 of 6 · speaking a test sentence" in words(shown)
    ranked = [each.report.similarity for each in shown[-1].made.outcome.candidates]
    assert ranked == sorted(ranked, reverse=True)
    assert "6 voices" in words(shown)


def test_stop_leaves_nothing_half_made_and_says_what_is_kept(studio, service, path):
    owner, service.cancel_clone_at = new_owner(), 1
    shown = run(studio, path, owner, method="all")
    assert "Stopped. Nothing was cloned" in words(shown).replace("\\", "")
    assert not shown[-1].running
    assert studio.clones.newest(owner) is None


def test_stop_reaches_the_cloning_and_not_the_speaking_of_a_page(studio, path):
    token = studio.desk.start(PAGE)
    running = clone_run.clone(studio, filled(path, method="all"), "0" * 32, PAGE)
    next(running)
    assert studio.desk.stop(clone_run.job_key(PAGE))
    assert "Stopped" in words(list(running))
    assert not token.cancelled


def test_a_page_clones_one_voice_at_a_time(studio, path):
    running = clone_run.clone(studio, filled(path), "0" * 32, PAGE)
    next(running)
    assert "still cloning" in words(run(studio, path))
    running.close()
    assert not studio.desk.stop(clone_run.job_key(PAGE))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"clip": None}, "Record or upload a clip first"),
        ({"clip": "/nowhere/x.wav"}, "no longer there"),
        ({"name": ""}, "Give the voice a name"),
        ({"consent": False}, "Confirm first"),
        ({"tags": ["x" * 41]}, "at most 8 labels"),
    ],
)
def test_a_mistake_in_the_form_is_told_and_nothing_starts(studio, service, path, changes, expected):
    shown = run(studio, **{"path": path, **changes} if "clip" not in changes else {
        "path": changes["clip"]
    })  # fmt: skip
    assert expected in words(shown).replace("\\", "")
    assert not shown[-1].running
    assert service.clone_orders == []


def test_a_silent_recording_is_refused_in_the_services_words(studio, tmp_path):
    shown = run(studio, clip(tmp_path, loudness=0.0))
    assert "We hear almost no speech" in words(shown)
    assert not studio.desk.stop(clone_run.job_key(PAGE))


def test_a_failed_job_is_told_in_its_own_words(studio, service, path):
    service.failure = "The graphics card is full <img>."
    shown = run(studio, path)
    assert "The graphics card is full &lt;img" in words(shown)
    assert (shown[-1].running, shown[-1].made) == (False, None)


def test_an_unforeseen_fault_gets_a_code_and_gives_nothing_away(
    studio, service, path, monkeypatch, caplog
):
    def broken(*_):
        raise RuntimeError("secret path /root")

    monkeypatch.setattr(service, "clone", broken)
    shown = run(studio, path)
    assert "Something went wrong" in words(shown)
    assert "secret" not in words(shown)
    assert not studio.desk.stop(clone_run.job_key(PAGE))


def test_a_job_that_ends_without_a_word_is_told_too(studio, service, path, monkeypatch):
    monkeypatch.setattr(service, "clone", lambda *_: iter(()))
    assert "ended without a result" in words(run(studio, path))
