"""The clock is set forward and back: what is young is not lost, what is old does not stay."""

import os
import time
from pathlib import Path

import pytest

from tests.fake_service import RATE, sine
from webui.backend.requests import SpeakOrder
from webui.backend.voice_trash import VoiceTrash
from webui.file_saving import sweep_leftovers
from webui.synthesis.controls import SpeechControls
from webui.ui.takes import MAX_AGE_SECONDS, Take, TakeShelf, new_owner

BACKEND = Path(__file__).parents[1] / "webui" / "backend"
HOUR = 3_600
DAY = 24 * HOUR


@pytest.fixture
def clock(monkeypatch):
    """Sets every clock that can be set; the one that only goes forward stays."""
    real, gmtime = time.time, time.gmtime

    def jump(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + seconds)
        monkeypatch.setattr(time, "gmtime", lambda *given: gmtime(*(given or [time.time()])))

    return jump


def put(shelf, owner) -> Take:
    order = SpeakOrder("Hello.", "mini", None, SpeechControls(seed=5))
    number, folder = shelf.next_number(owner), shelf.new_folder()
    take = Take(number, order, "mini", "Ada", 0.4, 0.1, folder, made_at=time.time())
    shelf.put(owner, take, sine(), RATE)
    return take


def test_takes_of_a_clock_that_went_back_stay_and_are_swept_once_they_are_old(tmp_path, clock):
    shelf, owner = TakeShelf(tmp_path), new_owner()
    early = put(shelf, owner)
    clock(-2 * DAY)
    late = put(shelf, owner)
    assert [take.number for take in shelf.list(owner)] == [2, 1]
    assert early.file("wav").exists()
    clock(0)
    put(shelf, owner)
    assert not late.folder.exists()  # it says that it is two days old
    assert early.file("wav").exists()
    clock(MAX_AGE_SECONDS + HOUR)
    put(shelf, owner)
    assert not early.folder.exists()
    assert [take.number for take in shelf.list(owner)] == [4]


def test_a_clock_that_goes_back_fills_no_shelf(tmp_path, clock, monkeypatch):
    monkeypatch.setattr("webui.ui.takes.MAX_TAKES_OF_ONE", 3)
    shelf, owner = TakeShelf(tmp_path), new_owner()
    for number in range(6):
        clock(-HOUR * number)
        put(shelf, owner)
    assert [take.number for take in shelf.list(owner)] == [6, 5, 4]
    assert len(list(tmp_path.iterdir())) == 3


def test_what_was_deleted_before_the_clock_went_back_can_still_be_brought_back(tmp_path, clock):
    own = tmp_path / "speakers"
    own.mkdir()
    trash = VoiceTrash(own)
    (own / "ada-01234567.npz").write_bytes(b"voice")
    token = trash.put(own / "ada-01234567.npz")
    clock(-30 * DAY)
    assert trash.sweep() == 0
    assert [file.token for file in trash.files()] == [token]
    trash.take_out(trash.find(token), own / "ada-01234567.npz")
    assert (own / "ada-01234567.npz").read_bytes() == b"voice"


def test_a_file_that_somebody_writes_now_is_no_leftover_when_the_clock_went_back(tmp_path, clock):
    part = tmp_path / ".a.npz.0123.part"
    part.write_bytes(b"half")
    clock(-DAY)
    assert sweep_leftovers(tmp_path) == 0
    clock(0)
    os.utime(part, (time.time() - 2 * HOUR, time.time() - 2 * HOUR))
    assert sweep_leftovers(tmp_path) == 1


@pytest.mark.parametrize("part", ["model_manager", "lease", "local_engine", "engine_process"])
def test_idle_times_and_the_watch_over_hanging_jobs_use_a_clock_that_nobody_sets(part):
    source = (BACKEND / f"{part}.py").read_text("utf-8")
    assert "time.time()" not in source
    assert "datetime.now" not in source


def test_the_order_of_takes_is_that_of_their_making_not_of_their_times(tmp_path, clock):
    shelf, owner = TakeShelf(tmp_path), new_owner()
    first = put(shelf, owner)
    clock(-HOUR)
    second = put(shelf, owner)
    assert second.made_at < first.made_at
    assert shelf.list(owner) == (second, first)
