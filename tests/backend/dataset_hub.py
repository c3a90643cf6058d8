"""A hub on this machine that keeps datasets: the part of the protocol that commits and lists."""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is nothing to print."""


@dataclass
class DatasetHub:
    """Keeps one dataset: `files` by their paths, `past` is what its history still holds.

    `status` makes every request fail with it; `token` is what a request must bring.
    """

    repo: str = "someone/voices"
    token: str = "hf_t0ken"  # noqa: S105  made up
    files: dict[str, bytes] = field(default_factory=dict)
    past: dict[str, bytes] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)
    status: int = 0

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
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def commit(self, lines: list[dict]) -> None:
        done = []
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                data = base64.b64decode(value["content"])
                self.files[value["path"]] = self.past[value["path"]] = data
            elif line["key"] == "deletedFile":
                del self.files[value["path"]]
            done += [f"{line['key']} {value['path']}"] if "path" in value else []
        self.commits.append(done)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: DatasetHub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._file(with_body=False)

    def do_GET(self):
        path = self._path()
        if path.startswith("/datasets/"):
            self._file(with_body=True)
        elif self._refused():
            return
        elif path.startswith(f"{self._api()}/tree/main/"):
            self._list(path.removeprefix(f"{self._api()}/tree/main/"))
        elif path.startswith(f"{self._api()}/lfs-files"):
            self._json([])
        else:
            self._answer(404, b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self._refused():
            return
        path = self._path()
        if path == f"{self._api()}/preupload/main":
            asked = json.loads(body)["files"]
            self._json({"files": [_regular(each["path"]) for each in asked]})
        elif path == f"{self._api()}/commit/main":
            self.hub.commit([json.loads(line) for line in body.splitlines() if line])
            place = f"{self.hub.endpoint}/datasets/{self.hub.repo}/commit/{COMMIT}"
            self._json({"commitUrl": place, "commitOid": COMMIT, "success": True})
        elif path == f"{self._api()}/super-squash/main":
            self.hub.past = dict(self.hub.files)
            self._json({})
        else:
            self._answer(404, b"{}")

    def _api(self) -> str:
        return f"/api/datasets/{self.hub.repo}"

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _refused(self) -> bool:
        if self.hub.status:
            self._answer(self.hub.status, b"{}")
        elif self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._answer(401, b"{}")
        else:
            return False
        return True

    def _list(self, folder: str) -> None:
        found = [
            {"type": "file", "path": path, "size": len(data), "oid": _sha1(data)}
            for path, data in self.hub.files.items()
            if path.startswith(f"{folder}/")
        ]
        if found:
            self._json(found)
        else:
            self._answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})

    def _file(self, with_body: bool) -> None:
        if self._refused():
            return
        name = self._path().removeprefix(f"/datasets/{self.hub.repo}/resolve/").partition("/")[2]
        data = self.hub.files.get(name)
        if data is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{_sha1(data)}"'}
        self._answer(200, data, headers, with_body=with_body)

    def _json(self, value: object) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status, body, headers=None, with_body=True) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body and self.command != "HEAD":
            self.wfile.write(body)


def _regular(path: str) -> dict:
    return {"path": path, "uploadMode": "regular", "shouldIgnore": False, "oid": None}


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
