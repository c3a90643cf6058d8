"""Downloads a model family: resumed after any stop, checked, and there only when complete."""

import errno
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from webui.backend.catalogue import CATALOGUE, CatalogueEntry, catalogue_entry
from webui.backend.hub import Hub, HubFile, HubListing, InterruptedTransferError, open_hub
from webui.errors import DownloadError, StorageError
from webui.events import Cancelled, CancelToken, Done, Event, Progress
from webui.file_saving import save_file, storage_error, sync_folder

__all__ = [
    "CATALOGUE",
    "DownloadPatience",
    "catalogue_entry",
    "damaged_files",
    "download_family",
    "is_installed",
]

MANIFEST = "webui_download.json"  # in an installed folder: where it came from, what it must hold
WORK_FOLDER = ".downloads"
SPARE_BYTES = 2**27  # disk that must stay free beside the files
PROGRESS_SECONDS = 0.25  # between two reports
RATE_SECONDS = 10.0  # the time left is reckoned from the last so many seconds
HASH_BYTES = 2**20
Result = TypeVar("Result")


@dataclass(frozen=True)
class DownloadPatience:
    """When a connection counts as dead, and how often to try again without a byte of progress."""

    stall_seconds: float = 20.0
    tries: int = 5
    first_pause_seconds: float = 1.0  # doubled at each try


PATIENCE = DownloadPatience()


