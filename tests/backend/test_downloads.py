"""Downloads in threads of their own: one for each family, watched by whoever asks."""

import queue
import threading
from collections.abc import Iterator

import pytest

from webui.backend import downloads as downloads_module
from webui.backend.downloads import Downloads
from webui.errors import StorageError
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.settings import Settings

WAIT_SECONDS = 60.0


def at(fraction: float) -> Progress:
    return Progress("download", fraction)


class ScriptedDownload:
    """Tells what the test gives it with `tell`; None ends the stream, a fault is raised."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._steps: queue.Queue[Event | Exception | None] = queue.Queue()

    def tell(self, *steps: Event | Exception | None) -> None:
        for step in steps:
            self._steps.put(step)

    def __call__(self, family: str, cancel: CancelToken) -> Iterator[Event]:
        self.begun.append(family)
        while True:
            try:
                step = self._steps.get(timeout=0.01)
            except queue.Empty:
                if cancel.cancelled:
                    yield Cancelled()
                    return
                continue
            if isinstance(step, Exception):
                raise step
            if step is not None:
                yield step
            if not isinstance(step, Progress):
                return


@pytest.fixture
def script():
    return ScriptedDownload()


@pytest.fixture
def downloads(script):
    made = Downloads(Settings(), script)
    yield made
    made.close()


def until(events: Iterator[Event], wanted: Event) -> None:
    """Read on until an event comes; the ones before it may be any of the earlier ones."""
    for event in events:
        if event == wanted:
            return
    raise AssertionError(f"{wanted} did not come")


def test_a_download_is_told_to_its_end(downloads, script):
    events = downloads.follow("bark")
    assert next(events) == at(0.0)
    script.tell(at(0.5))
    until(events, at(0.5))
    assert downloads.progress() == downloads.progress("bark") == ("bark", at(0.5))
    assert downloads.progress("mini") is None
    script.tell(Done())
    assert [type(each) for each in events] == [Done]
    assert downloads.progress() is None


def test_nothing_begins_before_somebody_listens(downloads, script):
    downloads.follow("bark")
    assert script.begun == []
    assert downloads.progress() is None


def test_who_comes_later_joins_the_same_download_where_it_is(downloads, script):
    first = downloads.follow("bark")
    script.tell(at(0.5))
    until(first, at(0.5))
    second = downloads.follow("bark")
    assert next(second) == at(0.5)
    script.tell(at(0.9), Done())
    assert isinstance(list(first)[-1], Done)
    assert isinstance(list(second)[-1], Done)
    assert script.begun == ["bark"]


def test_leaving_does_not_stop_it(downloads, script):
    first = downloads.follow("bark")
    next(first)
    first.close()
    script.tell(at(0.5))
    second = downloads.follow("bark")
    until(second, at(0.5))
    script.tell(Done())
    assert isinstance(list(second)[-1], Done)
    assert script.begun == ["bark"]


@pytest.mark.parametrize("by", ["token", "name"])
def test_a_stop_is_for_everybody(downloads, script, by):
    cancel = CancelToken()
    first, second = downloads.follow("bark", cancel), downloads.follow("bark")
    next(first), next(second)
    if by == "token":
        cancel.cancel()
    else:
        downloads.cancel("bark")
    assert isinstance(list(first)[-1], Cancelled)
    assert isinstance(list(second)[-1], Cancelled)


def test_stopping_what_does_not_run_changes_nothing(downloads, script):
    downloads.cancel("bark")
    script.tell(Done())
    assert isinstance(list(downloads.follow("bark"))[-1], Done)
    downloads.cancel("bark")
    script.tell(Done())
    assert isinstance(list(downloads.follow("bark"))[-1], Done)
    assert script.begun == ["bark", "bark"]


def test_two_families_come_at_the_same_time():
    both_run = threading.Barrier(2)

    def download(family: str, cancel: CancelToken) -> Iterator[Event]:
        both_run.wait(WAIT_SECONDS)
        yield Done()

    downloads = Downloads(Settings(), download)
    first, second = downloads.follow("bark"), downloads.follow("bark-small")
    heard = [next(first), next(second)]
    heard += [*first, *second]
    assert sum(isinstance(each, Done) for each in heard) == 2


def test_a_users_fault_ends_it_in_its_own_words_and_the_next_try_begins_anew(downloads, script):
    script.tell(at(0.5), StorageError("The disk is full."))
    *_, last = downloads.follow("bark")
    assert last == Failed("The disk is full.", "StorageError")
    script.tell(Done())
    assert isinstance(list(downloads.follow("bark"))[-1], Done)


def test_an_unforeseen_fault_becomes_a_sentence(downloads, script):
    script.tell(RuntimeError("the\ncable " + "x" * 500))
    *_, last = downloads.follow("bark")
    assert isinstance(last, Failed)
    assert last.kind == "DownloadError"
    assert last.message.startswith("The download stopped (RuntimeError: the cable xxx")
    assert last.message.endswith("x). Please try again.")
    assert len(last.message) < 300


def test_a_stream_that_ends_without_a_word_is_done_or_was_stopped(downloads, script):
    script.tell(at(0.5), None)
    assert isinstance(list(downloads.follow("bark"))[-1], Done)
    events = downloads.follow("bark")
    next(events)
    script.tell(at(0.5))
    until(events, at(0.5))
    downloads.cancel("bark")
    script.tell(None)
    assert isinstance(list(events)[-1], Cancelled)


def test_closing_stops_everything_and_nothing_begins_again(script):
    downloads = Downloads(Settings(), script)
    events = downloads.follow("bark")
    next(events)
    downloads.close()
    downloads.close()
    assert isinstance(list(events)[-1], Cancelled)
    assert [type(each) for each in downloads.follow("bark")] == [Cancelled]
    assert script.begun == ["bark"]
    assert not any(each.name == "download-bark" for each in threading.enumerate())


def test_the_settings_say_from_where_and_to_where(monkeypatch, tmp_path):
    asked: list[tuple[object, ...]] = []

    def download(*arguments: object) -> Iterator[Event]:
        asked.append(arguments[:-1])
        yield Done()

    monkeypatch.setattr(downloads_module, "download_family", download)
    settings = Settings(models_dir=tmp_path, hf_endpoint="https://mirror.example", offline=True)
    assert isinstance(list(Downloads(settings).follow("bark"))[-1], Done)
    assert asked == [("bark", tmp_path, "https://mirror.example", True)]
