"""A private dataset on the hub in which the voices of visitors who signed in outlast a restart.

`voices/<mark of the account>/` holds an account's files. Changes are sent by a thread of their own:
a visitor does not wait for the hub, and a failure is tried again.
"""

import hashlib
import logging
import re
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webui.errors import DownloadError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LOG = logging.getLogger(__name__)
TOP = "voices"
KIND = "dataset"
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\.npz")  # as we name voices
MOST_FILES = 30
MAX_FILE_BYTES = 2**23
SETTLE_SECONDS = 2.0  # changes that come together are sent together
RETRY_SECONDS = 60.0
FAREWELL_SECONDS = 20.0
NOT_REMOVED = (
    "Your voices are gone from this page, but could not be removed from the place where they are "
    "kept. Please press Forget me again in a minute."
)


@dataclass
class _Kept:
    """What is known to lie in the repository for an owner: names and the sha256 of their bytes.

    `is_known` is False when it could not be asked for: then nothing is sent, as it might delete.
    """

    folder: Path
    files: dict[str, str] = field(default_factory=dict)
    is_known: bool = True


class VoicesRepo:
    """Brings, keeps and removes the voices of accounts. Safe to use from several threads."""

    def __init__(self, repo: str, token: str, endpoint: str, api: "HfApi | None" = None) -> None:
        self._repo = repo
        self._token = token
        self._endpoint = endpoint
        self._api_made = api
        self._kept: dict[str, _Kept] = {}
        self._waiting: set[str] = set()  # owners whose changes are to be sent
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    def keeps(self, owner: str) -> bool:
        """Whether an owner's voices are kept here: those of accounts are."""
        return owner.startswith("u")

    def restore(self, owner: str, folder: Path) -> None:
        """Bring an owner's files; without them the visit goes on, and nothing is overwritten."""
        kept = _Kept(folder)
        try:
            for name in self._listed(owner):
                data = self._bytes(f"{_place(owner)}/{name}")
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
                kept.files[name] = hashlib.sha256(data).hexdigest()
        except Exception as fault:  # noqa: BLE001  the hub fails in many ways; the page goes on
            LOG.warning("Voices of a visitor could not be brought (%s)", type(fault).__name__)
            kept.is_known = False
        with self._changed:
            self._kept[owner] = kept

    def changed(self, owner: str, folder: Path) -> None:
        """Have the folder sent as it is, soon."""
        with self._changed:
            if self._closing or owner not in self._kept:
                return
            self._waiting.add(owner)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="voices-repo", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def forget(self, owner: str) -> None:
        """Remove all files of an owner.

        Raises:
            DownloadError: the hub did not do it.
        """
        with self._changed:
            self._waiting.discard(owner)
            self._kept.pop(owner, None)
        try:
            with self._sending:
                names = self._listed(owner)
                self._commit([], [f"{_place(owner)}/{name}" for name in names])
                self._forget_history(_place(owner))
        except Exception as fault:
            raise DownloadError(NOT_REMOVED) from fault

    def close(self) -> None:
        """Send what is waiting, for some seconds at most."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(FAREWELL_SECONDS)

    def _run(self) -> None:
        pause = SETTLE_SECONDS
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    return
                self._changed.wait_for(lambda: self._closing, pause)
                owners, self._waiting = self._waiting, set()
            failed = {owner for owner in owners if not self._send(owner)}
            pause = RETRY_SECONDS if failed else SETTLE_SECONDS
            with self._changed:
                if self._closing:
                    return
                self._waiting |= failed

    def _send(self, owner: str) -> bool:
        """Send what differs; False when it is to be tried again."""
        with self._sending:
            with self._changed:
                kept = self._kept.get(owner)
            if kept is None or not kept.is_known:
                return True
            here = {
                path.name: path.read_bytes()
                for path in (kept.folder.iterdir() if kept.folder.is_dir() else ())
                if FILE_NAME.fullmatch(path.name)
            }
            marks = {name: hashlib.sha256(data).hexdigest() for name, data in here.items()}
            added = [name for name, mark in marks.items() if kept.files.get(name) != mark]
            gone = sorted(set(kept.files) - set(marks))
            try:
                place = _place(owner)
                files = [(f"{place}/{name}", here[name]) for name in added]
                self._commit(files, [f"{place}/{name}" for name in gone])
            except Exception as fault:  # noqa: BLE001  the hub fails in many ways; tried again
                LOG.warning("Voices of a visitor could not be sent (%s)", type(fault).__name__)
                return False
            kept.files = marks
            return True

    def _listed(self, owner: str) -> list[str]:
        """The names of an owner's files; none when there never were any."""
        from huggingface_hub.errors import EntryNotFoundError

        try:
            found: list[Any] = list(
                self._api().list_repo_tree(self._repo, path_in_repo=_place(owner), repo_type=KIND)
            )
        except EntryNotFoundError:
            return []
        names = [Path(each.path).name for each in found if getattr(each, "size", None) is not None]
        return [name for name in sorted(names) if FILE_NAME.fullmatch(name)][:MOST_FILES]

    def _bytes(self, path: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="bark-voices-") as folder:
            local = self._api().hf_hub_download(self._repo, path, repo_type=KIND, local_dir=folder)
            file = Path(local)
            if file.stat().st_size > MAX_FILE_BYTES:
                raise DownloadError("This voice is too large.")
            return file.read_bytes()

    def _commit(self, files: list[tuple[str, bytes]], gone: list[str]) -> None:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[Any] = [
            CommitOperationAdd(path_in_repo=path, path_or_fileobj=data) for path, data in files
        ]
        operations += [CommitOperationDelete(path_in_repo=path) for path in gone]
        if operations:
            self._api().create_commit(
                self._repo, operations, commit_message="Voices of a visitor", repo_type=KIND
            )

    def _forget_history(self, place: str) -> None:
        """Remove what was deleted from the repository's past, too."""
        api = self._api()
        large = api.list_lfs_files(self._repo, repo_type=KIND)
        theirs = [each for each in large if each.filename.startswith(f"{place}/")]
        if theirs:
            api.permanently_delete_lfs_files(self._repo, theirs, repo_type=KIND)
        api.super_squash_history(self._repo, repo_type=KIND)

    def _api(self) -> "HfApi":
        if self._api_made is None:
            from huggingface_hub import HfApi

            self._api_made = HfApi(endpoint=self._endpoint, token=self._token)
        return self._api_made


def _place(owner: str) -> str:
    return f"{TOP}/{owner.removeprefix('u')}"
