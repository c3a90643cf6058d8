"""The page's door: who may ask, from which site, how much at once, and what answers may do.

Gradio does not compare the Host header with anything, so a hostile site whose name is made to
point at this machine could use the page (DNS rebinding). The guard stands before every route.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from webui.origins import is_own_origin
from webui.settings import Settings
from webui.ui.fetching import asks_to_fetch

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

MAX_FILE_BYTES = 25 * 2**20
MAX_OWN_FILE_BYTES = 2 * 2**30  # pairs of others, from the only person who reaches the page
AROUND_FILE_BYTES = 7 * 2**20
MAX_BODY_BYTES = MAX_FILE_BYTES + AROUND_FILE_BYTES
UPLOADS = "/gradio_api/upload"  # goes to disk piece by piece
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FETCHING_ROUTES = re.compile(r"/(?:proxy=|file=https?:|file=//)", re.IGNORECASE)
FETCHES_NOTHING = "This page fetches nothing from other places."
CALLS = "/gradio_api/"  # what Gradio is asked to do
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared with, not listened on


@dataclass(frozen=True)
class GuardRules:
    """What the guard lets through. `hosts` None lets any name through."""

    hosts: frozenset[str] | None = LOCAL_NAMES
    any_address: bool = False  # numbers instead of names: no one can rebind those
    framed_by: str = "'self'"  # sources of the frame-ancestors policy
    max_body_bytes: int = MAX_BODY_BYTES
    max_file_bytes: int = MAX_FILE_BYTES

    @classmethod
    def from_settings(cls, settings: Settings) -> "GuardRules":
        """Choose the rules for a local page, a shared one or a Space.

        A page in public mode or behind a password gains nothing from names: a stranger's site
        reaches no more there than the stranger does, and proxies bring names of their own.
        """
        framed_by = "'self' https://huggingface.co" if settings.on_space else "'self'"
        if settings.public or settings.auth or settings.share:
            return cls(hosts=None, framed_by=framed_by)
        return cls(
            hosts=LOCAL_NAMES | {settings.host.lower()},
            any_address=settings.host in EVERY_ADDRESS,
            framed_by=framed_by,
            max_file_bytes=MAX_OWN_FILE_BYTES if settings.host in LOCAL_NAMES else MAX_FILE_BYTES,
        )

    def most_bytes(self, path: str) -> int:
        """How long the body of a request for this path may be: only files are ever large."""
        if path.endswith(UPLOADS):
            return max(self.max_body_bytes, self.max_file_bytes + AROUND_FILE_BYTES)
        return self.max_body_bytes

    def lets_in(self, host: str) -> bool:
        """Whether a Host header names this machine."""
        if self.hosts is None:
            return True
        name = _name_of(host)
        return name in self.hosts or (self.any_address and _is_address(name))


class Guard:
    """ASGI middleware that applies the rules to every request."""

    def __init__(self, app: Application, rules: GuardRules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a forbidden request itself; pass on the others with bounded bodies."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in _pairs(scope)}
        refusal = self._refusal(scope, headers)
        safe_send = self._with_headers(send)
        if refusal:
            await _answer(safe_send, *refusal)
            return
        path = scope["path"]
        body: Receive = _BoundedBody(receive, self.rules.most_bytes(path)).receive
        if scope["method"] == "POST" and CALLS in path and not path.endswith(UPLOADS):
            whole = await _whole(body)
            if asks_to_fetch(b"".join(message.get("body", b"") for message in whole)):
                await _answer(safe_send, 403, FETCHES_NOTHING)
                return
            body = _again(whole, body)
        await self.app(scope, body, safe_send)

    def _refusal(self, scope: Message, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self.rules.lets_in(host):
            return 403, "This page answers only under the address it was started with."
        if FETCHING_ROUTES.search(scope["path"]):
            return 403, FETCHES_NOTHING
        if scope["method"] not in SAFE_METHODS and not _same_site(headers, host):
            return 403, "This request comes from another site."
        length = headers.get("content-length", "0")
        most = self.rules.most_bytes(scope["path"])
        if not length.isdecimal() or int(length) > most:
            return 413, f"This is more than {most // 2**20} MB, the limit here."
        return None

    def _with_headers(self, send: Send) -> Send:
        added = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"content-security-policy", f"frame-ancestors {self.rules.framed_by}".encode()),
        ]
        if self.rules.framed_by == "'self'":
            added.append((b"x-frame-options", b"SAMEORIGIN"))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        return send_with_headers


class _BoundedBody:
    """Counts a body whose length nobody declared and ends it when it grows too long."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._left_bytes = limit_bytes

    async def receive(self) -> Message:
        message = await self._receive()
        self._left_bytes -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self._left_bytes < 0 else message


async def _whole(receive: Receive) -> list[Message]:
    """All messages of a body, or those before its sender left."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _again(messages: list[Message], then: Receive) -> Receive:
    """Give these messages once more, then what comes after them."""
    waiting = iter(messages)

    async def receive() -> Message:
        for message in waiting:
            return message
        return await then()

    return receive


def _pairs(scope: Message) -> Iterable[tuple[bytes, bytes]]:
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return pairs


def _name_of(host: str) -> str:
    """The name in `name:port`, lower case, brackets of IPv6 taken off."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_site(headers: dict[str, str], host: str) -> bool:
    """Whether a request that changes something comes from our own page or from no browser."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return is_own_origin(origin, host, headers.get("x-forwarded-host", ""))


async def _answer(send: Send, status: int, words: str) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [kind]})
    await send({"type": "http.response.body", "body": words.encode()})
