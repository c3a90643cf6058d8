import pytest

from webui.errors import DownloadError, FamilyNotFoundError
from webui.ui.downloads import Downloads


@pytest.fixture
def downloads(service):
    return Downloads(service)


def test_a_download_goes_on_by_itself_and_says_how_it_ended(downloads, service):
    downloads.start("bark-small")
    assert downloads.wait(10)
    assert service.family("bark-small").installed
    assert downloads.outcome == "Bark small is here and can speak."


def test_a_failed_download_keeps_its_words(downloads, service):
    service.failure = "No connection to huggingface.co."
    downloads.start("bark-small")
    assert downloads.wait(10)
    assert downloads.outcome == "No connection to huggingface.co."


def test_an_unknown_family_does_not_start(downloads):
    with pytest.raises(FamilyNotFoundError):
        downloads.start("nothing")
    assert not downloads.running


def test_there_is_one_download_at_a_time(downloads, service, monkeypatch):
    import threading

    go_on = threading.Event()

    def slow(family_id, cancel=None):
        go_on.wait(10)
        yield from ()

    monkeypatch.setattr(service, "download", slow)
    downloads.start("bark-small")
    with pytest.raises(DownloadError, match="running"):
        downloads.start("bark-small")
    go_on.set()
    assert downloads.wait(10)
    assert "without a result" in downloads.outcome


def test_an_unforeseen_fault_ends_in_words(downloads, service, monkeypatch, caplog):
    def broken(family_id, cancel=None):
        raise RuntimeError("boom")

    monkeypatch.setattr(service, "download", broken)
    downloads.start("bark-small")
    assert downloads.wait(10)
    assert "Something went wrong" in downloads.outcome
