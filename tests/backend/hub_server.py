"""A hub on this machine: the part of the Hugging Face protocol that downloads use, and its faults.

Point HF_ENDPOINT at `FakeHub(...).endpoint`. Run as a program it serves the folders it is given.
"""

import hashlib
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
LARGE_BYTES = 10_000  # larger files have a sha256 and come from another address, as with LFS
CHUNK_BYTES = 8_192


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is what the tests do, nothing to print."""


@dataclass
class Fault:
    """What goes wrong with a file, `times` times.

    `kind` is cut (the connection ends at byte `at`), flip (the byte at `at` is wrong), stall
    (nothing more comes from `at` on), slow (a pause after each chunk), status (answers `at`) or
    whole (ignores Range).
    """

    kind: str
    at: int = 0
    times: int = 10**9


@dataclass
class FakeHub:
    """Serves `repos`: repository name -> file name -> bytes."""

    repos: dict[str, dict[str, bytes]]
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)  # (path, Range)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def listing(self, repo: str) -> dict:
        files = [_listed(name, data) for name, data in self.repos[repo].items()]
        return {"id": repo, "sha": COMMIT, "siblings": files}

    def ranges(self, name: str) -> list[str]:
        """The Range of each request for the bytes of a file."""
        return [asked for path, asked in self.requests if path.endswith(f"bytes/{name}")]


def _listed(name: str, data: bytes) -> dict:
    blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
    found = {"rfilename": name, "size": len(data), "blobId": blob}
    if len(data) > LARGE_BYTES:
        digest = hashlib.sha256(data).hexdigest()
        found["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((path, self.headers.get("Range", "")))
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"] and "/".join(parts[2:4]) in self.hub.repos:
            fault = self.hub.faults.get("listing")
            if fault and fault.kind == "status":
                return self._answer(fault.at, b"no")
            body = json.dumps(self.hub.listing("/".join(parts[2:4]))).encode()
            return self._answer(200, b"<html>log in</html>" if fault else body)
        repo, rest = "/".join(parts[:2]), parts[2:]
        files = self.hub.repos.get(repo, {})
        if rest[:2] == ["releases", "download"]:  # GitHub's address of a file of a release
            name = "/".join(rest[3:])
            return self._send_file(name, files[name]) if name in files else self._answer(404, b"")
        name = "/".join(rest[2:] if rest[:1] == ["resolve"] else rest[1:])
        if name not in files:
            return self._answer(404, b"Entry not found")
        if rest[0] == "resolve":
            if rest[1] != COMMIT:
                return self._answer(404, b"Revision not found")
            return self._redirect(f"/{repo}/bytes/{name}", files[name])
        return self._send_file(name, files[name])

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, to: str, data: bytes) -> None:
        self.send_response(302)
        self.send_header("Location", self.hub.endpoint + to)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_file(self, name: str, data: bytes) -> None:
        fault = self.hub.faults.get(name)
        if fault and fault.times <= 0:
            fault = None
        if fault:
            fault.times -= 1
        if fault and fault.kind == "status":
            return self._answer(fault.at, b"no")
        if fault and fault.kind == "flip":
            data = data[: fault.at] + bytes([data[fault.at] ^ 1]) + data[fault.at + 1 :]
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked and not (fault and fault.kind == "whole"):
            if start >= len(data):
                return self._answer(416, b"")
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            start = 0
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        return self._send_bytes(data, start, fault)

    def _send_bytes(self, data: bytes, start: int, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        end = fault.at if fault and kind in ("cut", "stall") else len(data)
        try:
            for at in range(start, end, CHUNK_BYTES):
                self.wfile.write(data[at : min(at + CHUNK_BYTES, end)])
                if kind == "slow":
                    time.sleep(0.01)
            self.wfile.flush()
            if kind == "stall":
                self.hub.stopping.wait(30)
        except OSError:  # the client hung up
            pass
        if kind in ("cut", "stall"):
            self.close_connection = True


def main() -> None:
    """Serve `OWNER/NAME=FOLDER ...` until the program is ended."""
    repos = {}
    for argument in sys.argv[1:]:
        repo, _, folder = argument.partition("=")
        root = Path(folder)
        repos[repo] = {
            each.relative_to(root).as_posix(): each.read_bytes()
            for each in root.rglob("*")
            if each.is_file()
        }
    with FakeHub(repos) as hub:
        sys.stdout.write(f"HF_ENDPOINT={hub.endpoint}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
