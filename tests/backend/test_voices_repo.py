"""Voices of visitors who signed in: sent to a private dataset, brought back, removed from it."""

import time

import pytest

from tests.backend.dataset_hub import DatasetHub
from tests.backend.voice_files import add_voice
from webui.backend import voices_repo
from webui.backend.visitor_voices import VisitorVoices
from webui.backend.voices_repo import VoicesRepo
from webui.errors import DownloadError

ANNA, BOB, NOBODY = f"u{'a' * 32}", f"u{'b' * 32}", "c" * 32


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(voices_repo, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(voices_repo, "RETRY_SECONDS", 0.01)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")


@pytest.fixture
def hub():
    with DatasetHub() as hub:
        yield hub


def repo_of(hub) -> VoicesRepo:
    return VoicesRepo(hub.repo, hub.token, hub.endpoint)


@pytest.fixture
def shelves_of(service, tmp_path):
    """The shelves of a page that starts anew, as often as a test wants."""
    made = []

    def start(repo) -> VisitorVoices:
        made.append(repo)
        folder = tmp_path / f"visitors-{len(made)}"
        return VisitorVoices(folder, service._library, service._looking, service._hear, repo)

    yield start
    for repo in made:
        repo.close()


def add(shelf, tmp_path, name: str) -> str:
    data = add_voice(tmp_path / f"{name}.npz", name=name, family="tiny").read_bytes()
    return shelf.library.import_files([(f"{name}.npz", data)]).added[0].id


def own(shelf) -> list[str]:
    return [each.name for each in shelf.voices() if each.source == "own"]


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_voice_of_an_account_is_there_after_a_restart(hub, shelves_of, tmp_path):
    first = repo_of(hub)
    add(shelves_of(first).of(ANNA), tmp_path, "Anna")
    first.close()
    (path,) = hub.files
    assert path.startswith(f"voices/{'a' * 32}/anna-")
    later = shelves_of(repo_of(hub))
    assert own(later.of(ANNA)) == ["Anna"]
    assert own(later.of(BOB)) == []


def test_a_browser_without_an_account_sends_nothing(hub, shelves_of, tmp_path):
    repo = repo_of(hub)
    shelves = shelves_of(repo)
    add(shelves.of(NOBODY), tmp_path, "Nobody")
    shelves.forget(NOBODY)
    repo.close()
    assert (hub.files, hub.commits) == ({}, [])
    assert not shelves.keeps_for_good(NOBODY)
    assert shelves.keeps_for_good(ANNA)


def test_a_deleted_voice_leaves_the_dataset_and_only_differences_are_sent(
    hub, shelves_of, tmp_path
):
    repo = repo_of(hub)
    shelf = shelves_of(repo).of(ANNA)
    anna, _ = add(shelf, tmp_path, "Anna"), add(shelf, tmp_path, "Ben")
    wait_until(lambda: len(hub.files) == 2)
    shelf.library.delete(anna)
    wait_until(lambda: len(hub.files) == 1)
    repo.close()
    assert [line.split()[0] for line in hub.commits[-1]] == ["deletedFile"]
    assert sum(line.startswith("file ") for commit in hub.commits for line in commit) == 2


def test_a_hub_that_is_down_for_a_while_loses_nothing(hub, shelves_of, tmp_path):
    repo = repo_of(hub)
    shelf = shelves_of(repo).of(ANNA)
    hub.status = 403
    add(shelf, tmp_path, "Anna")
    time.sleep(0.2)
    assert hub.files == {}
    hub.status = 0
    wait_until(lambda: len(hub.files) == 1)
    repo.close()


def test_what_could_not_be_brought_is_never_overwritten(hub, shelves_of, tmp_path, caplog):
    first = repo_of(hub)
    add(shelves_of(first).of(ANNA), tmp_path, "Anna")
    first.close()
    before = dict(hub.files)
    hub.status = 403
    blind = repo_of(hub)
    shelf = shelves_of(blind).of(ANNA)
    assert own(shelf) == []
    hub.status = 0
    add(shelf, tmp_path, "Other")
    blind.close()
    assert hub.files == before
    assert hub.token not in caplog.text


def test_forgetting_removes_an_account_from_the_dataset_and_from_its_past(
    hub, shelves_of, tmp_path
):
    repo = repo_of(hub)
    shelves = shelves_of(repo)
    for owner, name in ((ANNA, "Anna"), (BOB, "Bob")):
        add(shelves.of(owner), tmp_path, name)
    wait_until(lambda: len(hub.files) == 2)
    shelves.forget(ANNA)
    assert [path.split("/")[1] for path in hub.files] == ["b" * 32]
    assert hub.past == hub.files
    repo.close()
    assert len(hub.files) == 1


def test_a_hub_that_does_not_remove_is_told_to_the_visitor(hub, shelves_of, tmp_path):
    repo = repo_of(hub)
    shelves = shelves_of(repo)
    add(shelves.of(ANNA), tmp_path, "Anna")
    wait_until(lambda: len(hub.files) == 1)
    hub.status = 403
    with pytest.raises(DownloadError, match="press Forget me again"):
        shelves.forget(ANNA)
    hub.status = 0
    shelves.forget(ANNA)
    assert hub.files == {}


def test_only_files_as_we_name_them_come_out_of_a_dataset(hub, shelves_of, tmp_path):
    good = add_voice(tmp_path / "x.npz", name="Good", family="tiny").read_bytes()
    place = f"voices/{'a' * 32}"
    for name in ("..%2fevil.npz", ".hidden.npz", "evil.txt", "UPPER.npz", "good-00000000.npz"):
        hub.files[f"{place}/{name}"] = good
    shelf = shelves_of(repo_of(hub)).of(ANNA)
    assert own(shelf) == ["Good"]
    assert [each.name for each in shelf.folder.iterdir()] == ["good-00000000.npz"]


def test_a_page_with_a_dataset_but_without_a_token_does_without(service, settings):
    from dataclasses import replace

    for changes in ({}, {"voices_repo": "a/b"}, {"hf_token": "hf_x"}):
        service.settings = replace(settings, **changes)
        assert not service.visitor_voices(settings.outputs_dir).keeps_for_good(ANNA)
    service.settings = replace(settings, voices_repo="a/b", hf_token="hf_x")  # noqa: S106
    assert service.visitor_voices(settings.outputs_dir).keeps_for_good(ANNA)
