"""Blocking work in a thread of its own, read by a request that may go away at any time."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from webui.events import CancelToken
from webui.http_api.admission import Admission
from webui.http_api.errors import ApiError, as_api_error
from webui.http_api.keys import Caller

LOOK_SECONDS = 0.25  # between two looks whether somebody still listens
Work = Callable[[CancelToken], Iterator[bytes]]


class Running:
    """One piece of work; it is cancelled when nobody reads what it gives.

    Args:
        work: what is done; it looks at the token.
        leave: called when it has truly ended.
    """

    def __init__(self, work: Work, leave: Callable[[], None]) -> None:
        self._work = work
        self._leave = leave
        self._token = CancelToken()
        self._loop = asyncio.get_running_loop()
        self._given: asyncio.Queue[bytes | ApiError | None] = asyncio.Queue()
        threading.Thread(target=self._run, name="http work", daemon=True).start()

    async def next(self, request: Request) -> bytes | None:
        """Wait for the next bytes; None is the end.

        Raises:
            ApiError: whoever asked is gone, or what the work failed with.
        """
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    given = await asyncio.wait_for(self._given.get(), LOOK_SECONDS)
                    break
                if await request.is_disconnected():
                    raise ApiError(499, "Whoever asked is gone.", "client_gone")
        except BaseException:
            self._token.cancel()
            raise
        if isinstance(given, ApiError):
            raise given
        return given

    async def rest(self, request: Request, first: bytes | None) -> AsyncIterator[bytes]:
        """All that comes, beginning with what was read already."""
        try:
            while first is not None:
                yield first
                first = await self.next(request)
        finally:
            self._token.cancel()

    def _run(self) -> None:
        end: ApiError | None = None
        try:
            for given in self._work(self._token):
                self._give(given)
        except Exception as fault:  # noqa: BLE001  it is raised where the work is read
            end = as_api_error(fault)
        finally:
            self._leave()
        self._give(end)

    def _give(self, given: bytes | ApiError | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._given.put_nowait, given)
        except RuntimeError:  # the server has ended
            self._token.cancel()


async def answer_with(
    work: Work, request: Request, admission: Admission, caller: Caller, response: Response
) -> Response:
    """Let work answer a request, its faults before the first bytes by status.

    Args:
        work: gives the bytes.
        request: is watched; when it ends, so does the work.
        admission: lets it in.
        caller: who asks.
        response: whose kind and headers the answer gets.

    Raises:
        ApiError: too much is under way, whoever asked is gone, or what the work failed with before
            it gave anything.
    """
    running = Running(work, admission.enter(caller))
    first = await running.next(request)
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return StreamingResponse(running.rest(request, first), headers=headers)