def is_installed(family: str, models_dir: Path) -> bool:
    """Whether a family's folder is there and whole, as far as sizes tell; nothing is hashed.

    A folder that the user copied there has no list of what it must hold; it counts as whole.
    """
    folder = models_dir / family
    if not (folder / MANIFEST).is_file():
        return _looks_like_a_family(folder)
    files = _read_manifest(folder)
    return bool(files) and all(_has_size(folder / each.name, each.size_bytes) for each in files)


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Read an installed family again and name the files that are missing or not as downloaded.

    A folder that was not downloaded by this app has nothing to compare with: nothing is named.
    """
    return tuple(
        each.name
        for each in _read_manifest(folder)
        if not _has_size(folder / each.name, each.size_bytes)
        or _digest(folder / each.name, each) != each.digest
    )


def download_family(
    family: CatalogueEntry | str,
    models_dir: Path,
    endpoint: str = "https://huggingface.co",
    offline: bool = False,
    cancel: CancelToken | None = None,
) -> Iterator[Event]:
    """Bring a family into `models_dir`; its folder appears when every file is there and right.

    A download that was stopped, killed or cut off goes on where it was. A family that is already
    there needs no network.

    Raises:
        DownloadError: no connection, no such file, or what came is damaged.
        StorageError: not enough disk, no permission, or a folder in the way.
    """
    entry = catalogue_entry(family) if isinstance(family, str) else family
    if is_installed(entry.id, models_dir):
        shutil.rmtree(models_dir / WORK_FOLDER / entry.id, ignore_errors=True)
        yield Done()
        return
    if offline:
        raise DownloadError(
            f"{entry.title} is not in {models_dir}, and the app is set to work offline. "
            f"Copy its files to {models_dir / entry.id}, or start without --offline."
        )
    job = _Job(entry, models_dir, endpoint, cancel or CancelToken(), PATIENCE)
    try:
        yield from job.run()
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _not_enough_disk(job.total_bytes - job.done_bytes, models_dir) from fault
        raise storage_error(fault, Path(fault.filename or models_dir)) from fault


class _StoppedError(Exception):
    """The user asked for a stop."""


class _Job:
    """One download from the first question to the finished folder."""

    def __init__(
        self,
        entry: CatalogueEntry,
        models_dir: Path,
        endpoint: str,
        cancel: CancelToken,
        patience: DownloadPatience,
    ) -> None:
        self.entry, self.models_dir, self.cancel = entry, models_dir, cancel
        self.patience = patience
        self.endpoint = endpoint
        self.work = models_dir / WORK_FOLDER / entry.id
        self.total_bytes, self.done_bytes = 0, 0
        self._reported = 0.0
        self._marks: list[tuple[float, int]] = []  # (time, bytes done by then) of this run

    def run(self) -> Iterator[Event]:
        """Do all of it.

        Raises:
            DownloadError: see `download_family`.
            StorageError: see `download_family`.
        """
        (self.work / "files").mkdir(parents=True, exist_ok=True)
        with _locked(self.work / "lock", self.entry.title):
            hub = open_hub(self.entry, self.endpoint, self.patience.stall_seconds, self.cancel)
            try:
                listing = yield from self._patiently(lambda: self._list(hub))
                files = self._choose(hub, listing)
                for number, each in enumerate(files):
                    yield from self._fetch(
                        hub, listing.commit, each, f"{number + 1} of {len(files)}"
                    )
                self._install(listing, files)
            except _StoppedError:
                yield Cancelled()
                return
            finally:
                hub.close()
        shutil.rmtree(self.work, ignore_errors=True)
        yield Done()

    def _list(self, hub: Hub) -> Generator[Event, None, HubListing]:
        yield Progress("download", 0.0, message=f"Asking {hub.host} for {self.entry.title}")
        return hub.list_files(self.entry.repo, self.entry.revision)

    def _choose(self, hub: Hub, listing: HubListing) -> list[HubFile]:
        """Pick the family's files, the small ones first, and see whether they fit the disk."""
        names = set(self.entry.choose([each.name for each in listing.files]))
        files = [each for each in listing.files if each.name in names]
        for each in files:
            if self.entry.sha256.get(each.name, each.digest) != each.digest:
                raise DownloadError(
                    f"{hub.host} offers another {each.name} of {self.entry.title} than this app "
                    "knows. Update the app."
                )
        self.total_bytes = sum(each.size_bytes for each in files)
        self.done_bytes = sum(self._have(each) for each in files)
        free = shutil.disk_usage(self.models_dir).free
        if self.total_bytes - self.done_bytes + SPARE_BYTES > free:
            raise _not_enough_disk(self.total_bytes - self.done_bytes, self.models_dir)
        self._marks = [(time.monotonic(), self.done_bytes)]
        return sorted(files, key=lambda each: each.size_bytes)

    def _fetch(
        self, hub: Hub, commit: str, file: HubFile, position: str
    ) -> Generator[Event, None, None]:
        """Bring one file, check it, and put it beside the finished ones."""
        finished, part = self.work / "files" / file.name, self._part(file)
        if _has_size(finished, file.size_bytes):
            return
        yield from self._patiently(lambda: self._transfer(hub, commit, file))
        yield self._progress("verify", f"Checking files {position}")
        if _digest(part, file, self._look_at_cancel) != file.digest:
            self._quarantine(part, file)
            raise DownloadError(
                f"A model file was damaged and removed ({file.name}). Download it again: the other "
                "files are kept."
            )
        finished.parent.mkdir(parents=True, exist_ok=True)
        part.replace(finished)

    def _transfer(self, hub: Hub, commit: str, file: HubFile) -> Generator[Event, None, None]:
        """Append what is missing of a file to its part."""
        part = self._part(file)
        part.parent.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.exists() else 0
        if have == file.size_bytes and part.exists():
            return
        if have > file.size_bytes:  # not what the hub has: from the start again
            have = 0
        before = self.done_bytes - min(self._have(file), file.size_bytes)
        with (
            hub.open_file(self.entry.repo, commit, file.name, have) as (begins, chunks),
            part.open("ab") as target,
        ):
            target.truncate(begins)
            self.done_bytes = before + begins
            for chunk in chunks:
                self._look_at_cancel()
                target.write(chunk)
                if target.tell() > file.size_bytes:
                    break  # more than was announced: the check of the hash will tell
                self.done_bytes = before + target.tell()
                if time.monotonic() - self._reported > PROGRESS_SECONDS:
                    yield self._progress("download")
            target.flush()
            os.fsync(target.fileno())
            size = target.tell()
        if size < file.size_bytes:
            raise InterruptedTransferError(f"{hub.host} has stopped sending")

    def _patiently(
        self, step: Callable[[], Generator[Event, None, Result]]
    ) -> Generator[Event, None, Result]:
        """Try a step until it succeeds; give up after several tries without a new byte."""
        tries, seen = 0, self.done_bytes
        while True:
            self._look_at_cancel()
            try:
                return (yield from step())
            except InterruptedTransferError as fault:
                self._look_at_cancel()
                tries = 1 if self.done_bytes > seen else tries + 1
                seen = self.done_bytes
                if tries >= self.patience.tries:
                    raise DownloadError(
                        f"Download stopped at {self._percent()} %: {fault}. Nothing is lost: "
                        "try again when the connection is back."
                    ) from fault
                yield self._progress(
                    "download", f"{fault}; trying again ({tries + 1} of {self.patience.tries})"
                )
                self._pause(self.patience.first_pause_seconds * 2 ** (tries - 1))

    def _install(self, listing: HubListing, files: list[HubFile]) -> None:
        """Let the complete folder appear under its name in one step."""
        self._look_at_cancel()
        ready, target = self.work / "files", self.models_dir / self.entry.id
        manifest = {
            "repo": self.entry.repo,
            "commit": listing.commit,
            "licence": self.entry.licence,
            "files": [[each.name, each.size_bytes, each.digest] for each in files],
        }
        save_file(ready / MANIFEST, json.dumps(manifest, indent=1).encode(), replace=True)
        if target.exists():
            if not (target / MANIFEST).is_file() and any(target.iterdir()):
                raise StorageError(
                    f"The folder {target} is in the way: it holds files, but no complete model. "
                    "Rename or remove it, then download again."
                )
            target.rename(self.work / f"replaced-{secrets.token_hex(4)}")
        ready.rename(target)
        sync_folder(self.models_dir)

    def _quarantine(self, part: Path, file: HubFile) -> None:
        """Keep the newest wrong copy of a file for who wants to look, where nothing loads it."""
        place = self.work / "quarantine"
        place.mkdir(exist_ok=True)
        part.replace(place / file.name.replace("/", "_"))
        self.done_bytes -= file.size_bytes

    def _part(self, file: HubFile) -> Path:
        """Name a part by what it shall become, so that another version never continues it."""
        return self.work / "parts" / f"{file.digest}.part"

    def _have(self, file: HubFile) -> int:
        """Give how many bytes of a file are here already."""
        for path in (self.work / "files" / file.name, self._part(file)):
            if path.is_file():
                return min(path.stat().st_size, file.size_bytes)
        return 0

    def _look_at_cancel(self) -> None:
        if self.cancel.cancelled:
            raise _StoppedError

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._look_at_cancel()
            time.sleep(min(0.05, seconds))

    def _percent(self) -> int:
        return int(100 * self.done_bytes / self.total_bytes) if self.total_bytes else 0

    def _progress(self, stage: str, note: str = "") -> Progress:
        """Say how far the download is, in bytes, with the time left by the last seconds' rate."""
        now = self._reported = time.monotonic()
        self._marks.append((now, self.done_bytes))
        while len(self._marks) > 2 and now - self._marks[1][0] > RATE_SECONDS:
            self._marks.pop(0)
        then, bytes_then = self._marks[0]
        rate = (self.done_bytes - bytes_then) / (now - then) if now - then > 1 else 0.0
        left = (self.total_bytes - self.done_bytes) / rate if rate > 0 else None
        message = (
            f"Downloading {self.entry.title} {self._percent()} % · "
            f"{self.done_bytes / 1e9:.1f} of {self.total_bytes / 1e9:.1f} GB"
        )
        if left is not None:
            message += f" · about {_duration(left)} left"
        fraction = self.done_bytes / self.total_bytes if self.total_bytes else 0.0
        return Progress(stage, fraction, left, message=note or message)


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _not_enough_disk(needed_bytes: int, folder: Path) -> StorageError:
    free = shutil.disk_usage(folder).free
    return StorageError(
        f"Not enough disk: {(needed_bytes + SPARE_BYTES) / 1e9:.1f} GB needed, {free / 1e9:.1f} GB "
        f"free in {folder}. Free some space or choose another folder."
    )


