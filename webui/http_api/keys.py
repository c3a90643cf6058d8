"""Who asks: the owner of the app, or a stranger where strangers may come."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from webui.http_api.errors import ApiError
from webui.origins import is_own_origin
from webui.settings import Settings

BEARER = HTTPBearer(auto_error=False, description="The key of --api-key, where one is needed.")
NO_KEY = "none"  # for clients that insist on sending one
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


@dataclass(frozen=True)
class Caller:
    """Whoever asks. Strangers have the voices that come with the families, and nothing to keep."""

    is_owner: bool


OWNER = Caller(is_owner=True)


class Keys:
    """Tells the owner from strangers by the key of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.api_key
        self._lets_strangers_in = settings.public
        self._is_locked = bool(settings.auth or settings.share) and not settings.public

    def caller(self, request: Request, credentials: Credentials = None) -> Caller:
        """Say who asks.

        Raises:
            ApiError: the key is wrong or missing, or a browser asks from another site's page.
        """
        _refuse_other_sites(request)
        given = credentials.credentials if credentials else NO_KEY
        if self._key is not None and given not in ("", NO_KEY):
            if not hmac.compare_digest(given.encode(), self._key.encode()):
                raise ApiError(401, "This key is wrong.", "invalid_api_key")
            return Caller(is_owner=True)
        if self._lets_strangers_in:
            return Caller(is_owner=False)
        if self._key is not None:
            words = "A key is needed. Send it as `Authorization: Bearer KEY`."
            raise ApiError(401, words, "missing_api_key")
        if self._is_locked:
            words = (
                "This page has a password, so its API needs a key, and none was set. Start it "
                "with --api-key KEY."
            )
            raise ApiError(401, words, "no_api_key_set")
        return Caller(is_owner=True)


def require_owner(caller: Caller, doing: str) -> None:
    """Refuse a stranger what would touch the owner's voices.

    Raises:
        ApiError: it is a stranger.
    """
    if not caller.is_owner:
        words = f"Here, {doing} needs the key of whoever runs this. Use the page instead."
        raise ApiError(403, words, "owner_only")


def _refuse_other_sites(request: Request) -> None:
    """Let no page of another site ask through its visitor's browser."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    host, forwarded = (request.headers.get(name, "") for name in ("host", "x-forwarded-host"))
    if not is_own_origin(origin, host, forwarded):
        raise ApiError(403, "This request comes from another site.", "other_site")
