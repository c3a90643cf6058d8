"""Downloads against a hub on this machine, with every fault that networks have."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from tests.backend.hub_server import FakeHub, Fault
from webui.backend import weights
from webui.backend.catalogue import CATALOGUE, CatalogueEntry, catalogue_entry
from webui.backend.weights import DownloadPatience, damaged_files, download_family, is_installed
from webui.errors import DownloadError, FamilyNotFoundError, StorageError
from webui.events import Cancelled, CancelToken, Done, Progress
from webui.family import read_family

ROOT = Path(__file__).parents[2]
BIG = np.random.default_rng(0).integers(0, 256, 600_000, dtype=np.uint8).tobytes()
FILES = {
    "config.json": b'{"model_type": "bark"}',
    "generation_config.json": b"{}",
    "vocab.txt": b"[PAD]\n" * 3_000,
    "tokenizer.json": b"{}",
    "pytorch_model.bin": BIG,
    "speaker_embeddings_path.json": b"{}",
    "speaker_embeddings/v2/en_speaker_6_fine_prompt.npy": b"npy" * 50,
    "README.md": b"not wanted",
    "text_2.pt": b"not wanted",
    ".gitattributes": b"",
    "../../escape.txt": b"never",
}
WANTED = set(FILES) - {"README.md", "text_2.pt", ".gitattributes", "../../escape.txt"}
ENTRY = CatalogueEntry(
    id="bark-test", title="Bark test", repo="suno/bark-test", revision="main", licence="MIT",
    licence_url="https://example.org", about_bytes=600_000,
)  # fmt: skip


@pytest.fixture
def hub(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        weights, "PATIENCE", DownloadPatience(stall_seconds=0.4, tries=3, first_pause_seconds=0.01)
    )
    monkeypatch.setattr(weights, "PROGRESS_SECONDS", 0.0)
    with FakeHub({ENTRY.repo: dict(FILES)}) as server:
        yield server


def download(hub, folder, **more):
    return list(download_family(ENTRY, folder, hub.endpoint, **more))


def assert_whole(folder):
    found = {
        each.relative_to(folder / ENTRY.id).as_posix(): each.read_bytes()
        for each in (folder / ENTRY.id).rglob("*")
        if each.is_file()
    }
    found.pop(weights.MANIFEST)
    assert found == {name: FILES[name] for name in WANTED}
    assert is_installed(ENTRY.id, folder)
    assert damaged_files(folder / ENTRY.id) == ()
    assert list((folder / weights.WORK_FOLDER).iterdir()) == []


def test_a_family_arrives_whole_with_progress_by_bytes(hub, tmp_path):
    events = download(hub, tmp_path)
    assert_whole(tmp_path)
    assert isinstance(events[-1], Done)
    shares = [each.fraction for each in events if isinstance(each, Progress)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert any(0.2 < share < 0.9 for share in shares)
    assert shares[-1] == 1.0
    stages = {each.stage for each in events if isinstance(each, Progress)}
    assert stages == {"download", "verify"}
    assert any("Downloading Bark test" in each.message for each in events[:-1])
    assert not (tmp_path.parent / "escape.txt").exists()


def test_a_family_that_is_there_needs_no_network(hub, tmp_path):
    download(hub, tmp_path)
    asked = len(hub.requests)
    assert [type(each) for each in download(hub, tmp_path, offline=True)] == [Done]
    assert len(hub.requests) == asked


def test_offline_a_missing_family_is_told_with_the_way_out(tmp_path):
    with pytest.raises(DownloadError, match="work offline. Copy its files to .*bark-test"):
        list(download_family(ENTRY, tmp_path, "http://127.0.0.1:1", offline=True))


def test_a_cut_connection_goes_on_where_it_was(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("cut", 250_000, times=1)
    download(hub, tmp_path)
    assert_whole(tmp_path)
    assert hub.ranges("pytorch_model.bin") == ["", "bytes=250000-"]


def test_a_stall_is_noticed_and_the_download_goes_on(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("stall", 100_000, times=1)
    start = time.monotonic()
    events = download(hub, tmp_path)
    assert time.monotonic() - start < 5
    assert_whole(tmp_path)
    assert any("stopped sending; trying again" in each.message for each in events[:-1])


def test_a_connection_that_stays_dead_is_told_and_nothing_is_lost(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("cut", 300_000)
    with pytest.raises(DownloadError, match=r"Download stopped at \d\d %: .* Nothing is lost"):
        download(hub, tmp_path)
    assert not (tmp_path / ENTRY.id).exists()
    hub.faults.clear()
    download(hub, tmp_path)
    assert hub.ranges("pytorch_model.bin")[-1] == "bytes=300000-"
    assert_whole(tmp_path)


def test_no_server_at_all_is_told_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "PATIENCE", DownloadPatience(0.3, 2, 0.01))
    with pytest.raises(DownloadError, match="stopped at 0 %: no connection to 127.0.0.1:1"):
        list(download_family(ENTRY, tmp_path, "http://127.0.0.1:1"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config.json"])
def test_a_flipped_bit_is_found_quarantined_and_repaired_by_a_new_download(hub, tmp_path, name):
    hub.faults[name] = Fault("flip", 7, times=1)
    with pytest.raises(DownloadError, match=rf"damaged and removed \({name}\)"):
        download(hub, tmp_path)
    assert not (tmp_path / ENTRY.id).exists()
    quarantine = tmp_path / weights.WORK_FOLDER / ENTRY.id / "quarantine"
    assert [each.name for each in quarantine.iterdir()] == [name]
    download(hub, tmp_path)
    assert_whole(tmp_path)


def test_a_part_that_was_damaged_on_disk_is_found_after_the_resume(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("cut", 300_000)
    with pytest.raises(DownloadError):
        download(hub, tmp_path)
    hub.faults.clear()
    (part,) = (tmp_path / weights.WORK_FOLDER / ENTRY.id / "parts").iterdir()
    part.write_bytes(b"\0" * part.stat().st_size)
    with pytest.raises(DownloadError, match="damaged and removed"):
        download(hub, tmp_path)
    download(hub, tmp_path)
    assert_whole(tmp_path)


def test_a_server_without_ranges_starts_the_file_again(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("cut", 300_000)
    with pytest.raises(DownloadError):
        download(hub, tmp_path)
    hub.faults["pytorch_model.bin"] = Fault("whole")
    download(hub, tmp_path)
    assert_whole(tmp_path)


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(hub, tmp_path):
    hub.faults["config.json"] = Fault("status", 503, times=2)
    hub.faults["pytorch_model.bin"] = Fault("status", 403, times=1)
    with pytest.raises(DownloadError, match="does not give pytorch_model.bin"):
        download(hub, tmp_path)
    assert len(hub.ranges("config.json")) == 3
    assert len(hub.ranges("pytorch_model.bin")) == 1


def test_a_missing_file_or_repository_is_told(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("status", 404)
    with pytest.raises(DownloadError, match="has no pytorch_model.bin"):
        download(hub, tmp_path)
    del hub.repos[ENTRY.repo]["pytorch_model.bin"]
    with pytest.raises(FamilyNotFoundError, match="no longer holds pytorch_model.bin"):
        download(hub, tmp_path)
    hub.repos.clear()
    with pytest.raises(DownloadError, match="has no suno/bark-test"):
        download(hub, tmp_path)


def test_a_login_page_instead_of_the_hub_is_told(hub, tmp_path):
    hub.faults["listing"] = Fault("html")
    with pytest.raises(DownloadError, match="does not answer like a Hugging Face hub"):
        download(hub, tmp_path)


def test_cancelling_keeps_what_has_come_and_the_next_download_uses_it(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("slow")
    cancel, events = CancelToken(), []
    for event in download_family(ENTRY, tmp_path, hub.endpoint, cancel=cancel):
        events.append(event)
        if isinstance(event, Progress) and event.fraction > 0.5:
            cancel.cancel()
    assert isinstance(events[-1], Cancelled)
    assert not (tmp_path / ENTRY.id).exists()
    download(hub, tmp_path)
    assert int(hub.ranges("pytorch_model.bin")[-1].removeprefix("bytes=")[:-1]) > 200_000
    assert_whole(tmp_path)


def test_a_cancel_in_the_middle_of_a_stall_is_obeyed_at_once(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "PATIENCE", DownloadPatience(stall_seconds=20.0))
    hub.faults["pytorch_model.bin"] = Fault("stall", 300_000)
    cancel = CancelToken()
    timer = threading.Timer(0.5, cancel.cancel)
    timer.start()
    start = time.monotonic()
    events = download(hub, tmp_path, cancel=cancel)
    timer.join()
    assert isinstance(events[-1], Cancelled)
    assert time.monotonic() - start < 5


DOWNLOAD = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.backend.test_weights import ENTRY
from webui.backend import weights
weights.PROGRESS_SECONDS = 0.0
for event in weights.download_family(ENTRY, Path({folder!r}), {endpoint!r}):
    print(getattr(event, "fraction", 1.0), flush=True)
"""