def _has_size(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes


def _digest(path: Path, file: HubFile, each_chunk: Callable[[], None] = lambda: None) -> str:
    """Hash a file the way the hub hashed it."""
    if file.is_sha256:
        state = hashlib.sha256()
    else:  # as git names a blob; it guards against accidents, not against forgers
        state = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as source:
        while chunk := source.read(HASH_BYTES):
            each_chunk()
            state.update(chunk)
    return state.hexdigest()


def _looks_like_a_family(folder: Path) -> bool:
    """Whether a folder that the user copied holds weights in one of the two layouts."""
    names = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    suno = all({f"{stage}.pt", f"{stage}_2.pt"} & names for stage in ("text", "coarse", "fine"))
    weights = any(name.endswith((".safetensors", ".bin")) for name in names)
    return suno or ("config.json" in names and weights)


def _read_manifest(folder: Path) -> tuple[HubFile, ...]:
    """Read what a downloaded folder must hold; nothing when there is no readable list."""
    try:
        listed = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        return tuple(
            HubFile(name, size, digest, len(digest) == 64) for name, size, digest in listed
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ()


@contextmanager
def _locked(path: Path, title: str) -> Iterator[None]:
    """Hold a lock that ends with this process, so that one family is not downloaded twice at once.

    Raises:
        DownloadError: somebody else holds it.
    """
    with path.open("ab") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows: no lock
            pass
        except BlockingIOError as fault:
            raise DownloadError(
                f"{title} is being downloaded already, perhaps by another window of this app. "
                "Wait until it is done."
            ) from fault
        yield
