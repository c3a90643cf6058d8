"""The lock of a folder: one holder at a time, given back however its holder ends."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from webui.errors import StorageError
from webui.file_lock import LOCK_NAME, folder_lock

ROOT = Path(__file__).parents[1]
HOLD = (
    "import sys, pathlib; from webui.file_lock import folder_lock\n"
    "with folder_lock(pathlib.Path(sys.argv[1])):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def holder(folder: Path) -> subprocess.Popen:
    line = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_folder_that_another_process_holds_is_refused_until_that_process_is_killed(tmp_path):
    with holder(tmp_path) as process:
        with pytest.raises(StorageError, match="Another program"), folder_lock(tmp_path, 0.05):
            pass
        process.kill()
        process.wait()
        with folder_lock(tmp_path, 5):
            pass


def test_threads_of_one_process_wait_for_each_other(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(20):
            with folder_lock(tmp_path):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1] * 80


def test_the_lock_is_given_back_when_what_is_done_inside_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), folder_lock(tmp_path):
        _ = 1 / 0
    with folder_lock(tmp_path, 0.05):
        pass


def test_a_folder_is_made_and_one_that_is_a_file_or_a_link_is_told(tmp_path):
    with folder_lock(tmp_path / "new" / "folder"):
        assert (tmp_path / "new" / "folder" / LOCK_NAME).is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError), folder_lock(tmp_path / "file"):
        pass
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / LOCK_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError), folder_lock(tmp_path / "linked"):
        pass
    assert not (tmp_path / "elsewhere").exists()