def test_a_kill_in_mid_download_costs_nothing(hub, tmp_path):
    hub.faults["pytorch_model.bin"] = Fault("slow")
    code = DOWNLOAD.format(root=str(ROOT), folder=str(tmp_path), endpoint=hub.endpoint)
    env = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=env) as child:
        for line in child.stdout:
            if float(line) > 0.5:
                child.send_signal(signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    assert not (tmp_path / ENTRY.id).exists()
    hub.faults.clear()
    download(hub, tmp_path)
    assert int(hub.ranges("pytorch_model.bin")[-1].removeprefix("bytes=")[:-1]) > 200_000
    assert_whole(tmp_path)


def test_a_disk_too_small_is_told_before_anything_is_downloaded(hub, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 5_000))
    with pytest.raises(StorageError, match=r"Not enough disk: 0\.1 GB needed, 0\.0 GB free in"):
        download(hub, tmp_path)
    assert hub.ranges("pytorch_model.bin") == []


def test_a_disk_that_fills_up_on_the_way_is_told_and_the_download_goes_on_later(
    hub, tmp_path, monkeypatch
):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="Not enough disk"):
        download(hub, tmp_path)
    monkeypatch.undo()
    download(hub, tmp_path)
    assert_whole(tmp_path)


def test_a_second_download_at_the_same_time_is_refused(hub, tmp_path):
    first = download_family(ENTRY, tmp_path, hub.endpoint)
    next(first)
    with pytest.raises(DownloadError, match="being downloaded already"):
        download(hub, tmp_path)
    first.close()
    download(hub, tmp_path)
    assert_whole(tmp_path)


