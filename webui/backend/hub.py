"""Speaks the part of the Hugging Face hub's protocol that downloads need, and GitHub's releases."""

import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from webui.backend.catalogue import CatalogueEntry
from webui.errors import DownloadError
from webui.events import CancelToken, when_cancelled

if TYPE_CHECKING:
    import httpx

MAX_LISTING_BYTES = 2**24
GITHUB = "https://github.com"
CANCEL_SECONDS = 0.1  # between two looks at the cancel token while a read waits
_SAFE_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,128}(/(?!\.)[A-Za-z0-9._-]{1,128}){0,4}")
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class InterruptedTransferError(Exception):
    """The connection failed or stalled; what has arrived is good, and trying again may help."""


@dataclass(frozen=True)
class HubFile:
    """A file as the hub lists it.

    Large files have the sha256 of their bytes; small ones the sha1 that git gives a blob.
    """

    name: str
    size_bytes: int
    digest: str
    is_sha256: bool


@dataclass(frozen=True)
class HubListing:
    """All files of one commit."""

    commit: str
    files: tuple[HubFile, ...]


class Hub:
    """A connection to a hub, kept open over many files."""

    def __init__(self, endpoint: str, stall_seconds: float, cancel: CancelToken) -> None:
        import httpx  # comes with huggingface_hub; late, because it takes 0.2 s

        self._endpoint = endpoint.rstrip("/")
        self._cancel = cancel
        self.host = urlsplit(endpoint).netloc
        self._client = httpx.Client(
            follow_redirects=True,
            timeout=stall_seconds,
            headers={"User-Agent": "bark-voice-studio", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def list_files(self, repo: str, revision: str) -> HubListing:
        """Ask which files a revision has, with their sizes and hashes.

        Raises:
            InterruptedTransferError: the hub did not answer; trying again may help.
            DownloadError: the hub has no such repository, or answers nonsense.
        """
        path = f"/api/models/{quote(repo)}/revision/{quote(revision, safe='')}?blobs=true"
        with self._get(path, {}) as response:
            _refuse_status(response, repo, self.host)
            data = bytearray()
            for chunk in self._chunks(response):
                data += chunk
                if len(data) > MAX_LISTING_BYTES:
                    raise DownloadError(f"{self.host} answers with an endless list of files.")
        try:
            return _read_listing(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise DownloadError(
                f"{self.host} does not answer like a Hugging Face hub ({type(fault).__name__}). "
                "Check HF_ENDPOINT, or a network that asks you to log in first."
            ) from fault

    @contextmanager
    def open_file(
        self, repo: str, commit: str, name: str, start: int
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Open a file from byte `start` on; give where its bytes really start, and the bytes.

        Raises:
            InterruptedTransferError: the connection failed; trying again may help.
            DownloadError: the hub refuses.
        """
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._get(self._address(repo, commit, name), headers) as response:
            if response.status_code == 416:  # what we have is not the start of the hub's file
                yield 0, iter(())
                return
            _refuse_status(response, name, self.host)
            begins = start if response.status_code == 206 else 0
            if response.status_code == 206:
                told = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
                begins = int(told[1]) if told else -1
            if begins not in (0, start):
                raise InterruptedTransferError("it sends another part than was asked for")
            yield begins, self._chunks(response)

    def _address(self, repo: str, commit: str, name: str) -> str:
        """Where a file is, after the host."""
        return f"/{quote(repo)}/resolve/{commit}/{quote(name)}"

    @contextmanager
    def _get(self, path: str, headers: dict[str, str]) -> Iterator["httpx.Response"]:
        import httpx

        try:
            with (
                self._client.stream("GET", self._endpoint + path, headers=headers) as response,
                self._hanging_up_on_cancel(response),
            ):
                yield response
        except httpx.TimeoutException as fault:
            raise InterruptedTransferError(f"{self.host} has stopped sending") from fault
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as fault:
            raise InterruptedTransferError(f"no connection to {self.host}") from fault

    @contextmanager
    def _hanging_up_on_cancel(self, response: "httpx.Response") -> Iterator[None]:
        """Let a cancel end a read that waits for a connection that says nothing any more."""
        stream = response.extensions.get("network_stream")
        connection = stream.get_extra_info("socket") if stream else None
        if not isinstance(connection, socket.socket):
            yield
            return

        def hang_up() -> None:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

        with when_cancelled(self._cancel, hang_up, CANCEL_SECONDS):
            yield

    @staticmethod
    def _chunks(response: "httpx.Response") -> Iterator[bytes]:
        # As they come: fixed sizes would lose what waits to be a whole one when the line breaks.
        yield from response.iter_raw()


class Releases(Hub):
    """The files of a release on GitHub: the hashes are known before, GitHub tells the sizes."""

    def __init__(
        self, sha256: Mapping[str, str], stall_seconds: float, cancel: CancelToken
    ) -> None:
        super().__init__(GITHUB, stall_seconds, cancel)
        self._sha256 = sha256

    def list_files(self, repo: str, revision: str) -> HubListing:
        """Ask how large the files of a release are; `revision` is its tag.

        Raises:
            InterruptedTransferError: the host did not answer; trying again may help.
            DownloadError: it has no such file, or does not tell its size.
        """
        files = []
        for name, digest in self._sha256.items():
            with self._get(self._address(repo, revision, name), {}) as response:
                _refuse_status(response, name, self.host)
                told = response.headers.get("content-length", "")
            if not re.fullmatch(r"[0-9]{1,12}", told):
                raise DownloadError(f"{self.host} does not tell the size of {name}.")
            files.append(HubFile(name, int(told), digest, is_sha256=True))
        return HubListing(revision, tuple(files))

    def _address(self, repo: str, commit: str, name: str) -> str:
        return f"/{quote(repo)}/releases/download/{quote(commit)}/{quote(name)}"


def open_hub(
    entry: CatalogueEntry, endpoint: str, stall_seconds: float, cancel: CancelToken
) -> Hub:
    """Connect to where an entry's files are."""
    if entry.is_release:
        return Releases(entry.sha256, stall_seconds, cancel)
    return Hub(endpoint, stall_seconds, cancel)


def _refuse_status(response: "httpx.Response", what: str, host: str) -> None:
    status = response.status_code
    if status in _TRY_AGAIN:
        raise InterruptedTransferError(f"{host} is too busy (answer {status})")
    if status == 404:
        raise DownloadError(
            f"{host} has no {what} (answer 404). Update the app, or check HF_ENDPOINT."
        )
    if status in (401, 403):
        raise DownloadError(f"{host} does not give {what} to this computer (answer {status}).")
    if status not in (200, 206):
        raise DownloadError(f"{host} answers {status} for {what}. Check HF_ENDPOINT.")


def _read_listing(answer: dict[str, Any]) -> HubListing:
    commit = answer["sha"]
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise ValueError("the commit is not a hash")
    files = []
    for each in answer["siblings"]:
        name, large = each["rfilename"], each.get("lfs")
        if not _SAFE_NAME.fullmatch(name):
            continue  # .gitattributes, and whatever wants to leave its folder
        digest = large["sha256"] if large else each["blobId"]
        size = large["size"] if large else each["size"]
        if not re.fullmatch(r"[0-9a-f]{64}" if large else r"[0-9a-f]{40}", digest):
            raise ValueError("a file's hash is none")
        if type(size) is not int or not 0 <= size < 2**40:
            raise ValueError("a file's size is none")
        files.append(HubFile(name, size, digest, bool(large)))
    return HubListing(commit, tuple(files))
