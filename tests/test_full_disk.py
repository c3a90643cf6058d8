"""The disk fills up at every point of a save: the old file is whole, and nothing is left over.

Bytes run out for real, by the system's own limit on the size of a file (RLIMIT_FSIZE); where no
byte is written (sync, link, rename) the call is made to answer ENOSPC.
"""

import contextlib
import errno
import json
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.fake_service import RATE, sine
from tests.tiny_family import random_speaker
from webui.arrays import Speaker
from webui.audio import read_audio, write_audio
from webui.errors import StorageError
from webui.file_saving import save_file
from webui.speaker_file import read_speaker, write_speaker
from webui.speaker_limits import SpeakerLimits
from webui.speaker_metadata import SpeakerMetadata

ANYTHING = SpeakerLimits(8, 2, 1_024, 10_000, None, None)
BYTE_POINTS = 12
CALLS = ("fsync", "link", "replace", "rename")


@contextlib.contextmanager
def room_for(bytes_of_a_file: int):
    """No file may grow beyond this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_of_a_file, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


class FullAt:
    """Lets the calls that change the disk pass until one of them, which finds it full."""

    def __init__(self, monkeypatch, number: int) -> None:
        self.left = number
        self.was_full = False
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, call):
        def counted(*words, **more):
            self.left -= 1
            if self.left == -1:
                self.was_full = True
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*words, **more)

        return counted


def a_voice(name: str):
    arrays = random_speaker(50, 1).values()
    return Speaker(*(np.asarray(each) for each in arrays)), SpeakerMetadata(name=name)


def save_plain(path: Path, name: str, replace: bool) -> None:
    save_file(path, json.dumps({"name": name, "more": "x" * 4_000}).encode(), replace=replace)


def save_voice(path: Path, name: str, replace: bool) -> None:
    write_speaker(path, *a_voice(name), replace=replace)


def save_sound(path: Path, name: str, replace: bool) -> None:
    write_audio(path, sine(0.1), RATE, "wav", {"name": name})


def name_of_plain(path: Path) -> str:
    return json.loads(path.read_bytes())["name"]


def name_of_voice(path: Path) -> str:
    return read_speaker(path, ANYTHING).metadata.name


def name_of_sound(path: Path) -> str:
    from webui.audio import read_metadata

    assert len(read_audio(path)[0]) == len(sine(0.1))
    return read_metadata(path)["name"]


SAVES = {
    "plain": (save_plain, name_of_plain, True),
    "voice": (save_voice, name_of_voice, True),
    "new voice": (save_voice, name_of_voice, False),
    "sound": (save_sound, name_of_sound, True),
}


def check_after(path: Path, name_of, is_there: bool, replace: bool) -> None:
    """The old file is as it was, or the save was over: never anything between, never a rest."""
    if replace:
        assert name_of(path) in ({"old"} if not is_there else {"old", "new"})
    elif path.exists():
        assert name_of(path) == "new"
    assert {each.name for each in path.parent.iterdir()} <= {path.name}


@pytest.mark.parametrize("kind", SAVES)
def test_a_disk_that_is_full_after_any_byte_leaves_the_old_file(tmp_path, kind):
    save, name_of, replace = SAVES[kind]
    path = tmp_path / "folder" / "a.bin"
    path.parent.mkdir()
    save(path, "new", replace)
    size = path.stat().st_size
    path.unlink()
    if replace:
        save(path, "old", False)
    for point in range(BYTE_POINTS):
        with room_for(point * size // BYTE_POINTS), pytest.raises(StorageError) as told:
            save(path, "new", replace)
        assert str(told.value).endswith(".")
        check_after(path, name_of, False, replace)
        assert path.exists() is replace


@pytest.mark.parametrize("kind", SAVES)
def test_a_disk_that_is_full_at_any_call_leaves_the_old_file_or_the_whole_new_one(
    tmp_path, kind, monkeypatch
):
    save, name_of, replace = SAVES[kind]
    path = tmp_path / "folder" / "a.bin"
    path.parent.mkdir()
    points = 0
    while True:
        path.unlink(missing_ok=True)
        if replace:
            save(path, "old", False)
        with monkeypatch.context() as patched:
            full = FullAt(patched, points)
            with contextlib.suppress(StorageError):
                save(path, "new", replace)
        if not full.was_full:
            break
        check_after(path, name_of, True, replace)
        points += 1
    assert points >= 2
    assert name_of(path) == "new"