def test_files_of_the_user_are_never_overwritten(hub, tmp_path):
    (tmp_path / ENTRY.id).mkdir()
    (tmp_path / ENTRY.id / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="in the way"):
        download(hub, tmp_path)
    assert (tmp_path / ENTRY.id / "notes.txt").read_text() == "mine"


def test_a_family_that_the_user_copied_counts_as_installed(tmp_path):
    folder = tmp_path / ENTRY.id
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert not is_installed(ENTRY.id, tmp_path)
    (folder / "model.safetensors").write_bytes(b"weights")
    assert is_installed(ENTRY.id, tmp_path)
    assert damaged_files(folder) == ()
    suno = tmp_path / "suno"
    suno.mkdir()
    for name in ("text_2.pt", "coarse.pt", "fine_2.pt"):
        assert not is_installed("suno", tmp_path)
        (suno / name).write_bytes(b"weights")
    assert is_installed("suno", tmp_path)


def test_a_downloaded_family_is_read_like_any_other(hub, tmp_path, tiny_family):
    hub.repos[ENTRY.repo] = {
        each.relative_to(tiny_family).as_posix(): each.read_bytes()
        for each in tiny_family.rglob("*")
        if each.is_file()
    }
    download(hub, tmp_path)
    found, original = read_family(tmp_path / ENTRY.id), read_family(tiny_family)
    assert (found.semantic, found.coarse, found.fine) == (
        original.semantic,
        original.coarse,
        original.fine,
    )


def test_a_file_that_vanished_from_an_installed_family_is_brought_back(hub, tmp_path):
    download(hub, tmp_path)
    (tmp_path / ENTRY.id / "pytorch_model.bin").write_bytes(b"short")
    assert not is_installed(ENTRY.id, tmp_path)
    assert damaged_files(tmp_path / ENTRY.id) == ("pytorch_model.bin",)
    download(hub, tmp_path)
    assert_whole(tmp_path)


def test_a_pinned_hash_that_differs_from_the_hubs_is_refused(hub, tmp_path):
    pinned = CatalogueEntry(
        **{**ENTRY.__dict__, "sha256": {"pytorch_model.bin": "0" * 64}},
    )
    with pytest.raises(DownloadError, match="another pytorch_model.bin"):
        list(download_family(pinned, tmp_path, hub.endpoint))


def test_safetensors_are_preferred_and_a_tokenizer_is_needed():
    names = [*FILES, "model.safetensors"]
    assert "model.safetensors" in ENTRY.choose(names)
    assert "pytorch_model.bin" not in ENTRY.choose(names)
    with pytest.raises(FamilyNotFoundError, match="no longer holds vocab.txt"):
        ENTRY.choose(["config.json", "generation_config.json", "model.safetensors"])


def test_the_catalogue_names_both_sizes_of_bark_under_their_licence():
    assert set(CATALOGUE) == {"bark-small", "bark"}
    assert {entry.licence for entry in CATALOGUE.values()} == {"MIT"}
    assert catalogue_entry("bark").repo == "suno/bark"
    with pytest.raises(FamilyNotFoundError, match="There are bark-small and bark"):
        catalogue_entry("whale")
